//! Each await in turn.

use super::failure::fail;
use super::point::CancelPoint;
use super::victim::{Course, Record, Victim};
use crate::run::{End, RunSettings, run_in_order};

/// Runs `test` again and again, and cancels what it gives to [`Victim::run`] at another point each time: before it
/// begins; and at each of its awaits, as soon as it waits, and when it was woken but has not gone on. So a test of one
/// case becomes one of cancel safety. Returns how many points there were.
///
/// ```
/// use aio_core::local::spawn;
/// use aio_sync::local::Queue;
/// use aio_test::{Victim, cancel_at_each_await};
/// use std::rc::Rc;
///
/// let points = cancel_at_each_await(async |victim: Victim| {
///     let queue = Rc::new(Queue::bounded(1));
///     let producer = spawn({
///         let queue = queue.clone();
///         async move {
///             for n in 0..3 {
///                 queue.put(n).await.unwrap();
///             }
///         }
///     });
///
///     let mut got = Vec::new();
///     victim
///         .run(async {
///             while got.len() < 3 {
///                 got.push(queue.get().await.unwrap());
///             }
///         })
///         .await;
///     // Whether it was cancelled or not: what it has not got is still there.
///     while got.len() < 3 {
///         got.push(queue.get().await.unwrap());
///     }
///     producer.await;
///     assert_eq!(got, [0, 1, 2]);
/// });
/// assert_eq!(points, 7); // before the first poll, and two at each of three awaits
/// ```
///
/// Each run is one as [`Test`](crate::Test) makes it without further settings, and fails for the same reasons; it is to
/// do the same up to the point. The first is one without
/// cancellation, which counts the awaits. What has to hold afterwards is for the test to say; that the victim's
/// cleanups end, and that nothing waits for ever, is seen by itself.
///
/// # Replay
/// A failure says at which point the victim was cancelled, and goes on as the panic that it is. With
/// `AIO_CANCEL_AT=3:woken cargo test name_of_the_test` the victim is cancelled at that point only.
///
/// # Panics
/// If `test` does in one of the runs. If nothing can happen any more, if the victim has not finished after a thousand
/// awaits (see [`CancelFuzzer::max_awaits`]), if `test` never runs its victim, or does not do the same in each run.
#[track_caller]
pub fn cancel_at_each_await(test: impl AsyncFnMut(Victim)) -> usize {
    CancelFuzzer::new().run(test)
}

/// [`cancel_at_each_await`] for futures that need nothing around them: each that `make` makes is cancelled at another
/// point.
///
/// ```
/// use aio_test::cancel_future_at_each_await;
/// use aio_timer::{sleep, timeout};
/// use std::time::Duration;
///
/// let points = cancel_future_at_each_await(|| async {
///     let slow = timeout(Duration::from_secs(1), sleep(Duration::from_secs(3600)));
///     assert!(slow.await.is_err());
/// });
/// assert_eq!(points, 3);
/// ```
///
/// # Panics
/// As [`cancel_at_each_await`].
#[track_caller]
pub fn cancel_future_at_each_await<F: Future>(mut make: impl FnMut() -> F) -> usize {
    cancel_at_each_await(async |victim: Victim| drop(victim.run(make()).await))
}

/// [`cancel_at_each_await`] with settings.
///
/// ```
/// use aio_core::yield_now;
/// use aio_test::{CancelFuzzer, Victim};
///
/// let points = CancelFuzzer::new().max_awaits(10_000).run(async |victim: Victim| {
///     victim.run(yield_now()).await;
/// });
/// assert_eq!(points, 3);
/// ```
#[derive(Debug, Clone)]
pub struct CancelFuzzer {
    max_awaits: usize,
}

impl CancelFuzzer {
    /// With a thousand awaits at most.
    pub fn new() -> Self {
        Self { max_awaits: 1000 }
    }

    /// After how many awaits a victim counts as one that never finishes, which is an error: the last run is the one in
    /// which it finishes by itself.
    #[must_use]
    pub fn max_awaits(mut self, max_awaits: usize) -> Self {
        self.max_awaits = max_awaits;
        self
    }

    /// See [`cancel_at_each_await`].
    ///
    /// # Panics
    /// As it does.
    #[track_caller]
    pub fn run(&self, mut test: impl AsyncFnMut(Victim)) -> usize {
        let only = point_of_replay();
        // Without cancellation. What fails here has nothing to do with it.
        let n_awaits = match self.run_at(None, &mut test) {
            (End::Returned(()), record) => record.n_awaits(),
            (end, _) => fail(end, None, 0),
        };
        if let Some(only) = only
            && CancelPoint::all(n_awaits).all(|point| point != only)
        {
            eprintln!(
                "aio: AIO_CANCEL_AT={only}: there is no such point here, since the victim waits {n_awaits} times"
            );
        }
        let mut n_points = 0;
        for point in CancelPoint::all(n_awaits) {
            n_points += 1;
            if only.is_some_and(|only| only != point) {
                continue;
            }
            let (end, record) = self.run_at(Some(point), &mut test);
            if !matches!(end, End::Returned(())) {
                fail(end, Some(point), n_awaits);
            }
            assert!(
                record.course() != Course::Finished,
                "the victim has not come to the point {point}, though it waited {n_awaits} times in the first run: the \
                 test must do the same in each run"
            );
        }
        n_points
    }

    #[track_caller]
    fn run_at(&self, point: Option<CancelPoint>, test: &mut impl AsyncFnMut(Victim)) -> (End<()>, Record) {
        let (victim, record) = Victim::new(point, self.max_awaits);
        let end = run_in_order(RunSettings::new("a test that is cancelled at each await".to_owned()), test(victim));
        assert!(
            !matches!(end, End::Returned(())) || record.course() != Course::NotBegun,
            "the test has not run its victim: it must await `victim.run(..)`"
        );
        (end, record)
    }
}

impl Default for CancelFuzzer {
    fn default() -> Self {
        Self::new()
    }
}

/// The point that whoever repeats a failure asks for.
#[track_caller]
fn point_of_replay() -> Option<CancelPoint> {
    let text = std::env::var("AIO_CANCEL_AT").ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(point) => Some(point),
        Err(error) => panic!("AIO_CANCEL_AT={text}: {error}"),
    }
}
