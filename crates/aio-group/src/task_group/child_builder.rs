//! Starting a child: every way to do so ends here.

use std::fmt;
use std::panic::Location;

use aio_core::Builder;

use super::delivery::{Delivery, ToHandle};
use super::exit::Exit;
use super::gate::Gated;
use super::results::Results;
use super::start::{Started, Starting};
use super::vacancy::Reservation;
use super::{Child, GroupHandle, GroupHome, TaskGroup};

/// A child to be started, with what is special about it; made by [`TaskGroup::child`] and
/// [`vacancy`](TaskGroup::vacancy).
///
/// ```
/// use aio_core::current_task;
/// use aio_group::TaskGroup;
///
/// # aio_core::run(async {
/// let group = TaskGroup::new();
/// let name = group
///     .join(async {
///         let child = group.child().name("greeter").spawn(async {
///             current_task().unwrap().name().unwrap().to_owned()
///         });
///         child.await
///     })
///     .await;
/// assert_eq!(name, "greeter");
/// # });
/// ```
#[must_use = "nothing is started before `spawn` and the like"]
pub struct ChildBuilder<'a, 'env, E, H: GroupHome> {
    handle: &'a GroupHandle<'env, E, H>,
    task: Builder,
    /// Where it need not wait to begin. Given back if no child is started.
    room: Option<Reservation<'a, H>>,
}

impl<'a, 'env, E, H: GroupHome> ChildBuilder<'a, 'env, E, H> {
    #[inline]
    pub(super) fn new(handle: &'a GroupHandle<'env, E, H>) -> Self {
        Self { handle, task: Builder::new(), room: None }
    }

    #[inline]
    pub(super) fn in_room(mut self, room: Reservation<'a, H>) -> Self {
        self.room = Some(room);
        self
    }

    /// Gives the child's task a name, which reports and [`TaskRef::name`](aio_core::TaskRef::name) show. A child in
    /// place has no task, and no name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.task = self.task.name(name);
        self
    }

    /// Says which line spawns the child's task, if that is not the one that calls the builder; see
    /// [`Builder::spawned_at`](aio_core::Builder::spawned_at).
    pub fn spawned_at(mut self, location: &'static Location<'static>) -> Self {
        self.task = self.task.spawned_at(location);
        self
    }

    /// Gives the child's task its first turn at once, within the call that spawns it; see
    /// [`Builder::eager`](aio_core::Builder::eager). A child in place begins when the group is polled.
    pub fn eager(mut self, eager: bool) -> Self {
        self.task = self.task.eager(eager);
        self
    }
}

impl<E, H: GroupHome> fmt::Debug for ChildBuilder<'_, '_, E, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildBuilder").field("task", &self.task).field("has_room", &self.room.is_some()).finish()
    }
}

/// What differs between the homes: the bounds, and the box of a child in place.
macro_rules! add {
    ($home:ty, $spawn:ident, [$($send:tt)*]) => {
        impl<'env, E: $($send)* 'static> ChildBuilder<'_, 'env, E, $home> {
            #[inline]
            #[track_caller]
            fn add_task<F, T, C, D>(self, child: F, convert: C, delivery: D) -> Child<D::Left, $home>
            where
                F: Future<Output: $($send)* 'static> + $($send)* 'static,
                C: FnOnce(F::Output) -> Result<T, E> + $($send)* 'static,
                D: Delivery<T, Left: $($send)* 'static> + $($send)* 'static,
            {
                let Self { handle, task, room } = self;
                let tally = &handle.tally;
                let Some((place, turn)) = tally.progress.admit_task(room.is_some()) else {
                    // The group aborts: the child does not begin.
                    drop((child, delivery));
                    return Child::refused(tally.progress.clone());
                };
                if let Some(room) = room {
                    room.hand_over();
                }
                let child = Gated::<F, $home>::new(child, &tally.progress, turn);
                let exit = Exit::<C, D, E, $home>::new(tally.clone(), place, convert, delivery);
                let task = task.$spawn(child, exit);
                tally.progress.attach(place, turn, &task);
                Child::task(tally.progress.clone(), task)
            }
        }

        impl<'env, E: $($send)* 'env> ChildBuilder<'_, 'env, E, $home> {
            #[track_caller]
            fn add_scoped<F, T, C, D>(self, child: F, convert: C, delivery: D) -> Child<D::Left, $home>
            where
                F: Future<Output: $($send)* 'env> + $($send)* 'env,
                T: $($send)* 'env,
                C: FnOnce(F::Output) -> Result<T, E> + $($send)* 'env,
                D: Delivery<T, Left: $($send)* 'env> + $($send)* 'env,
            {
                let Self { handle, task: _, room } = self;
                let progress = &handle.tally.progress;
                let Some(turn) = progress.admit_in_place(room.is_some()) else {
                    // The group aborts: the child does not begin.
                    drop((child, delivery));
                    return Child::refused(progress.clone());
                };
                if let Some(room) = room {
                    room.hand_over();
                }
                handle.add_in_place(child, turn, convert, delivery, |child| Box::pin(child))
            }
        }
    };
}

add!(aio_base::Shared, spawn_with_exit, [Send+]);
add!(aio_base::Local, spawn_local_with_exit, []);

/// The public ways to start a child, for one type in one home. `$builder` makes the builder of `self`.
macro_rules! spawn_methods {
    ($type:ident<$($life:lifetime),*>, $home:ty, [$($send:tt)*], ($($receiver:tt)*), $self:ident => $builder:expr) => {
        impl<'env, E: $($send)* 'static> $type<$($life,)* E, $home> {
            /// Starts a child as a task of its own. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[inline]
            #[track_caller]
            pub fn spawn<F>($($receiver)*, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'static> + $($send)* 'static,
            {
                $builder.add_task(child, Ok, ToHandle)
            }

            /// Starts a child as a task of its own. Its `Err` aborts the group, unless that is
            /// [`supervised`](TaskGroup::supervised).
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[inline]
            #[track_caller]
            pub fn try_spawn<T, F>($($receiver)*, child: F) -> Child<T, $home>
            where
                T: $($send)* 'static,
                F: Future<Output = Result<T, E>> + $($send)* 'static,
            {
                $builder.add_task(child, std::convert::identity, ToHandle)
            }

            /// Starts a child as a task of its own that says when it is ready, as Trio's `nursery.start` does. The
            /// future of this has the value with which the child calls [`Started::set`]; the child goes on in the
            /// group. The child begins even if the future is not awaited.
            ///
            /// # Cancel safety
            /// Dropping the future before it has given the value cancels the child.
            ///
            /// # Errors
            /// [`NotStarted`](crate::NotStarted), if the child ends without calling it, or was refused since the group
            /// aborts.
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            ///
            /// # Examples
            /// ```
            /// use aio_group::TaskGroup;
            ///
            /// # aio_core::run(async {
            /// let group = TaskGroup::new();
            /// group
            ///     .join(async {
            ///         let port = group.start(async |started| {
            ///             started.set(8080);
            ///             // Serves from now on.
            ///         });
            ///         assert_eq!(port.await, Ok(8080));
            ///     })
            ///     .await;
            /// # });
            /// ```
            #[track_caller]
            pub fn start<T, F, Fut>($($receiver)*, child: F) -> Starting<T, $home>
            where
                T: $($send)* 'static,
                F: FnOnce(Started<T, $home>) -> Fut,
                Fut: Future<Output = ()> + $($send)* 'static,
            {
                let builder = $builder;
                let (started, slot) = Started::new();
                Starting::new(slot, builder.add_task(child(started), Ok, ToHandle))
            }

            /// [`start`](Self::start) for a child that may fail, as those of [`try_spawn`](Self::try_spawn) do.
            ///
            /// # Cancel safety
            /// As [`start`](Self::start).
            ///
            /// # Errors
            /// As [`start`](Self::start).
            ///
            /// # Panics
            /// As [`start`](Self::start).
            #[track_caller]
            pub fn try_start<T, F, Fut>($($receiver)*, child: F) -> Starting<T, $home>
            where
                T: $($send)* 'static,
                F: FnOnce(Started<T, $home>) -> Fut,
                Fut: Future<Output = Result<(), E>> + $($send)* 'static,
            {
                let builder = $builder;
                let (started, slot) = Started::new();
                Starting::new(slot, builder.add_task(child(started), std::convert::identity, ToHandle))
            }
        }

        impl<'env, E: $($send)* 'env> $type<$($life,)* E, $home> {
            /// Starts a child inside the task that runs the group; it may borrow. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn spawn_scoped<F>($($receiver)*, child: F) -> Child<F::Output, $home>
            where
                F: Future<Output: $($send)* 'env> + $($send)* 'env,
            {
                $builder.add_scoped(child, Ok, ToHandle)
            }

            /// Starts a child inside the task that runs the group; it may borrow. Its `Err` aborts the group, unless
            /// that is [`supervised`](TaskGroup::supervised).
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn try_spawn_scoped<T, F>($($receiver)*, child: F) -> Child<T, $home>
            where
                T: $($send)* 'env,
                F: Future<Output = Result<T, E>> + $($send)* 'env,
            {
                $builder.add_scoped(child, std::convert::identity, ToHandle)
            }
        }
    };
}

/// The same for children whose outputs come in the order of their ends.
macro_rules! results_methods {
    ($home:ty, [$($send:tt)*]) => {
        impl<'env, T: $($send)* 'static, E: $($send)* 'static> Results<'_, 'env, T, E, $home> {
            /// Starts a child as a task of its own. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[track_caller]
            pub fn spawn<F>(&mut self, child: F)
            where
                F: Future<Output = T> + $($send)* 'static,
            {
                drop(self.handle.child().add_task(child, Ok, self.expect_one()));
            }

            /// Starts a child as a task of its own. Its `Err` aborts the group, unless that is
            /// [`supervised`](TaskGroup::supervised).
            ///
            /// # Panics
            /// If the group has finished. Where no event loop runs.
            #[track_caller]
            pub fn try_spawn<F>(&mut self, child: F)
            where
                F: Future<Output = Result<T, E>> + $($send)* 'static,
            {
                drop(self.handle.child().add_task(child, std::convert::identity, self.expect_one()));
            }
        }

        impl<'env, T: $($send)* 'env, E: $($send)* 'env> Results<'_, 'env, T, E, $home> {
            /// Starts a child inside the task that runs the group; it may borrow. It cannot fail.
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn spawn_scoped<F>(&mut self, child: F)
            where
                F: Future<Output = T> + $($send)* 'env,
            {
                drop(self.handle.child().add_scoped(child, Ok, self.expect_one()));
            }

            /// Starts a child inside the task that runs the group; it may borrow. Its `Err` aborts the group, unless
            /// that is [`supervised`](TaskGroup::supervised).
            ///
            /// # Panics
            /// If the group has finished.
            #[track_caller]
            pub fn try_spawn_scoped<F>(&mut self, child: F)
            where
                F: Future<Output = Result<T, E>> + $($send)* 'env,
            {
                drop(self.handle.child().add_scoped(child, std::convert::identity, self.expect_one()));
            }
        }
    };
}

macro_rules! home {
    ($home:ty, $send:tt) => {
        spawn_methods!(ChildBuilder<'_, 'env>, $home, $send, (self), self => self);
        spawn_methods!(GroupHandle<'env>, $home, $send, (&self), self => self.child());
        spawn_methods!(TaskGroup<'env>, $home, $send, (&self), self => self.child());
        results_methods!($home, $send);
    };
}

home!(aio_base::Shared, [Send+]);
home!(aio_base::Local, []);
