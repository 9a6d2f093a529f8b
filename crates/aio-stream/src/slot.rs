//! Where an item lies on its way from the generator's body to whoever polls it: on the stack of `poll_next`.
//!
//! While a generator polls its body, a thread-local tells where its slot is, and an emit looks there for the slot of
//! its own generator. So nobody gets in but from inside that very poll, on that very thread, whatever the body does
//! with its [`Emitter`](crate::Emitter). And the compiler sees through all of it: where the body is inlined, the item
//! is handed over in a register.
//!
//! Generators nest, if the body of one polls another: each slot points to the one around it.

mod backlog;
#[cfg(all(test, aio_loom))]
mod tests;

use std::cell::Cell;
use std::num::NonZeroU64;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing
use std::task::{Context, Poll};

pub(crate) use backlog::Backlog;

aio_base::thread_local! {
    /// The slot of the innermost generator that polls its body on this thread, or null.
    static INNERMOST: Cell<*mut Head> = Cell::new(ptr::null_mut());
}

/// A name that no other generator has, ever: emitters outlive their generators. Who has the same name has the same type
/// of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(NonZeroU64);

impl Id {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NonZeroU64::new(NEXT.fetch_add(1, Ordering::Relaxed)).expect("the numbers last for centuries"))
    }
}

/// Lives for one poll. `repr(C)`: a pointer to it is one to its head.
///
/// *Open* while it is the innermost one or around that. Then it, and the backlog it points to, are touched only by
/// what finds it there, each for a moment in which nothing foreign is called.
#[repr(C)]
struct Slot<T> {
    head: Head,
    item: Option<T>,
}

/// What can be read of a slot before the type of its items is known.
struct Head {
    /// In fact a pointer to the [`Backlog`] of the generator, which begins with it.
    id: *mut Id,
    /// The address of the `Context` of this poll: compared, never followed. An emit that gets the same one is polled
    /// whenever the generator is; any other must be woken.
    cx: usize,
    /// The slot that was innermost before, or null.
    outer: *mut Head,
}

/// Calls `poll`, which polls a body; its emits find the slot meanwhile. Gives what it returns and the first item, if
/// there is any. Further ones, and the wakers to be woken before the next poll, are in the backlog.
#[inline(always)]
pub(crate) fn poll_body<T, R>(
    backlog: &mut Backlog<T>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> (Poll<R>, Option<T>) {
    let outer = INNERMOST.with(Cell::get);
    let mut slot = Slot { head: Head { id: ptr::from_mut(backlog).cast(), cx: address(cx), outer }, item: None };
    INNERMOST.with(|innermost| innermost.set((&raw mut slot).cast()));
    // Dropped before the slot goes, also by a panic.
    let close = Close { outer };
    let polled = poll(cx);
    drop(close);
    (polled, slot.item)
}

struct Close {
    outer: *mut Head,
}

impl Drop for Close {
    #[inline(always)]
    fn drop(&mut self) {
        INNERMOST.with(|innermost| innermost.set(self.outer));
    }
}

/// Hands over what is in `ahead`. Whoever does so waits for the next poll of the body, and is woken before it if need
/// be.
///
/// # Panics
/// Outside of the generator's poll.
#[inline]
#[track_caller]
pub(crate) fn emit<T>(id: Id, ahead: &mut Option<(Id, T)>, cx: &Context<'_>) {
    let head = INNERMOST.with(Cell::get);
    // SAFETY: what is in `INNERMOST` is null or an open slot: `poll_body`, further down the stack of this thread, takes
    // it out before the slot goes. It has borrowed the backlog for as long, so the id is alive too.
    if !head.is_null() && unsafe { *(*head).id == id && (*head).cx == address(cx) } {
        // SAFETY: alive as above; by its id, it is a slot of our generator, so for items of this type; it is open, so
        // there is no other reference to it, and nothing foreign is called while there is this one.
        let slot = unsafe { &mut *head.cast::<Slot<T>>() };
        if slot.item.is_none() {
            if let Some((_, item)) = ahead.take() {
                slot.item = Some(item);
            }
            return;
        }
    }
    emit_rarely(id, ahead, cx);
}

/// [`emit`] when there is an item already, from inside a generator inside, or with another waker.
#[cold]
#[inline(never)]
#[track_caller]
fn emit_rarely<T>(id: Id, ahead: &mut Option<(Id, T)>, cx: &Context<'_>) {
    // Out of its place, so that it is gone if this panics.
    let Some((_, item)) = ahead.take() else { return };
    let Some(head) = find(id) else { panic!("`emit` called outside of its generator") };
    // SAFETY: `find` gives an open slot.
    let is_direct = unsafe { (*head).cx } == address(cx);
    // This is foreign, but it does not end the poll that we are in: what was open before is so after it.
    let waker = (!is_direct).then(|| cx.waker().clone());
    // SAFETY: as in `emit`.
    let slot = unsafe { &mut *head.cast::<Slot<T>>() };
    // SAFETY: `poll_body` made this pointer of one to the backlog, for items of the same type; the slot is open, so
    // there is no other reference, and nothing foreign is called while there is this one.
    let backlog = unsafe { &mut *slot.head.id.cast::<Backlog<T>>() };
    match slot.item {
        None => slot.item = Some(item),
        Some(_) => backlog.push(item),
    }
    if let Some(waker) = waker {
        backlog.push_waker(waker);
    }
}

/// The open slot of the generator of this name.
fn find(id: Id) -> Option<*mut Head> {
    let mut head = INNERMOST.with(Cell::get);
    while !head.is_null() {
        // SAFETY: not null, hence open, as in `emit`: the slot around an open one is open, since its `poll_body` is
        // further down the stack.
        let (found, outer) = unsafe { (*(*head).id == id, (*head).outer) };
        if found {
            return Some(head);
        }
        head = outer;
    }
    None
}

fn address(cx: &Context<'_>) -> usize {
    ptr::from_ref(cx).addr()
}
