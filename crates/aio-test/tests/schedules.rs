//! A test under seeds: what is tried, what repeats, and what is said of a failure.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio_core::{local, yield_now};
use aio_sync::Lock;
use aio_test::{Clock, Faults, Leaks, Strategy, Test, elapsed, note};
use aio_timer::sleep;

const MS: Duration = Duration::from_millis(1);

/// Three tasks of two steps each, and the order in which their steps came.
async fn three() -> String {
    let order = Rc::new(RefCell::new(String::new()));
    let tasks = ["a", "b", "c"].map(|name| {
        let order = order.clone();
        local::spawn(async move {
            order.borrow_mut().push_str(name);
            yield_now().await;
            order.borrow_mut().push_str(name);
        })
    });
    for task in tasks {
        task.await;
    }
    order.take()
}

fn orders(test: Test, n: u64) -> BTreeSet<String> {
    let orders = RefCell::new(BTreeSet::new());
    test.schedules(n).run(async || {
        let order = three().await;
        orders.borrow_mut().insert(order);
    });
    orders.into_inner()
}

#[test]
fn without_a_seed_tasks_run_in_the_order_of_production() {
    let order = RefCell::new(String::new());
    Test::new("one").run(async || {
        let seen = three().await;
        *order.borrow_mut() = seen;
    });
    assert_eq!(*order.borrow(), "abcabc");
    assert_eq!(orders(Test::new("fifo").strategy(Strategy::Fifo), 20).len(), 1);
}

#[test]
fn seeds_reach_every_order() {
    // 6! / 2!^3 interleavings of three sequences of two.
    assert_eq!(orders(Test::new("uniform"), 1000).len(), 90);
}

#[test]
fn pct_reaches_orders_of_its_depth() {
    let one = orders(Test::new("pct").strategy(Strategy::Pct { depth: 1 }), 200);
    // Without a change of priorities each task runs to its end.
    assert_eq!(one, ["aabbcc", "aaccbb", "bbaacc", "bbccaa", "ccaabb", "ccbbaa"].map(str::to_owned).into());
    let three = orders(Test::new("pct").strategy(Strategy::Pct { depth: 3 }), 2000);
    assert!(three.len() > 25, "{}", three.len());
}

#[test]
fn a_seed_repeats_its_log() {
    let log = |seed| Test::new("log").seed(seed).try_run(async || drop(three().await)).unwrap().log;
    let first = log(7);
    assert!(first.lines().filter(|line| line.ends_with("runs")).count() >= 8, "{first}");
    for _ in 0..1000 {
        assert_eq!(log(7), first);
    }
    assert!((8..20).any(|seed| log(seed) != first));
}

#[test]
fn virtual_time_is_exact_and_takes_none() {
    let passed = Test::new("time").schedules(50).try_run(async || {
        let slow = local::spawn(async { sleep(500 * MS).await });
        sleep(200 * MS).await;
        assert_eq!(elapsed(), 200 * MS);
        note("half");
        slow.await;
        assert_eq!(elapsed(), 500 * MS);
    });
    assert!(passed.unwrap().log.contains("     0.200 s   half\n"));
}

#[test]
fn a_failure_names_its_seed_and_repeats_with_it() {
    // Check, then act, over an await.
    let race = async || {
        let balance = Rc::new(Cell::new(100));
        let tasks = [1, 2].map(|_| {
            let balance = balance.clone();
            local::spawn(async move {
                if balance.get() >= 70 {
                    yield_now().await;
                    balance.set(balance.get() - 70);
                }
            })
        });
        for task in tasks {
            task.await;
        }
        assert!(balance.get() >= 0, "overdrawn");
    };
    let fail = |test: Test| test.try_run(race).unwrap_err();
    let failure = fail(Test::new("race").schedules(1000));
    assert_eq!(failure.message, "overdrawn");
    assert!(failure.is_repeatable && failure.log.contains("runs"));
    let seed = failure.seed.unwrap();
    let text = failure.to_string();
    assert!(text.ends_with(&format!("AIO_SEED={seed} cargo test race   repeats it")), "{text}");
    assert_eq!(fail(Test::new("race").seed(seed)).log, failure.log);
}

#[test]
fn an_error_that_is_returned_is_a_failure() {
    let failure = Test::new("error").try_run(async || Err::<(), _>("no")).unwrap_err();
    assert_eq!(failure.message, "the test returned an error: \"no\"");
    assert_eq!(failure.seed, None);
    Test::new("fine").run(async || Ok::<(), String>(())).unwrap();
}

#[test]
fn a_deadlock_fails_at_once() {
    let failure = Test::new("deadlock").try_run(async || std::future::pending::<()>().await).unwrap_err();
    assert!(failure.message.starts_with("deadlock: "), "{}", failure.message);
    assert!(failure.message.contains("task 1 `main`"), "{}", failure.message);
}

#[test]
fn cleanups_run_after_a_deadlock_and_those_that_are_stuck_are_given_up() {
    let ran = Rc::new(Cell::new(0));
    let test = async || {
        let (one, two) = (ran.clone(), ran.clone());
        let _stuck = local::defer((), move |()| async move {
            one.set(one.get() + 1);
            std::future::pending::<()>().await;
        });
        let _fine = local::defer((), move |()| async move { two.set(two.get() + 1) });
        std::future::pending::<()>().await;
    };
    let failure = Test::new("stuck").try_run(test).unwrap_err();
    assert!(failure.message.starts_with("deadlock: "), "{}", failure.message);
    // Twice, since a failure is tried again.
    assert_eq!(ran.get(), 4);
}

#[test]
fn a_panic_of_a_detached_task_fails_the_test() {
    let failure = Test::new("detached").try_run(async || {
        local::spawn(async { panic!("oh") }).detach();
        sleep(MS).await;
    });
    let message = failure.unwrap_err().message;
    assert!(message.contains("oh"), "{message}");
}

#[test]
fn a_task_that_is_left_fails_the_test_unless_it_may_be() {
    let leave = async || local::spawn(std::future::pending::<()>()).detach();
    let failure = Test::new("left").try_run(leave).unwrap_err();
    assert!(failure.message.contains("these tasks had not"), "{}", failure.message);
    Test::new("left").leaks(Leaks::Allow).run(leave);
    // It ends by itself, or was told to.
    Test::new("ends").schedules(100).run(async || {
        local::spawn(yield_now()).detach();
        drop(local::spawn(std::future::pending::<()>()));
    });
}

#[test]
fn real_time_passes_by_itself() {
    Test::new("real").clock(Clock::Real).run(async || {
        sleep(2 * MS).await;
        assert!(elapsed() >= 2 * MS);
    });
}

#[test]
fn a_test_that_hangs_for_real_is_ended_by_the_guard() {
    let failure = Test::new("hangs").timeout(50 * MS).try_run(async || {
        while elapsed() < MS {
            yield_now().await;
        }
    });
    let message = failure.unwrap_err().message;
    assert!(message.contains("the time of the test is over"), "{message}");
    assert!(
        message.contains("its last step, number ") && message.contains(", was one of task 1 `main` ("),
        "{message}"
    );
}

/// Two tasks that take two free locks in different orders, without anything else to wait for.
async fn both_ways() {
    let (a, b) = (Arc::new(Lock::new(())), Arc::new(Lock::new(())));
    let take = |first: &Arc<Lock<()>>, second: &Arc<Lock<()>>| {
        let (first, second) = (first.clone(), second.clone());
        aio_core::spawn(async move {
            let _first = first.lock().await;
            let _second = second.lock().await;
        })
    };
    let (one, two) = (take(&a, &b), take(&b, &a));
    one.await;
    two.await;
}

#[test]
fn what_may_cross_threads_may_be_interrupted_as_by_another_worker() {
    // On one worker nothing is wrong with it.
    Test::new("both ways").schedules(200).run(both_ways);
    let failure = Test::new("both ways").schedules(200).preemptive(true).try_run(both_ways).unwrap_err();
    assert!(failure.message.starts_with("deadlock") && failure.is_repeatable, "{}", failure.message);
    assert!(failure.log.contains("lets others go first"), "{}", failure.log);
}

#[test]
fn what_stays_on_its_loop_is_not_interrupted() {
    Test::new("local").schedules(200).preemptive(true).run(async || {
        let (lock, other) = (Rc::new(aio_sync::local::Lock::new(0)), Rc::new(Cell::new(0)));
        let tasks = [(); 2].map(|()| {
            let (lock, other) = (lock.clone(), other.clone());
            local::spawn(async move {
                let seen = other.get();
                *lock.lock().await += 1;
                other.set(seen + 1);
            })
        });
        for task in tasks {
            task.await;
        }
        assert_eq!(other.get(), 2);
    });
}

#[test]
fn blocking_functions_are_steps_and_may_be_slow() {
    let begun = RefCell::new(BTreeSet::new());
    let test = Test::new("jobs").schedules(100);
    test.clone().run(async || {
        let log = Arc::new(Mutex::new(String::new()));
        let write = |name| {
            let log = log.clone();
            aio_blocking::to_thread(move || log.lock().unwrap().push_str(name))
        };
        let (a, b) = (local::spawn(write("a")), local::spawn(write("b")));
        a.await;
        b.await;
        assert_eq!(elapsed(), Duration::ZERO);
        begun.borrow_mut().insert(log.lock().unwrap().clone());
    });
    assert_eq!(begun.into_inner(), BTreeSet::from(["ab".to_owned(), "ba".to_owned()]));

    let took = RefCell::new(BTreeSet::new());
    test.faults(Faults::none().slow_jobs(2 * MS, 4 * MS)).run(async || {
        aio_blocking::to_thread(|| ()).await;
        took.borrow_mut().insert(elapsed());
    });
    assert_eq!(took.into_inner(), BTreeSet::from([2 * MS, 3 * MS, 4 * MS]));
}

#[test]
fn a_blocking_function_that_waits_for_a_task_is_told_of_in_the_report() {
    let failure = Test::new("waits").try_run(async || {
        let (sender, receiver) = std::sync::mpsc::channel();
        let job = local::spawn(aio_blocking::to_thread(move || receiver.recv().unwrap()));
        yield_now().await;
        yield_now().await;
        sender.send(()).unwrap();
        job.await;
        assert!(elapsed() > MS, "the report, please");
    });
    let failure = failure.unwrap_err();
    assert_eq!(failure.overruns.len(), 1);
    assert!(failure.to_string().contains("or waits for a task: from there on the order is not"), "{failure}");
}

#[test]
#[cfg(debug_assertions)]
fn a_timer_or_a_waiter_that_is_left_fails_the_test() {
    let failure = Test::new("timer").try_run(async || {
        let mut forgotten = Box::pin(sleep(1000 * MS));
        assert!(futures_lite::future::poll_once(&mut forgotten).await.is_none());
        std::mem::forget(forgotten);
    });
    assert_eq!(failure.unwrap_err().message, "when the test had ended, timers had not that nobody waits for: 1");
    let failure = Test::new("waiter").try_run(async || {
        let event = Box::leak(Box::new(aio_sync::Event::new()));
        let mut forgotten = Box::pin(event.wait());
        assert!(futures_lite::future::poll_once(&mut forgotten).await.is_none());
        std::mem::forget(forgotten);
    });
    let message = failure.unwrap_err().message;
    assert!(
        message.starts_with("after the end of the loop there still is: ") && message.contains("waiter"),
        "{message}"
    );
    // One that is dropped in time is no leak, and neither is one of a cleanup.
    Test::new("fine").run(async || {
        let mut dropped = Box::pin(sleep(1000 * MS));
        assert!(futures_lite::future::poll_once(&mut dropped).await.is_none());
        drop(local::defer((), |()| sleep(MS)));
    });
}
