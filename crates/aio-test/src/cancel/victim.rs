//! What a test gives to be cancelled.

use std::fmt;

use aio_base::sync::{Arc, Mutex};

use super::cancel_at::CancelAt;
use super::point::CancelPoint;

/// Runs the work of a test that is to be cancelled; see [`cancel_at_each_await`](crate::cancel_at_each_await).
#[must_use = "a victim has to run something"]
pub struct Victim {
    point: Option<CancelPoint>,
    max_awaits: usize,
    record: Record,
}

/// What has become of a victim. Shared by it and whoever made it.
#[derive(Clone)]
pub(super) struct Record(Arc<Mutex<(usize, Course)>>);

/// How far a victim has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// `run` was not called, or its future never polled.
    NotBegun,
    Running,
    Finished,
    Cancelled,
    /// The test itself has dropped it.
    Dropped,
}

impl Victim {
    pub(super) fn new(point: Option<CancelPoint>, max_awaits: usize) -> (Self, Record) {
        let record = Record(Arc::new(Mutex::new((0, Course::NotBegun))));
        (Self { point, max_awaits, record: record.clone() }, record)
    }

    /// Runs `future`, which is cancelled at the point of this run of the test, if it gets there: its output, or `None`
    /// if it was cancelled. Cleanups have run to their ends then.
    ///
    /// It takes the victim: in each run of a test one thing is cancelled. To see what a cancelled loop has done so far,
    /// let it write to what it borrows from the test.
    ///
    /// ```compile_fail,E0382
    /// aio_test::cancel_at_each_await(async |victim: aio_test::Victim| {
    ///     victim.run(async {}).await;
    ///     victim.run(async {}).await;
    /// });
    /// ```
    ///
    /// # Cancel safety
    /// A test may drop it half-way; the points after that are left out.
    ///
    /// # Panics
    /// If `future` or one of its cleanups does. If it waits more often than
    /// [`max_awaits`](crate::CancelFuzzer::max_awaits).
    pub async fn run<F: Future>(self, future: F) -> Option<F::Output> {
        let Self { point, max_awaits, record } = self;
        let mut running = Running { record, cancel_at: CancelAt::new(future, point) };
        std::future::poll_fn(|cx| {
            let poll = std::pin::Pin::new(&mut running.cancel_at).poll(cx);
            let n_awaits = running.cancel_at.n_awaits();
            running.note(if poll.is_ready() { running.end() } else { Course::Running });
            assert!(
                n_awaits <= max_awaits,
                "the victim has waited {n_awaits} times and has not finished: it must finish by itself, or be given \
                 more with `max_awaits`"
            );
            poll
        })
        .await
    }
}

struct Running<F: Future> {
    record: Record,
    cancel_at: CancelAt<F>,
}

impl<F: Future> Running<F> {
    fn end(&self) -> Course {
        if self.cancel_at.was_cancelled() { Course::Cancelled } else { Course::Finished }
    }

    fn note(&self, course: Course) {
        *self.record.0.lock() = (self.cancel_at.n_awaits(), course);
    }
}

impl<F: Future> Drop for Running<F> {
    fn drop(&mut self) {
        if self.record.course() == Course::Running {
            self.note(Course::Dropped);
        }
    }
}

impl Record {
    pub(super) fn n_awaits(&self) -> usize {
        self.0.lock().0
    }

    pub(super) fn course(&self) -> Course {
        self.0.lock().1
    }
}

impl fmt::Debug for Victim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Victim").field("point", &self.point).finish_non_exhaustive()
    }
}
