//! Who waits for what, and who has it: what a report of a deadlock is made of.
//!
//! Off by default, when it costs one look at a switch for each wait. While it is [on](track), each primitive says here
//! who takes it ([`took`]), who gives it back ([`gave`]), and who waits for it ([`begin`], [`end`]), in one table for
//! the whole process. [`waits`] is what the table says now.
//!
//! In builds with debug assertions ([`HOLDERS`]), whatever else can be waited for is in it, too: the end of a task, a
//! time, a socket ([`begin_at`], [`poll_at`], with a [`Note`]).
//!
//! What is known is who *took* a thing: a guard that was sent to another task still counts for the one that took it.
//! Permits that hold on to their semaphore are made to be sent ([`took_to_go`]): nobody is taken to be stuck for them.
//!
//! # Parts
//! What is polled has no destructor to say that nobody waits for it any more: `&mut Task` has not, nor has a method
//! that polls a socket. Such a wait counts until the [part](OwnPart) of the task that polled is polled again, as it
//! says so again then. A part is the task itself, or what is polled by itself within: one future of a set.

mod note;
mod part;
mod report;
mod switch;
mod table;
mod wait;
mod who;

pub use note::{Note, Place};
pub use part::{Entered, OwnPart, TaskPart};
pub use report::Report;
pub use switch::{HOLDERS, Tracking, is_tracked, track};
pub use table::{
    again_at, begin, begin_at, called, end, end_at, gave, holders, poll_at, took, took_to_go, unseen, waits,
};
pub use wait::{Wait, Waits};
pub use who::{ThreadLabel, Who};

#[cfg(all(test, not(aio_loom)))]
mod tests;
