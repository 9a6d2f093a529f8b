//! How long a task that is ready waits, in polls of others.
//!
//! Where several workers take part, all but one of them are kept occupied, so that every order is certain.

#![cfg(not(aio_loom))]

mod common;
#[expect(dead_code, reason = "other files need more of it")]
#[path = "common/crew.rs"]
mod crew;

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use aio_core::{EventLoop, Handle, Task, ThreadPark, VirtualTime, local, now, spawn, yield_now};
use aio_timer::{Timers, sleep};
use common::check;
use crew::{here, occupy_other, turns, workers};

/// How many polls there are at most between two looks at timers and at what comes from other threads, and a few: with
/// several workers local and shared tasks are run in pairs, and the look itself runs up to eight tasks.
const LOOK: usize = 64 + 1 + 8;

/// Counts polls.
#[derive(Clone, Default)]
struct Polls(Arc<AtomicUsize>);

impl Polls {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Is ready at each turn, until it is told to stop.
async fn spin(polls: Polls, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        polls.add();
        yield_now().await;
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Home {
    Local,
    Shared,
}

/// `n` tasks that are ready at each turn; dropping it stops them.
struct Crowd(Arc<AtomicBool>);

impl Crowd {
    fn new(n: usize, home: Home, polls: &Polls) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..n {
            match home {
                Home::Local => local::spawn(spin(polls.clone(), stop.clone())).detach(),
                Home::Shared => spawn(spin(polls.clone(), stop.clone())).detach(),
            }
        }
        Self(stop)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits to be woken, and counts polls from the wake on.
#[derive(Clone, Default)]
struct Bell(Arc<Mutex<(Option<Waker>, Option<usize>)>>);

impl Bell {
    /// How many polls there were between [`ring`](Self::ring) and the turn that it gave.
    async fn heard(&self, polls: &Polls) -> usize {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if let Some(rung) = state.1.take() {
                return Poll::Ready(polls.count() - rung);
            }
            state.0 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn ring(&self, polls: &Polls) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.1 = Some(polls.count());
            state.0.take().unwrap()
        };
        waker.wake();
    }
}

/// How many polls of others there are between the wake of a task and its turn, if `n` others are always ready.
async fn polls_before_a_woken_task(n: usize, home: Home) -> usize {
    let (polls, bell) = (Polls::default(), Bell::default());
    let waits = {
        let (bell, polls) = (bell.clone(), polls.clone());
        async move { bell.heard(&polls).await }
    };
    let waits: std::pin::Pin<Box<dyn Future<Output = usize>>> = match home {
        Home::Local => Box::pin(local::spawn(waits)),
        Home::Shared => Box::pin(spawn(waits)),
    };
    turns(2).await;
    let crowd = Crowd::new(n, home, &polls);
    // All have begun, in one queue with the one that rings.
    let ringer = {
        let (polls, bell) = (polls.clone(), bell.clone());
        async move {
            turns(3).await;
            bell.ring(&polls);
        }
    };
    match home {
        Home::Local => local::spawn(ringer).await,
        Home::Shared => spawn(ringer).await,
    }
    let between = waits.await;
    drop(crowd);
    between
}

/// Bound: between the wake of a task and its turn, each task that was ready at the wake has one turn, and no other.
#[test]
fn one_worker_runs_tasks_in_the_order_in_which_they_became_ready() {
    check(|| {
        for home in [Home::Local, Home::Shared] {
            for n in [0, 1, 10, 63, 64, 65, 1000, 100_000] {
                let between = EventLoop::new(ThreadPark::new()).run(polls_before_a_woken_task(n, home));
                assert_eq!(between, n, "{home:?}");
            }
        }
    });
}

/// Bound: on a worker among others the same holds for local tasks among themselves; and for shared ones among
/// themselves, as long as not more than 512 are ready on one worker.
#[test]
fn a_worker_runs_its_tasks_in_the_order_in_which_they_became_ready() {
    check(|| {
        for home in [Home::Local, Home::Shared] {
            for n in [0, 1, 10, 63, 64, 65, 480] {
                let between = workers(2).run(async {
                    let _occupied = occupy_other().await;
                    polls_before_a_woken_task(n, home).await
                });
                assert_eq!(between, n, "{home:?}");
            }
        }
    });
}

/// Bound: with `n` more ready shared tasks than that, a task has its turn within `9 * n + 1000` polls of others.
#[test]
fn of_many_shared_tasks_each_has_its_turn() {
    check(|| {
        // The last but one are a multiple of the period in which the ring is filled and spilled.
        for n in [257, 1_025, 10_000, 1_024 + 513 * 5, 1_024 + 513 * 5 + 64] {
            workers(2).run(async move {
                let _occupied = occupy_other().await;
                let stop = Arc::new(AtomicBool::new(false));
                let (polls, longest) = (Polls::default(), Arc::new(AtomicUsize::new(0)));
                let mut last = Vec::new();
                for _ in 0..n {
                    let (polls, stop, longest) = (polls.clone(), stop.clone(), longest.clone());
                    let mine = Arc::new(AtomicUsize::new(0));
                    last.push(mine.clone());
                    spawn(async move {
                        while !stop.load(Ordering::Relaxed) {
                            let waited = polls.count() - mine.load(Ordering::Relaxed);
                            longest.fetch_max(waited, Ordering::Relaxed);
                            polls.add();
                            mine.store(polls.count(), Ordering::Relaxed);
                            yield_now().await;
                        }
                    })
                    .detach();
                }
                while polls.count() < 60 * n {
                    yield_now().await;
                }
                let now = polls.count();
                let starved = last.iter().map(|mine| now - mine.load(Ordering::Relaxed)).max().unwrap();
                let longest = longest.load(Ordering::Relaxed).max(starved);
                stop.store(true, Ordering::Relaxed);
                assert!(longest <= 9 * n + 1000, "{n} tasks: {longest} polls");
            });
        }
    });
}

/// Bound: a wake or a task from another thread is seen after at most 64 polls, or 73 on one worker among others; it has
/// its turn after those that were ready then.
#[test]
fn what_comes_from_other_threads_is_seen_after_a_bounded_number_of_polls() {
    check(|| {
        for (n_workers, crowd, home) in
            [(1, 100_000, Home::Local), (1, 100_000, Home::Shared), (2, 100_000, Home::Local), (2, 100, Home::Shared)]
        {
            workers(n_workers).run(async {
                let _occupied = if n_workers == 2 { Some(occupy_other().await) } else { None };
                let (polls, handle) = (Polls::default(), Handle::current());
                let _crowd = Crowd::new(crowd, home, &polls);
                yield_now().await;
                for _ in 0..3 {
                    let begun = polls.count();
                    let (counted, from) = (polls.clone(), handle.clone());
                    let task: Task<usize> =
                        thread::spawn(move || from.spawn(async move { counted.count() })).join().unwrap();
                    let ran = task.await;
                    let most = if n_workers == 1 { crowd + 64 } else { 2 * LOOK };
                    assert!(ran - begun <= most, "{n_workers} workers, {crowd} {home:?}: {} polls", ran - begun);
                }
            });
        }
    });
}

/// Bound: a timer that is due is fired after at most 64 polls, or 73 on one worker among others.
#[test]
fn timers_are_looked_at_after_a_bounded_number_of_polls() {
    /// A driver that is asked how often.
    struct Counting(ThreadPark, Polls, Arc<AtomicUsize>, usize);
    impl aio_core::Driver for Counting {
        fn enter(&mut self) {
            self.0.enter();
        }
        fn leave(&mut self) {
            self.0.leave();
        }
        fn turn(&mut self) {
            let polls = self.1.count();
            if self.3 > 0 {
                self.2.fetch_max(polls - self.3, Ordering::Relaxed);
            }
            self.3 = polls;
            self.0.turn();
        }
        fn park(&mut self, deadline: aio_base::Deadline) {
            self.3 = 0;
            self.0.park(deadline);
        }
        fn unparker(&self) -> Waker {
            self.0.unparker()
        }
    }
    check(|| {
        for (n_workers, n, home) in [
            (1, 3, Home::Local),
            (1, 100, Home::Shared),
            (1, 100_000, Home::Local),
            (2, 3, Home::Shared),
            (2, 100, Home::Local),
            (2, 3000, Home::Shared),
        ] {
            let (polls, longest) = (Polls::default(), Arc::new(AtomicUsize::new(0)));
            let (counted, theirs) = (polls.clone(), longest.clone());
            let driver = move || Counting(ThreadPark::new(), counted.clone(), theirs.clone(), 0);
            EventLoop::with_workers(n_workers, driver).run(async {
                let _occupied = if n_workers == 2 { Some(occupy_other().await) } else { None };
                // Before the crowd there was nothing to count.
                let crowd = Crowd::new(n, home, &polls);
                while polls.count() < 20 * n.max(1000) {
                    yield_now().await;
                }
                drop(crowd);
            });
            let longest = longest.load(Ordering::Relaxed);
            let most = if n_workers == 1 { 64 } else { LOOK };
            assert!((1..=most).contains(&longest), "{n_workers} workers, {n} {home:?}: {longest} polls");
        }
    });
}

/// Bound: time does not pass for a loop of virtual time as long as a task is ready; a timer that is due is not kept
/// waiting by tasks that are always ready.
#[test]
fn a_timer_is_fired_although_tasks_are_always_ready() {
    check(|| {
        EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
            let begin = now();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(now() - begin, Duration::from_secs(1));
        });
        for n_workers in [1, 2] {
            for home in [Home::Local, Home::Shared] {
                EventLoop::with_workers(n_workers, || Timers::new(ThreadPark::new())).run(async {
                    let polls = Polls::default();
                    let _crowd = Crowd::new(10, home, &polls);
                    spawn(sleep(Duration::from_millis(1))).await;
                    local::spawn(sleep(Duration::from_millis(1))).await;
                });
            }
        }
    });
}

/// Bound: local and shared tasks of one worker have turns in the ratio of one to one, as long as there are both.
#[test]
fn local_and_shared_tasks_of_one_worker_take_turns() {
    check(|| {
        workers(2).run(async {
            let _occupied = occupy_other().await;
            let (local, shared) = (Polls::default(), Polls::default());
            let _locals = Crowd::new(50, Home::Local, &local);
            let _shared = Crowd::new(50, Home::Shared, &shared);
            turns(100).await;
            assert!(local.count() > 4000, "{} polls", local.count());
            let difference = local.count().abs_diff(shared.count());
            assert!(difference <= 100, "{} local polls, {} shared ones", local.count(), shared.count());
        });
        // One that never stops on either side does not keep the other one waiting.
        for n_workers in [1, 2] {
            workers(n_workers).run(async {
                let _occupied = if n_workers == 2 { Some(occupy_other().await) } else { None };
                let polls = Polls::default();
                for (crowd, other) in [(Home::Local, Home::Shared), (Home::Shared, Home::Local)] {
                    let _crowd = Crowd::new(1, crowd, &polls);
                    turns(2).await;
                    let begun = polls.count();
                    match other {
                        Home::Local => local::spawn(turns(10)).await,
                        Home::Shared => spawn(turns(10)).await,
                    }
                    let between = polls.count() - begun;
                    assert!(between <= 2 * 12, "{n_workers} workers, behind {crowd:?}: {between} polls");
                }
            });
        }
    });
}

/// Bound: two tasks that wake each other keep a task from another thread waiting for at most 73 polls.
#[test]
fn two_tasks_that_wake_each_other_do_not_keep_others_waiting() {
    struct Pair {
        wakers: Mutex<[Option<Waker>; 2]>,
        stop: AtomicBool,
    }
    impl Pair {
        fn poll(&self, me: usize, cx: &mut Context<'_>) -> Poll<()> {
            let other = {
                let mut wakers = self.wakers.lock().unwrap();
                wakers[me] = Some(cx.waker().clone());
                wakers[1 - me].take()
            };
            other.into_iter().for_each(Waker::wake);
            if self.stop.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        }
    }
    check(|| {
        for (n_workers, home) in [(1, Home::Local), (1, Home::Shared), (2, Home::Local), (2, Home::Shared)] {
            workers(n_workers).run(async {
                let _occupied = if n_workers == 2 { Some(occupy_other().await) } else { None };
                let polls = Polls::default();
                let pair = Arc::new(Pair { wakers: Mutex::default(), stop: AtomicBool::new(false) });
                for me in 0..2 {
                    let (pair, polls) = (pair.clone(), polls.clone());
                    let plays = poll_fn(move |cx| {
                        polls.add();
                        pair.poll(me, cx)
                    });
                    match home {
                        Home::Local => local::spawn(plays).detach(),
                        Home::Shared => spawn(plays).detach(),
                    }
                }
                while polls.count() < 100 {
                    yield_now().await;
                }
                for _ in 0..20 {
                    let (handle, counted) = (Handle::current(), polls.clone());
                    let begun = polls.count();
                    let task = thread::spawn(move || handle.spawn(async move { counted.count() })).join().unwrap();
                    let between = task.await - begun;
                    assert!(between <= LOOK, "{n_workers} workers, {home:?}: {between} polls");
                }
                pair.stop.store(true, Ordering::Relaxed);
            });
        }
    });
}

/// Bound: a worker without work takes over half of what is ready at another, and tasks that never stop on both keep
/// nobody waiting.
#[test]
fn two_workers_share_what_is_always_ready() {
    check(|| {
        workers(2).run(async {
            let stop = Arc::new(AtomicBool::new(false));
            let seen = Arc::new(Mutex::new(HashSet::new()));
            let crowd: Vec<_> = (0..100)
                .map(|_| {
                    let (stop, seen) = (stop.clone(), seen.clone());
                    spawn(async move {
                        while !stop.load(Ordering::Relaxed) {
                            seen.lock().unwrap().insert(here());
                            yield_now().await;
                        }
                    })
                })
                .collect();
            while seen.lock().unwrap().len() < 2 {
                yield_now().await;
            }
            let handle = Handle::current();
            let injected = thread::spawn(move || handle.spawn(turns(10))).join().unwrap();
            injected.await;
            local::spawn(turns(10)).await;
            spawn(turns(10)).await;
            stop.store(true, Ordering::Relaxed);
            for task in crowd {
                task.await;
            }
        });
    });
}
