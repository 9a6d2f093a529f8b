//! A blocking function as a future.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
// facade: loom's cannot hold a trait object
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aio_base::waits::{self, Note};
use aio_core::TaskRef;

use crate::current;
use crate::entry::{End, Entry};
use crate::job::{Job, Outcome, Work};
use crate::pool::{Refused, Shared};
use crate::queue::Ticket;
use crate::steps::{self, Origin, Step};

/// Runs `f`, which may block, in a thread of a small pool, while the loop goes on.
///
/// Nothing happens before the first poll; then `f` waits for a thread in the order of the first polls. It runs with the
/// task-locals that the awaiting task has at that moment.
///
/// The pool is the one of the current loop; it takes [asyncio's size](crate::PoolConfig::new) if the loop was not
/// configured otherwise, and when the loop ends, it waits until every job that has begun is done. Without a
/// loop of `aio`, under another executor or in a thread of the pool itself, the jobs go to a pool of the process.
///
/// Meant for calls that block (files, name lookup, a C library) or compute for some milliseconds. A job that waits
/// for another job of the same pool may wait for ever, once such jobs hold all threads.
///
/// # Cancel safety
/// If `f` has not begun when the future is dropped, it never will; it is dropped there and then. If it has begun, it
/// runs to its end, and its result is dropped in the thread of the pool.
///
/// # Panics
/// A panic in `f` goes on in whoever awaits. Awaiting also panics if the system refuses to start even one thread, or if
/// the pool was shut down before `f` could begin.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// let text = aio_blocking::to_thread(|| std::fs::read_to_string("Cargo.toml")).await?;
/// assert!(text.contains("aio-blocking"));
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[track_caller]
pub fn to_thread<F, T>(f: F) -> ToThread<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    ToThread::new(f, None)
}

/// The future of [`to_thread()`] and [`Pool::run`](crate::Pool::run).
#[must_use = "a job begins when it is awaited"]
pub struct ToThread<T> {
    job: Arc<dyn Work<T>>,
    place: Place,
    origin: Origin,
}

/// Where the job is.
enum Place {
    /// Not in a queue so far: it is to go to this pool, or to the current one.
    Nowhere(Option<Shared>),
    /// It was put into the queue of this pool.
    Queue(Shared, Ticket),
    /// It is a [step](steps), held by this pool until the task begins it; none, if it has begun.
    Held(Box<(Shared, Option<TaskRef>)>),
    /// Its outcome was taken.
    Done,
}

impl<T: Send + 'static> ToThread<T> {
    #[track_caller]
    pub(crate) fn new<F: FnOnce() -> T + Send + 'static>(f: F, pool: Option<Shared>) -> Self {
        Self { job: Arc::new(Job::new(f)), place: Place::Nowhere(pool), origin: Origin::caller() }
    }
}

impl<T> ToThread<T> {
    /// Where it waits, for the table of who waits for what.
    #[inline]
    fn job_place(&self) -> waits::Place {
        waits::Place::of(&*self.job)
    }

    fn submit(&mut self, pool: Shared, cx: &mut Context<'_>) -> Result<(), Refused> {
        self.job.enqueue(aio_core::Context::current(), cx.waker().clone());
        self.place = match steps::current() {
            None => {
                let ticket = pool.submit(Entry { job: self.job.clone(), end: End::of_job() })?;
                Place::Queue(pool, ticket)
            }
            Some(steps) => {
                let step = Step::new(pool.clone(), self.job.clone(), self.origin)?;
                Place::Held(Box::new((pool, steps.submit(step))))
            }
        };
        Ok(())
    }

    /// As [`poll`](Future::poll), but for one thing: gives `None` instead of a panic if the pool was shut down before
    /// `f` could begin. By then, `f` was dropped. For whoever outlives the loop in which it was polled.
    ///
    /// # Panics
    /// A panic in `f` goes on here; and if the system refuses to start even one thread.
    pub fn poll_unless_refused(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Place::Nowhere(pool) = &mut self.place {
            let pool = pool.take().unwrap_or_else(current::pool);
            let Err(refused) = self.submit(pool, cx) else {
                waits::begin_at(self.job_place(), || Note::new("a blocking function"));
                return Poll::Pending;
            };
            self.place = Place::Done;
            self.job.abandon();
            return match refused {
                Refused::Closed => Poll::Ready(None),
                Refused::NoThread(_) => panic!("to_thread: {refused}"),
            };
        }
        waits::again_at(self.job_place());
        let outcome = ready!(self.job.poll(cx.waker()));
        waits::end_at(self.job_place());
        self.place = Place::Done;
        match outcome {
            Outcome::Returned(value) => Poll::Ready(Some(value)),
            Outcome::Panicked(payload) => resume_unwind(payload),
            Outcome::Refused => Poll::Ready(None),
        }
    }
}

impl<T> Future for ToThread<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.poll_unless_refused(cx)) {
            Some(value) => Poll::Ready(value),
            None => panic!("to_thread: {}", Refused::Closed),
        }
    }
}

impl<T> Drop for ToThread<T> {
    fn drop(&mut self) {
        waits::end_at(self.job_place());
        // Nothing is left of a job that is done, so that its lock need not be taken.
        if matches!(self.place, Place::Done) || !self.job.abandon() {
            return;
        }
        match &self.place {
            Place::Queue(pool, ticket) => pool.take_back(*ticket),
            Place::Held(held) => steps::withdraw(&held.0, self.job.clone(), held.1.as_ref()),
            Place::Nowhere(_) | Place::Done => {}
        }
    }
}

impl<T> fmt::Debug for ToThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToThread")
            .field("is_queued", &matches!(self.place, Place::Queue(..) | Place::Held(..)))
            .finish()
    }
}
