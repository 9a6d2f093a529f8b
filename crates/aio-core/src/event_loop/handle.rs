//! Reaching a loop from elsewhere.

use std::fmt;
use std::panic::Location;
use std::sync::Arc; // facade: shared data without a protocol

use super::Scheduler;
use super::report::report;
use crate::Task;
use crate::current;
use crate::task::spawn_on;

/// Spawns tasks on a loop from any thread: asyncio's `run_coroutine_threadsafe`. Clones are handles to the same loop,
/// and do not keep it going.
///
/// ```
/// use aio_core::{Handle, block_on};
///
/// aio_core::run(async {
///     let handle = Handle::current();
///     // The owner is told when the loop is done; nothing here waits for the thread itself.
///     let (sender, receiver) = std::sync::mpsc::channel();
///     let thread = std::thread::spawn(move || {
///         let task = handle.spawn(async { 6 * 7 });
///         sender.send(block_on(task)).unwrap();
///     });
///     while !thread.is_finished() {
///         aio_core::yield_now().await;
///     }
///     assert_eq!(receiver.recv(), Ok(42));
/// });
/// ```
#[derive(Clone)]
pub struct Handle(Arc<Scheduler>);

impl Handle {
    pub(super) fn new(scheduler: Arc<Scheduler>) -> Self {
        Self(scheduler)
    }

    /// The handle of this thread's loop.
    ///
    /// # Panics
    /// Without an event loop on this thread; see [`try_current`](Self::try_current).
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Some(handle) => handle,
            None => panic!("the handle of a loop was asked for where no event loop runs"),
        }
    }

    /// The handle of this thread's loop, if it has one.
    pub fn try_current() -> Option<Self> {
        current::with_loop(|core| Self(core.scheduler_arc().clone()))
    }

    /// Starts a task on the loop. The [`Task`] may be awaited on any thread: in another loop, in
    /// [`block_on`](crate::block_on()), or here.
    ///
    /// After the end of the loop the future is dropped, and the task is cancelled already. Before the first run of a
    /// loop it waits; between two runs it waits for the next one, or another worker runs it, if there is one.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn_on(&self.0, future, Location::caller())
    }
}

/// What the loop has to do, and what its workers are at: a look for those who wonder why nothing goes on.
impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        report(&self.0, f)
    }
}
