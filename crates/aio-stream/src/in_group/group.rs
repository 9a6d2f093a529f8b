//! The groups in which futures of a stream can run.

use std::future::Future;

use aio_base::{Local, Shared};
use aio_group::generic::{GroupHandle, GroupHome, Results, TaskGroup};

use super::launch::Launch;

/// A [`TaskGroup`] or its handle, in one of the two homes. Sealed.
pub trait Group<'env>: sealed::Sealed {
    /// What makes it fail.
    type Error;
    /// Its home.
    type Home: GroupHome;

    #[doc(hidden)]
    fn results<T>(&self) -> Results<'_, 'env, T, Self::Error, Self::Home>;
}

impl<'env, E, H: GroupHome> Group<'env> for TaskGroup<'env, E, H> {
    type Error = E;
    type Home = H;

    fn results<T>(&self) -> Results<'_, 'env, T, E, H> {
        self.results()
    }
}

impl<'env, E, H: GroupHome> Group<'env> for GroupHandle<'env, E, H> {
    type Error = E;
    type Home = H;

    fn results<T>(&self) -> Results<'_, 'env, T, E, H> {
        self.results()
    }
}

/// A home whose groups run futures of type `F` in place: in the shared one they must be `Send`. Sealed.
pub trait RunsInPlace<'env, F: Future, E>: GroupHome {
    #[doc(hidden)]
    fn begin(launch: &mut Launch<'_, 'env, F::Output, E, Self>, number: usize, future: F);
}

impl<'env, F, E> RunsInPlace<'env, F, E> for Shared
where
    F: Future<Output: Send + 'env> + Send + 'env,
    E: Send + 'env,
{
    fn begin(launch: &mut Launch<'_, 'env, F::Output, E, Self>, number: usize, future: F) {
        let child = launch.child(number, future);
        launch.results.spawn_scoped(child);
    }
}

impl<'env, F, E> RunsInPlace<'env, F, E> for Local
where
    F: Future<Output: 'env> + 'env,
    E: 'env,
{
    fn begin(launch: &mut Launch<'_, 'env, F::Output, E, Self>, number: usize, future: F) {
        let child = launch.child(number, future);
        launch.results.spawn_scoped(child);
    }
}

mod sealed {
    use super::{GroupHandle, GroupHome, TaskGroup};

    pub trait Sealed {}
    impl<E, H: GroupHome> Sealed for TaskGroup<'_, E, H> {}
    impl<E, H: GroupHome> Sealed for GroupHandle<'_, E, H> {}
}
