//! What the two ends of a oneshot channel share: one allocation, and the word that says what goes on in it.
//!
//! Each end does a few things to the word, in this order, and each but the first of them once; they may fall between
//! those of the other end in any way.
//!
//! ```text
//!   receiver                                   sender
//!
//!   1 wait    sets RECEIVER_WAITS, any number  1 wait    sets SENDER_WAITS, any number of times,
//!             of times, unless DONE                      unless CLOSED
//!   2 close   sets CLOSED                      2 end     sets DONE, with VALUE unless CLOSED
//!   3 leave   sets RECEIVER_LEFT               3 leave   sets SENDER_LEFT
//! ```
//! 1. [`Block::wait`] puts a waker into the slot of its end, and then says so. [`Block::withdraw`] takes that back.
//! 2. [`Block::close`] and [`Block::end`] end the waiting of the other end: each finds, in the same step that sets the
//!    bit, whether there is a waker, and then that one is its own.
//! 3. [`Block::leave`]: whoever finds that the other end has left frees the block. Where there is no waker to take,
//!    there is nothing to do between 2 and 3, and both are one step: so a message that nobody waits for yet costs one
//!    locked operation in all, since the receiver, who finds SENDER_LEFT by a plain load, frees the block without one.
//!
//! Who may touch what:
//!
//! - the value: the sender before DONE, and the receiver afterwards, if there is VALUE. If there is not, it was never
//!   there.
//! - the slot of an end: that end, unless it WAITS and the other one's bit of edge 2 came after that; then the other
//!   end, which takes the waker out before it leaves. (Both may read it at a time: to copy the waker out, and to
//!   compare it.)
//! - the block: each end until it has left. So nothing is done to it after edge 3, not even by a reference.

use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::task::{Context, Waker};

use aio_base::Home;
use aio_base::home::Word;
use aio_base::live::{Kind, Live};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;

use super::state::{CLOSED, DONE, End, RECEIVER_LEFT, RECEIVER_WAITS, SENDER_LEFT, SENDER_WAITS, State, VALUE};
use crate::wait_queue::wake;

/// See the module. Its methods take a pointer, since another thread may free it before they return.
pub(super) struct Block<T, H: Home> {
    state: H::Byte,
    receiver: Slot,
    sender: Slot,
    value: UnsafeCell<MaybeUninit<T>>,
}

type Slot = UnsafeCell<MaybeUninit<(Waker, Live)>>;

/// # Safety
/// Of all methods with a pointer, which are called by one of the two ends, the one named or whose the method is: that
/// end has not left before, is not used by two threads at a time, and does what the module's table says in its order.
impl<T, H: Home> Block<T, H> {
    /// For a sender and a receiver.
    #[inline]
    pub(super) fn new() -> NonNull<Self> {
        let mut block = Box::<Self>::new_uninit();
        // SAFETY: all that needs a value is written: the cells are of `MaybeUninit` with no tag of their own. (The
        // model's cells have more in them. Written here, they would be copied into their place.)
        let block = unsafe {
            let this = block.as_mut_ptr();
            (&raw mut (*this).state).write(Word::new(0));
            if cfg!(aio_loom) {
                (&raw mut (*this).receiver).write(UnsafeCell::new(MaybeUninit::uninit()));
                (&raw mut (*this).sender).write(UnsafeCell::new(MaybeUninit::uninit()));
                (&raw mut (*this).value).write(UnsafeCell::new(MaybeUninit::uninit()));
            }
            block.assume_init()
        };
        NonNull::from(Box::leak(block))
    }

    /// # Safety
    /// As all of them.
    #[inline]
    pub(super) unsafe fn state(this: NonNull<Self>) -> State {
        // Acquire pairs with the Release of the other end's edge 2: with DONE comes the value.
        // SAFETY: the caller has not left, so it exists.
        State(unsafe { (*this.as_ptr()).state.load(Ordering::Acquire) })
    }

    /// Leaves a waker for the other end to find at its edge 2, in place of the last one. What there is if there is
    /// nothing to wait for: the other end was here already.
    ///
    /// # Safety
    /// As all of them.
    #[inline(never)]
    pub(super) unsafe fn wait(this: NonNull<Self>, end: End, cx: &mut Context<'_>) -> Option<State> {
        // SAFETY: the caller's.
        let mut state = unsafe { Self::state(this) };
        if state.has(end.over()) {
            return Some(state);
        }
        if state.has(end.waits()) {
            // SAFETY: it is there: this end has put it in. The other one may be copying it out just now, which is no
            // writing, and its bits stay. If it does, and they are the same, then it is woken by that.
            let is_same =
                unsafe { Self::slot(this, end).with(|slot| (*slot).assume_init_ref().0.will_wake(cx.waker())) };
            if is_same {
                return None;
            }
        }
        // The clone first and the old one's drop last: whatever they do, the slot is not in the middle of something.
        let waker = cx.waker().clone();
        // SAFETY: the caller's.
        let _old = unsafe { Self::withdraw(this, end) };
        // SAFETY: the caller's.
        state = unsafe { Self::state(this) };
        if state.has(end.over()) {
            return Some(state);
        }
        // SAFETY: this end does not wait, so its slot is its own, and empty.
        unsafe { Self::slot(this, end).with_mut(|slot| (*slot).write((waker, Live::new(Kind::Waiter)))) };
        loop {
            // Release: who finds the bit finds the waker. Acquire as in `state`.
            // SAFETY: the caller has not left.
            match unsafe { Self::change(this, state, state.0 | end.waits()) } {
                Ok(()) => return None,
                Err(found) if found.has(end.over()) => {
                    // SAFETY: the other end did not find that this one waits.
                    drop(unsafe { Self::take_waker(this, end) });
                    return Some(found);
                }
                Err(found) => state = found,
            }
        }
    }

    /// Takes the waker back, if the other end did not find it; to be dropped when nothing is in the middle of
    /// something.
    ///
    /// # Safety
    /// As all of them.
    pub(super) unsafe fn withdraw(this: NonNull<Self>, end: End) -> Option<(Waker, Live)> {
        // SAFETY: the caller's.
        let state = unsafe { Self::state(this) };
        if !state.has(end.waits()) {
            return None;
        }
        // Relaxed: the waker is this end's own, and what comes with edge 2 of the other is asked for afterwards.
        // SAFETY: the caller has not left.
        let before = State(unsafe { (*this.as_ptr()).state.fetch_and(!end.waits(), Ordering::Relaxed) });
        // SAFETY: this end waited, and the other one did not find that before, nor will it now.
        (!before.has(end.over())).then(|| unsafe { Self::take_waker(this, end) })
    }

    /// The sender's edges 2 and 3.
    ///
    /// # Errors
    /// The value, if the receiver is closed.
    ///
    /// # Safety
    /// As all of them. The sender has left afterwards.
    #[inline]
    pub(super) unsafe fn send(this: NonNull<Self>, value: T) -> Result<(), T> {
        // SAFETY: before DONE the value is the sender's.
        unsafe { (*this.as_ptr()).value.with_mut(|slot| (*slot).write(value)) };
        // Nobody waits, nobody is gone. (Orders: as in `end`.)
        // SAFETY: the caller has not left.
        match unsafe { Self::change(this, State(0), DONE | VALUE | SENDER_LEFT) } {
            Ok(()) => Ok(()),
            // SAFETY: the caller's; the value is there.
            Err(_) => unsafe { Self::send_to_waiting(this) },
        }
    }

    /// # Safety
    /// As of `send`; the value is there.
    #[inline(never)]
    unsafe fn send_to_waiting(this: NonNull<Self>) -> Result<(), T> {
        // SAFETY: the caller's.
        if unsafe { Self::end(this, VALUE) } {
            return Ok(());
        }
        // SAFETY: it is there, and nothing has happened; without VALUE nobody else looks at it.
        let value = unsafe { (*this.as_ptr()).value.with(|slot| (*slot).assume_init_read()) };
        // SAFETY: the caller's.
        unsafe { Self::end(this, 0) };
        Err(value)
    }

    /// The sender's edges 2 and 3 if it sends nothing.
    ///
    /// # Safety
    /// As all of them. The sender has left afterwards.
    #[cold]
    pub(super) unsafe fn abandon(this: NonNull<Self>) {
        // SAFETY: the caller's.
        unsafe { Self::end(this, 0) };
    }

    /// Edges 2 and 3 of the sender, with `value`, which is VALUE or 0. Whether they happened: with VALUE, not if the
    /// receiver is closed.
    ///
    /// # Safety
    /// As all of them. The sender has left afterwards, if so. With VALUE: it is there.
    unsafe fn end(this: NonNull<Self>, value: u8) -> bool {
        // There is one only if what waited for the receiver to close was leaked.
        // SAFETY: the caller's.
        let _own = unsafe { Self::withdraw(this, End::Sender) };
        // SAFETY: the caller's.
        let mut state = unsafe { Self::state(this) };
        loop {
            if value != 0 && state.is_closed() {
                return false;
            }
            let has_waker = state.has(RECEIVER_WAITS);
            if state.has(RECEIVER_LEFT) {
                // SAFETY: this end is alone, and leaves.
                unsafe { Self::free(this) };
                return true;
            }
            let edges = DONE | value | if has_waker { 0 } else { SENDER_LEFT };
            // Release: the value comes with VALUE. Acquire: the waker, with RECEIVER_WAITS, and all that the receiver
            // did before it left.
            // SAFETY: the caller has not left.
            match unsafe { Self::change(this, state, state.0 | edges) } {
                // SAFETY: the waker was found by edge 2.
                Ok(()) if has_waker => unsafe { Self::leave_and_wake(this, End::Sender) },
                Ok(()) => {}
                Err(found) => {
                    state = found;
                    continue;
                }
            }
            return true;
        }
    }

    /// The receiver's edge 2. Wakes the sender.
    ///
    /// # Safety
    /// As all of them.
    pub(super) unsafe fn close(this: NonNull<Self>) {
        // SAFETY: the caller's.
        let mut state = unsafe { Self::state(this) };
        while !state.is_over() {
            // SAFETY: the caller has not left.
            match unsafe { Self::change(this, state, state.0 | CLOSED) } {
                Ok(()) if state.has(SENDER_WAITS) => {
                    // SAFETY: found by edge 2.
                    let (waker, _live) = unsafe { Self::take_waker(this, End::Sender) };
                    return wake(Some(waker));
                }
                Ok(()) => return,
                Err(found) => state = found,
            }
        }
    }

    /// The receiver's edges 2 and 3, and the value, if one was sent.
    ///
    /// # Safety
    /// As all of them. The receiver has left afterwards, and has not taken the value before.
    #[inline]
    pub(super) unsafe fn take_and_leave(this: NonNull<Self>) -> Option<T> {
        // SAFETY: the caller's.
        let state = unsafe { Self::state(this) };
        if state.has(DONE) {
            // SAFETY: the caller's.
            unsafe { Self::take_what_was_sent(this, state) }
        } else {
            // SAFETY: the caller's.
            unsafe { Self::close_and_leave(this) }
        }
    }

    /// # Safety
    /// As of `take_and_leave`; `state` is newer than DONE.
    #[inline]
    unsafe fn take_what_was_sent(this: NonNull<Self>, state: State) -> Option<T> {
        // SAFETY: with DONE and VALUE it is the receiver's, who takes it once, here.
        let value = state.has(VALUE).then(|| unsafe { (*this.as_ptr()).value.with(|slot| (*slot).assume_init_read()) });
        if state.has(SENDER_LEFT) {
            // SAFETY: the sender has left, and the receiver does.
            unsafe { Self::free(this) };
        } else {
            // SAFETY: the caller's.
            unsafe { Self::leave(this, End::Receiver) };
        }
        value
    }

    /// # Safety
    /// As of `take_and_leave`.
    #[cold]
    unsafe fn close_and_leave(this: NonNull<Self>) -> Option<T> {
        // Dropped at the end.
        // SAFETY: the caller's.
        let _own = unsafe { Self::withdraw(this, End::Receiver) };
        // SAFETY: the caller's.
        let mut state = unsafe { Self::state(this) };
        loop {
            if state.has(DONE) {
                // SAFETY: the caller's.
                return unsafe { Self::take_what_was_sent(this, state) };
            }
            // If it is closed, whoever closed it had that waker.
            let has_waker = state.has(SENDER_WAITS) && !state.is_closed();
            let edges = CLOSED | if has_waker { 0 } else { RECEIVER_LEFT };
            // Release: the sender may free what was used here. Acquire: the waker.
            // SAFETY: the caller has not left.
            match unsafe { Self::change(this, state, state.0 | edges) } {
                // SAFETY: found by edge 2.
                Ok(()) if has_waker => unsafe { Self::leave_and_wake(this, End::Receiver) },
                Ok(()) => {}
                Err(found) => {
                    state = found;
                    continue;
                }
            }
            return None;
        }
    }

    /// Takes the waker that edge 2 of `end` has found, leaves, and wakes the other end.
    ///
    /// # Safety
    /// As all of them; it was found. `end` has left afterwards.
    unsafe fn leave_and_wake(this: NonNull<Self>, end: End) {
        // SAFETY: the caller's.
        let (waker, _live) = unsafe { Self::take_waker(this, end.other()) };
        // SAFETY: the caller's.
        unsafe { Self::leave(this, end) };
        // Last, since the other end may run in there.
        wake(Some(waker));
    }

    /// Edge 3 by itself.
    ///
    /// # Safety
    /// As all of them. `end` has left afterwards.
    unsafe fn leave(this: NonNull<Self>, end: End) {
        // Release pairs with the Acquire of the end that frees it, be it this or another operation.
        // SAFETY: it has not left before.
        let before = State(unsafe { (*this.as_ptr()).state.fetch_or(end.left(), Ordering::AcqRel) });
        if before.has(end.other().left()) {
            // SAFETY: the other end has left, and now so has this one.
            unsafe { Self::free(this) };
        }
    }

    /// # Safety
    /// Both ends have left.
    unsafe fn free(this: NonNull<Self>) {
        // SAFETY: it is of `new`, and nobody uses it any more.
        let block = unsafe { Box::from_raw(this.as_ptr()) };
        // For the model checker: nobody else may be at it.
        block.receiver.with_mut(|_| ());
        block.sender.with_mut(|_| ());
        block.value.with_mut(|_| ());
    }

    /// # Safety
    /// The caller has not left.
    #[inline]
    unsafe fn change(this: NonNull<Self>, from: State, to: u8) -> Result<(), State> {
        // SAFETY: the caller has not left, so it exists.
        let state = unsafe { &(*this.as_ptr()).state };
        state.compare_exchange(from.0, to, Ordering::AcqRel, Ordering::Acquire).map(|_| ()).map_err(State)
    }

    /// # Safety
    /// There is a waker in the slot of `end`, and it is the caller's; the slot counts as empty afterwards.
    unsafe fn take_waker(this: NonNull<Self>, end: End) -> (Waker, Live) {
        // SAFETY: the caller's.
        unsafe { Self::slot(this, end).with(|slot| (*slot).assume_init_read()) }
    }

    /// # Safety
    /// The caller has not left as long as the slot is used.
    unsafe fn slot<'a>(this: NonNull<Self>, end: End) -> &'a Slot {
        // SAFETY: the caller's.
        unsafe {
            match end {
                End::Receiver => &(*this.as_ptr()).receiver,
                End::Sender => &(*this.as_ptr()).sender,
            }
        }
    }
}
