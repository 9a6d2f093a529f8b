//! Failures that nobody waits for reach the handler, when they happen.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use aio_core::{Builder, EventLoop, Failure, FailureKind, ThreadPark, defer, yield_now};
use common::check;
use log::Log;

fn noting(log: &Log) -> EventLoop<ThreadPark> {
    let log = log.clone();
    EventLoop::new(ThreadPark::new()).on_failure(move |failure: &Failure<'_>| {
        assert!(failure.spawned_at().is_some_and(|line| line.file() == file!()));
        assert!(failure.task_id().is_some());
        let name = failure.task_name().unwrap_or("?").to_owned();
        log.note(match failure.kind() {
            FailureKind::Panic { payload, .. } => format!("{name} panicked: {:?}", payload.downcast_ref::<&str>()),
            FailureKind::Error(error) => format!("{name} failed: {error}"),
            FailureKind::Overran(what) => format!("{name} overran: {}", what.len()),
            _ => "another kind".to_owned(),
        });
    })
}

/// The same tests for tasks in both homes.
macro_rules! in_both_homes {
    ($($(#[$attr:meta])* fn $name:ident($builder:ident) $body:block)*) => {
        mod shared {
            use super::*;
            macro_rules! start { ($b:expr, $f:expr) => { $b.spawn($f) } }
            $(#[test] $(#[$attr])* fn $name() { let $builder = || Builder::new().name("task"); check(|| $body) })*
        }
        mod local {
            use super::*;
            macro_rules! start { ($b:expr, $f:expr) => { $b.spawn_local($f) } }
            $(#[test] $(#[$attr])* fn $name() { let $builder = || Builder::new().name("task"); check(|| $body) })*
        }
    };
}

in_both_homes! {
    fn a_panic_of_a_detached_task_is_reported_when_it_happens(task) {
        let log = Log::default();
        noting(&log).run(async {
            start!(task(), async {
                yield_now().await;
                panic!("oh");
            })
            .detach();
            yield_now().await;
            assert_eq!(log.take(), [""; 0]);
            yield_now().await;
            yield_now().await;
            assert_eq!(log.take(), [r#"task panicked: Some("oh")"#]);
        });
        assert_eq!(log.take(), [""; 0]);
    }

    fn an_error_of_a_detached_task_is_reported_when_it_happens(task) {
        let log = Log::default();
        noting(&log).run(async {
            start!(task(), async {
                yield_now().await;
                Err::<(), _>("no such host")
            })
            .try_detach();
            start!(task(), async { Ok::<_, &str>(1) }).try_detach();
            start!(task(), std::future::pending::<Result<(), &str>>()).try_detach();
            // Not detached as a task that may fail: its error is an output like others.
            start!(task(), async { Err::<(), _>("dropped") }).detach();
            yield_now().await;
            assert_eq!(log.take(), [""; 0]);
            yield_now().await;
            yield_now().await;
            assert_eq!(log.take(), ["task failed: no such host"]);
        });
        // The end of the loop is no failure of the task that was pending.
        assert_eq!(log.take(), [""; 0]);
    }

    fn an_error_that_is_there_already_is_reported_at_once(task) {
        let log = Log::default();
        noting(&log).run(async {
            let failed = start!(task(), async { Err::<(), _>("early") });
            let panicked = start!(task(), async { if true { panic!("early") } Ok::<(), &str>(()) });
            yield_now().await;
            assert!(failed.is_finished());
            failed.try_detach();
            assert_eq!(log.take(), ["task failed: early"]);
            panicked.try_detach();
            assert_eq!(log.take(), [r#"task panicked: Some("early")"#]);
        });
    }

    fn a_panic_in_dropping_an_output_is_reported(task) {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }
        let log = Log::default();
        noting(&log).run(async {
            start!(task(), async { Bomb }).detach();
            yield_now().await;
            yield_now().await;
        });
        assert_eq!(log.take(), [r#"task panicked: Some("bomb")"#]);
    }

    fn a_handler_that_panics_harms_nobody(task) {
        let output = EventLoop::new(ThreadPark::new()).on_failure(|_| panic!("handler")).run(async {
            start!(task(), async { panic!("task") }).detach();
            let other = start!(task(), async { yield_now().await; 1 });
            other.await
        });
        assert_eq!(output, 1);
    }

    fn cleanups_that_overrun_the_grace_period_are_reported(task) {
        let log = Log::default();
        noting(&log).shutdown_grace(std::time::Duration::from_millis(5)).run(async {
            for _ in 0..2 {
                start!(task(), async {
                    let _outer = defer((), async |()| std::future::pending().await);
                    let _inner = defer((), async |()| std::future::pending().await);
                    std::future::pending::<()>().await;
                })
                .detach();
            }
            yield_now().await;
        });
        assert_eq!(log.take(), ["task overran: 2", "task overran: 2"]);
    }
}

#[test]
fn a_local_cleanup_that_overruns_is_given_up_with_its_scope() {
    check(|| {
        let log = Log::default();
        let seen = log.clone();
        EventLoop::new(ThreadPark::new())
            .on_failure(move |failure| seen.note(failure.to_string()))
            .shutdown_grace(std::time::Duration::from_millis(5))
            .run(async {
                aio_core::local::spawn(async {
                    let _held = aio_core::local::defer(std::rc::Rc::new(()), async |held| {
                        std::future::pending::<()>().await;
                        drop(held);
                    });
                    std::future::pending::<()>().await;
                })
                .detach();
                yield_now().await;
            });
        let log = log.take();
        assert!(log.iter().any(|line| line.contains("the cleanup left at ") && line.contains(file!())), "{log:?}");
        // Its own task is known by the same line.
        assert!(log.iter().all(|report| report.contains(file!())), "{log:?}");
    });
}

#[test]
fn what_ends_within_the_grace_period_is_not_reported() {
    check(|| {
        let log = Log::default();
        let cleaned = log.clone();
        noting(&log).shutdown_grace(std::time::Duration::from_secs(3600)).run(async {
            aio_core::spawn(async move {
                let _guard = defer(cleaned, async |log: Log| {
                    yield_now().await;
                    log.note("cleaned up");
                });
                std::future::pending::<()>().await;
            })
            .detach();
            yield_now().await;
        });
        assert_eq!(log.take(), ["cleaned up"]);
    });
}

/// A task that was only cancelled is no failure, even if there was no time at all.
#[test]
fn a_task_without_cleanups_does_not_overrun() {
    check(|| {
        let log = Log::default();
        noting(&log).shutdown_grace(std::time::Duration::ZERO).run(async {
            aio_core::spawn(std::future::pending::<()>()).detach();
            aio_core::local::spawn(std::future::pending::<()>()).detach();
            yield_now().await;
        });
        assert_eq!(log.take(), [""; 0]);
    });
}

/// Another thread asks to be told of the end of a local task, and changes its mind; both is done on the loop.
#[test]
fn a_panic_of_a_waker_that_is_not_needed_any_more_is_reported() {
    struct PanicsInDrop;
    impl Wake for PanicsInDrop {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("waker");
        }
    }
    check(|| {
        let log = Log::default();
        noting(&log).run(async {
            let task = Builder::new().name("task").spawn_local(std::future::pending::<()>());
            let mut ended = Box::pin(task.task_ref().ended());
            let watch = move || {
                let waker = Waker::from(Arc::new(PanicsInDrop));
                assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            };
            std::thread::spawn(watch).join().unwrap();
            yield_now().await;
        });
        assert_eq!(log.take(), [r#"task panicked: Some("waker")"#]);
    });
}
