//! The loop that accepts, and what comes of each connection.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_base::sync::OnceLock;
use aio_base::{Local, Panics, Shared};
use aio_core::{FailureKind, report_failure};
use aio_group::generic::{ChildBuilder, GroupHandle, TaskGroup};
use aio_timer::sleep;

use super::{Listener, Server, ServerHandle, ServerHome};

/// How long it waits when the system has no descriptor or no memory for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What differs between the homes is the bounds.
macro_rules! serve {
    ($home:ty, $shield:path, [$($sync:tt)*], [$($send:tt)*]) => {
        impl<L> Server<L, $home>
        where
            L: Listener<Stream: $($send)* 'static, Address: $($send)* 'static> + $($sync)* 'static,
        {
            /// Accepts connections and calls `handler` with each and the address of its peer, in a task of its own,
            /// until the [handle](crate::ServerHandle) ends it; returns when all connections have ended.
            ///
            /// Each connection has a clone of `handler`, so an `async move` closure may own what is cheap to clone, and
            /// use it as if it were the only one.
            ///
            /// An error of a connection is [told](Self::on_error), and a panic reported to the handler of the loop;
            /// neither disturbs the others. When the system has no descriptor or no memory for a connection, that is
            /// told, and it waits for a moment.
            ///
            /// # Cancel safety
            /// Dropping the future cancels the connections; the current scope does not end before they have.
            ///
            /// # Errors
            /// If a listener cannot accept any more, for another reason than that: [told](Self::on_error) at once; then
            /// none accepts any more, and it is returned when the connections have ended.
            ///
            /// # Panics
            /// If it is polled outside of a loop of `aio`. If a listener does; the connections are cancelled, and have
            /// ended then.
            #[track_caller]
            pub fn serve<F, Fut>(self, handler: F) -> impl Future<Output = io::Result<()>>
            where
                F: FnOnce(L::Stream, L::Address) -> Fut + Clone + $($send)* 'static,
                Fut: Future<Output = io::Result<()>> + $($send)* 'static,
            {
                self.serve_for(Location::caller(), handler)
            }

            /// The tasks of connections are said to be spawned at `location`.
            async fn serve_for<F, Fut>(self, location: &'static Location<'static>, handler: F) -> io::Result<()>
            where
                F: FnOnce(L::Stream, L::Address) -> Fut + Clone + $($send)* 'static,
                Fut: Future<Output = io::Result<()>> + $($send)* 'static,
            {
                let Self { listeners, limit, on_error, handle } = self;
                let connections = TaskGroup::<io::Error, $home>::new();
                let connections = if let Some(limit) = limit { connections.limit(limit) } else { connections };
                let told = on_error.clone();
                let connections = connections.discarding(move |error| <$home>::tell(&told, &error));
                let cancel = CancelOnDrop(connections.handle());
                // Kept outside of what may be cancelled: it must not be lost with it.
                let failure = Arc::new(OnceLock::new());
                let failed = failure.clone();
                let ServerHandle { accepting, serving } = handle;
                // Cancelled, never dropped: that would end the group while, on another worker, somebody accepts for it
                // who does not know yet.
                let running = $shield(async move {
                    let group = connections.handle();
                    let accept_all = async move {
                        let acceptors = TaskGroup::<(), $home>::new();
                        let children = acceptors.handle();
                        let body = async move {
                            for listener in listeners {
                                let (connections, handler) = (group.clone(), handler.clone());
                                let (on_error, failed) = (on_error.clone(), failed.clone());
                                let accept = async move {
                                    let serve = move |child: ChildBuilder<'_, 'static, _, $home>, stream, peer| {
                                        if let Some(connection) = contained(|| handler.clone()(stream, peer)) {
                                            child.spawned_at(location).try_spawn(connection).detach();
                                        }
                                    };
                                    let error = accept::<L, $home>(listener, &connections, &on_error, serve).await;
                                    let _ = failed.set(error);
                                    Err::<(), ()>(())
                                };
                                children.child().spawned_at(location).try_spawn(accept).detach();
                            }
                            Ok(())
                        };
                        let _ = acceptors.run(body).await;
                    };
                    let body = async {
                        let _ = accepting.run(accept_all).await;
                        Ok(())
                    };
                    // The errors of connections are told, the body has none, and to be cancelled is how this ends.
                    let _ = connections.run(body).await;
                });
                let running = async {
                    let _cancel = cancel;
                    running.await;
                };
                let _ = serving.run(running).await;
                // Who accepted has ended.
                Arc::into_inner(failure).and_then(OnceLock::into_inner).map_or(Ok(()), Err)
            }
        }
    };
}

serve! { Shared, aio_core::shield, [Send + Sync +], [Send +] }
serve! { Local, aio_core::local::shield, [], [] }

/// Cancels what runs in a group, and what is shielded goes on until that has ended.
struct CancelOnDrop<H: ServerHome>(GroupHandle<'static, io::Error, H>);

impl<H: ServerHome> Drop for CancelOnDrop<H> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Accepts until that fails; `serve` begins a connection.
async fn accept<L: Listener, H: ServerHome>(
    listener: L,
    connections: &GroupHandle<'static, io::Error, H>,
    on_error: &H::ErrorHandler,
    mut serve: impl FnMut(ChildBuilder<'_, 'static, io::Error, H>, L::Stream, L::Address),
) -> io::Error {
    loop {
        // Not kept while it waits for a connection: another listener may have one.
        drop(connections.vacancy().await);
        match listener.accept().await {
            Ok((stream, peer)) => serve(connections.vacancy().await, stream, peer),
            Err(error) => {
                contained(|| H::tell(on_error, &error));
                if !is_for_want_of_something(&error) {
                    return error;
                }
                sleep(PAUSE).await;
            }
        }
    }
}

/// Calls what is not ours. A panic is reported, and disturbs nobody.
fn contained<R>(f: impl FnOnce() -> R) -> Option<R> {
    let mut panics = Panics::new();
    let result = panics.catch(f);
    if let Some(payload) = panics.take() {
        report_failure(FailureKind::Panic { during: "panicked for a connection", payload: &*payload });
        // Its destructor may panic as well.
        std::mem::forget(payload);
    }
    result
}

/// Whether the connection stays where it is, because the system has nothing to put it into.
fn is_for_want_of_something(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let wants = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        wants.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        /// `WSAEMFILE` and `WSAENOBUFS`.
        const WANTS: [i32; 2] = [10024, 10055];
        error.raw_os_error().is_some_and(|code| WANTS.contains(&code))
    }
}
