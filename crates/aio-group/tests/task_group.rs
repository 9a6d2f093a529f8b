//! The rules of groups, in both homes.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use aio_base::live::leak_check;
use aio_core::{defer, spawn, yield_now};
use aio_group::{GroupError, TaskGroup};

/// What happened, in order.
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

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// A child that never ends by itself, and takes `cleanup` turns to end when it is cancelled.
async fn endless(log: Log, name: &'static str, cleanup: usize) {
    let _guard = defer(log, async move |log: Log| {
        turns(cleanup).await;
        log.add(format!("{name} cleaned up"));
    });
    std::future::pending::<()>().await;
}

fn run<F: Future>(main: F) -> F::Output {
    leak_check(|| aio_core::run(main))
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn a_group_borrows_nests_and_is_send() {
    let total = run(async {
        is_send(spawn(async {
            let text = String::from("four");
            let outer = TaskGroup::new();
            let run = outer.run(async {
                let length = outer.spawn_scoped(async { text.len() });
                let inner = TaskGroup::new();
                let doubled = inner
                    .run(async {
                        let again = inner.try_spawn_scoped(async { Ok::<_, GroupError<()>>(text.len()) });
                        let task = inner.spawn(async { 2 });
                        Ok(again.await * task.await)
                    })
                    .await?;
                Ok::<_, GroupError<GroupError<()>>>(length.await + doubled)
            });
            is_send(run).await.unwrap()
        }))
        .await
    });
    assert_eq!(total, 12);
}

#[test]
fn the_outputs_are_there_after_the_block() {
    run(async {
        let group = TaskGroup::new();
        let (a, b) = group.join(async { (group.spawn(async { 1 }), group.spawn_scoped(async { 2 })) }).await;
        assert!(a.is_finished() && b.is_finished());
        assert_eq!((a.await, b.await), (1, 2));
    });
}

#[test]
fn a_group_waits_for_children_whose_handles_are_gone() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        group
            .join(async {
                for (name, n) in [("a", 3), ("b", 1)] {
                    let log = log.clone();
                    drop(group.spawn(async move {
                        turns(n).await;
                        log.add(name);
                    }));
                }
                drop(group.spawn_scoped(async {
                    turns(5).await;
                    log.add("c");
                }));
            })
            .await;
        log.add("joined");
    });
    assert_eq!(log.take(), ["b", "a", "c", "joined"]);
}

#[test]
fn the_first_failure_cancels_body_and_siblings_and_waits_for_their_cleanups() {
    let log = Log::default();
    let error = run(async {
        let group = TaskGroup::new();
        let outcome: Result<(), _> = group
            .run(async {
                let _guard = defer(log.clone(), async |log: Log| {
                    yield_now().await;
                    log.add("body cleaned up");
                });
                drop(group.spawn(endless(log.clone(), "task", 5)));
                drop(group.spawn_scoped(endless(log.clone(), "in place", 3)));
                let failing = group.try_spawn::<(), _>(async {
                    turns(2).await;
                    Err("failed")
                });
                failing.await;
                unreachable!("the body is cut where it awaits the failed child")
            })
            .await;
        log.add("run returned");
        outcome.unwrap_err()
    });
    assert_eq!(error.errors(), ["failed"]);
    assert_eq!(log.take(), ["body cleaned up", "in place cleaned up", "task cleaned up", "run returned"]);
}

#[test]
fn children_that_fail_in_the_same_turn_all_have_their_say() {
    let error = run(async {
        let group = TaskGroup::new();
        group
            .run(async {
                for error in ["first", "second"] {
                    drop(group.try_spawn::<(), _>(async move { Err(error) }));
                }
                drop(group.try_spawn::<(), _>(async {
                    turns(3).await;
                    Err("cancelled before it can fail")
                }));
                std::future::pending::<Result<(), _>>().await
            })
            .await
            .unwrap_err()
    });
    assert_eq!(error.into_errors(), ["first", "second"]);
}

#[test]
fn children_in_place_that_fail_in_the_same_turn_all_have_their_say() {
    let error = run(async {
        let group = TaskGroup::new();
        group
            .run(async {
                for error in ["first", "second"] {
                    drop(group.try_spawn_scoped::<(), _>(async move { Err(error) }));
                }
                std::future::pending::<Result<(), _>>().await
            })
            .await
            .unwrap_err()
    });
    assert_eq!(error.into_errors(), ["first", "second"]);
}

#[test]
fn children_do_not_begin_if_the_body_fails_at_once() {
    let error = run(async {
        let group = TaskGroup::new();
        group
            .run(async {
                drop(group.spawn(async { unreachable!("cancelled before its first turn") }));
                drop(group.spawn_scoped(async { unreachable!("cancelled before its first turn") }));
                Err::<(), _>("body")
            })
            .await
            .unwrap_err()
    });
    assert_eq!(error.into_errors(), ["body"]);
}

#[test]
fn a_body_that_fails_cancels_the_children() {
    let log = Log::default();
    let error = run(async {
        let group = TaskGroup::new();
        group
            .run(async {
                drop(group.spawn(endless(log.clone(), "task", 2)));
                turns(3).await;
                Err::<(), _>("body")
            })
            .await
            .unwrap_err()
    });
    assert_eq!(error.errors(), ["body"]);
    assert_eq!(log.take(), ["task cleaned up"]);
}

#[test]
fn a_panic_of_a_child_goes_on_in_the_caller_after_all_have_ended() {
    for own_task in [true, false] {
        let log = Log::default();
        let panic = leak_check(|| {
            catch_unwind(AssertUnwindSafe(|| {
                aio_core::run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            drop(group.spawn(endless(log.clone(), "task", 4)));
                            drop(group.spawn_scoped(endless(log.clone(), "in place", 2)));
                            turns(2).await;
                            if own_task {
                                drop(group.spawn(async { panic!("oh") }));
                            } else {
                                drop(group.spawn_scoped(async { panic!("oh") }));
                            }
                            std::future::pending::<()>().await;
                        })
                        .await;
                })
            }))
            .unwrap_err()
        });
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh"));
        assert_eq!(log.take(), ["in place cleaned up", "task cleaned up"]);
    }
}

#[test]
fn a_panic_of_the_body_goes_on_after_the_children_have_ended() {
    let log = Log::default();
    leak_check(|| {
        catch_unwind(AssertUnwindSafe(|| {
            aio_core::run(async {
                let group = TaskGroup::new();
                group
                    .join(async {
                        drop(group.spawn(endless(log.clone(), "task", 4)));
                        turns(2).await;
                        panic!("body")
                    })
                    .await
            })
        }))
        .unwrap_err()
    });
    assert_eq!(log.take(), ["task cleaned up"]);
}

#[test]
fn dropping_the_run_cancels_the_children_and_the_scope_waits_for_them() {
    let log = Log::default();
    run(async {
        let inner = log.clone();
        let task = spawn(async move {
            let group = TaskGroup::new();
            group
                .join(async {
                    drop(group.spawn(endless(inner.clone(), "task", 4)));
                    drop(group.spawn_scoped(endless(inner.clone(), "in place", 2)));
                    std::future::pending::<()>().await;
                })
                .await
        });
        turns(4).await;
        task.cancel();
        assert!(task.join().await.unwrap_err().is_cancelled());
        log.add("cancelled");
    });
    assert_eq!(log.take(), ["in place cleaned up", "task cleaned up", "cancelled"]);
}

#[test]
fn a_group_that_is_never_run_cancels_its_children() {
    let log = Log::default();
    run(async {
        let inner = log.clone();
        spawn(async move {
            let group = TaskGroup::<()>::new();
            drop(group.spawn(endless(inner.clone(), "task", 2)));
            let handle = group.handle();
            drop(group.spawn_scoped(async move { drop(handle) }));
            turns(2).await;
        })
        .await;
        log.add("ended");
    });
    assert_eq!(log.take(), ["task cleaned up", "ended"]);
}

#[test]
fn a_child_started_while_the_group_aborts_does_not_begin() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        let handle = group.handle();
        let outcome: Result<(), _> = group
            .run(async {
                let log = log.clone();
                let _guard = defer((handle, log), async |(handle, log): (aio_group::GroupHandle<'_, &str>, Log)| {
                    let late = handle.spawn(async { unreachable!("refused") });
                    let scoped = handle.spawn_scoped(async { unreachable!("refused") });
                    assert!(late.is_finished() && scoped.is_finished());
                    let error: (aio_core::JoinError, aio_core::JoinError) =
                        (late.join().await.unwrap_err(), scoped.join().await.unwrap_err());
                    log.add(format!("{} {}", error.0.is_cancelled(), error.1.is_cancelled()));
                });
                drop(group.try_spawn::<(), _>(async { Err("failed") }));
                std::future::pending().await
            })
            .await;
        assert!(outcome.is_err());
    });
    assert_eq!(log.take(), ["true true"]);
}

#[test]
fn a_finished_group_refuses_children_and_a_second_run() {
    let message = |f: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap()
    };
    run(async {
        let group = TaskGroup::new();
        group.join(async {}).await;
        assert_eq!(message(&|| drop(group.spawn(async {}))), "a child was added to a task group that has finished");
        assert_eq!(
            message(&|| drop(group.spawn_scoped(async {}))),
            "a child was added to a task group that has finished"
        );
        assert_eq!(
            message(&|| drop(group.run(async { Ok(()) }))),
            "a task group was run twice: make a new one for each run"
        );
    });
}

#[test]
fn a_cancelled_sibling_is_no_failure() {
    run(async {
        let group = TaskGroup::new();
        let error = group
            .join(async {
                let child = group.spawn(async {
                    aio_core::current_task().unwrap().cancel();
                    std::future::pending::<()>().await;
                });
                turns(5).await;
                child.join().await.unwrap_err()
            })
            .await;
        assert!(error.is_cancelled());
    });
}

#[test]
fn children_add_siblings_through_a_handle() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        group
            .join(async {
                let (handle, log) = (group.handle(), log.clone());
                drop(group.spawn(async move {
                    turns(3).await;
                    let log2 = log.clone();
                    drop(handle.spawn(async move { log2.add("task") }));
                    drop(handle.spawn_scoped(async move { log.add("in place") }));
                }));
            })
            .await;
    });
    let mut log = log.take();
    log.sort();
    assert_eq!(log, ["in place", "task"]);
}

#[test]
fn no_more_children_than_the_limit_run_at_a_time_and_they_begin_in_order() {
    for in_place in [true, false] {
        let log = Log::default();
        let running = Arc::new(Mutex::new((0, 0)));
        run(async {
            let group = TaskGroup::new().limit(3);
            group
                .join(async {
                    for i in 0..10 {
                        let (log, running) = (log.clone(), running.clone());
                        let child = async move {
                            log.add(i.to_string());
                            let now = {
                                let mut running = running.lock().unwrap();
                                running.0 += 1;
                                running.1 = running.1.max(running.0);
                                running.0
                            };
                            assert!(now <= 3);
                            turns(10 - i).await;
                            running.lock().unwrap().0 -= 1;
                        };
                        drop(if in_place { group.spawn_scoped(child) } else { group.spawn(child) });
                    }
                })
                .await;
        });
        assert_eq!(running.lock().unwrap().1, 3);
        assert_eq!(log.take(), (0..10).map(|i| i.to_string()).collect::<Vec<_>>());
    }
}

#[test]
fn a_limited_group_that_aborts_does_not_begin_those_who_wait() {
    run(async {
        let group = TaskGroup::new().limit(1);
        let outcome: Result<(), _> = group
            .run(async {
                drop(group.try_spawn::<(), _>(async {
                    turns(2).await;
                    Err("first")
                }));
                drop(group.spawn(async { unreachable!("it may never begin") }));
                drop(group.spawn_scoped(async { unreachable!("it may never begin") }));
                std::future::pending().await
            })
            .await;
        assert_eq!(outcome.unwrap_err().errors(), ["first"]);
    });
}

#[test]
#[should_panic(expected = "a group whose limit is zero would never run a child")]
fn a_limit_of_zero_is_refused() {
    drop(TaskGroup::<()>::new().limit(0));
}

#[test]
fn a_local_group_needs_no_send() {
    run(async {
        let log = Rc::new(RefCell::new(Vec::new()));
        let text = String::from("borrowed");
        let group = aio_group::local::TaskGroup::new();
        let outcome = group
            .run(async {
                let (a, b) = (log.clone(), log.clone());
                let task = group.try_spawn(async move {
                    yield_now().await;
                    a.borrow_mut().push(1);
                    Ok(Rc::new(1))
                });
                let text = &text;
                let scoped = group.spawn_scoped(async move {
                    b.borrow_mut().push(2);
                    Rc::new(text.len())
                });
                Ok::<_, Rc<str>>(*task.await + *scoped.await)
            })
            .await;
        assert_eq!(outcome.unwrap(), 9);
        assert_eq!(*log.borrow(), [2, 1]);
    });
}

#[test]
fn a_local_group_aborts_like_any_other() {
    let log = Log::default();
    run(async {
        let group = aio_group::local::TaskGroup::new();
        let outcome: Result<(), _> = group
            .run(async {
                drop(group.spawn(endless(log.clone(), "task", 3)));
                drop(group.spawn_scoped(endless(log.clone(), "in place", 1)));
                turns(2).await;
                drop(group.try_spawn::<(), _>(async { Err(Rc::<str>::from("failed")) }));
                std::future::pending().await
            })
            .await;
        assert_eq!(&*outcome.unwrap_err().into_errors()[0], "failed");
    });
    assert_eq!(log.take(), ["in place cleaned up", "task cleaned up"]);
}

#[test]
fn errors_of_nested_groups_print_as_a_tree() {
    let error = run(async {
        let outer = TaskGroup::new();
        outer
            .run(async {
                let inner = TaskGroup::new();
                inner
                    .run(async {
                        for error in ["first", "second"] {
                            drop(inner.try_spawn_scoped::<(), _>(async move { Err(error) }));
                        }
                        std::future::pending::<Result<(), _>>().await
                    })
                    .await
            })
            .await
            .unwrap_err()
    });
    assert_eq!(
        error.to_string(),
        "1 error in a task group\n  1: 2 errors in a task group\n    1: first\n    2: second"
    );
}

#[test]
fn awaiting_a_failed_child_after_the_group_is_an_error_that_names_it() {
    run(async {
        let group = TaskGroup::new();
        let mut kept = None;
        let outcome: Result<(), _> = group
            .run(async {
                kept = Some(group.try_spawn::<(), _>(async { Err("failed") }));
                std::future::pending().await
            })
            .await;
        assert!(outcome.is_err());
        let error = kept.take().unwrap().join().await.unwrap_err();
        assert_eq!(error.to_string(), "failed, and its group has the error");
    });
}
