//! Several things at once, and their end together.
//!
//! ```
//! use aio_group::{TaskGroup, gather};
//!
//! async fn double(n: u32) -> u32 {
//!     n * 2
//! }
//!
//! aio_core::run(async {
//!     // Futures, inside the task: outputs in the order of the arguments.
//!     assert_eq!(gather([double(1), double(2)]).await, [2, 4]);
//!
//!     // Children that may come one by one, have tasks of their own, fail, and be cancelled.
//!     let group = TaskGroup::new();
//!     let sum = group
//!         .join(async {
//!             let (a, b) = (group.spawn(double(1)), group.spawn_scoped(double(2)));
//!             a.await + b.await
//!         })
//!         .await;
//!     assert_eq!(sum, 6);
//! });
//! ```
//!
//! - [`gather`](gather()) waits for all of a fixed number of futures; [`try_gather`](try_gather()) stops at the first
//!   failure.
//! - [`race`](race()) waits for the first of several to finish, which is what others have `select!` for;
//!   [`first_ok`](first_ok()) for the first to succeed.
//! - [`as_completed`](as_completed()) gives the outputs of any number of futures as they come.
//! - [`wait`](wait()) waits for some of several tasks, and leaves the others alone.
//! - [`TaskGroup`] is asyncio's task group: its children end before it does, whatever happens, and the first failure
//!   cancels the others.
//!
//! What is at the top of this crate may cross threads; its twins in [`local`] stay on their loop. What takes futures
//! (`gather` to `as_completed`) and the children in place ([`spawn_scoped`](generic::TaskGroup::spawn_scoped)) work
//! under any executor.
//!
//! Not for a stream of jobs that never ends, unless the group has a limit and waits for a
//! [`vacancy`](generic::TaskGroup::vacancy): each child that is started takes memory.

mod gather;
mod try_gather;

mod first_ok;
mod race;

mod as_completed;

mod wait;

mod child_wakers;
mod ready_queue;

mod group_error;
mod task_group;

pub mod generic;
pub mod local;

pub use as_completed::{AsCompleted, Indexed, as_completed};
pub use first_ok::{FirstOk, first_ok};
pub use gather::{Everything, Failures, Gather, Gathering, Keep, Nothing, Successes, gather};
pub use group_error::{AnyError, GroupError, Leaves};
pub use race::{Race, race};
pub use task_group::{Child, NotStarted, Started};
pub use try_gather::{TryGathering, try_gather};
pub use wait::{Until, Wait, WaitTimeout, try_wait, wait};

/// A [group](generic::TaskGroup) whose children may cross threads.
pub type TaskGroup<'env, E> = generic::TaskGroup<'env, E, aio_base::Shared>;

/// A [handle](generic::GroupHandle) of a group whose children may cross threads.
pub type GroupHandle<'env, E> = generic::GroupHandle<'env, E, aio_base::Shared>;

/// A [child to be started](generic::ChildBuilder) in a group whose children may cross threads.
pub type ChildBuilder<'a, 'env, E> = generic::ChildBuilder<'a, 'env, E, aio_base::Shared>;

/// [Outputs in the order of their ends](generic::Results), in a group whose children may cross threads.
pub type Results<'a, 'env, T, E> = generic::Results<'a, 'env, T, E, aio_base::Shared>;
