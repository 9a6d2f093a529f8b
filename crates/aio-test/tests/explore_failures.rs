//! What an exploration says of a program that fails, and how that is replayed.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering}; // facade: what outlives a run

use aio_core::{Builder, local, yield_now};
use aio_test::{Explore, ExploreFailure, note};

/// Check, then act, over an await.
async fn race() {
    let balance = Rc::new(Cell::new(100));
    for name in ["alice", "bob"] {
        let balance = balance.clone();
        let withdraw = async move {
            if balance.get() >= 70 {
                note("there is enough");
                yield_now().await;
                balance.set(balance.get() - 70);
            }
            assert!(balance.get() >= 0, "overdrawn");
        };
        Builder::new().name(name).spawn_local(withdraw).detach();
    }
}

/// Fails if the last of three tasks comes before the second one has made its second step, and that before the first one
/// makes its own.
async fn deep() {
    let step = Rc::new(Cell::new(0));
    for n in 0..3 {
        let step = step.clone();
        let task = async move {
            for _ in 0..2 {
                step.set(if step.get() == 2 - n { step.get() + 1 } else { 0 });
                yield_now().await;
            }
            assert_ne!(step.get(), 3, "three in a row");
        };
        local::spawn(task).detach();
    }
}

fn failure(explore: Explore, test: impl AsyncFn()) -> Box<ExploreFailure> {
    explore.try_run(test).unwrap_err()
}

#[test]
fn the_schedule_that_fails_is_printed_and_can_be_replayed() {
    let explore = Explore::new("race");
    let failure = failure(explore.clone(), race);
    assert!(failure.message.contains("overdrawn"), "{}", failure.message);
    // It fails as production runs it.
    assert_eq!(failure.schedule().as_deref(), Some("fifo"));
    let text = failure.to_string();
    assert!(text.ends_with("AIO_SCHEDULE=fifo cargo test race   repeats it"), "{text}");
    assert!(
        text.contains("task 2 `alice`") && text.contains("there is enough") && !failure.log.contains('*'),
        "{text}"
    );
    let passed = explore.replay("2.2", race).unwrap();
    assert!(passed.contains("*task 2 `alice`") && !passed.contains("*task 3"), "{passed}");
    let other = explore.replay("3", race).unwrap_err();
    assert!(other.log.contains("*task 3 `bob`"), "{other}");
    assert_eq!(other.schedule().as_deref(), Some("3"));
}

#[test]
fn the_schedule_that_is_printed_is_a_simple_one() {
    let failure = failure(Explore::new("deep"), deep);
    assert!(failure.is_repeatable);
    let schedule = failure.schedule().unwrap();
    let again = Explore::new("deep").replay(&schedule, deep).unwrap_err();
    // But for the main task, which was started by another line.
    let steps = |failure: &ExploreFailure| {
        let lines = failure.log.lines().filter(|line| !line.contains("main"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(steps(&again), steps(&failure));
    // There is none with fewer steps that are out of order.
    let stars = failure.log.matches('*').count();
    assert!(Explore::new("deep").max_deviations(stars - 1).try_run(deep).is_ok(), "{failure}");
    assert!(Explore::new("deep").max_deviations(stars).try_run(deep).is_err());
}

#[test]
fn a_schedule_that_does_not_fit_is_refused() {
    let refused = |schedule: &str| Explore::new("race").replay(schedule, race).unwrap_err().to_string();
    assert!(
        refused("4").contains("its choice number 1 does not fit the program: task 4 is to run, and ready are task 2, ")
    );
    assert!(refused("2.x").contains("`2.x` is no schedule"));
    assert!(refused("t1").contains("timers are to fire where a task has to run"));
}

#[test]
fn a_program_that_differs_from_run_to_run_is_refused() {
    let runs = AtomicUsize::new(0);
    let failure = failure(Explore::new("differs"), async || {
        let n = runs.fetch_add(1, Ordering::Relaxed);
        for _ in 0..2 + n.min(1) {
            local::spawn(async {}).detach();
        }
    });
    assert!(failure.message.starts_with("the program is not the same in each run"), "{failure}");
    assert!(failure.message.contains("the tasks 2, 3 were ready, and now the tasks 2, 3, 4 are"), "{failure}");
    assert_eq!(failure.schedule(), None);
}

#[test]
fn all_that_fails_a_test_fails_an_exploration() {
    let message = |test: &dyn Fn() -> Result<(), Box<ExploreFailure>>| test().unwrap_err().message;
    let deadlock = message(&|| Explore::new("x").try_run(async || std::future::pending::<()>().await).map(drop));
    assert!(deadlock.starts_with("deadlock"), "{deadlock}");
    let error = message(&|| Explore::new("x").try_run(async || Err::<(), _>("no")).map(drop));
    assert_eq!(error, "the test returned an error: \"no\"");
    let left =
        message(&|| Explore::new("x").try_run(async || local::spawn(std::future::pending::<()>()).detach()).map(drop));
    assert!(left.contains("these tasks had not"), "{left}");
    let endless = message(&|| {
        let spin = async || loop {
            yield_now().await;
        };
        Explore::new("x").max_steps(100).try_run::<()>(spin).map(drop)
    });
    assert_eq!(endless, "it has not ended after 100 steps");
}

#[test]
fn the_environment_replays_one_schedule() {
    let replayed = |kind: &str, schedule: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_program_for_another_process", "--nocapture"])
            .env("AIO_SCHEDULE", schedule)
            .env("AIO_EXPLORED", kind)
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (passed, text) = replayed("all", "2.2");
    assert!(passed && text.contains("the steps of `a_program_for_another_process` under 2.2:"), "{text}");
    let (passed, text) = replayed("all", "3");
    assert!(!passed && text.contains("AIO_SCHEDULE=3 cargo test a_program_for_another_process   repeats it"), "{text}");
    let (passed, text) = replayed("outcomes", "2.2");
    assert!(passed && text.contains("the steps of `a_program_for_another_process` under 2.2:"), "{text}");
    let (passed, text) = replayed("outcomes", "3");
    assert!(!passed && text.contains("(after 1 that were tried)"), "{text}");
}

/// For the test above.
#[test]
fn a_program_for_another_process() {
    match std::env::var("AIO_EXPLORED").as_deref() {
        Ok("outcomes") => assert_eq!(aio_test::explore_outcomes(race).into_values().sum::<u64>(), 1),
        Ok(_) => assert_eq!(aio_test::explore(race).schedules(), 1),
        Err(_) => {}
    }
}
