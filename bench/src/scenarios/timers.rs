//! Timers that never fire, timers that all do, and timeouts that are not needed.

use std::cell::RefCell;
use std::future::{Future, poll_fn, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, Monoio, Smol, Timers, Tokio};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::new("timer, none pending", 100_000, 20_000)
            .aio("aio", |n| register_cancel::<Aio>(0, n))
            .peer("tokio", |n| register_cancel::<Tokio>(0, n))
            .peer("smol", |n| register_cancel::<Smol>(0, n))
            .peer("monoio", |n| register_cancel::<Monoio>(0, n))
            // Most of it, for those who ask it once.
            .floor("reading the clock", read_clock),
        Scenario::new("timer, 100k pending", 100_000, 20_000)
            .aio("aio", |n| register_cancel::<Aio>(100_000, n))
            .peer("tokio", |n| register_cancel::<Tokio>(100_000, n))
            .peer("smol", |n| register_cancel::<Smol>(100_000, n))
            .peer("monoio", |n| register_cancel::<Monoio>(100_000, n)),
        Scenario::new("timeout of a ready future", 1_000_000, 100_000)
            .aio("aio", timeout_ready::<Aio>)
            .peer("tokio", timeout_ready::<Tokio>)
            .peer("smol", timeout_ready::<Smol>)
            .peer("monoio", timeout_ready::<Monoio>),
        Scenario::new("sleeps, CPU", 1_000_000, 100_000)
            .rounds(3, 1)
            .aio("aio", sleeps::<Aio>)
            .peer("tokio", sleeps::<Tokio>)
            .peer("smol", sleeps::<Smol>)
            .peer("monoio", sleeps::<Monoio>),
    ]
}

/// Numbers without order, the same for every peer.
struct Scattered(u64);

impl Scattered {
    /// Below `bound`.
    fn next(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Sleeps that are polled once and dropped, as most timeouts are, beside `n_others` that stay.
fn register_cancel<R: Timers>(n_others: u64, n: u64) -> Sample {
    R::run(async move {
        let mut scattered = Scattered(1);
        let mut others: Vec<Pin<Box<_>>> = Vec::new();
        for _ in 0..n_others {
            let mut sleep = Box::pin(R::sleep(Duration::from_millis(20_000 + scattered.next(40_000))));
            poll_once(sleep.as_mut()).await;
            others.push(sleep);
            // See below.
            if others.len().is_multiple_of(64) {
                R::yield_now().await;
            }
        }
        let meter = Meter::start();
        for i in 0..n {
            poll_once(pin!(R::sleep(Duration::from_secs(10)))).await;
            // tokio allows a task 128 operations; after that, a poll does nothing. Besides, all loops have their turn.
            if i % 64 == 0 {
                R::yield_now().await;
            }
        }
        meter.stop(n)
    })
}

fn read_clock(n: u64) -> Sample {
    let meter = Meter::start();
    for _ in 0..n {
        black_box(Instant::now());
    }
    meter.stop(n)
}

async fn poll_once<F: Future<Output = ()>>(mut future: Pin<&mut F>) {
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending(), "it is not over yet");
        Poll::Ready(())
    })
    .await;
}

fn timeout_ready<R: Timers>(n: u64) -> Sample {
    R::run(async move {
        let meter = Meter::start();
        for i in 0..n {
            assert_eq!(R::timeout(Duration::from_secs(10), ready(i)).await, Some(i));
        }
        meter.stop(n)
    })
}

/// `n` tasks that sleep until a point of their own, a million of these in a second, and report how late they were. What
/// is measured is CPU time: spawning, registering, firing. The deadlines begin only when every peer has registered all
/// of its timers.
fn sleeps<R: Timers>(n: u64) -> Sample {
    R::run(async move {
        let meter = Meter::start_process();
        let first = Instant::now() + Duration::from_micros(2 * n);
        let mut scattered = Scattered(1);
        let late: Rc<RefCell<Vec<Duration>>> = Rc::default();
        let mut tasks = Vec::new();
        for _ in 0..n {
            let at = first + Duration::from_micros(scattered.next(n));
            let late = late.clone();
            tasks.push(R::spawn(async move {
                R::sleep_until(at).await;
                late.borrow_mut().push(at.elapsed());
            }));
        }
        for task in tasks {
            task.await;
        }
        let sample = meter.stop(n);
        let mut late = late.take();
        let median = late.len() / 2;
        let (_, &mut median, _) = late.select_nth_unstable(median);
        Sample { lateness: Some(median), ..sample }
    })
}
