//! Waiting for some of several tasks, without taking them over.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aio_core::{JoinError, Task, TaskHome};
use aio_timer::{Sleep, sleep};
use pin_project_lite::pin_project;

use crate::child_wakers::ChildWakers;

/// How long [`wait`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// All have ended (asyncio: `ALL_COMPLETED`).
    AllCompleted,
    /// One has ended, in whatever way (asyncio: `FIRST_COMPLETED`).
    FirstCompleted,
    /// One has failed, or all have ended (asyncio: `FIRST_EXCEPTION`). A panic is a failure, and for [`try_wait`] an
    /// `Err` is; that a task was cancelled is none.
    FirstFailed,
}

/// Waits until enough of `tasks` have ended; takes those out that have, and leaves the others.
///
/// This is asyncio's `wait`: it cancels nothing, and how a task ended (a panic, too) is for whoever awaits or joins it.
/// The tasks that come back are finished: [`join`](Task::join) gives their outcomes without waiting. They come in the
/// order in which they ended; those that had ended before the wait began come first, in the order of `tasks`. There may
/// be more of them than were waited for. Those that have not ended stay in `tasks`, in their order.
///
/// Without tasks it returns at once. To wait no longer than a given time, see [`Wait::timeout`].
///
/// Each call goes through `tasks` to register with those that run, and once more at the end; in between, a task that
/// ends costs one step. It takes a few allocations, whatever the number of tasks.
///
/// # Cancel safety
/// Dropping the future loses nothing: all tasks stay in `tasks`, in their order.
///
/// # Examples
/// ```
/// use aio_core::{spawn, yield_now};
/// use aio_group::{Until, wait};
///
/// async fn after(turns: u32) -> u32 {
///     for _ in 0..turns {
///         yield_now().await;
///     }
///     turns
/// }
///
/// aio_core::run(async {
///     let mut tasks = vec![spawn(after(4)), spawn(after(1)), spawn(after(9))];
///     let mut outputs = vec![];
///     while !tasks.is_empty() {
///         for task in wait(&mut tasks, Until::FirstCompleted).await {
///             outputs.push(task.await);
///         }
///     }
///     assert_eq!(outputs, [1, 4, 9]);
/// });
/// ```
pub fn wait<T, H: TaskHome>(tasks: &mut Vec<Task<T, H>>, until: Until) -> Wait<'_, T, H> {
    Wait::new(tasks, until, |outcome| outcome.as_ref().is_err_and(JoinError::is_panic))
}

/// [`wait`] for tasks whose output is a `Result`: to [`Until::FirstFailed`] an `Err` is a failure, as a panic is.
///
/// # Cancel safety
/// As [`wait`].
///
/// # Examples
/// ```
/// use aio_core::{spawn, yield_now};
/// use aio_group::{Until, try_wait};
///
/// aio_core::run(async {
///     let job = async |n: u32| {
///         yield_now().await;
///         if n == 2 { Err("2 is too many") } else { Ok(n) }
///     };
///     let mut tasks = vec![spawn(job(1)), spawn(job(2)), spawn(std::future::pending())];
///     let mut outcomes = vec![];
///     for task in try_wait(&mut tasks, Until::FirstFailed).await {
///         outcomes.push(task.await);
///     }
///     assert_eq!(outcomes, [Ok(1), Err("2 is too many")]);
///     assert_eq!(tasks.len(), 1);
/// });
/// ```
pub fn try_wait<T, E, H: TaskHome>(tasks: &mut Vec<Task<Result<T, E>, H>>, until: Until) -> Wait<'_, Result<T, E>, H> {
    Wait::new(tasks, until, |outcome| match outcome {
        Ok(output) => output.is_err(),
        Err(error) => error.is_panic(),
    })
}

/// The future of [`wait`] and [`try_wait`].
#[must_use = "futures do nothing unless you `.await` them"]
pub struct Wait<'a, T, H: TaskHome> {
    tasks: &'a mut Vec<Task<T, H>>,
    until: Until,
    is_failure: fn(&Result<T, JoinError>) -> bool,
    /// The places of the tasks that have ended.
    ended: Vec<usize>,
    failed: bool,
    /// Once there was something to wait for.
    wakers: Option<ChildWakers>,
}

impl<'a, T, H: TaskHome> Wait<'a, T, H> {
    fn new(tasks: &'a mut Vec<Task<T, H>>, until: Until, is_failure: fn(&Result<T, JoinError>) -> bool) -> Self {
        Self { tasks, until, is_failure, ended: Vec::new(), failed: false, wakers: None }
    }

    /// Waits for `duration` at most: then it returns what has ended by then, which may be nothing. The time begins when
    /// the result is polled first; with a `duration` of zero, other tasks get one turn.
    ///
    /// # Cancel safety
    /// As [`wait`].
    ///
    /// # Panics
    /// As [`sleep`](aio_timer::sleep()).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use aio_group::{Until, wait};
    ///
    /// aio_core::run(async {
    ///     let mut tasks = vec![aio_core::spawn(std::future::pending::<()>()), aio_core::spawn(async {})];
    ///     let ended = wait(&mut tasks, Until::AllCompleted).timeout(Duration::from_millis(1)).await;
    ///     assert_eq!((ended.len(), tasks.len()), (1, 1));
    /// });
    /// ```
    pub fn timeout(self, duration: Duration) -> WaitTimeout<'a, T, H> {
        WaitTimeout { wait: self, sleep: sleep(duration) }
    }

    /// Whether enough tasks have ended.
    fn is_enough(&self) -> bool {
        let enough = match self.until {
            Until::AllCompleted => false,
            Until::FirstCompleted => !self.ended.is_empty(),
            Until::FirstFailed => self.failed,
        };
        enough || self.ended.len() == self.tasks.len()
    }

    fn note(&mut self, index: usize) {
        self.ended.push(index);
        self.failed |= self.tasks[index].failed(self.is_failure);
    }

    /// Notes who has ended since the last time; has the others wake the caller when they do, unless they are enough.
    fn look(&mut self, cx: &mut Context<'_>) {
        if let Some(wakers) = self.wakers.take() {
            wakers.register(cx.waker());
            for index in wakers.take_woken() {
                if self.tasks[index].poll_finished(&mut Context::from_waker(&wakers.lend(index))).is_ready() {
                    self.note(index);
                }
            }
            self.wakers = Some(wakers);
            return;
        }
        // After a panic (of a waker that was in the way) this is a second beginning.
        (self.ended, self.failed) = (Vec::new(), false);
        // Without registering anywhere at first: it may be enough.
        for index in 0..self.tasks.len() {
            if self.tasks[index].is_finished() {
                self.note(index);
            }
        }
        if self.is_enough() {
            return;
        }
        let wakers = ChildWakers::new(self.tasks.len());
        wakers.register(cx.waker());
        let mut before = std::mem::take(&mut self.ended).into_iter().peekable();
        for index in 0..self.tasks.len() {
            if before.next_if_eq(&index).is_some() {
                self.ended.push(index);
            } else if self.tasks[index].poll_finished(&mut Context::from_waker(&wakers.lend(index))).is_ready() {
                // Meanwhile, on another thread.
                self.note(index);
            }
        }
        self.wakers = Some(wakers);
    }

    /// Takes out the tasks that have ended.
    fn take(&mut self) -> Vec<Task<T, H>> {
        // It knows the tasks by places that are about to change.
        self.wakers = None;
        let ended = std::mem::take(&mut self.ended);
        if ended.is_empty() {
            return Vec::new();
        }
        let mut tasks: Vec<_> = std::mem::take(self.tasks).into_iter().map(Some).collect();
        let ended = ended.into_iter().map(|index| tasks[index].take().expect("a task ends once")).collect();
        *self.tasks = tasks.into_iter().flatten().collect();
        ended
    }
}

impl<T, H: TaskHome> Future for Wait<'_, T, H> {
    type Output = Vec<Task<T, H>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.look(cx);
        if self.is_enough() { Poll::Ready(self.take()) } else { Poll::Pending }
    }
}

impl<T, H: TaskHome> fmt::Debug for Wait<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tasks, ended) = (self.tasks.len(), self.ended.len());
        f.debug_struct("Wait").field("until", &self.until).field("tasks", &tasks).field("ended", &ended).finish()
    }
}

pin_project! {
    /// The future of [`Wait::timeout`].
    #[must_use = "futures do nothing unless you `.await` them"]
    pub struct WaitTimeout<'a, T, H: TaskHome> {
        wait: Wait<'a, T, H>,
        #[pin]
        sleep: Sleep,
    }
}

impl<T, H: TaskHome> Future for WaitTimeout<'_, T, H> {
    type Output = Vec<Task<T, H>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match Pin::new(&mut *this.wait).poll(cx) {
            Poll::Pending if this.sleep.poll(cx).is_ready() => Poll::Ready(this.wait.take()),
            poll => poll,
        }
    }
}

impl<T, H: TaskHome> fmt::Debug for WaitTimeout<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitTimeout").field("wait", &self.wait).field("sleep", &self.sleep).finish()
    }
}
