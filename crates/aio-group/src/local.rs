//! Groups that stay on their loop: nothing need be `Send`.

use aio_base::Local;

use crate::generic;

/// A [group](generic::TaskGroup) whose children stay on their loop.
pub type TaskGroup<'env, E> = generic::TaskGroup<'env, E, Local>;

/// A [handle](generic::GroupHandle) of a local group.
pub type GroupHandle<'env, E> = generic::GroupHandle<'env, E, Local>;

/// A [child](generic::Child) of a local group.
pub type Child<T> = generic::Child<T, Local>;
