//! Who has to wait: the most polls of other tasks that there were between a wake and the poll that it asked for, in the
//! least disturbed of the rounds. The times are those of the same work, with the counting in it.
//!
//! "yield": 1,000 tasks that yield to each other. Nobody needs to wait for more than the 999 others.
//!
//! "guest": two tasks wake each other in turns for ever, and a third is woken by another thread now and then. A loop
//! that runs what its own tasks have woken before it looks at what comes from elsewhere keeps the third one waiting.
//! The pair stands still while the other thread wakes, so that the number does not depend on how quick that is.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;

use futures::task::AtomicWaker;

use super::wakes::Turns;
use crate::harness::{Meter, Note, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, local_peers, shared_peers, worker_peers};

const N_TASKS: u64 = 1_000;
/// Turns of the pair between two wakes of the guest.
const EVERY: u64 = 64;

pub(super) fn scenarios() -> Vec<Scenario> {
    let yields = Scenario::new("fairness, yield", 100, 20).rounds(7, 3).aio("aio", local::yields::<Aio>);
    let yields_shared = Scenario::new("fairness, yield Send", 100, 20).rounds(7, 3).aio("aio", shared::yields::<Aio>);
    let yields_workers =
        Scenario::new("fairness, yield, 2 workers", 100, 20).rounds(7, 3).aio("aio", shared::yields::<AioWorkers>);
    let guest = Scenario::new("fairness, guest", 20_000, 4_000).rounds(7, 3).aio("aio", local::guest::<Aio>);
    let guest_shared =
        Scenario::new("fairness, guest Send", 20_000, 4_000).rounds(7, 3).aio("aio", shared::guest::<Aio>);
    let guest_workers =
        Scenario::new("fairness, guest, 2 workers", 20_000, 4_000).rounds(7, 3).aio("aio", shared::guest::<AioWorkers>);
    vec![
        local_peers!(yields, |n, R| local::yields::<R>(n)),
        shared_peers!(yields_shared, |n, R| shared::yields::<R>(n)),
        worker_peers!(yields_workers, |n, R| shared::yields::<R>(n)),
        local_peers!(guest, |n, R| local::guest::<R>(n)),
        shared_peers!(guest_shared, |n, R| shared::guest::<R>(n)),
        worker_peers!(guest_workers, |n, R| shared::guest::<R>(n)),
    ]
}

/// Polls of all tasks.
#[derive(Debug, Default)]
struct Polls {
    count: AtomicU64,
    /// The most between a wake and the poll that it asked for.
    worst: AtomicU64,
}

impl Polls {
    fn now(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Counts a poll that was asked for when [`now`](Self::now) was `woken_at`.
    fn polled(&self, woken_at: u64) {
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        self.worst.fetch_max(before.saturating_sub(woken_at), Ordering::Relaxed);
    }

    fn note(&self) -> Option<Note> {
        Some(Note::Waited { polls: self.worst.load(Ordering::Relaxed) })
    }
}

/// A task that is woken from elsewhere, and the thread that does it when it is asked.
#[derive(Debug, Default)]
struct Guest {
    polls: Polls,
    waker: AtomicWaker,
    /// Wakes asked for, begun and ended by the thread, and seen by the task.
    asked: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
    seen: AtomicU64,
    /// [`Polls::now`] at the last of them.
    woken_at: AtomicU64,
    is_there: AtomicBool,
    is_over: AtomicBool,
}

impl Guest {
    /// What the thread does.
    fn wake_when_asked(&self) {
        while !self.is_over.load(Ordering::Acquire) {
            let asked = self.asked.load(Ordering::Acquire);
            if asked == self.ended.load(Ordering::Relaxed) {
                thread::yield_now();
                continue;
            }
            self.woken_at.store(self.polls.now(), Ordering::Relaxed);
            // Release pairs with the Acquire of `attend`, which reads `woken_at` afterwards.
            self.begun.store(asked, Ordering::Release);
            self.waker.wake();
            self.ended.store(asked, Ordering::Release);
        }
    }

    /// What a task of the pair does in each of its polls.
    fn host(&self) {
        self.polls.count.fetch_add(1, Ordering::Relaxed);
        let asked = self.asked.load(Ordering::Relaxed);
        let is_waiting = self.is_there.load(Ordering::Acquire) && self.seen.load(Ordering::Acquire) == asked;
        if self.polls.now().is_multiple_of(EVERY) && is_waiting {
            self.asked.store(asked + 1, Ordering::Release);
            while self.ended.load(Ordering::Acquire) == asked {
                thread::yield_now();
            }
        }
    }

    /// What the guest does.
    async fn attend(&self) {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            self.is_there.store(true, Ordering::Release);
            let begun = self.begun.load(Ordering::Acquire);
            if begun > self.seen.load(Ordering::Relaxed) {
                self.polls.polled(self.woken_at.load(Ordering::Relaxed));
                self.seen.store(begun, Ordering::Release);
            }
            if self.is_over.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Ends the thread and the task.
    fn end(&self) {
        if self.seen.load(Ordering::Relaxed) < self.begun.load(Ordering::Relaxed) {
            // It is waiting still.
            self.polls.polled(self.woken_at.load(Ordering::Relaxed));
        }
        self.is_over.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The same code for both kinds of runtime, whose bounds differ.
macro_rules! bodies {
    ($module:ident, $runtime:ident, $meter:expr) => {
        mod $module {
            use super::*;

            /// [`N_TASKS`] tasks that yield `n` times each.
            pub(super) fn yields<R: $runtime>(n: u64) -> Sample {
                R::run(async move {
                    let polls = Arc::new(Polls::default());
                    let meter = $meter;
                    let task = |spawned_at| {
                        let polls = polls.clone();
                        async move {
                            polls.polled(spawned_at);
                            for _ in 0..n {
                                let woken_at = polls.now();
                                R::yield_now().await;
                                polls.polled(woken_at);
                            }
                        }
                    };
                    let tasks: Vec<_> = (0..N_TASKS).map(|_| R::spawn(task(polls.now()))).collect();
                    for task in tasks {
                        task.await;
                    }
                    let sample = meter.stop(N_TASKS * n);
                    assert_eq!(polls.now(), N_TASKS * (n + 1), "every poll was counted");
                    Sample { note: polls.note(), ..sample }
                })
            }

            /// A pair that takes `n` turns, beside a guest.
            pub(super) fn guest<R: $runtime>(n: u64) -> Sample {
                let guest = Arc::new(Guest::default());
                thread::scope(|scope| {
                    scope.spawn({
                        let guest = guest.clone();
                        move || guest.wake_when_asked()
                    });
                    R::run(async move {
                        let attending = {
                            let guest = guest.clone();
                            R::spawn(async move { guest.attend().await })
                        };
                        let meter = $meter;
                        let turns = Arc::new(Turns::default());
                        let pair = [0, 1].map(|first| {
                            let (turns, guest) = (turns.clone(), guest.clone());
                            R::spawn(async move { turns.play(first..n, || guest.host()).await })
                        });
                        for player in pair {
                            player.await;
                        }
                        let sample = meter.stop(n);
                        guest.end();
                        attending.await;
                        Sample { note: guest.polls.note(), ..sample }
                    })
                })
            }
        }
    };
}

bodies!(local, Local, Meter::start());
bodies!(shared, Shared, R::meter());
