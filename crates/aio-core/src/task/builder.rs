//! Starting tasks.

use std::panic::Location;
use std::sync::Arc; // facade: the count of `Shared` is settled by hand

use aio_base::Local;

use super::cell::local::{self, Begin, LocalHandle};
use super::cell::shared;
use super::home::ToHandle;
use super::{Ended, Meta, OnExit, Task, TaskId, TaskRef};
use crate::event_loop::{Core, Scheduler};
use crate::{Context, current};

/// Starts a task that may cross threads; it begins at the loop's next turn, after what is ready now.
///
/// ```
/// let answer = aio_core::run(async { aio_core::spawn(async { 42 }).await });
/// assert_eq!(answer, 42);
/// ```
///
/// # Panics
/// Without an event loop on this thread.
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Builder::new().spawn(future)
}

/// Starts a task that stays on this thread's loop: [`spawn`] without `Send`, and several times faster.
///
/// # Panics
/// Without an event loop on this thread.
#[track_caller]
#[inline]
pub fn local_spawn<F>(future: F) -> Task<F::Output, Local>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Builder::new().spawn_local(future)
}

/// A task to be started, with what is special about it.
///
/// ```
/// use aio_core::{Builder, current_task};
///
/// aio_core::run(async {
///     let task = Builder::new().name("greeter").spawn(async {
///         current_task().unwrap().name().unwrap().to_owned()
///     });
///     assert_eq!(task.await, "greeter");
/// });
/// ```
#[derive(Debug, Default, Clone)]
#[must_use = "nothing is started before `spawn`"]
pub struct Builder {
    name: Option<String>,
    spawned_at: Option<&'static Location<'static>>,
    eager: bool,
}

impl Builder {
    /// A task like any other.
    pub const fn new() -> Self {
        Self { name: None, spawned_at: None, eager: false }
    }

    /// Gives it a name, which reports and [`TaskRef::name`] show.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Says which line spawns it, if that is not the one that calls the builder: for functions that spawn for others.
    pub fn spawned_at(mut self, location: &'static Location<'static>) -> Self {
        self.spawned_at = Some(location);
        self
    }

    /// Gives it its first turn at once, within the call that spawns it, as asyncio's `eager_task_factory` does. A task
    /// that is ready without waiting never sees the run queue then. What it does comes before what is ready already,
    /// and an eager task that spawns an eager task takes room on the stack.
    ///
    /// ```
    /// use aio_core::Builder;
    ///
    /// aio_core::run(async {
    ///     let task = Builder::new().eager(true).spawn_local(async { 42 });
    ///     assert!(task.is_finished());
    ///     assert_eq!(task.await, 42);
    /// });
    /// ```
    pub fn eager(mut self, eager: bool) -> Self {
        self.eager = eager;
        self
    }

    /// Starts a task that may cross threads; see [`spawn`].
    ///
    /// # Panics
    /// Without an event loop on this thread.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_with_exit(future, ToHandle)
    }

    /// Starts a task that stays on this thread's loop; see [`local::spawn`](crate::local::spawn).
    ///
    /// # Panics
    /// Without an event loop on this thread.
    #[track_caller]
    #[inline]
    pub fn spawn_local<F>(self, future: F) -> Task<F::Output, Local>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.spawn_local_with_exit(future, ToHandle)
    }

    /// [`spawn`](Self::spawn), with somebody who is told how the task ends.
    ///
    /// # Panics
    /// Without an event loop on this thread.
    #[track_caller]
    pub fn spawn_with_exit<F, E>(self, future: F, exit: E) -> Task<E::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
        E: OnExit<F::Output> + Send + 'static,
        E::Output: Send + 'static,
    {
        let location = Location::caller();
        with_loop(|core| {
            let eager = self.eager;
            let meta = self.meta(core, location, Context::current());
            Task::new(shared::spawn(core, future, exit, meta, eager))
        })
    }

    /// [`spawn_local`](Self::spawn_local), with somebody who is told how the task ends.
    ///
    /// # Panics
    /// Without an event loop on this thread.
    #[track_caller]
    #[inline]
    pub fn spawn_local_with_exit<F, E>(self, future: F, exit: E) -> Task<E::Output, Local>
    where
        F: Future + 'static,
        E: OnExit<F::Output> + 'static,
        E::Output: 'static,
    {
        let location = Location::caller();
        with_loop(|core| {
            let begin = if self.eager { Begin::Now } else { Begin::Next };
            let meta = self.meta(core, location, Context::current());
            // SAFETY: nothing borrows: both are `'static`.
            Task::new(unsafe { local::spawn(core, future, exit, meta, begin) })
        })
    }

    #[inline]
    fn meta(self, core: &Core, caller: &'static Location<'static>, context: Context) -> Meta {
        self.meta_with(core.ids.next(), caller, context)
    }

    #[inline]
    fn meta_with(self, id: TaskId, caller: &'static Location<'static>, context: Context) -> Meta {
        Meta::new(id, self.name, self.spawned_at.unwrap_or(caller), context)
    }
}

/// Starts a task on a loop, from any thread. If the loop has ended, the task is cancelled already.
pub(crate) fn spawn_on<F>(
    scheduler: &Arc<Scheduler>,
    future: F,
    spawned_at: &'static Location<'static>,
) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let meta = |id| Builder::new().meta_with(id, spawned_at, Context::current());
    let on_worker = current::with_loop(|core| {
        std::ptr::eq(core.scheduler(), &raw const **scheduler).then(|| meta(core.ids.next()))
    });
    Task::new(match on_worker.flatten() {
        Some(meta) => with_loop(|core| shared::spawn(core, future, ToHandle, meta, false)),
        None => shared::spawn_on(scheduler, future, ToHandle, meta(TaskId::single())),
    })
}

#[track_caller]
fn with_loop<R>(f: impl FnOnce(&Core) -> R) -> R {
    match current::with_loop(f) {
        Some(result) => result,
        None => panic!("a task was spawned where no event loop runs: call `run` first, and spawn inside of it"),
    }
}

/// Starts the main task of a loop.
///
/// # Safety
/// What `future` borrows must live until the task has completed.
pub(crate) unsafe fn spawn_main<F: Future>(
    core: &Core,
    future: F,
    spawned_at: &'static Location<'static>,
    context: Context,
) -> Task<F::Output, Local> {
    let meta = Meta::new(core.ids.next(), Some("main".to_owned()), spawned_at, context);
    // SAFETY: by the caller.
    let handle: LocalHandle<F::Output> = unsafe { local::spawn(core, future, ToHandle, meta, Begin::Next) };
    Task::new(handle)
}

/// Starts a task that the end of the loop waits for, but that nothing cancels; its end is what the scope waits for.
///
/// # Errors
/// The future itself, where no loop runs.
pub(crate) fn spawn_cleanup<F, E>(future: F, exit: E, spawned_at: &'static Location<'static>) -> Result<Ended, F>
where
    F: Future<Output = ()> + 'static,
    E: OnExit<(), Output = ()> + 'static,
{
    let mut future = Some(future);
    let ended = current::with_loop(|core| {
        let future = future.take()?;
        let meta = Builder::new().name("cleanup").meta(core, spawned_at, Context::current());
        // SAFETY: nothing borrows: both are `'static`.
        let handle = unsafe { local::spawn(core, future, exit, meta, Begin::AsCleanup) };
        let task: Task<(), Local> = Task::new(handle);
        let reference: TaskRef = task.task_ref();
        task.detach();
        Some(reference.ended())
    });
    match (ended.flatten(), future) {
        (Some(ended), _) => Ok(ended),
        (None, Some(future)) => Err(future),
        (None, None) => unreachable!("the future is taken only to be spawned"),
    }
}
