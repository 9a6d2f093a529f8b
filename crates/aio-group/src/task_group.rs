//! A group of children that end together.
//!
//! - [`progress`]: how far the group is, which of its children have tasks, and who may begin.
//! - [`tally`]: who failed.
//! - [`exit`] and [`in_place`]: the two sorts of children, and how each tells the tally that it has ended.
//! - [`run`]: the future that polls the body and the children in place, and ends when all have ended.
//! - [`child`]: what the caller has of a child.

pub(crate) mod child;
mod exit;
mod gate;
pub(crate) mod home;
mod in_place;
mod progress;
mod run;
mod slot;
mod tally;

use std::convert::Infallible;
use std::fmt;

use aio_base::Panics;
use aio_base::home::Exclusive;
use aio_core::Builder;

pub use self::child::Child;
use self::exit::Exit;
use self::gate::Gated;
pub use self::home::GroupHome;
use self::home::InPlacePin;
use self::in_place::Scoped;
pub use self::run::Run;
use self::tally::Tally;

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
/// - If `run` is dropped half-way, body and children are cancelled, and the scope in which that happens does not end
///   before they have.
/// - A child started while the group aborts does not begin: it is cancelled already.
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

/// Adds children to a [`TaskGroup`] from anywhere, above all from its children; cheap to clone.
pub struct GroupHandle<'env, E, H: GroupHome> {
    tally: H::Ref<Tally<E, H>>,
    incoming: H::Ref<H::Exclusive<Incoming<'env, H>>>,
}

/// Children in place that the group has not taken over yet.
pub(crate) struct Incoming<'env, H: GroupHome> {
    children: Vec<H::InPlace<'env>>,
    /// Whether the group is being polled: then it looks here before it rests, and need not be woken.
    attended: bool,
    /// Whether nobody will come and take them over.
    closed: bool,
}

impl<'env, H: GroupHome> Incoming<'env, H> {
    /// Whether the group has to be woken; or the child, if it cannot come in any more.
    fn push(&mut self, child: H::InPlace<'env>) -> Result<bool, H::InPlace<'env>> {
        if self.closed {
            return Err(child);
        }
        self.children.push(child);
        Ok(!self.attended)
    }

    /// The poller rests, unless somebody has come in.
    fn leave(&mut self) -> bool {
        self.attended = !self.children.is_empty();
        self.attended
    }
}

impl<'env, E, H: GroupHome> TaskGroup<'env, E, H> {
    /// A group without children.
    pub fn new() -> Self {
        Self::with_limit(usize::MAX)
    }

    /// A group of whose children at most `limit` run at a time, cleanups included. Those beyond it wait; a child that
    /// awaits one of them keeps its own place meanwhile.
    ///
    /// # Fairness
    /// Who waits is let in in the order in which the children were started.
    ///
    /// # Panics
    /// If `limit` is zero: no child would ever begin.
    #[track_caller]
    pub fn with_limit(limit: usize) -> Self {
        assert!(limit > 0, "a group whose limit is zero would never run a child");
        let incoming = Incoming { children: Vec::new(), attended: false, closed: false };
        Self {
            handle: GroupHandle {
                tally: H::new_ref(Tally::new(limit)),
                incoming: H::new_ref(<H::Exclusive<_> as Exclusive<_>>::new(incoming)),
            },
        }
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
}

impl<H: GroupHome> TaskGroup<'_, Infallible, H> {
    /// [`run`](TaskGroup::run) for a group in which nothing fails: the body gives its output as it is.
    ///
    /// # Cancel safety
    /// As [`run`](TaskGroup::run).
    ///
    /// # Panics
    /// As [`run`](TaskGroup::run).
    #[track_caller]
    pub fn join<B: Future>(&self, body: B) -> impl Future<Output = B::Output> {
        let run = self.run(async move { Ok(body.await) });
        async {
            match run.await {
                Ok(output) => output,
                Err(error) => match error.into_first() {},
            }
        }
    }
}

impl<'env, E, H: GroupHome> GroupHandle<'env, E, H> {
    #[track_caller]
    fn add_in_place<F, T>(
        &self,
        child: F,
        convert: fn(F::Output) -> Result<T, E>,
        pin: impl FnOnce(Scoped<F, T, E, H>) -> H::InPlace<'env>,
    ) -> Child<T, H>
    where
        F: Future,
    {
        let progress = &self.tally.progress;
        if !progress.admit_in_place() {
            // The group aborts: the child does not begin.
            drop(child);
            return Child::refused(progress.clone());
        }
        let (child, slot) = Scoped::new(child, self.tally.clone(), progress.queue_up(), convert);
        let child = pin(child);
        match self.incoming.with(|incoming| incoming.push(child)) {
            Ok(true) => progress.wake_run(),
            Ok(false) => {}
            Err(child) => drop(child),
        }
        Child::in_place(progress.clone(), slot)
    }

    /// Drops the children that nobody will poll, and those that come later. They may hold handles of this very group.
    fn close(&self, panics: &mut Panics) {
        let mut unborn = self.incoming.with(|incoming| {
            incoming.closed = true;
            std::mem::take(&mut incoming.children)
        });
        for child in &mut unborn {
            panics.catch(|| child.cancel());
        }
    }
}

impl<E, H: GroupHome> Drop for TaskGroup<'_, E, H> {
    fn drop(&mut self) {
        let mut panics = Panics::new();
        panics.catch(|| self.handle.tally.progress.abandon());
        self.handle.close(&mut panics);
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

impl<E, H: GroupHome> Clone for GroupHandle<'_, E, H> {
    fn clone(&self) -> Self {
        Self { tally: self.tally.clone(), incoming: self.incoming.clone() }
    }
}

impl<E, H: GroupHome> fmt::Debug for GroupHandle<'_, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle").field("progress", &*self.tally.progress).finish()
    }
}

macro_rules! spawn_methods {
    ($home:ty, $spawn:ident, [$($send:tt)*]) => {
        impl<'env, E: $($send)* 'static> TaskGroup<'env, E, $home> {
            /// Starts a child as a task of its own. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[track_caller]
            pub fn spawn<F>(&self, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'static> + $($send)* 'static,
            {
                self.handle.spawn(child)
            }

            /// Starts a child as a task of its own. Its `Err` aborts the group.
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[track_caller]
            pub fn try_spawn<T, F>(&self, child: F) -> Child<T, $home>
            where
                T: $($send)* 'static,
                F: Future<Output = Result<T, E>> + $($send)* 'static,
            {
                self.handle.try_spawn(child)
            }
        }

        impl<'env, E: $($send)* 'env> TaskGroup<'env, E, $home> {
            /// Starts a child inside the task that runs the group; it may borrow. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn spawn_scoped<F>(&self, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'env> + $($send)* 'env,
            {
                self.handle.spawn_scoped(child)
            }

            /// Starts a child inside the task that runs the group; it may borrow. Its `Err` aborts the group.
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn try_spawn_scoped<T, F>(&self, child: F) -> Child<T, $home>
            where
                T: $($send)* 'env,
                F: Future<Output = Result<T, E>> + $($send)* 'env,
            {
                self.handle.try_spawn_scoped(child)
            }
        }

        impl<'env, E: $($send)* 'static> GroupHandle<'env, E, $home> {
            #[track_caller]
            fn add_task<F, T>(&self, child: F, convert: fn(F::Output) -> Result<T, E>) -> Child<T, $home>
            where
                F: Future<Output: $($send)* 'static> + $($send)* 'static,
                T: $($send)* 'static,
            {
                let progress = &self.tally.progress;
                let Some(place) = progress.admit_task() else {
                    // The group aborts: the child does not begin.
                    drop(child);
                    return Child::refused(progress.clone());
                };
                let number = progress.queue_up();
                let child = Gated::<F, $home>::new(child, progress, number);
                let exit = Exit::<_, T, E, $home>::new(self.tally.clone(), place, number, convert);
                let task = Builder::new().$spawn(child, exit);
                progress.attach(place, task.task_ref());
                Child::task(progress.clone(), task)
            }

            /// See [`TaskGroup::spawn`].
            ///
            /// # Panics
            /// As there.
            #[track_caller]
            pub fn spawn<F>(&self, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'static> + $($send)* 'static,
            {
                self.add_task(child, Ok)
            }

            /// See [`TaskGroup::try_spawn`].
            ///
            /// # Panics
            /// As there.
            #[track_caller]
            pub fn try_spawn<T, F>(&self, child: F) -> Child<T, $home>
            where
                T: $($send)* 'static,
                F: Future<Output = Result<T, E>> + $($send)* 'static,
            {
                self.add_task(child, |result| result)
            }
        }

        impl<'env, E: $($send)* 'env> GroupHandle<'env, E, $home> {
            /// See [`TaskGroup::spawn_scoped`].
            ///
            /// # Panics
            /// As there.
            #[track_caller]
            pub fn spawn_scoped<F>(&self, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'env> + $($send)* 'env,
            {
                self.add_in_place(child, Ok, |child| Box::pin(child))
            }

            /// See [`TaskGroup::try_spawn_scoped`].
            ///
            /// # Panics
            /// As there.
            #[track_caller]
            pub fn try_spawn_scoped<T, F>(&self, child: F) -> Child<T, $home>
            where
                T: $($send)* 'env,
                F: Future<Output = Result<T, E>> + $($send)* 'env,
            {
                self.add_in_place(child, |result| result, |child| Box::pin(child))
            }
        }
    };
}

spawn_methods!(aio_base::Shared, spawn_with_exit, [Send+]);
spawn_methods!(aio_base::Local, spawn_local_with_exit, []);

#[cfg(all(test, aio_loom))]
mod tests;
