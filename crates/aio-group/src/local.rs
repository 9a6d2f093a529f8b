//! Groups that stay on their loop: nothing need be `Send`.

use aio_base::Local;

use crate::generic;

/// A [group](generic::TaskGroup) whose children stay on their loop.
pub type TaskGroup<'env, E> = generic::TaskGroup<'env, E, Local>;

/// A [handle](generic::GroupHandle) of a local group.
pub type GroupHandle<'env, E> = generic::GroupHandle<'env, E, Local>;

/// A [child](generic::Child) of a local group.
pub type Child<T> = generic::Child<T, Local>;

/// A [child to be started](generic::ChildBuilder) in a local group.
pub type ChildBuilder<'a, 'env, E> = generic::ChildBuilder<'a, 'env, E, Local>;

/// [Outputs in the order of their ends](generic::Results), in a local group.
pub type Results<'a, 'env, T, E> = generic::Results<'a, 'env, T, E, Local>;

/// With this a child of a local group says that it is [ready](generic::Started).
pub type Started<T> = generic::Started<T, Local>;
