//! Under construction.

mod gather;
mod try_gather;

mod child_wakers;
mod ready_queue;

mod group_error;
mod task_group;

pub mod generic;
pub mod local;

pub use gather::{Everything, Gather, Gathering, Keep, Successes, gather};
pub use group_error::GroupError;
pub use task_group::Child;
pub use try_gather::{TryGathering, try_gather};

/// A [group](generic::TaskGroup) whose children may cross threads.
pub type TaskGroup<'env, E> = generic::TaskGroup<'env, E, aio_base::Shared>;

/// A [handle](generic::GroupHandle) of a group whose children may cross threads.
pub type GroupHandle<'env, E> = generic::GroupHandle<'env, E, aio_base::Shared>;
