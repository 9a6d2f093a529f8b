//! What users see of `to_thread` and `Pool`.
#![cfg(not(aio_loom))]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use aio_base::live::{self, Kind, leak_check};
use aio_blocking::{Pool, PoolConfig, ToThread, to_thread};
use futures_lite::future::block_on;

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap()
}

/// Waits until `condition` holds. Looks again and again: what it waits for tells nobody. Fails after ten seconds.
fn wait_until(mut condition: impl FnMut() -> bool) {
    let (_never, clock) = mpsc::channel::<()>();
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        let _ = clock.recv_timeout(Duration::from_millis(1));
    }
    panic!("in vain");
}

/// A pool of one thread, which is busy until the gate is opened (or dropped).
struct Busy {
    gate: mpsc::Sender<()>,
    job: aio_blocking::ToThread<()>,
}

fn busy(pool: &Pool) -> Busy {
    let (gate, opened) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let mut job = pool.run(move || {
        begun.send(()).unwrap();
        let _ = opened.recv();
    });
    assert!(poll(&mut job).is_pending());
    has_begun.recv().unwrap();
    Busy { gate, job }
}

fn pool_of_one() -> Pool {
    Pool::new(PoolConfig::new().max_threads(1))
}

#[derive(Default)]
struct CountWakes(AtomicUsize);
impl Wake for CountWakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct PanicsWhenDropped;
impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn the_result_comes_back_from_another_thread() {
    leak_check(|| {
        let here = thread::current().id();
        let there = block_on(to_thread(|| thread::current().id()));
        assert_ne!(here, there);
    });
}

#[test]
fn nothing_happens_before_the_first_poll() {
    leak_check(|| {
        let pool = pool_of_one();
        let held = Arc::new(());
        let theirs = held.clone();
        let job = pool.run(move || drop(theirs));
        assert_eq!(live::count(Kind::Thread), 0);
        drop(job);
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn sixty_four_at_once_all_answer() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new());
        let mut jobs: Vec<_> = (0..64).map(|n| pool.run(move || n * n)).collect();
        for job in &mut jobs {
            assert!(poll(job).is_pending());
        }
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(block_on(job), n * n);
        }
    });
}

#[test]
fn jobs_begin_in_the_order_of_their_first_polls() {
    leak_check(|| {
        let pool = pool_of_one();
        let busy = busy(&pool);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut jobs: Vec<_> = (0..10)
            .map(|n| {
                let order = order.clone();
                pool.run(move || order.lock().unwrap().push(n))
            })
            .collect();
        for job in jobs.iter_mut().rev() {
            assert!(poll(job).is_pending());
        }
        busy.gate.send(()).unwrap();
        jobs.into_iter().for_each(block_on);
        assert_eq!(*order.lock().unwrap(), (0..10).rev().collect::<Vec<_>>());
    });
}

#[test]
fn jobs_that_wait_for_each_other_run_at_the_same_time() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(4));
        let all_here = Arc::new(Barrier::new(4));
        let mut jobs = [(); 4].map(|()| {
            let all_here = all_here.clone();
            pool.run(move || {
                all_here.wait();
            })
        });
        for job in &mut jobs {
            assert!(poll(job).is_pending());
        }
        jobs.into_iter().for_each(block_on);
    });
}

#[test]
fn never_more_threads_than_allowed() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(3));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut jobs: Vec<_> = (0..100)
            .map(|_| {
                let (running, most) = (running.clone(), most.clone());
                pool.run(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for job in &mut jobs {
            assert!(poll(job).is_pending());
        }
        jobs.into_iter().for_each(block_on);
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert!(!live::ENABLED || live::count(Kind::Thread) <= 3);
    });
}

#[test]
fn one_job_after_the_other_needs_one_thread() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new());
        let threads: std::collections::HashSet<_> =
            (0..1000).map(|_| block_on(pool.run(|| thread::current().id()))).collect();
        assert_eq!(threads.len(), 1);
    });
}

#[test]
fn a_panic_reaches_the_awaiter_and_the_thread_goes_on() {
    leak_check(|| {
        let pool = pool_of_one();
        let first = block_on(pool.run(|| thread::current().id()));
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(pool.run(|| panic!("bang"))))).unwrap_err();
        assert_eq!(message(&*panic), "bang");
        assert_eq!(block_on(pool.run(|| thread::current().id())), first);
    });
}

#[test]
fn a_queued_job_that_is_dropped_never_runs_and_is_dropped_at_once() {
    leak_check(|| {
        let pool = pool_of_one();
        let busy = busy(&pool);
        let held = Arc::new(AtomicBool::new(false));
        let theirs = held.clone();
        let mut job = pool.run(move || theirs.store(true, Ordering::SeqCst));
        assert!(poll(&mut job).is_pending());
        drop(job);
        assert_eq!(Arc::strong_count(&held), 1, "the closure is dropped where the job was");
        busy.gate.send(()).unwrap();
        block_on(busy.job);
        block_on(pool.run(|| ()));
        assert!(!held.load(Ordering::SeqCst));
    });
}

#[test]
fn a_running_job_goes_on_without_its_awaiter_and_its_result_is_dropped_there() {
    struct Tell(mpsc::Sender<thread::ThreadId>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }
    leak_check(|| {
        let pool = pool_of_one();
        let thread_of_the_pool = block_on(pool.run(|| thread::current().id()));
        let ((gate, opened), (dropped, was_dropped)) = (mpsc::channel::<()>(), mpsc::channel());
        let (begun, has_begun) = mpsc::channel();
        let mut job = pool.run(move || {
            begun.send(()).unwrap();
            let _ = opened.recv();
            Tell(dropped)
        });
        assert!(poll(&mut job).is_pending());
        has_begun.recv().unwrap();
        drop(job);
        gate.send(()).unwrap();
        assert_eq!(was_dropped.recv().unwrap(), thread_of_the_pool);
    });
}

#[test]
fn a_result_that_panics_when_dropped_does_not_end_the_thread() {
    leak_check(|| {
        let pool = pool_of_one();
        let first = block_on(pool.run(|| thread::current().id()));
        let (begun, has_begun) = mpsc::channel();
        let (gate, opened) = mpsc::channel::<()>();
        let mut job = pool.run(move || {
            begun.send(()).unwrap();
            let _ = opened.recv();
            PanicsWhenDropped
        });
        assert!(poll(&mut job).is_pending());
        has_begun.recv().unwrap();
        drop(job);
        drop(gate);
        assert_eq!(block_on(pool.run(|| thread::current().id())), first);
    });
}

#[test]
fn an_unread_result_is_dropped_with_the_future() {
    leak_check(|| {
        let pool = pool_of_one();
        let held = Arc::new(());
        let theirs = held.clone();
        let wakes = Arc::new(CountWakes::default());
        let mut job = pool.run(move || theirs);
        assert!(Pin::new(&mut job).poll(&mut Context::from_waker(&wakes.clone().into())).is_pending());
        wait_until(|| wakes.0.load(Ordering::SeqCst) == 1);
        assert_eq!(Arc::strong_count(&held), 2);
        drop(job);
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn only_the_last_waker_is_woken_and_only_once() {
    leak_check(|| {
        let pool = pool_of_one();
        let busy = busy(&pool);
        let (first, last) = (Arc::new(CountWakes::default()), Arc::new(CountWakes::default()));
        let mut job = pool.run(|| 7);
        assert!(Pin::new(&mut job).poll(&mut Context::from_waker(&first.clone().into())).is_pending());
        assert!(Pin::new(&mut job).poll(&mut Context::from_waker(&last.clone().into())).is_pending());
        assert_eq!(Arc::strong_count(&first), 1, "the waker that was replaced is not kept");
        busy.gate.send(()).unwrap();
        wait_until(|| last.0.load(Ordering::SeqCst) == 1);
        assert_eq!(poll(&mut job), Poll::Ready(7));
        block_on(busy.job);
        drop(pool);
        assert_eq!((first.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst)), (0, 1));
    });
}

#[test]
fn a_panicking_waker_does_not_end_the_thread() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("waker");
        }
    }
    leak_check(|| {
        let pool = pool_of_one();
        let first = block_on(pool.run(|| thread::current().id()));
        let mut job = pool.run(|| ());
        assert!(Pin::new(&mut job).poll(&mut Context::from_waker(&Arc::new(Bomb).into())).is_pending());
        assert_eq!(block_on(pool.run(|| thread::current().id())), first);
        assert!(poll(&mut job).is_ready());
    });
}

#[test]
fn idle_threads_end() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(4).idle_timeout(Duration::from_millis(1)));
        let all_here = Arc::new(Barrier::new(4));
        let mut jobs = [(); 4].map(|()| {
            let all_here = all_here.clone();
            pool.run(move || {
                all_here.wait();
            })
        });
        for job in &mut jobs {
            assert!(poll(job).is_pending());
        }
        jobs.into_iter().for_each(block_on);
        // The one that ended last is joined by the next to end, or with the pool.
        if live::ENABLED {
            wait_until(|| live::count(Kind::Thread) <= 1);
        }
        assert_eq!(block_on(pool.run(|| 1)), 1, "a new thread takes the next job");
    });
}

#[test]
fn threads_of_a_burst_end_although_jobs_keep_trickling_in() {
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(4).idle_timeout(Duration::from_millis(50)));
        let all_here = Arc::new(Barrier::new(4));
        let mut jobs = [(); 4].map(|()| {
            let all_here = all_here.clone();
            pool.run(move || {
                all_here.wait();
            })
        });
        for job in &mut jobs {
            assert!(poll(job).is_pending());
        }
        jobs.into_iter().for_each(block_on);
        // The one at work, and the one that ended last.
        wait_until(|| {
            block_on(pool.run(|| ()));
            live::count(Kind::Thread) <= 2
        });
    });
}

#[test]
fn dropping_the_pool_waits_for_what_runs_and_cancels_what_is_queued() {
    leak_check(|| {
        let pool = pool_of_one();
        let busy = busy(&pool);
        let held = Arc::new(());
        let theirs = held.clone();
        let mut queued = pool.run(move || drop(theirs));
        assert!(poll(&mut queued).is_pending());
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = has_ended.clone();
        let closer = thread::spawn(move || {
            drop(pool);
            ended.store(true, Ordering::SeqCst);
        });
        // The queued closure goes first; the pool still waits for the job that runs.
        wait_until(|| Arc::strong_count(&held) == 1);
        assert!(!has_ended.load(Ordering::SeqCst));
        busy.gate.send(()).unwrap();
        closer.join().unwrap();
        assert_eq!(live::count(Kind::Thread), 0);
        block_on(busy.job);
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(queued))).unwrap_err();
        assert_eq!(message(&*panic), "to_thread: the pool was shut down before the job could begin");
    });
}

#[test]
fn a_job_that_comes_after_the_shutdown_is_refused() {
    leak_check(|| {
        let pool = pool_of_one();
        let held = Arc::new(());
        let theirs = held.clone();
        let mut late = pool.run(move || drop(theirs));
        drop(pool);
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(&mut late))).unwrap_err();
        assert_eq!(message(&*panic), "to_thread: the pool was shut down before the job could begin");
        assert_eq!(Arc::strong_count(&held), 1);
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(late))).unwrap_err();
        assert_eq!(message(&*panic), "`ToThread` polled after it was ready");
    });
}

/// What the destructor of the closure has done is there when it is told that the closure never ran.
#[test]
fn who_polls_may_be_told_that_a_job_was_refused() {
    struct CountsDrop(Arc<AtomicUsize>);
    impl Drop for CountsDrop {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    leak_check(|| {
        let poll = |job: &mut ToThread<()>| {
            Pin::new(job).poll_unless_refused(&mut Context::from_waker(std::task::Waker::noop()))
        };
        let pool = pool_of_one();
        let (gate, opened) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let mut held_up = pool.run(move || {
            begin.send(()).unwrap();
            opened.recv().unwrap();
        });
        assert_eq!(poll(&mut held_up), Poll::Pending);
        begun.recv().unwrap();
        let drops = Arc::new(AtomicUsize::new(0));
        let theirs = CountsDrop(drops.clone());
        let mut refused = pool.run(move || drop(theirs));
        assert_eq!(poll(&mut refused), Poll::Pending);
        let mut late = pool.run(|| ());
        let other = std::thread::spawn(move || drop(pool));
        while poll(&mut refused) == Poll::Pending {
            std::thread::yield_now();
        }
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut late), Poll::Ready(None));
        gate.send(()).unwrap();
        other.join().unwrap();
        assert_eq!(poll(&mut held_up), Poll::Ready(Some(())));
    });
}

#[test]
fn a_pool_may_be_dropped_by_its_own_job() {
    leak_check(|| {
        let pool = pool_of_one();
        let gate = Arc::new(Mutex::new(None::<Pool>));
        let theirs = gate.clone();
        let (done, is_done) = mpsc::channel();
        let (begin, begun) = mpsc::channel::<()>();
        let mut job = pool.run(move || {
            begun.recv().unwrap();
            drop(theirs.lock().unwrap().take());
            done.send(()).unwrap();
        });
        assert!(poll(&mut job).is_pending());
        *gate.lock().unwrap() = Some(pool);
        begin.send(()).unwrap();
        is_done.recv().unwrap();
        block_on(job);
    });
}

#[test]
fn a_closure_that_panics_when_it_is_refused_keeps_no_awaiter_waiting() {
    leak_check(|| {
        let pool = pool_of_one();
        let (gate, opened) = mpsc::channel::<Pool>();
        let mut dropper = pool.run(move || {
            catch_unwind(AssertUnwindSafe(|| drop(opened.recv().unwrap())))
                .is_err_and(|panic| message(&*panic) == "dropped")
        });
        assert!(poll(&mut dropper).is_pending());
        let held = PanicsWhenDropped;
        let mut refused = pool.run(move || drop(held));
        let wakes = Arc::new(CountWakes(AtomicUsize::new(0)));
        let waker = Waker::from(wakes.clone());
        assert!(Pin::new(&mut refused).poll(&mut Context::from_waker(&waker)).is_pending());
        gate.send(pool).unwrap();
        assert!(block_on(dropper));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        let panic = catch_unwind(AssertUnwindSafe(|| poll(&mut refused))).unwrap_err();
        assert!(message(&*panic).contains("shut down"));
    });
}

#[test]
fn a_job_may_use_to_thread_itself() {
    leak_check(|| {
        let pool = pool_of_one();
        assert_eq!(block_on(pool.run(|| block_on(to_thread(|| 1)) + 1)), 2);
    });
}

#[test]
fn a_second_await_is_a_bug() {
    leak_check(|| {
        let mut job = pin!(to_thread(|| ()));
        block_on(job.as_mut());
        let panic = catch_unwind(AssertUnwindSafe(|| block_on(job))).unwrap_err();
        assert_eq!(message(&*panic), "`ToThread` polled after it was ready");
    });
}

#[test]
#[should_panic(expected = "at least one thread")]
fn a_pool_without_threads_is_a_bug() {
    let _ = PoolConfig::new().max_threads(0);
}

/// After many short jobs the pool calls nobody to the help of threads that get on; those that do not get on are helped
/// nevertheless.
#[test]
fn jobs_that_wait_for_each_other_meet_after_many_short_ones() {
    const N: usize = 4;
    leak_check(|| {
        let pool = Pool::new(PoolConfig::new().max_threads(N));
        for _ in 0..20 {
            for _ in 0..10 {
                do_at_once((0..64).map(|n| pool.run(move || n)));
            }
            let all_here = Arc::new(Barrier::new(N));
            do_at_once((0..N).map(|_| {
                let all_here = all_here.clone();
                pool.run(move || all_here.wait())
            }));
        }
    });
}

/// All are submitted before the first is waited for.
fn do_at_once<T>(jobs: impl Iterator<Item = ToThread<T>>) {
    let mut jobs: Vec<_> = jobs.collect();
    for job in &mut jobs {
        assert!(poll(job).is_pending());
    }
    for job in jobs {
        block_on(job);
    }
}
