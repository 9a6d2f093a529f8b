//! Where an item lies on its way from the generator's body to whoever polls it: in the slot of the generator.
//!
//! While a generator polls its body, a thread-local tells where its slot is, and an emit looks there for the slot of
//! its own generator. So nobody gets in but from inside that very poll, on that very thread, whatever the body does
//! with its [`Emitter`](crate::Emitter). And the compiler sees through all of it: where the body is inlined, the item
//! is handed over in a register.
//!
//! Generators nest, if the body of one polls another: each slot points to the one around it.
//!
//! What an item takes is mostly stores, so there are few: what a slot knows of the poll that it is open to is kept for
//! the next one, which nearly always comes [from the same place](Around) and only looks whether it does. And that there
//! is an item is a bit of the pointer in the thread-local, which is put back anyway.

mod backlog;
#[cfg(all(test, aio_loom))]
mod tests;

use std::cell::Cell;
use std::mem::{self, MaybeUninit};
use std::num::NonZeroU64;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering}; // facade: a counter that orders nothing
use std::task::{Context, Poll};

use backlog::Backlog;

aio_base::thread_local! {
    /// The slot of the innermost generator that polls its body on this thread, or null. With [`MARK`], if the item of
    /// that slot is there.
    static INNERMOST: Cell<*mut Head> = Cell::new(ptr::null_mut());
}

/// A bit that is zero in the address of a [`Head`], and in that of a `Context`.
const MARK: usize = 1;
const _: () = assert!(align_of::<Head>() > MARK && align_of::<Context<'_>>() > MARK);

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

/// A part of the generator. `repr(C)`: a pointer to it is one to its head.
///
/// *Open* while it is the innermost one or around that. Then it is touched only by what finds it there, each for a
/// moment in which nothing foreign is called.
#[repr(C)]
pub(crate) struct Slot<T> {
    head: Head,
    /// There if the slot is open and the innermost one, and [`INNERMOST`] says so.
    item: MaybeUninit<T>,
    /// What does not fit in. None before there was any.
    backlog: Option<Box<Backlog<T>>>,
}

/// What can be read of a slot before the type of its items is known.
pub(crate) struct Head {
    id: Id,
    /// [`Around::cx`], of the poll that the slot is open to, or was. With [`MARK`] while the backlog must be looked at
    /// before the body is polled. Zero if there is no body to be polled.
    cx: usize,
    /// The address of [`Around::outer`], of the same poll. Not a pointer, since that would be the one of the first such
    /// poll, and the slot that it leads to may have been borrowed anew.
    outer: usize,
}

/// Where a poll of a generator comes from.
#[derive(Clone, Copy)]
pub(crate) struct Around {
    /// The address of its `Context`: compared, never followed. An emit that gets the same one is polled whenever the
    /// generator is; any other must be woken.
    cx: usize,
    /// What was in [`INNERMOST`] before.
    outer: *mut Head,
}

impl Around {
    /// A poll with `cx`, here and now.
    #[inline(always)]
    pub(crate) fn new(cx: &Context<'_>) -> Self {
        Self { cx: address(cx), outer: INNERMOST.with(Cell::get) }
    }
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        let head = Head { id: Id::new(), cx: 0, outer: 0 };
        Self { head, item: MaybeUninit::uninit(), backlog: None }
    }

    /// The name of the generator.
    pub(crate) fn id(&self) -> Id {
        self.head.id
    }

    /// Whether the body can be polled from there at once.
    #[inline(always)]
    pub(crate) fn is_ready(&self, around: Around) -> bool {
        self.head.cx == around.cx && self.head.outer == around.outer.addr()
    }

    /// There is a body, and nothing in the backlog.
    #[inline(always)]
    pub(crate) fn make_ready(&mut self, around: Around) {
        self.head.cx = around.cx;
        self.head.outer = around.outer.addr();
    }

    /// There is no body any more.
    pub(crate) fn close(&mut self) {
        self.head.cx = 0;
    }

    /// Calls `poll`, which polls the body; its emits find the slot meanwhile. Gives what it returns and the first item,
    /// if there is any. Further ones, and the wakers to be woken before the next poll, are in the backlog.
    #[inline(always)]
    pub(crate) fn poll<R>(
        &mut self,
        around: Around,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
    ) -> (Poll<R>, Option<T>) {
        debug_assert!(self.is_ready(around));
        let slot = ptr::from_mut(self);
        // For `find`.
        slot.expose_provenance();
        INNERMOST.with(|innermost| innermost.set(slot.cast()));
        let unwind = Unwind { slot, outer: around.outer };
        let polled = poll(cx);
        mem::forget(unwind);
        let has_item = INNERMOST.with(|innermost| innermost.replace(around.outer)) != slot.cast();
        // SAFETY: `poll` has put back what was innermost before what it polled. So only the mark can have come, which
        // is put there by whoever has written the item, and nobody has taken that.
        (polled, has_item.then(|| unsafe { (*slot).item.assume_init_read() }))
    }

    /// Whether there is anything in the backlog.
    #[inline]
    pub(crate) fn has_backlog(&self) -> bool {
        self.head.cx & MARK != 0
    }

    /// How many items are in the backlog.
    pub(crate) fn n_items(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.n_items())
    }

    /// Puts an item before those in the backlog.
    pub(crate) fn push_first(&mut self, item: T) {
        self.backlog().push_first(item);
    }

    /// The next item of the backlog. If there is none, those who wait are woken, and the body may be polled.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.backlog.as_mut()?.pop()
    }

    /// The backlog, which there will be something in.
    fn backlog(&mut self) -> &mut Backlog<T> {
        self.head.cx |= MARK;
        self.backlog.get_or_insert_default()
    }
}

/// Puts back what was innermost, and drops the item, if the body panics.
struct Unwind<T> {
    slot: *mut Slot<T>,
    outer: *mut Head,
}

impl<T> Drop for Unwind<T> {
    #[cold]
    fn drop(&mut self) {
        let has_item = INNERMOST.with(|innermost| innermost.replace(self.outer)) != self.slot.cast();
        if has_item {
            // SAFETY: as in `Slot::poll`, which has borrowed the slot for longer than this lives.
            unsafe { (*self.slot).item.assume_init_drop() };
        }
    }
}

/// Hands over `item`. Whoever does so waits for the next poll of the body, and is woken before it if need be.
///
/// # Panics
/// Outside of the generator's poll.
#[inline(always)]
#[track_caller]
pub(crate) fn emit<T>(id: Id, item: T, cx: &Context<'_>) {
    let head = INNERMOST.with(Cell::get);
    // SAFETY: without a mark, what is in `INNERMOST` is null or an open slot: `Slot::poll`, further down the stack of
    // this thread, takes it out before its borrow of the slot ends.
    if !head.is_null() && !is_marked(head) && unsafe { (*head).id == id && (*head).cx == address(cx) } {
        // SAFETY: alive as above; by its id, it is the slot of our generator, so for items of this type; it is open, so
        // nobody else is touching it.
        unsafe { (*head.cast::<Slot<T>>()).item.write(item) };
        INNERMOST.with(|innermost| innermost.set(head.wrapping_byte_add(MARK)));
        return;
    }
    emit_rarely(id, item, cx);
}

/// [`emit`] when there is an item already, from inside a generator inside, or with another waker.
#[cold]
#[inline(never)]
#[track_caller]
fn emit_rarely<T>(id: Id, item: T, cx: &Context<'_>) {
    let Some(head) = find(id) else { panic!("`emit` called outside of its generator") };
    // SAFETY: `find` gives an open slot.
    let is_direct = unsafe { (*head).cx } & !MARK == address(cx);
    // This is foreign, but it does not end the poll that we are in: what was open before is so after it.
    let waker = (!is_direct).then(|| cx.waker().clone());
    // SAFETY: as in `emit`; there is no other reference, and nothing foreign is called while there is this one.
    let backlog = unsafe { &mut *head.cast::<Slot<T>>() }.backlog();
    backlog.push(item);
    if let Some(waker) = waker {
        backlog.push_waker(waker);
    }
}

/// The open slot of the generator of this name.
fn find(id: Id) -> Option<*mut Head> {
    let mut head = INNERMOST.with(Cell::get);
    while !head.is_null() {
        if is_marked(head) {
            head = head.wrapping_byte_sub(MARK);
        }
        // SAFETY: not null, hence open, as in `emit`: what is around an open slot is null or another one, since its
        // `Slot::poll`, which has exposed it, is further down the stack.
        let this = unsafe { &*head };
        if this.id == id {
            return Some(head);
        }
        head = ptr::with_exposed_provenance_mut(this.outer);
    }
    None
}

#[inline(always)]
fn is_marked(head: *mut Head) -> bool {
    head.addr() & MARK != 0
}

#[inline(always)]
fn address(cx: &Context<'_>) -> usize {
    ptr::from_ref(cx).addr()
}
