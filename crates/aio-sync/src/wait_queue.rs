//! Futures that wait in line: the part that all primitives share.
//!
//! A [`Line`] is a doubly linked list, first come first served, whose nodes lie inside the waiting futures ([`Wait`]):
//! to wait allocates nothing, and to give up costs the same however long the line is. A primitive keeps its lines, and
//! what belongs to them, in one [`Exclusive`](aio_base::home::Exclusive); for each way to wait for it there is a
//! [`Waiter`], which says in which line, and what is to be done when one is gone that was woken. Who has to wait is
//! decided in [`Wait::poll`] and who is next is taken out by [`Line::wake_first`], both under the lock; the waker is
//! called after it was released.
//!
//! Each waiter goes through these stages; the lock is held for edges 1, 2 and 5.
//!
//! ```text
//!          ──1 enter──▶          ──2 wake──▶
//!    NEW                 QUEUED               GIVEN, DISMISSED
//!     │                    │                    │
//!     │ 3                  │ 5                  │ 4, 6
//!     └────────────────▶ DONE ◀─────────────────┘
//! ```
//! 1. [`Wait::poll`], or [`Wait::try_enter`], joins the line: the primitive said that it must wait.
//! 2. [`Line::wake_first`] takes it out of the line, and gives it something (a lock, a permit, an item, a
//!    notification); [`Line::dismiss_first`] does so and gives it nothing. From here on only the future itself may
//!    touch its node.
//! 3. [`Wait::poll`] need not wait: the primitive said so.
//! 4. [`Wait::poll`], or [`Wait::try_serve`], finds that it was woken.
//! 5. Dropped in the line: it leaves ([`Waiter::leaves`], [`Waiter::left`]).
//! 6. Dropped between being woken and being polled: if it was GIVEN something, [`Waiter::pass_on`] gives that to the
//!    next one.
//!
//! # Why the pointers hold
//!
//! A node is in the line only in stage QUEUED. It gets there through a pinned [`Wait`], so it stays where it is until
//! that is dropped, and dropping it takes the node out first, under the lock. A pinned future that is leaked is never
//! dropped; then its memory is never reused either, and the node may stay in the line for ever (whoever wakes it gets
//! no answer). Nodes point to each other and never to the line, which therefore may move when nothing borrows it.

mod line;
#[cfg(all(test, aio_loom))]
mod tests;
mod wait;
mod wake;

use aio_base::Home;

pub(crate) use line::Line;
pub(crate) use wait::Wait;
pub(crate) use wake::{wake, wake_apart, wake_batches};

/// One way to wait for a primitive.
///
/// # Safety
/// A waiter names the same lock and in it the same line as long as it exists.
pub(crate) unsafe trait Waiter<H: Home> {
    /// What the lock guards: the line, and what belongs to it.
    type Guarded;
    /// What each waiter brings along, for the others to read. Dropped under the lock.
    type Note;
    /// What it waits for, in a report of who waits for what.
    const WHAT: &'static str;
    /// What of it, in that report.
    const DETAIL: &'static str = "";

    /// The lock. While it is held no foreign code runs: no waker may be cloned, woken or dropped.
    fn guarded(&self) -> &H::Exclusive<Self::Guarded>;
    /// The line to wait in.
    fn line(guarded: &mut Self::Guarded) -> &mut Line<H, Self::Note>;
    /// This one was given something and is gone without having noticed. The lock is not held.
    fn pass_on(&self);
    /// This one gives up its place in the line. The lock is held.
    fn leaves(_guarded: &mut Self::Guarded) {}
    /// This one gave up its place in the line. The lock is not held.
    fn left(&self) {}
}

/// How the waiting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It did not have to wait.
    Passed,
    /// By [`Line::wake_first`].
    Given,
    /// By [`Line::dismiss_first`].
    Dismissed,
}
