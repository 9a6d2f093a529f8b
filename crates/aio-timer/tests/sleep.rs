//! Sleeping, on a loop and without one.
#![cfg(not(aio_loom))]

mod common;

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use aio_base::Deadline;
use aio_base::live::{self, Kind, leak_check};
use aio_core::{Driver, EventLoop, ThreadPark, block_in_place, block_on, now, spawn, yield_now};
use aio_timer::{Sleep, Timers, sleep, sleep_until, timeout};
use common::{MS, run};

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::<Self>::default();
        (wakes.clone(), wakes.into())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn poll_with(sleep: Pin<&mut Sleep>, waker: &Waker) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(waker))
}

/// The number of timers that are linked, where that is counted.
fn assert_timers(expected: isize) {
    if live::ENABLED {
        assert_eq!(live::count(Kind::Timer), expected);
    }
}

#[test]
fn a_sleep_is_never_early() {
    async fn check() {
        for micros in [1, 300, 999, 1000, 1001, 2500, 7000] {
            let duration = Duration::from_micros(micros);
            let begin = Instant::now();
            sleep(duration).await;
            assert!(begin.elapsed() >= duration);
            let deadline = Instant::now() + duration;
            sleep_until(deadline).await;
            assert!(Instant::now() >= deadline);
        }
    }
    leak_check(|| {
        run(check());
        block_on(check());
        futures_lite::future::block_on(check());
    });
}

#[test]
fn timers_fire_by_deadline_and_equal_ones_in_the_order_in_which_they_began() {
    struct Log(usize, Arc<Mutex<Vec<usize>>>);
    impl Wake for Log {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }
    async fn check() {
        loop {
            let log = Arc::default();
            let base = now() + 5 * MS;
            let mut sleeps: Vec<_> =
                [2, 0, 1, 0, 2, 1, 1, 2, 0].map(|n| Box::pin(sleep_until(base + n * 3 * MS))).into();
            for (id, sleep) in sleeps.iter_mut().enumerate() {
                assert!(poll_with(sleep.as_mut(), &Arc::new(Log(id, Arc::clone(&log))).into()).is_pending());
            }
            // On a machine so busy that deadlines have passed already, try again.
            if now() < base {
                sleep_until(base + 10 * MS).await;
                assert_eq!(*log.lock().unwrap(), [1, 3, 8, 2, 5, 6, 0, 4, 7]);
                return;
            }
        }
    }
    leak_check(|| {
        run(check());
        block_on(check());
    });
}

#[test]
fn sleeping_for_no_time_is_one_yield_and_no_timer() {
    leak_check(|| {
        let (wakes, waker) = Wakes::new();
        let past = Instant::now();
        for sleep in [sleep(Duration::ZERO), sleep_until(past)] {
            let before = wakes.count();
            let mut sleep = pin!(sleep);
            assert!(poll_with(sleep.as_mut(), &waker).is_pending());
            assert_eq!(wakes.count(), before + 1);
            assert_timers(0);
            assert!(poll_with(sleep.as_mut(), &waker).is_ready());
            assert!(poll_with(sleep.as_mut(), &waker).is_ready());
            assert_eq!(wakes.count(), before + 1);
        }
    });
}

#[test]
fn a_sleep_beyond_the_clock_never_ends() {
    async fn check() {
        assert!(timeout(3 * MS, sleep(Duration::MAX)).await.is_err());
        for shift in 32..64 {
            let mut sleep = pin!(sleep(Duration::from_secs(1 << shift)));
            assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
            assert!(poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await.is_pending());
            // Others are not disturbed by one so far away.
            aio_timer::sleep(MS).await;
        }
    }
    leak_check(|| {
        run(check());
        block_on(check());
    });
}

#[test]
fn a_sleep_begins_when_it_is_polled_first() {
    leak_check(|| {
        run(async {
            let early = sleep(20 * MS);
            sleep(20 * MS).await;
            let begin = Instant::now();
            early.await;
            assert!(begin.elapsed() >= 20 * MS);
        });
    });
}

#[test]
fn dropping_a_sleep_removes_its_timer() {
    leak_check(|| {
        run(async {
            let mut sleeps: Vec<_> = (1..100).map(|n| Box::pin(sleep(n * 1000 * MS))).collect();
            for sleep in &mut sleeps {
                assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending());
            }
            assert_timers(99);
            sleeps.drain(40..60);
            assert_timers(79);
            drop(sleeps);
            assert_timers(0);
        });
    });
}

#[test]
fn a_sleep_can_be_reset_before_and_after_it_fired() {
    leak_check(|| {
        run(async {
            let mut sleep = pin!(sleep(3_600_000 * MS));
            assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending());
            for _ in 0..2 {
                let deadline = now() + 3 * MS;
                sleep.as_mut().reset(deadline);
                sleep.as_mut().await;
                assert!(now() >= deadline);
            }
        });
    });
}

#[test]
fn a_sleep_may_move_to_another_thread_and_end_there() {
    leak_check(|| {
        run(async {
            let [mut dropped, mut finished] = [3_600_000, 20].map(|n| Box::pin(sleep(n * MS)));
            assert!(poll_with(dropped.as_mut(), Waker::noop()).is_pending());
            assert!(poll_with(finished.as_mut(), Waker::noop()).is_pending());
            let begin = Instant::now();
            let thread = std::thread::spawn(move || {
                drop(dropped);
                // The loop it belongs to wakes it here.
                block_on(finished);
            });
            while !thread.is_finished() {
                sleep(MS).await;
            }
            thread.join().unwrap();
            assert!(begin.elapsed() >= 15 * MS);
            assert_timers(0);
        });
    });
}

#[test]
fn a_sleep_that_outlives_its_loop_goes_on_elsewhere() {
    leak_check(|| {
        let (wakes, waker) = Wakes::new();
        let mut deadline = Instant::now();
        let mut sleep = Box::pin(sleep(20 * MS));
        run(async {
            deadline = now() + 20 * MS;
            assert!(poll_with(sleep.as_mut(), &waker).is_pending());
        });
        assert_eq!(wakes.count(), 1, "it is told that the loop has ended");
        assert_timers(0);
        assert!(poll_with(sleep.as_mut(), &waker).is_pending());
        // To another loop this time, after it was with the thread of the process.
        run(async {
            sleep.await;
            assert!(Instant::now() >= deadline);
        });
    });
}

/// Loops hand their queues on; not one that a timer still refers to.
#[test]
fn a_timer_of_an_ended_loop_does_not_disturb_later_loops() {
    leak_check(|| {
        let mut left: Vec<_> = (0..3).map(|_| Box::pin(sleep(3_600_000 * MS))).collect();
        for sleep in &mut left {
            run(async { assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending()) });
        }
        run(async {
            let deadline = now() + 3 * MS;
            left.pop();
            run_on_another_thread(sleep(MS));
            // Polled here, it moves to this loop.
            assert!(poll_with(left[0].as_mut(), Waker::noop()).is_pending());
            assert_timers(1);
            sleep_until(deadline).await;
            assert!(now() >= deadline);
        });
        drop(left);
        run(sleep(MS));
    });

    fn run_on_another_thread(future: impl Future + Send + 'static) {
        std::thread::spawn(move || run(async { drop(future.await) })).join().unwrap();
    }
}

#[test]
fn a_panicking_waker_keeps_nobody_asleep() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("bomb");
        }
    }
    leak_check(|| {
        run(async {
            let (wakes, waker) = Wakes::new();
            let deadline = now() + 5 * MS;
            let mut sleeps: Vec<_> = (0..100).map(|_| Box::pin(sleep_until(deadline))).collect();
            for (n, sleep) in sleeps.iter_mut().enumerate() {
                let waker = if n % 10 == 3 { Arc::new(Bomb).into() } else { waker.clone() };
                assert!(poll_with(sleep.as_mut(), &waker).is_pending());
            }
            sleep_until(deadline).await;
            assert_eq!(wakes.count(), 90);
        });
    });
}

/// A waker may drop other timers that are due, and register new ones.
#[test]
fn a_waker_may_drop_a_timer_that_is_due_with_it() {
    struct DropOthers(Mutex<Vec<Pin<Box<Sleep>>>>);
    impl Wake for DropOthers {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().clear();
            let mut another = pin!(sleep(MS));
            assert!(poll_with(another.as_mut(), Waker::noop()).is_pending());
        }
    }
    leak_check(|| {
        run(async {
            let (wakes, waker) = Wakes::new();
            let deadline = now() + 5 * MS;
            let dropper = Arc::new(DropOthers(Mutex::default()));
            let mut first = pin!(sleep_until(deadline));
            assert!(poll_with(first.as_mut(), &dropper.clone().into()).is_pending());
            for _ in 0..100 {
                let mut sleep = Box::pin(sleep_until(deadline));
                assert!(poll_with(sleep.as_mut(), &waker).is_pending());
                dropper.0.lock().unwrap().push(sleep);
            }
            sleep_until(deadline).await;
            // Those that were already taken out with the first were woken too; the others are gone.
            assert!(wakes.count() < 100);
            assert_timers(0);
        });
    });
}

#[test]
fn many_sleeps_all_end() {
    leak_check(|| {
        run(async {
            let begin = Instant::now();
            let tasks: Vec<_> = (0..5000_u32)
                .map(|n| {
                    let duration = Duration::from_micros(u64::from(n.wrapping_mul(2_654_435_761) % 50_000));
                    aio_core::spawn(async move {
                        sleep(duration).await;
                        assert!(begin.elapsed() >= duration);
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
        });
    });
}

#[test]
fn threads_without_a_loop_share_one_timer_thread() {
    leak_check(|| {
        let threads: Vec<_> = (0..8_u32)
            .map(|n| {
                std::thread::spawn(move || {
                    block_on(async {
                        for i in 0..5 {
                            let begin = Instant::now();
                            sleep((n + i) % 4 * MS).await;
                            assert!(begin.elapsed() >= (n + i) % 4 * MS);
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_busy_loop_fires_its_timers_all_the_same() {
    leak_check(|| {
        run(async {
            let sleeper = aio_core::spawn(sleep(3 * MS));
            while !sleeper.is_finished() {
                yield_now().await;
            }
        });
    });
}

/// Entering is a stack: the innermost loop gets the timers.
#[test]
fn timers_belong_to_the_loop_entered_last() {
    leak_check(|| {
        let (wakes, waker) = Wakes::new();
        let mut outer = Timers::new(ThreadPark::new());
        let mut inner = Timers::new(ThreadPark::new());
        outer.enter();
        inner.enter();
        let mut sleep = pin!(sleep(3_600_000 * MS));
        assert!(poll_with(sleep.as_mut(), &waker).is_pending());
        inner.leave();
        drop(inner);
        assert_eq!(wakes.count(), 1);
        assert!(poll_with(sleep.as_mut(), &waker).is_pending());
        outer.leave();
        drop(outer);
        assert_eq!(wakes.count(), 2);
    });
}

/// Which sleepers were woken, in their order.
struct Order(Arc<Mutex<Vec<usize>>>, usize);

impl Wake for Order {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().push(self.1);
    }
}

fn wakers_that_log<const N: usize>() -> (Arc<Mutex<Vec<usize>>>, [Waker; N]) {
    let log = Arc::default();
    let wakers = std::array::from_fn(|index| Arc::new(Order(Arc::clone(&log), index)).into());
    (log, wakers)
}

/// A sleep that has not begun when its loop ends a run begins then, not with the next one: it ends before what waits
/// until as long after a moment between the runs.
#[test]
fn time_passes_for_a_sleep_between_two_runs() {
    leak_check(|| {
        let (log, [first, second]) = wakers_that_log();
        let mut event_loop = EventLoop::new(Timers::new(ThreadPark::new()));
        let mut early = pin!(sleep(10 * MS));
        event_loop.run_until_complete(async { assert!(poll_with(early.as_mut(), &first).is_pending()) }).unwrap();
        let mut late = pin!(sleep_until(now() + 10 * MS));
        let end = event_loop.run_until_complete(async {
            // If the machine is so slow that it is late already, there is nothing to compare.
            if poll_with(late.as_mut(), &second).is_pending() {
                sleep(20 * MS).await;
            }
        });
        end.unwrap();
        assert_eq!(log.lock().unwrap()[..], [0, 1]);
    });
}

/// The same, while another loop runs on the thread.
#[test]
fn time_passes_for_a_sleep_while_an_inner_loop_runs() {
    leak_check(|| {
        let (log, [first, second]) = wakers_that_log();
        let mut outer = Timers::new(ThreadPark::new());
        let mut inner = Timers::new(ThreadPark::new());
        outer.enter();
        let mut early = pin!(sleep(10 * MS));
        assert!(poll_with(early.as_mut(), &first).is_pending());
        inner.enter();
        let mut late = pin!(sleep_until(now() + 10 * MS));
        inner.leave();
        assert!(poll_with(late.as_mut(), &second).is_pending());
        while log.lock().unwrap().len() < 2 {
            outer.park(Deadline::NEVER);
        }
        assert_eq!(log.lock().unwrap()[..], [0, 1]);
        outer.leave();
    });
}

/// However many begin at once, they begin in their order, and before what has a deadline already.
#[test]
fn sleeps_that_begin_in_one_turn_end_in_the_order_in_which_they_began() {
    const N: usize = 1000;
    leak_check(|| {
        let (log, wakers) = wakers_that_log::<N>();
        run(async {
            let mut sleeps: Vec<_> = (0..N).map(|_| Box::pin(sleep(5 * MS))).collect();
            for (sleep, waker) in sleeps.iter_mut().zip(&wakers) {
                assert!(poll_with(sleep.as_mut(), waker).is_pending());
            }
            sleep(6 * MS).await;
            assert!(log.lock().unwrap().iter().copied().eq(0..N));
        });
    });
}

/// Sleeps go from loop to loop, each on a thread of its own: registered on one, polled with another waker on the next,
/// and there awaited, dropped or sent on.
#[test]
fn sleeps_that_wander_between_loops_end_where_they_are_awaited() {
    const N_LOOPS: usize = 3;
    const N_SLEEPS: u64 = 300;
    type Wanderer = (Pin<Box<Sleep>>, Instant, u64);

    async fn receive(index: usize, inbox: mpsc::Receiver<Wanderer>, next: mpsc::Sender<Wanderer>) -> u64 {
        let mut n_ended = 0;
        let mut awaited = Vec::new();
        loop {
            let (mut sleep, deadline, fate) = match inbox.try_recv() {
                Ok(wanderer) => wanderer,
                Err(mpsc::TryRecvError::Empty) => {
                    aio_timer::sleep(MS).await;
                    continue;
                }
                Err(mpsc::TryRecvError::Disconnected) => break,
            };
            let poll = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await;
            if poll.is_ready() {
                assert!(Instant::now() >= deadline);
                n_ended += 1;
            } else if fate % 5 == 4 {
                drop(sleep);
                n_ended += 1;
            } else if fate % 5 < 2 && index + 1 < N_LOOPS {
                next.send((sleep, deadline, fate / 5)).unwrap();
            } else {
                awaited.push(aio_core::spawn(async move {
                    sleep.await;
                    assert!(Instant::now() >= deadline);
                }));
            }
        }
        drop(next);
        for task in awaited {
            task.await;
            n_ended += 1;
        }
        n_ended
    }

    leak_check(|| {
        let (first, mut inbox) = mpsc::channel::<Wanderer>();
        let mut threads = Vec::new();
        for index in 0..N_LOOPS {
            let (next, next_inbox) = mpsc::channel();
            let inbox = std::mem::replace(&mut inbox, next_inbox);
            threads.push(std::thread::spawn(move || run(receive(index, inbox, next))));
        }
        run(async {
            for n in 0..N_SLEEPS {
                let duration = Duration::from_micros(n * 37 % 5000 + 1);
                let deadline = Instant::now() + duration;
                let mut sleep = Box::pin(sleep(duration));
                assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending());
                first.send((sleep, deadline, n.wrapping_mul(0x9e37_79b9) >> 7)).unwrap();
                if n % 16 == 0 {
                    yield_now().await;
                }
            }
            drop(first);
            // As long as the loop that they are registered with lives, it wakes them.
            while !threads.iter().all(std::thread::JoinHandle::is_finished) {
                aio_timer::sleep(MS).await;
            }
        });
        let n_ended: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(n_ended, N_SLEEPS);
        assert_timers(0);
    });
}

/// Misuse of a driver by hand: the loop is gone, but was never left.
#[test]
fn a_timer_is_not_lost_to_a_loop_that_was_dropped_without_being_left() {
    leak_check(|| {
        let mut timers = Timers::new(ThreadPark::new());
        timers.enter();
        drop(timers);
        block_on(sleep(MS));
    });
}

#[test]
fn a_sleep_is_send_and_says_what_it_is_doing() {
    fn assert_send<T: Send>(_: &T) {}
    fn assert_sync<T: Sync>(_: &T) {}
    leak_check(|| {
        let mut sleep = Box::pin(sleep(3_600_000 * MS));
        assert_send(&sleep);
        assert_sync(&sleep);
        assert_eq!(format!("{sleep:?}"), "Sleep(After(3600s))");
        run(async {
            assert!(poll_with(sleep.as_mut(), Waker::noop()).is_pending());
            assert_eq!(format!("{sleep:?}"), "Sleep(Entry { .. })");
            let forever = timeout(MS, pending::<()>());
            assert_send(&forever);
            drop(sleep);
        });
    });
}

/// A task keeps the thread of the worker on which a timer was begun: it fires all the same, and wakes its task
/// elsewhere.
#[test]
fn a_timer_whose_worker_is_kept_busy_fires() {
    leak_check(|| {
        EventLoop::with_workers(2, || Timers::new(ThreadPark::new())).run(async {
            let mut timer = Box::pin(sleep(20 * MS));
            assert!(poll_with(timer.as_mut(), Waker::noop()).is_pending());
            let (fired, heard) = mpsc::channel();
            let task = spawn(async move {
                timer.await;
                fired.send(()).unwrap();
            });
            sleep(MS).await;
            // The thread stands still until then.
            heard.recv_timeout(Duration::from_secs(60)).expect("it fires");
            task.await;
        });
    });
}

/// Between two runs nobody is at the drivers of the caller's thread.
#[test]
fn a_timer_of_the_callers_worker_fires_between_two_runs() {
    leak_check(|| {
        let mut event_loop = EventLoop::with_workers(2, || Timers::new(ThreadPark::new()));
        let (fired, heard) = mpsc::channel();
        let begin = async {
            let mut timer = Box::pin(sleep(20 * MS));
            assert!(poll_with(timer.as_mut(), Waker::noop()).is_pending());
            let task = spawn(async move {
                timer.await;
                fired.send(()).unwrap();
            });
            task.detach();
            sleep(MS).await;
        };
        event_loop.run_until_complete(begin).unwrap();
        heard.recv_timeout(Duration::from_secs(60)).expect("it fires");
        event_loop.close();
    });
}

/// The same if the loop has never waited for anything, and has no other thread.
#[test]
fn a_timer_fires_after_a_run_that_was_over_at_once() {
    struct Tells(mpsc::Sender<()>);
    impl Wake for Tells {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }
    leak_check(|| {
        let mut event_loop = EventLoop::with_workers(2, || Timers::new(ThreadPark::new()));
        let (fired, heard) = mpsc::channel();
        let mut timer = Box::pin(sleep(20 * MS));
        let begin = async { assert!(poll_with(timer.as_mut(), &Arc::new(Tells(fired)).into()).is_pending()) };
        event_loop.run_until_complete(begin).unwrap();
        heard.recv_timeout(Duration::from_secs(60)).expect("it fires");
        drop(timer);
        event_loop.close();
    });
}

/// The worker of many timers ends, and somebody who is woken then takes his time: whoever stands in for the worker
/// meanwhile must not take the others for due.
#[test]
fn no_timer_is_early_when_its_worker_ends() {
    struct TakesItsTime(AtomicUsize);
    impl Wake for TakesItsTime {
        fn wake(self: Arc<Self>) {
            if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
                thread::sleep(100 * MS); // clock: so that the lookout comes by
            }
        }
    }
    const TIMERS: usize = 1000;
    leak_check(|| {
        let wakes = Arc::new(TakesItsTime(AtomicUsize::new(0)));
        let waker = wakes.clone().into();
        let mut timers = EventLoop::with_workers(2, || Timers::new(ThreadPark::new())).run(async {
            let (begun, hears) = mpsc::channel();
            let other = spawn(async move {
                let mut timers: Vec<_> = (0..TIMERS).map(|_| Box::pin(sleep(Duration::from_secs(3600)))).collect();
                for timer in &mut timers {
                    assert!(poll_with(timer.as_mut(), &waker).is_pending());
                }
                begun.send(timers).unwrap();
            });
            // The other worker takes the task.
            let timers = block_in_place(|| hears.recv().unwrap());
            other.await;
            sleep(MS).await;
            timers
        });
        assert_eq!(wakes.0.load(Ordering::Relaxed), TIMERS, "each is told that the worker has ended");
        let early = timers.iter_mut().filter_map(|it| poll_with(it.as_mut(), Waker::noop()).is_ready().then_some(()));
        assert_eq!(early.count(), 0);
    });
}
