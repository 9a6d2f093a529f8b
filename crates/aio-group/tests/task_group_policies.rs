//! What a group can do beyond asyncio's: `cancel`, supervision, vacancies, names, `start`, results as they come; in
//! both homes.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use aio_base::live::leak_check;
use aio_core::{EventLoop, FailureKind, ThreadPark, current_task, defer, yield_now};
use aio_group::{GroupError, NotStarted};
use futures_lite::{FutureExt, Stream, StreamExt};

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
    pending::<()>().await;
}

/// Ends after so many turns, with their number.
async fn after(n: usize) -> usize {
    turns(n).await;
    n
}

fn run<F: Future>(main: F) -> F::Output {
    leak_check(|| aio_core::run(main))
}

/// What `future` panicked with.
async fn panic_of<F: Future>(future: F) -> String {
    let panic = match AssertUnwindSafe(future).catch_unwind().await {
        Ok(_) => panic!("there was no panic"),
        Err(panic) => panic,
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().expect("a panic with a message").to_string(),
    }
}

/// Polls once, for nobody.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

macro_rules! home {
    ($home:ident, $groups:path, $spawn:path) => {
        mod $home {
            use super::*;
            use $groups::{GroupHandle, Started, TaskGroup};
            use $spawn as spawn;

            // Cancelling a group.

            #[test]
            fn cancel_cuts_body_and_children_and_waits_for_their_cleanups() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::<String>::new();
                    let outcome: Result<(), _> = group
                        .run(async {
                            drop(group.spawn(endless(log.clone(), "task", 4)));
                            drop(group.spawn_scoped(endless(log.clone(), "in place", 2)));
                            let _guard = defer(log.clone(), async |log: Log| log.add("body cleaned up"));
                            turns(2).await;
                            group.cancel();
                            yield_now().await;
                            unreachable!("the body is cut where it awaits after the cancellation")
                        })
                        .await;
                    log.add("run returned");
                    let error = outcome.unwrap_err();
                    assert!(error.is_cancelled() && error.errors().is_empty());
                    assert_eq!(error.to_string(), "a task group was cancelled");
                });
                let expected = ["body cleaned up", "in place cleaned up", "task cleaned up", "run returned"];
                assert_eq!(log.take(), expected);
            }

            #[test]
            fn a_body_that_finishes_in_the_turn_in_which_it_cancels_keeps_its_value() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::<()>::new();
                    let outcome = group
                        .run(async {
                            drop(group.spawn(endless(log.clone(), "task", 3)));
                            turns(2).await;
                            group.cancel();
                            Ok("value")
                        })
                        .await;
                    assert_eq!(outcome, Ok("value"));
                });
                assert_eq!(log.take(), ["task cleaned up"]);
            }

            #[test]
            fn a_body_that_had_finished_keeps_its_value_when_a_child_cancels_the_group() {
                for in_place in [true, false] {
                    let log = Log::default();
                    run(async {
                        let group = TaskGroup::new();
                        let value = group
                            .join(async {
                                drop(group.spawn(endless(log.clone(), "task", 3)));
                                let handle = group.handle();
                                if in_place {
                                    drop(group.spawn_scoped(async move {
                                        turns(2).await;
                                        handle.cancel();
                                    }));
                                } else {
                                    drop(group.spawn(async move {
                                        turns(2).await;
                                        handle.cancel();
                                    }));
                                }
                                "value"
                            })
                            .await;
                        assert_eq!(value, "value");
                    });
                    assert_eq!(log.take(), ["task cleaned up"]);
                }
            }

            #[test]
            fn what_fails_while_a_group_is_cancelled_is_an_error() {
                run(async {
                    let group = TaskGroup::new();
                    let outcome: Result<(), _> = group
                        .run(async {
                            drop(group.try_spawn_scoped::<(), _>(async {
                                yield_now().await;
                                Err("in the same turn")
                            }));
                            yield_now().await;
                            group.cancel();
                            Err("body")
                        })
                        .await;
                    let error = outcome.unwrap_err();
                    assert_eq!(error.errors(), ["body"], "the child is cut before its turn");

                    let group = TaskGroup::new();
                    let outcome: Result<(), _> = group
                        .run(async {
                            let handle = group.handle();
                            drop(group.spawn_scoped(async move { handle.cancel() }));
                            drop(group.try_spawn_scoped::<(), _>(async { Err("in the same turn") }));
                            pending().await
                        })
                        .await;
                    let error = outcome.unwrap_err();
                    assert!(!error.is_cancelled());
                    assert_eq!(error.errors(), ["in the same turn"]);
                });
            }

            #[test]
            fn a_panic_in_a_cleanup_of_a_cancelled_group_goes_on() {
                run(async {
                    let group = TaskGroup::<()>::new();
                    let message = panic_of(group.run(async {
                        drop(group.spawn(async {
                            let _guard = defer((), async |()| panic!("in the cleanup"));
                            pending::<()>().await;
                        }));
                        turns(2).await;
                        group.cancel();
                        pending::<Result<(), _>>().await
                    }))
                    .await;
                    assert_eq!(message, "in the cleanup");
                });
            }

            #[test]
            fn join_says_what_to_do_about_a_body_that_was_cut() {
                run(async {
                    let group = TaskGroup::new();
                    let message = panic_of(group.join(async {
                        group.cancel();
                        pending::<()>().await;
                    }))
                    .await;
                    let expected = "`cancel` cut the body of a task group, so that `join` has no output to give; \
                                    `run` returns this as an error";
                    assert_eq!(message, expected);
                });
            }

            #[test]
            fn a_group_that_is_cancelled_before_it_runs_does_not_begin() {
                run(async {
                    let group = TaskGroup::<()>::new();
                    drop(group.spawn(async { unreachable!("cancelled before its first turn") }));
                    drop(group.spawn_scoped(async { unreachable!("cancelled before its first turn") }));
                    group.cancel();
                    group.cancel();
                    let refused = group.spawn(async { unreachable!("refused") });
                    assert!(refused.is_finished());
                    let outcome: Result<(), _> = group.run(async { unreachable!("the body does not begin") }).await;
                    assert!(outcome.unwrap_err().is_cancelled());
                });
            }

            #[test]
            fn a_group_that_has_ended_cannot_be_cancelled() {
                run(async {
                    let group = TaskGroup::new();
                    let handle = group.handle();
                    let child = group.spawn(async { 1 });
                    group.join(async {}).await;
                    handle.cancel();
                    assert_eq!(child.await, 1);
                    drop(group);
                    handle.cancel();
                });
            }

            #[test]
            fn nested_groups_are_cancelled_with_the_outer_one_and_end_before_it() {
                let log = Log::default();
                run(async {
                    let outer = TaskGroup::<GroupError<()>>::new();
                    let outcome: Result<(), _> = outer
                        .run(async {
                            let inner_log = log.clone();
                            drop(outer.try_spawn_scoped(async move {
                                let inner = TaskGroup::<()>::new();
                                let body = async {
                                    drop(inner.spawn(endless(inner_log.clone(), "grandchild", 3)));
                                    pending::<Result<(), ()>>().await
                                };
                                inner.run(body).await
                            }));
                            turns(3).await;
                            outer.cancel();
                            pending().await
                        })
                        .await;
                    log.add("run returned");
                    assert!(outcome.unwrap_err().is_cancelled(), "the inner group was dropped, it did not fail");
                });
                assert_eq!(log.take(), ["grandchild cleaned up", "run returned"]);
            }

            #[test]
            fn a_cancelled_inner_group_is_an_error_of_the_outer_one() {
                run(async {
                    let outer = TaskGroup::<GroupError<()>>::new();
                    let outcome: Result<(), _> = outer
                        .run(async {
                            let inner = TaskGroup::<()>::new();
                            let body = async {
                                inner.cancel();
                                pending::<Result<(), ()>>().await
                            };
                            inner.run(body).await
                        })
                        .await;
                    let error = outcome.unwrap_err();
                    assert!(!error.is_cancelled() && error.errors()[0].is_cancelled());
                });
            }

            // Supervised groups.

            #[test]
            fn children_of_a_supervised_group_fail_without_disturbing_anybody() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new().supervised();
                    let outcome = group
                        .run(async {
                            for (n, in_place) in [(3, false), (1, true), (2, false)] {
                                let fail = async move { Err::<(), _>(after(n).await) };
                                drop(if in_place { group.try_spawn_scoped(fail) } else { group.try_spawn(fail) });
                            }
                            let (here, there) = (group.spawn_scoped(after(6)), group.spawn(after(7)));
                            assert_eq!((here.await, there.await), (6, 7));
                            log.add("body");
                            drop(group.spawn_scoped(async { log.add("late child") }));
                            Ok("lost")
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), [1, 2, 3]);
                });
                assert_eq!(log.take(), ["body", "late child"]);
            }

            #[test]
            fn the_first_panic_of_a_supervised_group_goes_on_at_the_end() {
                for in_place in [true, false] {
                    let log = Log::default();
                    run(async {
                        let group = TaskGroup::<()>::new().supervised();
                        let message = panic_of(group.run(async {
                            for message in ["first", "second"] {
                                let child = async move { panic!("{message}") };
                                drop(if in_place { group.spawn_scoped(child) } else { group.spawn(child) });
                            }
                            drop(group.try_spawn::<(), _>(async { Err(()) }));
                            turns(5).await;
                            log.add("the body went on");
                            Ok(())
                        }))
                        .await;
                        assert_eq!(message, "first");
                    });
                    assert_eq!(log.take(), ["the body went on"]);
                }
            }

            #[test]
            fn a_failing_body_of_a_supervised_group_aborts_the_children() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new().supervised();
                    let outcome: Result<(), _> = group
                        .run(async {
                            drop(group.spawn(endless(log.clone(), "task", 2)));
                            drop(group.try_spawn_scoped::<(), _>(async { Err("child") }));
                            turns(3).await;
                            Err("body")
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), ["child", "body"]);
                });
                assert_eq!(log.take(), ["task cleaned up"]);
            }

            #[test]
            fn a_failed_child_of_a_supervised_group_is_joined_at_once() {
                run(async {
                    let group = TaskGroup::<&str>::new().supervised();
                    let outcome = group
                        .run(async {
                            for in_place in [true, false] {
                                let fail = async { Err("failed") };
                                let child = if in_place {
                                    group.try_spawn_scoped::<(), _>(fail)
                                } else {
                                    group.try_spawn(fail)
                                };
                                let error = child.join().await.unwrap_err();
                                assert!(!error.is_cancelled() && !error.is_panic());
                            }
                            Ok(())
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), ["failed", "failed"]);
                });
            }

            #[test]
            fn a_supervised_group_is_cancelled_like_others() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new().supervised();
                    let outcome: Result<(), _> = group
                        .run(async {
                            drop(group.spawn(endless(log.clone(), "task", 2)));
                            drop(group.try_spawn::<(), _>(async { Err("early") }));
                            turns(3).await;
                            group.cancel();
                            pending().await
                        })
                        .await;
                    let error = outcome.unwrap_err();
                    assert_eq!((error.is_cancelled(), error.errors()), (false, ["early"].as_slice()));
                });
                assert_eq!(log.take(), ["task cleaned up"]);
            }

            // What a child's handle can do.

            #[test]
            fn a_child_alone_is_cancelled_by_its_task() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let child = group.child().name("one").spawn(endless(log.clone(), "one", 2));
                            group.spawn(after(3)).detach();
                            let in_place = group.spawn_scoped(after(1));
                            assert!(in_place.task_ref().is_none());
                            in_place.detach();
                            yield_now().await;
                            let task = child.task_ref().unwrap();
                            assert_eq!(task.name(), Some("one"));
                            task.cancel_with("no longer needed");
                            let error = child.join().await.unwrap_err();
                            assert_eq!(error.to_string(), "was cancelled: no longer needed");
                        })
                        .await;
                });
                assert_eq!(log.take(), ["one cleaned up"]);
            }

            // Eager children.

            #[test]
            fn an_eager_child_begins_at_once_and_may_end_or_fail_there() {
                run(async {
                    let group = TaskGroup::new();
                    let outcome = group.run(async {
                        let child = group.child().eager(true).spawn(async { 1 });
                        assert!(child.is_finished());
                        assert_eq!(child.await, 1);
                        let inner = group.handle();
                        drop(group.child().eager(true).spawn(async move {
                            drop(inner.child().eager(true).spawn(async {}));
                            yield_now().await;
                        }));
                        let failed = group.child().eager(true).try_spawn::<(), _>(async { Err("early") });
                        assert!(failed.is_finished());
                        // The group aborts already: what is started now does not begin.
                        drop(group.child().eager(true).spawn(async { unreachable!() }));
                        pending::<()>().await;
                        Ok(())
                    });
                    assert_eq!(outcome.await.unwrap_err().errors(), ["early"]);
                });
            }

            // Discarding groups.

            #[test]
            fn a_discarding_group_reports_each_error_when_it_happens_and_keeps_none() {
                let log = Log::default();
                run(async {
                    let seen = log.clone();
                    let group = TaskGroup::new().discarding(move |error: usize| seen.add(format!("error {error}")));
                    let outcome = group
                        .run(async {
                            for (n, in_place) in [(4, false), (2, true)] {
                                let fail = async move { Err::<(), _>(after(n).await) };
                                drop(if in_place { group.try_spawn_scoped(fail) } else { group.try_spawn(fail) });
                            }
                            turns(3).await;
                            log.add("three turns");
                            turns(5).await;
                            Ok("value")
                        })
                        .await;
                    assert_eq!(outcome, Ok("value"));
                });
                assert_eq!(log.take(), ["error 2", "three turns", "error 4"]);
            }

            #[test]
            fn a_panic_in_a_discarding_group_is_reported_when_it_happens_also_one_of_the_callback() {
                let log = Log::default();
                let (seen, theirs) = (log.clone(), log.clone());
                let event_loop = EventLoop::new(ThreadPark::new());
                let event_loop = event_loop.on_failure(move |failure| match failure.kind() {
                    FailureKind::Panic { payload, .. } => seen.add(*payload.downcast_ref::<&str>().unwrap()),
                    other => seen.add(format!("{other:?}")),
                });
                leak_check(|| {
                    event_loop.run(async {
                        let group = TaskGroup::new().discarding(|_: ()| panic!("in the callback"));
                        let outcome = group.run(async {
                            drop(group.spawn(async { panic!("in the child") }));
                            drop(group.try_spawn::<(), _>(async {
                                turns(2).await;
                                Err(())
                            }));
                            drop(group.spawn_scoped(async {
                                turns(4).await;
                                panic!("in place")
                            }));
                            turns(9).await;
                            theirs.add("the body went on");
                            Ok(())
                        });
                        assert_eq!(outcome.await, Ok(()));
                    });
                });
                assert_eq!(log.take(), ["in the child", "in the callback", "in place", "the body went on"]);
            }

            #[test]
            fn a_panic_of_the_body_of_a_discarding_group_goes_on() {
                run(async {
                    let group = TaskGroup::new().discarding(|_: ()| {});
                    let message = panic_of(group.run(async {
                        if true {
                            panic!("in the body")
                        }
                        Ok(())
                    }))
                    .await;
                    assert_eq!(message, "in the body");
                });
            }

            /// The callback may do anything, also with the group.
            #[test]
            fn the_callback_of_a_discarding_group_may_start_children() {
                run(async {
                    let log = Log::default();
                    let place: Arc<Mutex<Option<GroupHandle<'static, usize>>>> = Arc::default();
                    let there = place.clone();
                    let seen = log.clone();
                    let group = TaskGroup::new().discarding(move |left: usize| {
                        seen.add(format!("{left} left"));
                        let handle = there.lock().unwrap().clone();
                        if let (Some(handle), Some(left)) = (handle, left.checked_sub(1)) {
                            drop(handle.try_spawn_scoped::<(), _>(async move { Err(left) }));
                        }
                    });
                    *place.lock().unwrap() = Some(group.handle());
                    let outcome = group
                        .run(async {
                            drop(group.try_spawn::<(), _>(async { Err(2) }));
                            Ok(())
                        })
                        .await;
                    assert_eq!(outcome, Ok(()));
                    assert_eq!(log.take(), ["2 left", "1 left", "0 left"]);
                    place.lock().unwrap().take();
                });
            }

            // Options.

            #[test]
            fn options_are_combined() {
                run(async {
                    let log = Log::default();
                    let group = TaskGroup::new().limit(1).supervised();
                    let outcome = group
                        .run(async {
                            for name in ["a", "b"] {
                                let log = log.clone();
                                drop(group.try_spawn::<(), _>(async move {
                                    log.add(format!("{name} began"));
                                    turns(2).await;
                                    log.add(format!("{name} fails"));
                                    Err(name)
                                }));
                            }
                            Ok(())
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), ["a", "b"]);
                    assert_eq!(log.take(), ["a began", "a fails", "b began", "b fails"]);
                });
            }

            #[test]
            fn options_of_a_group_that_is_in_use_cannot_be_changed() {
                run(async {
                    let expected =
                        "the options of a task group were changed after it had got children, or had been run";
                    let group = TaskGroup::<()>::new();
                    drop(group.spawn(async {}));
                    assert_eq!(panic_of(async { drop(group.limit(1)) }).await, expected);
                    let group = TaskGroup::<()>::new();
                    group.run(async { Ok(()) }).await.unwrap();
                    assert_eq!(panic_of(async { drop(group.supervised()) }).await, expected);
                    let group = TaskGroup::<()>::new().limit(1);
                    drop(group.try_vacancy());
                    assert_eq!(panic_of(async { drop(group.discarding(|()| ())) }).await, expected);
                    // A handle is no use of it, and sees the change.
                    let group = TaskGroup::<()>::new();
                    let handle = group.handle();
                    let group = group.limit(1);
                    let _room = handle.try_vacancy().unwrap();
                    assert!(group.try_vacancy().is_none());
                });
            }

            // Vacancies.

            #[test]
            fn a_vacancy_is_waited_for_and_reserved() {
                run(async {
                    let log = Log::default();
                    let group = TaskGroup::new().limit(2);
                    group
                        .join(async {
                            for id in 0..5_usize {
                                let room = group.vacancy().await;
                                log.add(format!("room for {id}"));
                                let log = log.clone();
                                drop(room.spawn(async move {
                                    turns(2).await;
                                    log.add(format!("{id} ends"));
                                }));
                            }
                        })
                        .await;
                    let log = log.take();
                    let (mut inside, mut most) = (0, 0);
                    for line in &log {
                        inside = if line.starts_with("room") { inside + 1 } else { inside - 1 };
                        most = most.max(inside);
                    }
                    assert_eq!((log.len(), most), (10, 2), "{log:?}");
                });
            }

            #[test]
            fn a_vacancy_is_refused_when_there_is_none_and_given_back_when_it_is_dropped() {
                run(async {
                    let group = TaskGroup::new().limit(1);
                    group
                        .join(async {
                            let room = group.try_vacancy().expect("there is room");
                            assert!(group.try_vacancy().is_none());
                            drop(room);
                            let child = group.try_vacancy().expect("it was given back").spawn_scoped(after(3));
                            assert!(group.try_vacancy().is_none());
                            assert_eq!(child.await, 3);
                            drop(group.vacancy().await);
                            assert!(group.try_vacancy().is_some());
                        })
                        .await;
                });
            }

            #[test]
            fn vacancies_and_children_that_wait_to_begin_are_served_in_one_order() {
                run(async {
                    let log = Log::default();
                    let group = TaskGroup::new().limit(1);
                    group
                        .join(async {
                            drop(group.spawn_scoped(after(2)));
                            for (name, waits) in [("a", true), ("b", false), ("c", true), ("d", false)] {
                                let (handle, log) = (group.handle(), log.clone());
                                if waits {
                                    let wait = async move {
                                        let room = handle.vacancy().await;
                                        log.add(name);
                                        yield_now().await;
                                        drop(room);
                                    };
                                    // Not a child, which would need room itself.
                                    let mut wait = Box::pin(wait);
                                    assert!(poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await.is_pending());
                                    spawn(wait).detach();
                                } else {
                                    drop(group.spawn_scoped(async move { log.add(name) }));
                                }
                            }
                            assert!(group.try_vacancy().is_none());
                        })
                        .await;
                    assert_eq!(log.take(), ["a", "b", "c", "d"]);
                });
            }

            #[test]
            fn a_vacancy_that_is_dropped_when_its_turn_has_come_passes_the_room_on() {
                run(async {
                    let group = TaskGroup::new().limit(1);
                    group
                        .join(async {
                            let room = group.try_vacancy().unwrap();
                            let mut first = Box::pin(group.vacancy());
                            let mut second = Box::pin(group.vacancy());
                            let mut third = Box::pin(group.vacancy());
                            assert!(poll_once(first.as_mut()).is_pending());
                            assert!(poll_once(second.as_mut()).is_pending());
                            assert!(poll_once(third.as_mut()).is_pending());
                            drop(second);
                            drop(room);
                            assert!(group.try_vacancy().is_none(), "it is the first one's");
                            drop(first);
                            let Poll::Ready(room) = poll_once(third.as_mut()) else { panic!("nobody is before it") };
                            assert_eq!(room.spawn(after(1)).await, 1);
                            drop(group.try_vacancy().expect("all have left"));
                        })
                        .await;
                });
            }

            #[test]
            fn in_a_group_without_a_limit_there_is_always_room() {
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let rooms: Vec<_> = (0..3).map(|_| poll_once(pin!(group.vacancy()))).collect();
                            assert!(rooms.iter().all(Poll::is_ready));
                            drop(group.try_vacancy().unwrap().spawn(async {}));
                        })
                        .await;
                });
            }

            #[test]
            fn who_waits_for_room_in_an_aborting_group_is_cut_with_it() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new().limit(3);
                    let outcome: Result<(), _> = group
                        .run(async {
                            for own_task in [true, false] {
                                let (handle, log) = (group.handle(), log.clone());
                                let child = async move {
                                    let _guard = defer(log, async |log: Log| log.add("child cleaned up"));
                                    loop {
                                        drop(
                                            handle
                                                .vacancy()
                                                .await
                                                .spawn_scoped(async { unreachable!("there is no room") }),
                                        );
                                    }
                                };
                                if own_task {
                                    drop(group.spawn(child));
                                } else {
                                    drop(group.spawn_scoped(child));
                                }
                            }
                            drop(group.try_spawn_scoped::<(), _>(async {
                                turns(3).await;
                                Err("failed")
                            }));
                            let _ = group.vacancy().await;
                            unreachable!("the body waits for room, and is cut")
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), ["failed"]);
                });
                assert_eq!(log.take(), ["child cleaned up", "child cleaned up"]);
            }

            /// A source of work that asks for nothing but room does not spin when the group aborts under it.
            #[test]
            fn a_body_that_asks_for_room_again_and_again_is_cut() {
                run(async {
                    let group = TaskGroup::<()>::new().limit(2);
                    let outcome: Result<(), _> = group
                        .run(async {
                            for n in 0.. {
                                drop(group.vacancy().await.spawn_scoped(async {}));
                                if n == 5 {
                                    group.cancel();
                                }
                            }
                            unreachable!("nothing ends the loop but being cut")
                        })
                        .await;
                    assert!(outcome.unwrap_err().is_cancelled());
                });
            }

            #[test]
            fn who_waits_for_room_outside_of_a_group_is_told_when_it_has_ended() {
                for cut in [true, false] {
                    run(async {
                        let mut group = Some(TaskGroup::<()>::new().limit(1));
                        let handle = group.as_ref().unwrap().handle();
                        let room = handle.try_vacancy().unwrap();
                        let outsider = {
                            let handle = handle.clone();
                            spawn(async move { panic_of(handle.vacancy()).await })
                        };
                        turns(2).await;
                        if cut {
                            group = None;
                        } else {
                            let group = group.as_ref().unwrap();
                            group.cancel();
                            turns(2).await;
                            assert!(!outsider.is_finished(), "the group is still ending");
                            assert!(handle.try_vacancy().is_none());
                            let outcome: Result<(), _> = group.run(async { Ok(()) }).await;
                            assert!(outcome.unwrap_err().is_cancelled());
                        }
                        let expected = "a child was added to a task group that has finished";
                        assert_eq!(outsider.await, expected);
                        assert_eq!(panic_of(handle.vacancy()).await, expected);
                        assert!(handle.try_vacancy().is_none());
                        drop(room);
                        drop(group);
                    });
                }
            }

            // Names.

            #[test]
            fn a_child_has_the_name_that_it_was_given() {
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let name = async { current_task().unwrap().name().map(str::to_owned) };
                            let named = group.child().name("worker").spawn(name);
                            assert_eq!(named.await.as_deref(), Some("worker"));
                            assert_eq!(group.spawn(name2()).await, None);
                            let started = group.child().name("server").start(async |started: Started<_>| {
                                started.set(current_task().unwrap().name().map(str::to_owned));
                            });
                            assert_eq!(started.await.unwrap().as_deref(), Some("server"));
                        })
                        .await;
                });
                async fn name2() -> Option<String> {
                    current_task().unwrap().name().map(str::to_owned)
                }
            }

            #[test]
            fn a_child_was_spawned_where_its_group_was_asked() {
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let line = async { current_task().unwrap().spawned_at().line() };
                            let (child, here) = (group.spawn(line), line!());
                            assert_eq!(child.await, here);
                            let where_from = async |started: Started<_>| {
                                started.set(current_task().unwrap().spawned_at().line());
                            };
                            let (started, here) = (group.start(where_from), line!());
                            assert_eq!(started.await, Ok(here));
                        })
                        .await;
                });
            }

            // Children that say when they are ready.

            #[test]
            fn start_returns_when_the_child_is_ready_and_the_child_goes_on() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::<()>::new();
                    let outcome = group
                        .run(async {
                            let server = log.clone();
                            let port = group
                                .start(async move |started: Started<_>| {
                                    turns(2).await;
                                    server.add("ready");
                                    started.set(8080);
                                    turns(2).await;
                                    server.add("served");
                                })
                                .await;
                            log.add(format!("started: {port:?}"));
                            let port = group.try_start(async |started: Started<_>| {
                                started.set(1);
                                Ok(())
                            });
                            port.await.map_err(|_| ())
                        })
                        .await;
                    assert_eq!(outcome, Ok(1));
                });
                assert_eq!(log.take(), ["ready", "started: Ok(8080)", "served"]);
            }

            #[test]
            fn start_fails_if_the_child_ends_or_lets_go_before_it_is_ready() {
                run(async {
                    let group = TaskGroup::<&str>::new().supervised();
                    let outcome: Result<(), _> = group
                        .run(async {
                            let ended = group.start(async |_: Started<u8>| turns(2).await);
                            assert_eq!(ended.await, Err(NotStarted));
                            let log = Log::default();
                            let inner = log.clone();
                            let let_go = group.start(async move |started: Started<u8>| {
                                drop(started);
                                turns(2).await;
                                inner.add("went on");
                            });
                            assert_eq!(let_go.await, Err(NotStarted));
                            turns(4).await;
                            assert_eq!(log.take(), ["went on"]);
                            let failed = group.try_start(async |_: Started<u8>| Err("failed"));
                            assert_eq!(failed.await, Err(NotStarted));
                            let panicked = group.start(async |_: Started<u8>| panic!("oh"));
                            assert_eq!(panicked.await, Err(NotStarted));
                            group.cancel();
                            let refused = group.start(async |_: Started<u8>| unreachable!("refused"));
                            assert_eq!(refused.await, Err(NotStarted));
                            std::panic::resume_unwind(Box::new("reached"));
                        })
                        .catch_unwind_once()
                        .await
                        .unwrap_or_else(|message| {
                            assert_eq!(message, "oh", "that of the body is the last one");
                            Ok(())
                        });
                    assert_eq!(outcome, Ok(()));
                });
            }

            #[test]
            fn a_child_that_fails_before_it_is_ready_aborts_the_group() {
                run(async {
                    let group = TaskGroup::new();
                    let outcome: Result<(), _> = group
                        .run(async {
                            let child = group.try_start(async |_: Started<u8>| {
                                turns(2).await;
                                Err("no port")
                            });
                            let _ = child.await;
                            unreachable!("the body is cut before it hears of it")
                        })
                        .await;
                    assert_eq!(outcome.unwrap_err().errors(), ["no port"]);
                });
            }

            #[test]
            fn dropping_start_before_the_child_is_ready_cancels_the_child() {
                for polls in 0..4 {
                    let log = Log::default();
                    run(async {
                        let group = TaskGroup::new();
                        group
                            .join(async {
                                let server = log.clone();
                                let mut start = Box::pin(group.start(async move |started: Started<u8>| {
                                    let _guard = defer(server.clone(), async |log: Log| {
                                        turns(2).await;
                                        log.add("cleaned up");
                                    });
                                    turns(2).await;
                                    started.set(1);
                                    server.add("ready");
                                    pending::<()>().await;
                                }));
                                for _ in 0..polls {
                                    poll_fn(|cx| {
                                        let poll = start.as_mut().poll(cx);
                                        assert!(poll.is_pending());
                                        Poll::Ready(())
                                    })
                                    .await;
                                    if polls < 3 {
                                        yield_now().await;
                                    }
                                }
                                if polls == 3 {
                                    // It has said so, but the value has not been given: it did not happen.
                                    turns(5).await;
                                }
                            })
                            .await;
                    });
                    let began: &[&str] = match polls {
                        0 => &[],
                        3 => &["ready", "cleaned up"],
                        _ => &["cleaned up"],
                    };
                    assert_eq!(log.take(), began, "after {polls} polls");
                }
            }

            // Children in the order of their ends.

            #[test]
            fn outputs_come_in_the_order_of_the_ends() {
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let text = String::from("text");
                            let text = &*Box::leak(text.into_boxed_str());
                            let mut results = group.results();
                            assert_eq!(results.next().await, None, "nobody is there");
                            results.spawn(after(4));
                            results.spawn_scoped(async { after(text.len() - 2).await });
                            results.spawn(after(6));
                            assert_eq!(results.next().await, Some(2));
                            assert_eq!(results.next().await, Some(4));
                            results.spawn_scoped(after(0));
                            assert_eq!(results.next().await, Some(0), "added meanwhile");
                            assert_eq!(results.next().await, Some(6));
                            assert_eq!(results.next().await, None);
                            results.spawn(after(1));
                            assert_eq!(results.next().await, Some(1), "it goes on after its end");
                        })
                        .await;
                });
            }

            #[test]
            fn results_are_a_stream() {
                run(async {
                    let group = TaskGroup::new();
                    let outputs = group
                        .join(async {
                            let mut results = group.results();
                            for n in [2, 3, 1] {
                                results.spawn(after(n));
                            }
                            assert_eq!(results.size_hint(), (0, Some(3)));
                            turns(3).await;
                            let (ready, all) = results.size_hint();
                            assert!(ready > 0 && all == Some(3));
                            StreamExt::collect::<Vec<_>>(results).await
                        })
                        .await;
                    assert_eq!(outputs, [1, 2, 3]);
                });
            }

            #[test]
            fn the_output_of_a_child_comes_after_its_cleanups() {
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let mut results = group.results();
                            for in_place in [true, false] {
                                let inner = log.clone();
                                let child = async move {
                                    let _guard = defer(inner, async |log: Log| {
                                        turns(2).await;
                                        log.add("cleaned up");
                                    });
                                };
                                if in_place {
                                    results.spawn_scoped(child)
                                } else {
                                    results.spawn(child)
                                }
                                results.next().await.unwrap();
                                log.add("output");
                            }
                        })
                        .await;
                });
                assert_eq!(log.take(), ["cleaned up", "output", "cleaned up", "output"]);
            }

            #[test]
            fn children_that_fail_or_are_cancelled_just_leave() {
                run(async {
                    let group = TaskGroup::new().supervised();
                    let outcome = group
                        .run(async {
                            let mut results = group.results();
                            results.try_spawn(async { Err("a") });
                            results.try_spawn_scoped(async { Err("b") });
                            results.spawn(async {
                                current_task().unwrap().cancel();
                                pending().await
                            });
                            results.try_spawn(async { Ok(after(3).await) });
                            let mut outputs = Vec::new();
                            while let Some(output) = results.next().await {
                                outputs.push(output);
                            }
                            Ok::<_, &str>(assert_eq!(outputs, [3]))
                        })
                        .await;
                    let mut errors = outcome.unwrap_err().into_errors();
                    errors.sort_unstable();
                    assert_eq!(errors, ["a", "b"]);
                });
            }

            /// Otherwise a child that collects them would go on as if all outputs had come.
            #[test]
            fn results_do_not_end_early_when_the_group_aborts() {
                for own_task in [true, false] {
                    let log = Log::default();
                    run(async {
                        let group = TaskGroup::new();
                        let outcome: Result<(), _> = group
                            .run(async {
                                let (handle, log) = (group.handle(), log.clone());
                                let collector = async move {
                                    let mut results = handle.results::<()>();
                                    results.try_spawn(async {
                                        turns(2).await;
                                        Err("failed")
                                    });
                                    let next = results.next().await;
                                    log.add(format!("went on with {next:?}"));
                                };
                                if own_task {
                                    drop(group.spawn(collector));
                                } else {
                                    drop(group.spawn_scoped(collector));
                                }
                                pending().await
                            })
                            .await;
                        assert_eq!(outcome.unwrap_err().errors(), ["failed"]);
                    });
                    assert_eq!(log.take(), [""; 0]);
                }
            }

            #[test]
            fn who_collects_results_outside_of_the_group_hears_of_its_end() {
                run(async {
                    let group = TaskGroup::new();
                    let handle = group.handle();
                    let outsider = spawn(async move {
                        let mut results = handle.results::<u8>();
                        results.try_spawn(async { Err("failed") });
                        let refused = results.next().await;
                        (refused, results.try_next())
                    });
                    let outcome: Result<(), _> = group.run(pending()).await;
                    assert_eq!(outcome.unwrap_err().errors(), ["failed"]);
                    assert_eq!(outsider.await, (None, None));
                });
            }

            #[test]
            fn dropping_next_loses_nothing() {
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let mut results = group.results();
                            for n in 0..4 {
                                results.spawn(after(n));
                            }
                            let mut outputs = Vec::new();
                            while outputs.len() < 4 {
                                // Dropped after one poll, whether it is ready or not.
                                let poll = poll_fn(|cx| Poll::Ready(pin!(results.next()).poll(cx))).await;
                                if let Poll::Ready(output) = poll {
                                    outputs.push(output.unwrap());
                                }
                                yield_now().await;
                            }
                            assert_eq!(outputs, [0, 1, 2, 3]);
                        })
                        .await;
                });
            }

            #[test]
            fn dropping_the_results_leaves_the_children_alone_and_drops_their_outputs() {
                struct Output(Log);
                impl Drop for Output {
                    fn drop(&mut self) {
                        self.0.add("output dropped");
                    }
                }
                let log = Log::default();
                run(async {
                    let group = TaskGroup::new();
                    group
                        .join(async {
                            let mut results = group.results();
                            for n in [1, 4] {
                                let log = log.clone();
                                results.spawn(async move {
                                    turns(n).await;
                                    log.add("ends");
                                    Output(log)
                                });
                            }
                            turns(3).await;
                            log.add("drops");
                            drop(results);
                        })
                        .await;
                });
                assert_eq!(log.take(), ["ends", "drops", "output dropped", "ends", "output dropped"]);
            }
        }
    };
}

/// Catches a panic, as its message.
trait CatchUnwindOnce: Future + Sized {
    async fn catch_unwind_once(self) -> Result<Self::Output, String> {
        match AssertUnwindSafe(self).catch_unwind().await {
            Ok(output) => Ok(output),
            Err(panic) => Err(panic.downcast_ref::<&str>().expect("a panic with a message").to_string()),
        }
    }
}

impl<F: Future> CatchUnwindOnce for F {}

home!(shared, aio_group, aio_core::spawn);
home!(local, aio_group::local, aio_core::local::spawn);

/// Nothing of the local home needs to be `Send`.
#[test]
fn children_of_local_groups_hold_what_stays_on_its_thread() {
    run(async {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let there = seen.clone();
        let group = aio_group::local::TaskGroup::new().discarding(move |error: Rc<str>| there.borrow_mut().push(error));
        let outcome = group
            .run(async {
                let here = Rc::new(1);
                let port = group.start(async move |started: aio_group::local::Started<Rc<u8>>| started.set(here));
                let port = port.await.unwrap();
                let mut results = group.results();
                let inner = port.clone();
                results.spawn(async move { inner });
                drop(group.vacancy().await.try_spawn::<(), _>(async { Err(Rc::from("failed")) }));
                assert_eq!(results.next().await, Some(port));
                Ok(())
            })
            .await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(*seen.borrow(), [Rc::from("failed")]);
    });
}

/// Cancelling from another thread wakes a group that rests.
#[test]
fn a_group_is_cancelled_from_another_thread() {
    leak_check(|| {
        let group = aio_group::TaskGroup::<()>::new();
        let handle = group.handle();
        let (tell, told) = std::sync::mpsc::channel();
        let outsider = std::thread::spawn(move || {
            told.recv().unwrap();
            handle.cancel();
        });
        let outcome = aio_core::run(group.run(async {
            drop(group.spawn(pending::<()>()));
            yield_now().await;
            tell.send(()).unwrap();
            pending::<Result<(), ()>>().await
        }));
        assert!(outcome.unwrap_err().is_cancelled());
        outsider.join().unwrap();
    });
}

#[test]
fn misuse_is_caught_without_a_loop() {
    let group = aio_group::TaskGroup::<()>::new();
    let spawned = catch_unwind(AssertUnwindSafe(|| {
        drop(group.start(async |started: aio_group::Started<u8>| {
            started.set(1);
        }))
    }));
    assert!(spawned.is_err(), "there is no loop");
    // It left nothing behind that the group would wait for.
    assert_eq!(aio_core::block_on(group.run(async { Ok(()) })), Ok(()));
}
