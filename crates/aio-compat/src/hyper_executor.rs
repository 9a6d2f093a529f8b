//! Where hyper's own tasks run. HTTP/2 has some for each connection: one for each request that a server serves, and
//! those that send bodies. HTTP/1 has none.

use std::fmt;

use aio_base::{Local, Shared};
use aio_group::generic::{GroupHandle, GroupHome, TaskGroup};
use hyper::rt::Executor;

/// Runs hyper's tasks as [tasks](aio_core::spawn) of the loop that may cross threads, which nobody owns.
///
/// So a request of HTTP/2 goes on when its connection has ended, until the loop does; if it panics, that is reported to
/// the handler of the loop. [`HyperGroupExecutor`] ties them to a group instead.
///
/// # Panics
/// Where no event loop runs.
#[doc(alias = "TokioExecutor")]
#[derive(Debug, Clone, Copy, Default)]
pub struct HyperExecutor;

impl<F> Executor<F> for HyperExecutor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        aio_core::spawn(future).detach();
    }
}

/// [`HyperExecutor`] with [tasks](aio_core::local::spawn) that stay on their loop: services need not be `Send`.
///
/// # Panics
/// Where no event loop runs.
#[derive(Debug, Clone, Copy, Default)]
pub struct HyperLocalExecutor;

impl<F: Future<Output: 'static> + 'static> Executor<F> for HyperLocalExecutor {
    fn execute(&self, future: F) {
        aio_core::local::spawn(future).detach();
    }
}

/// Runs hyper's tasks as children of a group, in either home: they end before the group does, and are cancelled with
/// it. With a group for each connection, no request outlives its connection:
///
/// ```no_run
/// use aio_compat::{HyperGroupExecutor, ToHyper};
/// use aio_group::TaskGroup;
/// use aio_net::TcpStream;
/// use hyper::server::conn::http2;
/// use hyper::service::service_fn;
/// use hyper::{Request, Response};
/// use std::convert::Infallible;
///
/// async fn serve(stream: TcpStream) -> hyper::Result<()> {
///     let hello = service_fn(async |_: Request<hyper::body::Incoming>| {
///         Ok::<_, Infallible>(Response::new(String::from("hello")))
///     });
///     let group = TaskGroup::new();
///     let requests = HyperGroupExecutor::of(&group);
///     group.join(http2::Builder::new(requests).serve_connection(ToHyper::new(stream), hello)).await
/// }
/// ```
///
/// Here a request that panics takes its connection with it, and the panic goes on in `serve`; in a
/// [`discarding`](aio_group::TaskGroup) group it is reported, and the others go on. If the group has a limit, requests
/// wait for room.
///
/// In a group that aborts, a task does not begin.
///
/// # Panics
/// If the group has finished: it must not end before the connection. Where no event loop runs.
pub struct HyperGroupExecutor<E, H: GroupHome = Shared> {
    group: GroupHandle<'static, E, H>,
}

impl<E: 'static, H: GroupHome> HyperGroupExecutor<E, H> {
    /// An executor whose tasks are children of the group behind `handle`.
    pub const fn new(handle: GroupHandle<'static, E, H>) -> Self {
        Self { group: handle }
    }

    /// An executor whose tasks are children of `group`.
    pub fn of(group: &TaskGroup<'static, E, H>) -> Self {
        Self::new(group.handle())
    }
}

impl<E, F> Executor<F> for HyperGroupExecutor<E, Shared>
where
    E: Send + 'static,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.group.spawn(future).detach();
    }
}

impl<E, F> Executor<F> for HyperGroupExecutor<E, Local>
where
    E: 'static,
    F: Future<Output: 'static> + 'static,
{
    fn execute(&self, future: F) {
        self.group.spawn(future).detach();
    }
}

impl<E, H: GroupHome> Clone for HyperGroupExecutor<E, H> {
    fn clone(&self) -> Self {
        Self { group: self.group.clone() }
    }
}

impl<E, H: GroupHome> fmt::Debug for HyperGroupExecutor<E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperGroupExecutor").field("group", &self.group).finish()
    }
}
