//! `Runner`: several runs, failures, the end.
#![cfg(not(aio_loom))]

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio::{
    ContextVar, Reason, Runner, block_on, cancel_reason, current_task, defer, sleep, spawn, to_thread, yield_now,
};
use aio_base::live::leak_check;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn several_runs_share_tasks_timers_threads_and_context() {
    static USER: ContextVar<&str> = ContextVar::new();
    leak_check(|| {
        let mut runner = Runner::new();
        let (sleeper, job) = runner.run(async {
            USER.set("ada");
            let sleeper = spawn(async {
                sleep(Duration::from_millis(5)).await;
                USER.get()
            });
            let job = spawn(to_thread(|| USER.get()));
            yield_now().await;
            (sleeper, job)
        });
        assert_eq!(
            runner.run(async { (sleeper.await, job.await, USER.get()) }),
            (Some("ada"), Some("ada"), Some("ada"))
        );
        let task = runner.handle().spawn(async { 1 });
        assert_eq!(runner.run(task), 1);
        runner.close();
    });
}

#[test]
fn the_end_of_a_runner_cancels_what_is_left_and_says_why() {
    let log = Log::default();
    leak_check(|| {
        let mut runner = Runner::new();
        let theirs = log.clone();
        runner.run(async {
            spawn(async move {
                let _guard = defer(theirs, async |log: Log| {
                    sleep(Duration::from_millis(1)).await;
                    log.add(cancel_reason().unwrap().to_string());
                });
                pending::<()>().await;
            })
            .detach();
            yield_now().await;
        });
        drop(runner);
    });
    assert_eq!(log.take(), ["the event loop ends"]);
}

#[test]
fn what_does_not_end_within_the_grace_period_is_reported_and_dropped() {
    let log = Log::default();
    leak_check(|| {
        let failures = log.clone();
        let mut runner = Runner::new()
            .shutdown_grace(Duration::from_millis(10))
            .on_failure(move |failure| failures.add(failure.to_string()));
        runner.run(async {
            aio::Builder::new()
                .name("stubborn")
                .spawn(async {
                    let _guard = defer((), async |()| pending().await);
                    pending::<()>().await;
                })
                .detach();
            yield_now().await;
        });
        runner.close();
    });
    let log = log.take();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].starts_with("task `stubborn` (Task-"), "{log:?}");
    assert!(log[0].contains("did not end in time, and was given up:\n  the cleanup left at "), "{log:?}");
}

#[test]
fn a_panic_of_main_and_a_cancelled_main_are_told_apart() {
    leak_check(|| {
        let mut runner = Runner::new().ctrl_c(true);
        let panic = runner.try_run(async { panic!("oh") }).map(|(): ()| ()).unwrap_err();
        assert_eq!(panic.into_panic().downcast_ref::<&str>(), Some(&"oh"));
        let error = runner.try_run(async {
            current_task().unwrap().cancel_with("somebody did");
            yield_now().await;
        });
        assert_eq!(error.unwrap_err().reason(), Some(&Reason::from("somebody did")));
        assert_eq!(runner.run(async { 1 }), 1);
    });
}

#[test]
fn a_task_is_awaited_on_another_thread() {
    leak_check(|| {
        let mut runner = Runner::new();
        let handle = runner.handle();
        let thread = std::thread::spawn(move || {
            let task = handle.spawn(async {
                sleep(Duration::from_millis(2)).await;
                7
            });
            // asyncio: `run_coroutine_threadsafe(..).result(timeout)`.
            block_on(aio::timeout(Duration::from_secs(3600), task)).unwrap()
        });
        runner.run(async {
            while !thread.is_finished() {
                sleep(Duration::from_millis(1)).await;
            }
        });
        assert_eq!(thread.join().unwrap(), 7);
    });
}
