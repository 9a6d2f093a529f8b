//! Which of several things is said to be wrong, and what of.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use aio_blocking::to_thread;
use aio_core::{local, spawn, yield_now};
use aio_sync::local::channel;
use aio_test::{Clock, Failure, Faults, Strategy, Test, TestOutcome};
use aio_timer::sleep;

const MS: Duration = Duration::from_millis(1);

fn failure<R: TestOutcome>(test: Test, body: impl AsyncFn() -> R) -> Box<Failure> {
    test.try_run(body).map(drop).unwrap_err()
}

#[test]
fn an_error_is_told_and_not_what_it_has_left_behind() {
    let failed = failure(Test::new("x"), async || {
        spawn(sleep(1000 * MS)).detach();
        Err::<(), _>("the reason")
    });
    assert_eq!(failed.message, "the test returned an error: \"the reason\"");
}

/// Has a cleanup that never ends.
struct Stuck;

impl Drop for Stuck {
    fn drop(&mut self) {
        drop(local::defer((), async |()| pending().await));
    }
}

async fn leaves_others_stuck() {
    let task = local::spawn(async {
        let _stuck = Stuck;
        pending::<()>().await;
    });
    task.detach();
    yield_now().await;
}

#[test]
#[should_panic(expected = "the reason")]
fn a_panic_is_told_and_not_that_it_has_left_others_stuck() {
    Test::new("x").run(async || {
        leaves_others_stuck().await;
        assert!(elapsed_days() > 0, "the reason");
    });
}

fn elapsed_days() -> u64 {
    aio_test::elapsed().as_secs() / 86_400
}

#[test]
fn that_others_are_stuck_is_told_where_nothing_came_before() {
    let test = Test::new("x").leaks(aio_test::Leaks::Allow);
    let failed = failure(test, leaves_others_stuck);
    assert!(failed.message.starts_with("deadlock"), "{failed}");
}

#[test]
fn a_task_that_has_failed_has_its_number_in_the_run() {
    let message = || {
        failure(Test::new("x"), async || {
            spawn(async { panic!("on purpose") }).detach();
        })
        .message
    };
    let first = message();
    assert!(first.starts_with("task 2 (spawned at ") && first.ends_with("for it: on purpose"), "{first}");
    assert_eq!(message(), first);
}

#[test]
fn a_seed_is_told_where_it_repeats_the_failure() {
    let fails = async || -> () { panic!("on purpose") };
    let seed = |test: Test| failure(test, fails).seed;
    assert_eq!(seed(Test::new("x")), None);
    // With `AIO_SEED` the tasks would come in another order than here.
    assert_eq!(seed(Test::new("x").faults(Faults::all())), None);
    assert_eq!(seed(Test::new("x").faults(Faults::all()).strategy(Strategy::Fifo)), Some(1));
    assert_eq!(seed(Test::new("x").seed(7)), Some(7));
}

#[test]
fn a_wake_that_is_delayed_gets_through_in_real_time() {
    let test = Test::new("x").clock(Clock::Real).timeout(Duration::from_secs(20));
    test.schedules(10).faults(Faults::none().delayed_wakes(1, 3 * MS)).run(async || {
        let task = spawn(yield_now());
        task.await;
    });
}

#[test]
fn the_longest_time_of_all_is_no_limit() {
    Test::new("x").timeout(Duration::MAX).run(async || yield_now().await);
}

#[test]
fn a_slow_blocking_function_is_waited_for_at_the_end() {
    Test::new("x").schedules(50).faults(Faults::none().slow_jobs(5 * MS, 20 * MS)).run(async || {
        spawn(to_thread(|| ())).detach();
    });
}

/// Two tasks keep each other going until a third one says that it is enough.
#[test]
fn priorities_do_not_keep_a_task_from_running_for_ever() {
    let test = Test::new("x").schedules(50).strategy(Strategy::Pct { depth: 2 }).timeout(Duration::from_secs(20));
    test.run(async || {
        let is_enough = Rc::new(Cell::new(false));
        let (there, here) = (channel::bounded(1), channel::bounded(1));
        let serves = local::spawn({
            let is_enough = is_enough.clone();
            async move {
                while !is_enough.get() {
                    there.0.send(()).await.unwrap();
                    here.1.recv().await.unwrap();
                }
            }
        });
        let returns = local::spawn(async move {
            while there.1.recv().await.is_ok() {
                here.0.send(()).await.unwrap();
            }
        });
        for _ in 0..3 {
            yield_now().await;
        }
        is_enough.set(true);
        serves.await;
        returns.await;
    });
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the payload of a panic was dropped");
    }
}

#[test]
fn a_panic_whose_payload_panics_is_told_as_it_is() {
    let failed = failure(Test::new("x"), async || -> () { std::panic::panic_any(Bomb) });
    assert_eq!(failed.message, "it has panicked");
}

#[test]
fn a_cleanup_of_the_test_that_takes_time_is_nothing_left_behind() {
    Test::new("x").run(async || drop(local::defer((), async |()| sleep(5 * MS).await)));
}
