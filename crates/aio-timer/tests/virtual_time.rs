//! Timers on a loop with a clock of its own.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use aio_base::Deadline;
use aio_base::live::leak_check;
use aio_core::{
    Driver, EventLoop, StandIn, TaskRef, ThreadPark, VirtualTime, all_tasks, block_in_place, now, spawn, yield_now,
};
use aio_timer::{CancelScope, Timers, sleep, sleep_until, timeout};

fn virtual_time() -> VirtualTime<ThreadPark> {
    VirtualTime::new(ThreadPark::new())
}

fn run<F: Future>(main: F) -> F::Output {
    EventLoop::new(Timers::new(virtual_time())).run(main)
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_clock_moves_to_the_deadline_and_no_further() {
    leak_check(|| {
        run(async {
            let begin = now();
            for _ in 0..1000 {
                sleep(HOUR).await;
            }
            assert_eq!(now() - begin, 1000 * HOUR);
            sleep_until(begin + 1001 * HOUR).await;
            assert_eq!(now() - begin, 1001 * HOUR);
        });
    });
}

#[test]
fn the_clock_stands_still_while_a_task_can_run() {
    leak_check(|| {
        run(async {
            let begin = now();
            let sleeper = spawn(async {
                sleep(Duration::from_millis(1)).await;
                now()
            });
            for _ in 0..1000 {
                yield_now().await;
                assert_eq!(now(), begin);
            }
            assert_eq!(sleeper.await - begin, Duration::from_millis(1));
        });
    });
}

#[test]
fn sleepers_wake_at_their_times_and_those_of_one_time_in_their_order() {
    leak_check(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        run(async {
            let begin = now();
            let tasks = [30, 10, 20, 10, 100_000, 10].into_iter().enumerate().map(|(index, ms)| {
                let log = log.clone();
                spawn(async move {
                    sleep(Duration::from_millis(ms)).await;
                    log.lock().unwrap().push((index, (now() - begin).as_millis()));
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await;
            }
        });
        assert_eq!(*log.lock().unwrap(), [(1, 10), (3, 10), (5, 10), (2, 20), (0, 30), (4, 100_000)]);
    });
}

/// Whether they wait for some time or until a moment.
#[test]
fn sleepers_of_one_moment_wake_in_their_order_however_they_name_it() {
    leak_check(|| {
        let log = Arc::new(Mutex::new(Vec::new()));
        run(async {
            let end = now() + HOUR;
            let tasks = (0..200).map(|index| {
                let log = log.clone();
                spawn(async move {
                    if index % 3 == 0 {
                        sleep_until(end).await
                    } else {
                        sleep(HOUR).await
                    }
                    log.lock().unwrap().push(index);
                })
            });
            for task in tasks.collect::<Vec<_>>() {
                task.await;
            }
        });
        assert!(log.lock().unwrap().iter().copied().eq(0..200));
    });
}

#[test]
fn a_timeout_ends_what_would_wait_for_ever() {
    leak_check(|| {
        run(async {
            let begin = now();
            assert!(timeout(HOUR, pending::<()>()).await.is_err());
            assert_eq!(now() - begin, HOUR);
        });
    });
}

#[test]
fn a_deadlock_ends_the_run_with_a_panic() {
    leak_check(|| {
        let begin = Instant::now();
        let deadlocked = AssertUnwindSafe(|| {
            run(async {
                spawn(pending::<()>()).detach();
                sleep(HOUR).await;
                pending::<()>().await;
            });
        });
        assert!(catch_unwind(deadlocked).is_err());
        // The clock is the system's again.
        assert!(now() - begin < HOUR);
    });
}

#[test]
fn a_handler_may_resolve_a_deadlock() {
    leak_check(|| {
        let names = Arc::new(Mutex::new(Vec::new()));
        let seen = names.clone();
        let driver = virtual_time().on_deadlock(move || {
            for task in all_tasks().iter().filter(|task| task.name() != Some("main")) {
                seen.lock().unwrap().push(task.id());
                TaskRef::cancel(task);
            }
        });
        let id = EventLoop::new(Timers::new(driver)).run(async {
            let stuck = spawn(pending::<()>());
            let id = stuck.id();
            assert!(stuck.join().await.unwrap_err().is_cancelled());
            id
        });
        assert_eq!(*names.lock().unwrap(), [id]);
    });
}

#[test]
fn grace_periods_are_told_by_the_clock_of_the_loop() {
    leak_check(|| {
        let failures = Arc::new(Mutex::new(Vec::new()));
        let log = failures.clone();
        let event_loop = EventLoop::new(Timers::new(virtual_time())).shutdown_grace(HOUR);
        let begin =
            event_loop.on_failure(move |failure| log.lock().unwrap().push((now(), failure.to_string()))).run(async {
                spawn(async {
                    let _in_time = aio_core::defer((), async |()| sleep(HOUR / 2).await);
                    pending::<()>().await;
                })
                .detach();
                spawn(async {
                    let _too_long = aio_core::defer((), async |()| sleep(2 * HOUR).await);
                    pending::<()>().await;
                })
                .detach();
                yield_now().await;
                now()
            });
        let failures = failures.lock().unwrap();
        let [(at, text)] = failures.as_slice() else { panic!("{failures:?}") };
        assert_eq!(*at - begin, HOUR);
        assert!(text.contains("the cleanup left at "), "{text}");
    });
}

#[test]
fn a_cancel_scope_ends_at_its_deadline_and_its_grace_period_exactly() {
    leak_check(|| {
        run(async {
            let begin = now();
            let scope = CancelScope::new().grace(2 * HOUR);
            scope.set_timeout(3 * HOUR);
            let work = scope.run(async {
                let _stuck = aio_core::defer((), async |()| pending().await);
                sleep(HOUR).await;
                scope.set_timeout(HOUR);
                pending::<()>().await;
            });
            let error = work.await.unwrap_err();
            assert_eq!(now() - begin, 4 * HOUR);
            assert!(error.is_timeout());
            assert_eq!(error.overran().len(), 1);
        });
    });
}

/// Timers whose thread goes on for a while after them, as a loop with a clock of its own.
struct AndThen {
    timers: Timers<ThreadPark>,
    _then: Then,
}

struct Then(Arc<Mutex<Vec<bool>>>);

impl Drop for Then {
    fn drop(&mut self) {
        if thread::current().name().is_some_and(|name| name.starts_with("aio-worker")) {
            let fired = run(async {
                let mut timer = pin!(sleep(Duration::from_millis(5)));
                assert!(poll_once(timer.as_mut()).is_pending());
                thread::sleep(Duration::from_millis(100)); // clock: so that the lookout comes by, which must do nothing
                poll_once(timer).is_ready()
            });
            self.0.lock().unwrap().push(fired);
        }
    }
}

impl Driver for AndThen {
    fn enter(&mut self) {
        self.timers.enter();
    }

    fn leave(&mut self) {
        self.timers.leave();
    }

    fn turn(&mut self) {
        self.timers.turn();
    }

    fn park(&mut self, deadline: Deadline) {
        self.timers.park(deadline);
    }

    fn unparker(&self) -> Waker {
        self.timers.unparker()
    }

    fn stand_in(&self) -> Option<StandIn> {
        self.timers.stand_in()
    }
}

/// Whoever stands in for a worker that has ended does not look at its timers by his own clock: they may be another
/// loop's by then.
#[test]
fn a_loop_that_ends_takes_its_stand_ins_with_it() {
    leak_check(|| {
        let fired = Arc::new(Mutex::new(Vec::new()));
        let log = fired.clone();
        let driver = move || AndThen { timers: Timers::new(ThreadPark::new()), _then: Then(log.clone()) };
        EventLoop::with_workers(2, driver).run(async {
            let (begun, hears) = mpsc::channel();
            let other = spawn(async move { begun.send(()).unwrap() });
            // The other worker has a thread then.
            block_in_place(|| hears.recv().unwrap());
            other.await;
            sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(*fired.lock().unwrap(), [false]);
    });
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
