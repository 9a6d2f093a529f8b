//! Timers that never fire, timers that all do, and timeouts that are not needed.

use std::cell::{Cell, RefCell};
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Meter, Note, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, N_WORKERS, SharedTimers, Timers, rows, timer_peers};
use crate::wheel::Wheel;

pub(super) fn scenarios() -> Vec<Scenario> {
    let few = Scenario::new("timer, none pending", 100_000, 20_000).aio("aio", |n| register_cancel::<Aio>(0, n));
    let many = Scenario::new("timer, 100k pending", 100_000, 20_000).aio("aio", |n| register_cancel::<Aio>(MANY, n));
    let workers = Scenario::new("timer, 2 workers", 100_000, 20_000).aio("aio", shared_register_cancel::<AioWorkers>);
    let ready = Scenario::new("timeout of a ready future", 1_000_000, 100_000).aio("aio", timeout_ready::<Aio>);
    let sleepers = Scenario::new("sleeps, CPU", 1_000_000, 100_000).rounds(3, 1).aio("aio", sleeps::<Aio>);
    vec![
        timer_peers!(few, |n, R| register_cancel::<R>(0, n))
            .python("timer_few")
            // Most of it, for those who ask it once.
            .floor("reading the clock", read_clock)
            .floor("a wheel by hand", |n| wheel(0, n)),
        timer_peers!(many, |n, R| register_cancel::<R>(MANY, n)).floor("a wheel by hand", |n| wheel(MANY, n)),
        rows!(workers, |n, R| shared_register_cancel::<R>(n); "tokio" TokioWorkers, "smol" SmolWorkers,),
        timer_peers!(ready, |n, R| timeout_ready::<R>(n)).python("timeout_ready").floor("a poll", polls),
        timer_peers!(sleepers, |n, R| sleeps::<R>(n)).python("sleeps").floor("a heap by hand", heap),
    ]
}

/// Pending timers that are not touched.
const MANY: u64 = 100_000;

/// Numbers without order, the same for every peer.
struct Scattered(u64);

impl Scattered {
    /// Below `bound`.
    fn next(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Pending timers of one task: glommio can count no more than 32767 wakers of one.
const OF_ONE_TASK: u64 = 10_000;

/// Sleeps that are polled once and dropped, as most timeouts are, beside `n_others` that stay.
pub(crate) fn register_cancel<R: Timers>(n_others: u64, n: u64) -> Sample {
    R::run(async move {
        let others = Others::new::<R>(n_others).await;
        let meter = Meter::start();
        for i in 0..n {
            poll_once(pin!(R::sleep(Duration::from_secs(10)))).await;
            // tokio allows a task 128 operations; after that, a poll does nothing. Besides, all loops have their turn.
            if i % 64 == 0 {
                R::yield_now().await;
            }
        }
        let sample = meter.stop(n);
        others.end();
        sample
    })
}

/// Timers that are pending until [`end`](Self::end), in tasks of their own.
struct Others {
    over: Rc<Cell<bool>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Others {
    async fn new<R: Timers>(n: u64) -> Self {
        let others = Self { over: Rc::default(), wakers: Rc::default() };
        let mut scattered = Scattered(1);
        for first in (0..n).step_by(OF_ONE_TASK as usize) {
            let sleeps: Vec<_> = (first..n.min(first + OF_ONE_TASK))
                .map(|_| Box::pin(R::sleep(Duration::from_millis(20_000 + scattered.next(40_000)))))
                .collect();
            let (over, wakers) = (others.over.clone(), others.wakers.clone());
            R::spawn_detached(async move {
                let mut sleeps = sleeps;
                for (i, sleep) in (0..).zip(&mut sleeps) {
                    poll_once(sleep.as_mut()).await;
                    if i % 64 == 0 {
                        R::yield_now().await;
                    }
                }
                let mut registered = false;
                poll_fn(|cx| {
                    if over.get() {
                        return Poll::Ready(());
                    }
                    assert!(!std::mem::replace(&mut registered, true), "nothing has woken it");
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::Pending
                })
                .await;
            });
        }
        while (others.wakers.borrow().len() as u64) < n.div_ceil(OF_ONE_TASK) {
            R::sleep(Duration::from_millis(1)).await;
        }
        others
    }

    fn end(self) {
        self.over.set(true);
        self.wakers.take().into_iter().for_each(Waker::wake);
    }
}

/// The same, by as many tasks as there are workers.
fn shared_register_cancel<R: SharedTimers>(n: u64) -> Sample {
    let workers = N_WORKERS as u64;
    R::run(async move {
        let meter = R::meter();
        let task = move || async move {
            for i in 0..n / workers {
                poll_once(pin!(R::sleep(Duration::from_secs(10)))).await;
                if i % 64 == 0 {
                    R::yield_now().await;
                }
            }
        };
        let tasks: Vec<_> = (0..workers).map(|_| R::spawn(task())).collect();
        for task in tasks {
            task.await;
        }
        meter.stop(n / workers * workers)
    })
}

/// The least of it: a look at the clock, and a place in a list.
fn wheel(n_others: u64, n: u64) -> Sample {
    let mut wheel = Wheel::new();
    let mut scattered = Scattered(1);
    let started = Instant::now();
    for _ in 0..n_others {
        wheel.insert(20_000 + scattered.next(40_000));
    }
    let meter = Meter::start();
    for _ in 0..n {
        let deadline = Instant::now() + Duration::from_secs(10);
        let timer = wheel.insert(u64::try_from((deadline - started).as_millis()).expect("it fits"));
        wheel.remove(black_box(timer));
    }
    meter.stop(n)
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

fn polls(n: u64) -> Sample {
    let meter = Meter::start();
    for i in 0..n {
        let polled = pin!(ready(black_box(i))).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(i));
    }
    meter.stop(n)
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
        with_lateness(meter.stop(n), late.take(), n)
    })
}

/// The same by nobody but this thread.
fn heap(n: u64) -> Sample {
    let meter = Meter::start_process();
    let first = Instant::now() + Duration::from_micros(2 * n);
    let mut scattered = Scattered(1);
    let mut heap = BinaryHeap::new();
    for _ in 0..n {
        heap.push(std::cmp::Reverse(first + Duration::from_micros(scattered.next(n))));
    }
    let mut late = Vec::new();
    while let Some(&std::cmp::Reverse(at)) = heap.peek() {
        let now = Instant::now();
        if let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) {
            // As coarse as the runtimes are.
            thread::sleep(left.max(Duration::from_millis(1)));
        } else {
            heap.pop();
            late.push(at.elapsed());
        }
    }
    with_lateness(meter.stop(n), late, n)
}

fn with_lateness(sample: Sample, mut late: Vec<Duration>, n: u64) -> Sample {
    assert_eq!(late.len() as u64, n, "all of them have fired");
    late.sort_unstable();
    let note = Note::Late { median: late[late.len() / 2], p99: late[late.len() * 99 / 100] };
    Sample { note: Some(note), ..sample }
}
