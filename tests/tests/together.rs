//! The crates in combination, through the umbrella.
#![cfg(not(aio_loom))]

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio::testing::{Faults, Leaks, Test};
use aio::{CancelScope, ContextVar, StreamExt, TaskGroup, defer, gather, generate, sleep, spawn, timeout, yield_now};
use aio_base::live::leak_check;

/// In two hundred orders, with all faults.
fn run(test: impl AsyncFn()) {
    leak_check(|| Test::new("together").schedules(200).faults(Faults::all()).preemptive(true).run(test));
}

/// All have begun by then, and wait.
async fn all_wait() {
    sleep(Duration::from_secs(1)).await;
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Cleans up in two steps when it is dropped.
    fn guard(&self, name: &'static str) -> impl Sized + use<> {
        defer(self.clone(), async move |log| {
            log.add(format!("{name} begins to clean up"));
            yield_now().await;
            sleep(Duration::from_millis(1)).await;
            log.add(format!("{name} cleaned up"));
        })
    }
}

#[test]
fn a_timeout_waits_for_the_cleanups_of_everything_in_it() {
    run(async || {
        let log = Log::default();
        let inner = log.clone();
        let outcome = timeout(Duration::from_secs(1), async move {
            let _body = inner.guard("body");
            let group = TaskGroup::new();
            group
                .join(async {
                    let log = inner.clone();
                    drop(group.spawn(async move {
                        let _task = log.guard("task");
                        std::future::pending::<()>().await;
                    }));
                    drop(group.spawn_scoped(async {
                        let _child = inner.guard("child");
                        std::future::pending::<()>().await;
                    }));
                    std::future::pending::<()>().await;
                })
                .await;
        })
        .await;
        assert!(outcome.is_err());
        log.add("timed out");
        let log = log.take();
        assert_eq!(log.len(), 7, "{log:?}");
        assert_eq!(log.last().unwrap(), "timed out");
        for name in ["body", "task", "child"] {
            assert_eq!(log.iter().filter(|line| **line == format!("{name} cleaned up")).count(), 1, "{log:?}");
        }
    });
}

#[test]
fn cleanups_bubble_through_two_scopes_to_the_task() {
    run(async || {
        let log = Log::default();
        let inner = log.clone();
        let task = spawn(async move {
            let outer = CancelScope::new();
            outer
                .run(async {
                    let middle = CancelScope::new();
                    middle
                        .run(timeout(Duration::MAX, async {
                            let _guard = inner.guard("innermost");
                            std::future::pending::<()>().await;
                        }))
                        .await
                })
                .await
        });
        all_wait().await;
        task.cancel();
        assert!(task.join().await.unwrap_err().is_cancelled());
        log.add("ended");
        assert_eq!(log.take(), ["innermost begins to clean up", "innermost cleaned up", "ended"]);
    });
}

#[test]
fn a_generator_dropped_half_way_cleans_up_in_the_scope_of_its_reader() {
    run(async || {
        let log = Log::default();
        let inner = log.clone();
        spawn(async move {
            let generator = generate(async |out| {
                let _guard = inner.guard("generator");
                for i in 0.. {
                    out.emit(i).await;
                }
            });
            let mut generator = pin!(generator);
            assert_eq!(generator.next().await, Some(0));
            assert_eq!(generator.next().await, Some(1));
        })
        .await;
        log.add("reader ended");
        assert_eq!(log.take(), ["generator begins to clean up", "generator cleaned up", "reader ended"]);
    });
}

#[test]
fn context_variables_reach_groups_threads_and_cleanups() {
    static REQUEST: ContextVar<u32> = ContextVar::new();
    leak_check(|| {
        aio::run(async {
            REQUEST.set(7);
            let group = TaskGroup::new();
            let (child, scoped, thread) = group
                .join(async {
                    let child = group.spawn(async { REQUEST.get() });
                    let scoped = group.spawn_scoped(async { REQUEST.get() });
                    let thread = group.spawn(aio::to_thread(|| REQUEST.get()));
                    (child.await, scoped.await, thread.await)
                })
                .await;
            assert_eq!((child, scoped, thread), (Some(7), Some(7), Some(7)));
            let seen = Arc::new(Mutex::new(Vec::new()));
            let cleanup = seen.clone();
            let task = spawn(async move {
                REQUEST.set(8);
                let _guard = defer(cleanup, async |seen| seen.lock().unwrap().push(REQUEST.get()));
                std::future::pending::<()>().await;
            });
            yield_now().await;
            task.cancel();
            assert!(task.join().await.is_err());
            assert_eq!(REQUEST.get(), Some(7));
            assert_eq!(*seen.lock().unwrap(), [Some(8)]);
        });
    });
}

#[test]
fn nothing_is_left_when_run_returns() {
    let log = Log::default();
    leak_check(|| {
        let test = Test::new("nothing_is_left").schedules(50).preemptive(true).leaks(Leaks::Allow);
        test.run(async || {
            for i in 0..10 {
                let log = log.clone();
                spawn(async move {
                    let _guard = log.guard("detached");
                    // Some are in a sleep, some in a job, some in both, when `main` ends.
                    gather((sleep(Duration::from_secs(1000 + i)), aio::to_thread(move || i))).await;
                })
                .detach();
            }
            all_wait().await;
        });
    });
    assert_eq!(log.take().iter().filter(|line| line.ends_with("cleaned up")).count(), 10 * 50);
}
