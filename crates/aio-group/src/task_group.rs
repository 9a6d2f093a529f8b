//! A group of children that end together.
//!
//! - [`progress`]: how far the group is, which of its children have tasks (its [`registry`]), and who may begin.
//! - [`tally`]: who failed, and what comes of it.
//! - [`handle`] and [`child_builder`]: what starts children. [`vacancy`] waits for room before, [`gate`] afterwards.
//! - [`exit`] and [`in_place`]: the two sorts of children, and how each tells the tally that it has ended.
//! - [`delivery`]: where the output goes: to the [`child`]'s handle, or to [`results`].
//! - [`start`]: children that say when they are ready.
//! - [`run`]: the future that polls the body and the children in place, and ends when all have ended.

mod child;
mod child_builder;
mod delivery;
mod exit;
mod gate;
mod handle;
mod home;
mod in_place;
mod progress;
mod registry;
mod results;
mod run;
mod slot;
mod start;
mod tally;
mod vacancy;

use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be

use aio_base::{Local, Panics, Shared};
use aio_core::{Reason, cancel_reason};

pub use self::child::Child;
pub use self::child_builder::ChildBuilder;
pub use self::handle::GroupHandle;
pub use self::home::GroupHome;
pub use self::results::Results;
pub use self::run::Run;
pub use self::start::{NotStarted, Started, Starting};
use self::tally::Policy;
pub use self::vacancy::Vacancy;

/// A group of children that end together.
///
/// [`run`](Self::run) runs a *body* that starts children, and returns when the body and all of them have ended, their
/// cleanups included, whatever happened. A child is started in one of two ways:
///
/// - [`spawn`](Self::spawn) makes a task of its own, which runs in parallel where there are threads for it;
/// - [`spawn_scoped`](Self::spawn_scoped) runs the child inside the task of `run`, so it may borrow from there. It is
///   polled only when it was woken.
///
/// Both give a [`Child`], a future of the child's output. The group owns the child: dropping the `Child` does nothing.
///
/// A child started with [`try_spawn`](Self::try_spawn) or [`try_spawn_scoped`](Self::try_spawn_scoped) gives a
/// `Result`, and may fail:
///
/// - The first failure *aborts* the group: the body and all other children are cancelled. `run` waits for the ends of
///   all of them and returns the errors of all that failed, in that order, as one [`GroupError`](crate::GroupError).
/// - A panic of a child or of the body aborts the group as well, and goes on in the caller of `run` when all have
///   ended.
/// - [`cancel`](Self::cancel) ends the group early in the same way, without an error.
/// - If `run` is dropped half-way, body and children are cancelled, and the scope in which that happens does not end
///   before they have.
/// - A child started while the group aborts does not begin: it is cancelled already.
///
/// A [`supervised`](Self::supervised) group goes on when children fail; a [`discarding`](Self::discarding) one does not
/// even keep the errors. With a [`limit`](Self::limit) only so many run at a time.
///
/// # Examples
/// ```
/// use aio_group::{GroupError, TaskGroup};
///
/// async fn length(text: &str) -> usize {
///     text.len()
/// }
///
/// async fn fetch(id: u32) -> Result<String, std::num::ParseIntError> {
///     "12x".parse::<u32>().map(|n| format!("{id}: {n}"))
/// }
///
/// # aio_core::run(async {
/// // Nothing fails here: `join` gives the output of the body as it is.
/// let text = String::from("borrowed");
/// let group = TaskGroup::new();
/// let sum = group
///     .join(async {
///         let here = group.spawn_scoped(length(&text));
///         let there = group.spawn(async { 34 });
///         here.await + there.await
///     })
///     .await;
/// assert_eq!(sum, 42);
///
/// // Here a child fails: the body is cut off where it awaits, and `run` has the error.
/// let group = TaskGroup::new();
/// let page = group
///     .run(async {
///         let page = group.try_spawn(fetch(1));
///         Ok(page.await)
///     })
///     .await;
/// let error: GroupError<_> = page.unwrap_err();
/// assert_eq!(error.errors().len(), 1);
/// # });
/// ```
///
/// What a child in place borrows must outlive the group:
/// ```compile_fail,E0597
/// # use aio_group::TaskGroup;
/// # aio_core::run(async {
/// let group = TaskGroup::new();
/// group.join(async {
///     let text = String::from("too short a life");
///     group.spawn_scoped(async { text.len() });
/// }).await;
/// # });
/// ```
///
/// and a child with a task of its own borrows nothing:
/// ```compile_fail,E0597
/// # use aio_group::TaskGroup;
/// # aio_core::run(async {
/// let text = String::from("borrowed");
/// let group = TaskGroup::new();
/// group.join(async {
///     group.spawn(async { text.len() });
/// }).await;
/// # });
/// ```
///
/// nor does it hold what must stay on its thread (see [`local::TaskGroup`](crate::local::TaskGroup)):
/// ```compile_fail,E0277
/// # use aio_group::TaskGroup;
/// # aio_core::run(async {
/// let here = std::rc::Rc::new(1);
/// let group = TaskGroup::new();
/// group.join(async {
///     group.spawn(async move { *here });
/// }).await;
/// # });
/// ```
///
/// # Panics
/// `run` panics when a child has panicked, with the first panic, and if the group has been run before. Spawning panics
/// if the group has finished, or (for children with a task) where no event loop runs.
#[must_use = "a group that is not `run` cancels its children when it is dropped"]
pub struct TaskGroup<'env, E, H: GroupHome> {
    handle: GroupHandle<'env, E, H>,
}

impl<'env, E, H: GroupHome> TaskGroup<'env, E, H> {
    /// A group without children, and without a limit; the first failure aborts it.
    pub fn new() -> Self {
        Self { handle: GroupHandle::new() }
    }

    /// Of the children at most `limit` run at a time, cleanups included. Those beyond it are there and wait to begin;
    /// a child that awaits one of them keeps its own place meanwhile. To make no more children than can run, wait for
    /// a [`vacancy`](Self::vacancy).
    ///
    /// # Fairness
    /// Who waits is let in in the order in which the children were started.
    ///
    /// # Panics
    /// If `limit` is zero: no child would ever begin. If the group has had children, or has been run.
    #[track_caller]
    pub fn limit(self, limit: usize) -> Self {
        assert!(limit > 0, "a group whose limit is zero would never run a child");
        self.handle.tally.progress.set_limit(limit);
        self
    }

    /// A child that fails or panics disturbs nobody. The errors come together when all have ended, and so does the
    /// first panic. A failing body aborts the children nevertheless, as does [`cancel`](Self::cancel).
    ///
    /// Awaiting a child that has failed would panic; [`join`](Child::join) it.
    ///
    /// # Panics
    /// If the group has had children, or has been run.
    #[track_caller]
    pub fn supervised(self) -> Self {
        self.with_policy(Policy::Supervise)
    }

    #[track_caller]
    fn with_policy(self, policy: Policy<E, H>) -> Self {
        self.handle.tally.progress.expect_unused();
        self.handle.tally.set_policy(policy);
        self
    }

    /// Runs `body`, and returns when it and all children have ended.
    ///
    /// # Errors
    /// The errors of all children that failed, in that order, and last that of the body, if it failed.
    ///
    /// # Cancel safety
    /// Dropped half-way, it cancels the body and all children; the current scope does not end before they have. Errors
    /// until then are lost with it; a panic until then goes on from the drop.
    ///
    /// # Panics
    /// With the first panic of a child or of the body, once all have ended. If the group has been run before.
    #[track_caller]
    pub fn run<B, R>(&self, body: B) -> Run<'_, 'env, E, H, B>
    where
        B: Future<Output = Result<R, E>>,
    {
        self.handle.tally.progress.begin();
        Run::new(self, body)
    }

    /// A handle to add children with, for the children.
    pub fn handle(&self) -> GroupHandle<'env, E, H> {
        self.handle.clone()
    }

    /// Ends the group early: the body and the children are cancelled at the group's next turn, and [`run`](Self::run)
    /// waits for their ends.
    ///
    /// If the body has finished (perhaps by returning a value after calling this), its value counts, and `run` gives
    /// it. If the body was cut and nothing failed, the error of `run` has no errors in it, and
    /// [`is_cancelled`](crate::GroupError::is_cancelled). What fails meanwhile is an error as ever.
    ///
    /// A group that has ended stays as it is; one that is cancelled before it is run does not begin.
    ///
    /// ```
    /// use aio_group::TaskGroup;
    ///
    /// # aio_core::run(async {
    /// // The first child that has an answer decides.
    /// let group = TaskGroup::new();
    /// let answer = group
    ///     .join(async {
    ///         let mut answers = group.results();
    ///         answers.spawn(std::future::pending());
    ///         answers.spawn(async { 42 });
    ///         let answer = answers.next().await;
    ///         group.cancel();
    ///         answer
    ///     })
    ///     .await;
    /// assert_eq!(answer, Some(42));
    /// # });
    /// ```
    pub fn cancel(&self) {
        self.handle.cancel();
    }

    /// A child to be started, with what is special about it.
    #[inline]
    pub fn child(&self) -> ChildBuilder<'_, 'env, E, H> {
        self.handle.child()
    }

    /// Waits until the [`limit`](Self::limit) lets another child begin, and keeps that room for the child that the
    /// returned builder starts. So a source of work is asked for no more than can be done:
    ///
    /// ```
    /// use aio_group::TaskGroup;
    ///
    /// # async fn next_request() -> Option<u32> { None }
    /// # async fn answer(request: u32) {}
    /// # aio_core::run(async {
    /// let group = TaskGroup::new().limit(100);
    /// group
    ///     .join(async {
    ///         loop {
    ///             let room = group.vacancy().await;
    ///             let Some(request) = next_request().await else { break };
    ///             drop(room.spawn(answer(request)));
    ///         }
    ///     })
    ///     .await;
    /// # });
    /// ```
    ///
    /// In a group that aborts there is no room any more, and this waits: the body and the children are being cancelled.
    /// A cleanup, which the group waits for, asks [`try_vacancy`](Self::try_vacancy).
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue; if its turn has come, the room goes to the next. So it does
    /// when the builder is dropped.
    ///
    /// # Fairness
    /// First come, first served, together with the children that wait to begin.
    ///
    /// # Panics
    /// If the group has finished, perhaps while this was waiting.
    pub fn vacancy(&self) -> Vacancy<'_, 'env, E, H> {
        self.handle.vacancy()
    }

    /// [`vacancy`](Self::vacancy) if there is room at once; none if there is not, if others wait for it, or if the
    /// group aborts or has finished.
    pub fn try_vacancy(&self) -> Option<ChildBuilder<'_, 'env, E, H>> {
        self.handle.try_vacancy()
    }

    /// A collection for children whose outputs come in the order of the children's ends.
    pub fn results<T>(&self) -> Results<'_, 'env, T, E, H> {
        self.handle.results()
    }
}

impl<'env, E> TaskGroup<'env, E, Shared> {
    /// For servers: the group is [`supervised`](Self::supervised), and each child's error goes to `on_error` at once,
    /// called where the child ended, and is not kept. Whatever the number of children over its life, the group needs
    /// memory for those that are there.
    ///
    /// A panic of a child is reported at once, to the handler of the loop
    /// ([`EventLoop::on_failure`](aio_core::EventLoop::on_failure)), and the group goes on. One of `on_error` counts as
    /// the child's.
    ///
    /// ```
    /// use aio_group::TaskGroup;
    ///
    /// # aio_core::run(async {
    /// let group = TaskGroup::new().limit(100).discarding(|error: std::num::ParseIntError| eprintln!("{error}"));
    /// let outcome = group
    ///     .run(async {
    ///         for request in ["1", "x"] {
    ///             drop(group.vacancy().await.try_spawn(async move { request.parse::<u32>() }));
    ///         }
    ///         Ok(())
    ///     })
    ///     .await;
    /// assert_eq!(outcome, Ok(()));
    /// # });
    /// ```
    ///
    /// # Panics
    /// If the group has had children, or has been run.
    #[track_caller]
    pub fn discarding(self, on_error: impl Fn(E) + Send + Sync + 'static) -> Self {
        let on_error: <Shared as GroupHome>::OnError<E> = Arc::new(on_error);
        self.with_policy(Policy::Discard(on_error))
    }
}

impl<'env, E> TaskGroup<'env, E, Local> {
    /// For servers: the group is [`supervised`](Self::supervised), and each child's error goes to `on_error` at once,
    /// called where the child ended, and is not kept. Whatever the number of children over its life, the group needs
    /// memory for those that are there.
    ///
    /// A panic of a child is reported at once, to the handler of the loop
    /// ([`EventLoop::on_failure`](aio_core::EventLoop::on_failure)), and the group goes on. One of `on_error` counts as
    /// the child's.
    ///
    /// # Panics
    /// If the group has had children, or has been run.
    #[track_caller]
    pub fn discarding(self, on_error: impl Fn(E) + 'static) -> Self {
        let on_error: <Local as GroupHome>::OnError<E> = Rc::new(on_error);
        self.with_policy(Policy::Discard(on_error))
    }
}

impl<H: GroupHome> TaskGroup<'_, Infallible, H> {
    /// [`run`](TaskGroup::run) for a group in which nothing fails: the body gives its output as it is.
    ///
    /// # Cancel safety
    /// As [`run`](TaskGroup::run).
    ///
    /// # Panics
    /// As [`run`](TaskGroup::run). If [`cancel`](TaskGroup::cancel) cut the body, there is no output to give.
    #[track_caller]
    pub fn join<B: Future>(&self, body: B) -> impl Future<Output = B::Output> {
        let run = self.run(async move { Ok(body.await) });
        async {
            match run.await {
                Ok(output) => output,
                Err(error) => match error.into_first() {
                    Some(never) => match never {},
                    None => panic!(
                        "`cancel` cut the body of a task group, so that `join` has no output to give; `run` returns \
                         this as an error"
                    ),
                },
            }
        }
    }
}

impl<E, H: GroupHome> Drop for TaskGroup<'_, E, H> {
    fn drop(&mut self) {
        let reason = cancel_reason().unwrap_or(Reason::Dropped);
        let mut panics = Panics::new();
        panics.catch(|| self.handle.tally.progress.abandon(&reason));
        self.handle.close(&reason, &mut panics);
        panics.resume();
    }
}

impl<E, H: GroupHome> Default for TaskGroup<'_, E, H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, H: GroupHome> fmt::Debug for TaskGroup<'_, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("progress", &*self.handle.tally.progress).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
