//! Wakers of local tasks: a pointer to the cell.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::{BorrowedWaker, CellRef, Header, release};
use crate::current;
use crate::event_loop::Mail;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake_and_release, wake_raw, release_raw);

/// A waker for the time of a poll, which costs nothing to make.
#[inline]
pub(super) fn borrowed(header: NonNull<Header>) -> BorrowedWaker {
    // SAFETY: the functions of the vtable keep the contract of `RawWaker`: they are thread-safe, and `clone` and `drop`
    // count. This one was not counted, and is not dropped.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(header.as_ptr().cast_const().cast(), &VTABLE)) })
}

/// Wakes the task. On its loop's thread this is a push; elsewhere the loop is told.
///
/// # Safety
/// The cell is alive during the call.
#[inline]
pub(super) unsafe fn wake(header: NonNull<Header>) {
    // SAFETY: by the caller.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    if current::is_loop(this.owner) {
        current::with_loop(|core| this.schedule(core));
    } else if this.count.ask() {
        let owner = this.owner;
        let task = CellRef::new(this);
        // SAFETY: the owner is alive, since the cell is not accounted for.
        let owner = unsafe { &*owner };
        // After the end of the loop there is nothing left to wake.
        drop(owner.send(Mail::Wake(task)));
    }
}

fn header(data: *const ()) -> NonNull<Header> {
    // SAFETY: `borrowed` put a non-null pointer there.
    unsafe { NonNull::new_unchecked(data.cast::<Header>().cast_mut()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned keeps the cell alive.
    let this = unsafe { header(data).as_ref() };
    this.count.acquire(this.is_here());
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake_and_release(data: *const ()) {
    // SAFETY: the count of this waker goes over to the reference.
    let task = unsafe { CellRef::from_raw(header(data)) };
    task.wake();
}

unsafe fn wake_raw(data: *const ()) {
    // SAFETY: the waker keeps the cell alive.
    unsafe { wake(header(data)) };
}

unsafe fn release_raw(data: *const ()) {
    // SAFETY: the waker's count is given up.
    unsafe { release(header(data)) };
}
