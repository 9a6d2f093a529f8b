//! Why something was cancelled, as those who are concerned learn it.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::future::pending;

use aio_core::{EventLoop, Reason, Scope, ThreadPark, cancel_reason, cutting, run, yield_now};
use common::check;
use log::Log;

/// The same tests for what may cross threads and for what stays on its loop.
macro_rules! in_both_homes {
    ($($(#[$attr:meta])* fn $name:ident() $body:block)*) => {
        mod shared {
            use super::*;
            use aio_core::{defer, spawn};
            $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
        }
        mod local {
            use super::*;
            use aio_core::local::{defer, spawn};
            $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
        }
    };
}

/// Notes why it is dropped.
struct Why(Log);

impl Drop for Why {
    fn drop(&mut self) {
        self.0.note(format!("{:?}", cancel_reason()));
    }
}

in_both_homes! {
    fn the_first_reason_reaches_destructors_cleanups_and_who_waits() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                let _guard = defer(theirs.clone(), async |log: Log| {
                    yield_now().await;
                    log.note(format!("{:?}", cancel_reason()));
                });
                let _why = Why(theirs);
                pending::<()>().await;
            });
            yield_now().await;
            task.cancel_with("no longer needed");
            task.cancel_with(Reason::TimedOut);
            let error = task.join().await.unwrap_err();
            assert_eq!(error.reason(), Some(&Reason::from("no longer needed")));
            assert_eq!(error.to_string(), "was cancelled: no longer needed");
        });
        assert_eq!(log.take(), [r#"Some(Other("no longer needed"))"#; 2]);
    }

    fn work_that_ends_by_itself_has_no_reason() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            spawn(async move {
                let _guard = defer(theirs.clone(), async |log: Log| log.note(format!("{:?}", cancel_reason())));
                drop(Why(theirs));
            })
            .await;
            assert_eq!(cancel_reason(), None);
        });
        assert_eq!(log.take(), ["None", "None"]);
    }

    fn what_a_cancelled_task_owns_is_cancelled_for_the_same_reason() {
        run(async {
            let (sender, receiver) = std::sync::mpsc::channel();
            let task = spawn(async move {
                let child = spawn(pending::<()>());
                sender.send(child.task_ref()).unwrap();
                let _child = child;
                pending::<()>().await;
            });
            yield_now().await;
            drop(receiver.recv().unwrap());
            task.cancel_with("whole tree");
            assert_eq!(task.join().await.unwrap_err().reason(), Some(&Reason::from("whole tree")));
        });
    }

    fn the_reasons_of_the_library_are_told_apart() {
        let log = Log::default();
        run(async {
            let why = |log: &Log| {
                let theirs = log.clone();
                async move {
                    let _why = Why(theirs);
                    pending::<()>().await;
                }
            };
            let dropped = spawn(why(&log));
            let requested = spawn(why(&log));
            spawn(why(&log)).detach();
            yield_now().await;
            drop(dropped);
            requested.cancel();
            assert_eq!(requested.join().await.unwrap_err().to_string(), "was cancelled");
        });
        assert_eq!(log.take(), ["Some(Dropped)", "Some(Requested)", "Some(Shutdown)"]);
    }

    fn a_reason_that_comes_too_late_is_forgotten() {
        run(async {
            let task = spawn(async { 1 });
            task.cancel_with("before it began");
            assert!(task.join().await.unwrap_err().is_cancelled());
            let task = spawn(async {
                drop(defer((), async |()| yield_now().await));
                2
            });
            yield_now().await;
            task.cancel_with("while it cleans up");
            assert_eq!(task.join().await.unwrap(), 2);
        });
    }
}

#[test]
fn a_scope_passes_its_reason_on_to_what_it_cuts() {
    check(|| {
        let log = Log::default();
        run(async {
            let mut scope = Box::pin(Scope::new(async {
                let _why = Why(log.clone());
                pending::<()>().await;
            }));
            std::future::poll_fn(|cx| {
                assert!(scope.as_mut().poll(cx).is_pending());
                scope.as_mut().cancel_with(Reason::TimedOut);
                std::task::Poll::Ready(())
            })
            .await;
            cutting(&Reason::Outrun, || drop(Why(log.clone())));
            drop(Why(log.clone()));
        });
        assert_eq!(log.take(), ["Some(TimedOut)", "Some(Outrun)", "None"]);
    });
}

#[test]
fn a_cleanup_on_its_loop_that_is_given_up_learns_that_the_loop_ends() {
    check(|| {
        let log = Log::default();
        EventLoop::new(ThreadPark::new()).on_failure(|_| ()).shutdown_grace(std::time::Duration::from_millis(5)).run(
            async {
                let theirs = log.clone();
                aio_core::local::spawn(async move {
                    let _guard = aio_core::local::defer(theirs, async |log: Log| {
                        let _why = Why(log);
                        pending::<()>().await;
                    });
                    pending::<()>().await;
                })
                .detach();
                yield_now().await;
            },
        );
        assert_eq!(log.take(), ["Some(Shutdown)"]);
    });
}
