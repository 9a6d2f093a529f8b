//! Wakers of local tasks: a pointer to the cell.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

use super::super::{BorrowedWaker, Header, free};
use super::release;
use crate::current;
use crate::event_loop::{Core, Mail};
use crate::task::TaskRef;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake_and_release, wake_raw, release_raw);

/// A waker for the time of a poll, which costs nothing to make.
#[inline]
pub(super) fn borrowed(header: NonNull<Header>) -> BorrowedWaker {
    // SAFETY: the functions of the vtable keep the contract of `RawWaker`: they are thread-safe, and `clone` and `drop`
    // count. This one was not counted, and is not dropped.
    ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(header.as_ptr().cast_const().cast(), &VTABLE)) })
}

/// Wakes the task. On its worker's thread this is a push; elsewhere the worker is told.
///
/// # Safety
/// The caller has a count.
#[inline]
unsafe fn wake(header: NonNull<Header>) {
    // SAFETY: by the caller.
    let this = unsafe { header.as_ref() };
    this.alive.with(|_| ());
    if this.is_here() {
        if this.schedule_local() {
            current::with_loop(|core| core.push(header));
        }
    } else if this.count.ask() {
        // SAFETY: `ask` has counted one.
        let task = unsafe { TaskRef::from_raw(header) };
        // After the end of the loop there is nothing left to wake.
        drop(this.owner().send(Mail::Wake(task)));
    }
}

/// The task that is woken, if it stays on this worker.
#[inline]
fn task_here(waker: &Waker) -> Option<NonNull<Header>> {
    let task = std::ptr::eq(waker.vtable(), &VTABLE).then(|| header(waker.data()))?;
    // SAFETY: a waker with this table has a count.
    unsafe { task.as_ref() }.is_here().then_some(task)
}

/// A clone, without a call where it is a waker of this worker's.
#[inline]
pub(super) fn clone_here(waker: &Waker) -> Waker {
    match task_here(waker) {
        Some(task) => {
            // SAFETY: `waker` has a count.
            unsafe { task.as_ref() }.count.acquire(true);
            // SAFETY: the contract of `RawWaker` is kept, see `borrowed`; the count was just taken.
            unsafe { Waker::new(waker.data(), &VTABLE) }
        }
        None => waker.clone(),
    }
}

/// Wakes a task of this worker, which is a push.
///
/// # Errors
/// Another waker comes back: it is foreign code, or has to send mail.
#[inline]
pub(super) fn wake_here(core: &Core, waker: Waker) -> Result<(), Waker> {
    let Some(task) = task_here(&waker) else { return Err(waker) };
    std::mem::forget(waker);
    // SAFETY: the count of the waker; `task_here` has looked.
    unsafe { wake_and_release_here(task, || core.push(task)) };
    Ok(())
}

/// Wakes the task and gives up a count: `push` puts it into the run queue.
///
/// # Safety
/// The caller has a count, and does not use the cell afterwards. This is the thread of the worker.
#[inline]
unsafe fn wake_and_release_here(task: NonNull<Header>, push: impl FnOnce()) {
    // SAFETY: by the caller.
    let this = unsafe { task.as_ref() };
    this.alive.with(|_| ());
    if this.schedule_local() {
        // There are claims: it has not completed.
        this.count.release_beside_claim();
        push();
    } else if this.count.release(true) {
        // SAFETY: nobody refers to it.
        unsafe { free(task) };
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
    let task = header(data);
    // SAFETY: the waker's count, which is given up last. It has been seen which thread this is.
    unsafe {
        if task.as_ref().is_here() {
            wake_and_release_here(task, || {
                current::with_loop(|core| core.push(task));
            });
        } else {
            wake_and_release_elsewhere(task);
        }
    }
}

/// # Safety
/// The caller has a count, and does not use the cell afterwards.
#[inline(never)]
unsafe fn wake_and_release_elsewhere(task: NonNull<Header>) {
    // SAFETY: by the caller.
    unsafe {
        wake(task);
        release(task);
    }
}

unsafe fn wake_raw(data: *const ()) {
    // SAFETY: the waker has a count.
    unsafe { wake(header(data)) };
}

unsafe fn release_raw(data: *const ()) {
    // SAFETY: the waker's count is given up.
    unsafe { release(header(data)) };
}
