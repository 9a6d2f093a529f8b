//! Groups and what goes wrong around them: panics in destructors and wakers, starvation, groups and children that
//! outlive each other, and misuse.
#![cfg(not(aio_loom))]

use std::any::Any;
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_core::{defer, shield, spawn, yield_now};
use aio_group::{Child, TaskGroup};
use aio_timer::CancelScope;
use futures_lite::FutureExt;

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

fn run<F: Future>(main: F) -> F::Output {
    leak_check(|| aio_core::run(main))
}

fn text(panic: &(dyn Any + Send)) -> &str {
    match panic.downcast_ref::<String>() {
        Some(text) => text,
        None => panic.downcast_ref::<&str>().expect("a panic with a message"),
    }
}

/// What `future` panicked with.
async fn panic_of<F: Future>(future: F) -> String {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(_) => panic!("there was no panic"),
        Err(panic) => text(&*panic).to_owned(),
    }
}

/// Where `f` panicked.
fn line_of_panic(f: impl FnOnce()) -> (String, u32) {
    thread_local!(static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) });
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(|place| (place.file().to_owned(), place.line())));
            former(info);
        }));
    });
    catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    PLACE.take().expect("the hook was called")
}

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("{}", self.0);
    }
}

// Taking turns.

#[test]
fn a_child_that_keeps_adding_siblings_gives_the_others_their_turns() {
    run(async {
        let stop = AtomicBool::new(false);
        let group = TaskGroup::new();
        group
            .join(async {
                let (handle, stop) = (group.handle(), &stop);
                drop(group.spawn_scoped(async move {
                    for _ in 0..1000 {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        drop(handle.spawn_scoped(async {}));
                        yield_now().await;
                    }
                    panic!("the other task has had no turn");
                }));
                spawn(turns(3)).await;
                stop.store(true, Ordering::Relaxed);
            })
            .await;
    });
}

#[test]
fn a_chain_of_children_each_of_which_starts_the_next_gives_the_others_their_turns() {
    fn link(handle: aio_group::GroupHandle<'static, std::convert::Infallible>, stop: Arc<AtomicBool>, left: usize) {
        assert!(left > 0, "the other task has had no turn");
        let next = handle.clone();
        drop(handle.spawn_scoped(async move {
            if !stop.load(Ordering::Relaxed) {
                link(next, stop, left - 1);
            }
        }));
    }
    run(async {
        let stop = Arc::new(AtomicBool::new(false));
        let group = TaskGroup::new();
        group
            .join(async {
                link(group.handle(), stop.clone(), 1000);
                spawn(turns(3)).await;
                stop.store(true, Ordering::Relaxed);
            })
            .await;
    });
}

// Children without an output.

#[test]
fn awaiting_a_child_that_alone_was_cancelled_panics() {
    run(async {
        let group = TaskGroup::new();
        let message = panic_of(group.join(async {
            let child = group.spawn(async {
                aio_core::current_task().unwrap().cancel();
                pending::<()>().await;
            });
            child.await;
        }))
        .await;
        assert!(message.starts_with("a child was awaited that was cancelled"), "{message}");
    });
}

#[test]
fn a_child_that_is_awaited_when_its_group_was_cut_panics_even_if_the_group_is_still_there() {
    for in_place in [true, false] {
        let log = Log::default();
        run(async {
            let group = TaskGroup::new();
            let mut child = None;
            let scope = CancelScope::new();
            let handle = scope.clone();
            let outcome = scope
                .run(group.join(async {
                    let future = endless(log.clone(), "child", 2);
                    child = Some(if in_place { group.spawn_scoped(future) } else { group.spawn(future) });
                    turns(2).await;
                    handle.cancel();
                    pending::<()>().await;
                }))
                .await;
            outcome.unwrap_err();
            assert_eq!(log.take(), ["child cleaned up"]);
            let message = panic_of(child.take().unwrap()).await;
            assert!(message.starts_with("a child was awaited that was cancelled"), "{message}");
        });
    }
}

/// The awaiter begins to wait while the group is running, and is told when the group was cut.
#[test]
fn who_awaits_a_child_from_outside_is_told_when_the_group_was_cut() {
    for in_place in [true, false] {
        let log = Log::default();
        run(async {
            let (give, take) = (Arc::new(Mutex::new(None)), log.clone());
            let kept = give.clone();
            let main = spawn(async move {
                let group = TaskGroup::new();
                let group = &group;
                group
                    .join(async move {
                        let future = endless(take, "child", 2);
                        let child = if in_place { group.spawn_scoped(future) } else { group.spawn(future) };
                        *give.lock().unwrap() = Some(child);
                        pending::<()>().await;
                    })
                    .await;
            });
            turns(2).await;
            let child: Child<()> = kept.lock().unwrap().take().unwrap();
            let outsider = spawn(panic_of(child));
            turns(2).await;
            main.cancel();
            let message = outsider.await;
            assert!(message.starts_with("a child was awaited that was cancelled"), "{message}");
            assert!(main.join().await.unwrap_err().is_cancelled());
        });
        assert_eq!(log.take(), ["child cleaned up"]);
    }
}

#[test]
fn who_awaits_a_failed_child_from_outside_is_told_at_the_end_of_the_group_and_why() {
    for in_place in [true, false] {
        let log = Log::default();
        run(async {
            let group = TaskGroup::new();
            let mut outsider = None;
            let outcome: Result<(), _> = group
                .run(async {
                    let fail = async {
                        yield_now().await;
                        Err("failed")
                    };
                    let child: Child<()> = if in_place { group.try_spawn_scoped(fail) } else { group.try_spawn(fail) };
                    let log = log.clone();
                    let seen = log.clone();
                    outsider = Some(spawn(async move {
                        let message = panic_of(child).await;
                        seen.add("told");
                        message
                    }));
                    drop(group.spawn(endless(log, "sibling", 3)));
                    pending().await
                })
                .await;
            assert!(outcome.is_err());
            log.add("run returned");
            assert_eq!(
                outsider.take().unwrap().await,
                "a child was awaited that failed, and its group has the error; `join` gives this as a value"
            );
        });
        assert_eq!(log.take(), ["sibling cleaned up", "run returned", "told"]);
    }
}

#[test]
fn the_output_of_a_child_can_be_taken_once() {
    run(async {
        let group = TaskGroup::new();
        group
            .join(async {
                for mut child in [group.spawn(async { 1 }), group.spawn_scoped(async { 1 })] {
                    assert_eq!((&mut child).await, 1);
                    assert!(child.is_finished());
                    assert!(panic_of(&mut child).await.ends_with("taken twice"));
                }
            })
            .await;
    });
}

// Groups that are cut, dropped, shielded and nested.

#[test]
fn a_child_started_in_a_cleanup_after_the_group_is_gone_does_not_begin() {
    for in_place in [true, false] {
        let log = Log::default();
        run(async {
            let inner = log.clone();
            let task = spawn(async move {
                let group = TaskGroup::<()>::new();
                let group = &group;
                let body = async move {
                    let handle = group.handle();
                    let child = async move {
                        let _guard =
                            defer((handle, inner), async |(handle, log): (aio_group::GroupHandle<'_, ()>, Log)| {
                                turns(2).await;
                                let late = handle.spawn(async { unreachable!("refused") });
                                let scoped = handle.spawn_scoped(async { unreachable!("refused") });
                                let refused = (late.join().await.is_err(), scoped.join().await.is_err());
                                log.add(format!("{refused:?}"));
                            });
                        pending::<()>().await;
                    };
                    drop(if in_place { group.spawn_scoped(child) } else { group.spawn(child) });
                    pending().await
                };
                let _: Result<(), _> = group.run(body).await;
            });
            turns(3).await;
            task.cancel();
            assert!(task.join().await.unwrap_err().is_cancelled());
            log.add("cancelled");
        });
        assert_eq!(log.take(), ["(true, true)", "cancelled"]);
    }
}

#[test]
fn a_child_that_is_the_last_owner_of_its_group_does_not_wait_for_itself() {
    run(async {
        let group = Arc::new(TaskGroup::<()>::new());
        let own = group.clone();
        let child = group.spawn(async move {
            let _own = own;
            turns(2).await;
        });
        drop(group);
        child.join().await.unwrap();
    });
}

#[test]
fn a_group_in_a_cancel_scope_ends_before_the_scope_does() {
    for after in 0..6 {
        let log = Log::default();
        run(async {
            let scope = CancelScope::new();
            let handle = scope.clone();
            let canceller = spawn(async move {
                turns(after).await;
                handle.cancel();
            });
            let begun = AtomicUsize::new(0);
            let group = TaskGroup::new();
            let child = async |name, cleanup| {
                begun.fetch_add(1, Ordering::Relaxed);
                endless(log.clone(), name, cleanup).await;
            };
            let outcome = scope
                .run(group.join(async {
                    drop(group.spawn_scoped(child("in place", 3)));
                    drop(group.spawn_scoped(child("in place", 1)));
                    pending::<()>().await;
                }))
                .await;
            outcome.unwrap_err();
            assert_eq!(log.take().len(), begun.load(Ordering::Relaxed));
            canceller.await;
        });
    }
}

#[test]
fn a_shielded_group_goes_on_when_its_task_is_cancelled() {
    let log = Log::default();
    run(async {
        let inner = log.clone();
        let task = spawn(shield(async move {
            let group = TaskGroup::new();
            group
                .join(async {
                    for own_task in [true, false] {
                        let log = inner.clone();
                        let child = async move {
                            turns(5).await;
                            log.add("done");
                        };
                        drop(if own_task { group.spawn(child) } else { group.spawn_scoped(child) });
                    }
                })
                .await;
        }));
        turns(3).await;
        task.cancel();
        assert!(task.join().await.unwrap_err().is_cancelled());
        log.add("cancelled");
    });
    assert_eq!(log.take(), ["done", "done", "cancelled"]);
}

/// Inner groups in place and as tasks of their own, with children of both kinds, cut from outside, by a failing sibling
/// of the outer group, and by a failing child of their own.
#[test]
fn nested_groups_end_before_their_parents() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Cut {
        FromOutside,
        BySibling,
        ByOwnChild,
    }
    async fn inner(log: Log, fails: bool) -> Result<(), &'static str> {
        let group = TaskGroup::new();
        let outcome = group
            .run(async {
                drop(group.spawn(endless(log.clone(), "inner", 4)));
                drop(group.spawn_scoped(endless(log.clone(), "inner", 2)));
                if fails {
                    turns(3).await;
                    return Err("inner");
                }
                pending().await
            })
            .await;
        log.add("inner ended");
        outcome.map_err(|error| error.into_first().unwrap())
    }
    for in_place in [true, false] {
        for cut in [Cut::FromOutside, Cut::BySibling, Cut::ByOwnChild] {
            let log = Log::default();
            run(async {
                let outer_log = log.clone();
                let task = spawn(async move {
                    let group = TaskGroup::new();
                    let log = outer_log;
                    let outcome: Result<(), _> = group
                        .run(async {
                            let child = inner(log.clone(), cut == Cut::ByOwnChild);
                            drop(if in_place { group.try_spawn_scoped(child) } else { group.try_spawn(child) });
                            turns(3).await;
                            if cut == Cut::BySibling {
                                drop(group.try_spawn::<(), _>(async { Err("sibling") }));
                            }
                            pending().await
                        })
                        .await;
                    log.add("outer ended");
                    outcome.unwrap_err().into_errors()
                });
                turns(6).await;
                if cut == Cut::FromOutside {
                    task.cancel();
                }
                let errors = task.join().await;
                match cut {
                    Cut::FromOutside => assert!(errors.unwrap_err().is_cancelled()),
                    Cut::BySibling => assert_eq!(errors.unwrap(), ["sibling"]),
                    Cut::ByOwnChild => assert_eq!(errors.unwrap(), ["inner"]),
                }
                log.add("task ended");
            });
            let expected: &[_] = match cut {
                Cut::FromOutside => &["inner cleaned up", "inner cleaned up", "task ended"],
                Cut::BySibling => &["inner cleaned up", "inner cleaned up", "outer ended", "task ended"],
                Cut::ByOwnChild => {
                    &["inner cleaned up", "inner cleaned up", "inner ended", "outer ended", "task ended"]
                }
            };
            assert_eq!(log.take(), expected, "{cut:?}, in place: {in_place}");
        }
    }
}

#[test]
fn a_forgotten_run_leaves_nothing_running() {
    let log = Log::default();
    run(async {
        let inner = log.clone();
        spawn(async move {
            let group = TaskGroup::new();
            // No more than the memory of the body is lost, which holds nothing.
            let mut run = Box::pin(group.run(pending::<Result<(), ()>>()));
            drop(group.spawn(endless(inner, "task", 2)));
            assert!(poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await.is_pending());
            turns(2).await;
            std::mem::forget(run);
        })
        .await;
        log.add("ended");
    });
    assert_eq!(log.take(), ["task cleaned up", "ended"]);
}

#[test]
fn a_handle_in_a_child_of_a_group_that_never_runs_is_no_cycle() {
    let here = Rc::new(());
    run(async {
        let group = aio_group::local::TaskGroup::<()>::new();
        for _ in 0..2 {
            let (handle, here) = (group.handle(), here.clone());
            drop(group.spawn_scoped(async move { drop((handle, here)) }));
        }
        let handle = group.handle();
        drop(group);
        let late = handle.spawn_scoped(async { unreachable!("refused") });
        assert!(late.join().await.unwrap_err().is_cancelled());
    });
    assert_eq!(Rc::strong_count(&here), 1);
}

// Panics.

#[test]
fn a_panic_in_dropping_an_output_that_nobody_takes_is_a_failure_of_the_child_in_place() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        let message = panic_of(group.join(async {
            drop(group.spawn(endless(log.clone(), "task", 4)));
            drop(group.spawn_scoped(endless(log.clone(), "in place", 2)));
            turns(2).await;
            drop(group.spawn_scoped(async { Bomb("output") }));
            pending::<()>().await;
        }))
        .await;
        log.add("run returned");
        assert_eq!(message, "output");
    });
    assert_eq!(log.take(), ["in place cleaned up", "task cleaned up", "run returned"]);
}

#[test]
fn panics_in_dropping_the_body_and_the_children_of_an_aborting_group_are_contained() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        let bomb = async |name| {
            let _bomb = Bomb(name);
            pending::<()>().await;
        };
        let message = panic_of(group.run::<_, ()>(async {
            let _bomb = Bomb("body");
            drop(group.spawn_scoped(bomb("first")));
            drop(group.spawn_scoped(bomb("second")));
            drop(group.spawn(async {
                let _bomb = Bomb("task");
                pending::<()>().await;
            }));
            drop(group.spawn(endless(log.clone(), "task", 4)));
            turns(2).await;
            drop(group.try_spawn_scoped::<(), _>(async { Err(()) }));
            pending().await
        }))
        .await;
        log.add("run returned");
        assert_eq!(message, "body");
    });
    assert_eq!(log.take(), ["task cleaned up", "run returned"]);
}

#[test]
fn panics_in_dropping_children_that_never_began_are_contained() {
    let log = Log::default();
    run(async {
        let group = TaskGroup::new();
        let message = panic_of(group.run::<_, ()>(async {
            drop(group.spawn(endless(log.clone(), "task", 4)));
            turns(2).await;
            for bomb in [Bomb("first"), Bomb("second")] {
                drop(group.spawn_scoped(async move { drop(bomb) }));
            }
            Err(())
        }))
        .await;
        log.add("run returned");
        assert_eq!(message, "first");
    });
    assert_eq!(log.take(), ["task cleaned up", "run returned"]);
}

/// More than one panic in the same unwinding would abort the process.
#[test]
fn panics_in_dropping_a_group_half_way_are_contained_and_the_first_goes_on() {
    let log = Log::default();
    run(async {
        let inner = log.clone();
        let task = spawn(async move {
            let group = TaskGroup::<()>::new();
            let group = &group;
            let bomb = async |name| {
                let _bomb = Bomb(name);
                pending::<()>().await;
            };
            let _ = group
                .run::<_, ()>(async {
                    let _bomb = Bomb("body");
                    drop(group.spawn_scoped(bomb("first")));
                    drop(group.spawn_scoped(bomb("second")));
                    drop(group.spawn(endless(inner, "task", 4)));
                    pending().await
                })
                .await;
        });
        turns(3).await;
        task.cancel();
        let error = task.join().await.unwrap_err();
        assert_eq!(text(&*error.into_panic()), "body");
        log.add("cancelled");
    });
    assert_eq!(log.take(), ["task cleaned up", "cancelled"]);
}

#[test]
fn a_panic_goes_on_also_if_the_group_is_cut_while_it_waits_for_the_others() {
    for own_task in [Some(true), Some(false), None] {
        let log = Log::default();
        run(async {
            let inner = log.clone();
            let task = spawn(async move {
                let group = TaskGroup::new();
                let group = &group;
                group
                    .join(async move {
                        drop(group.spawn(endless(inner, "task", 10)));
                        turns(2).await;
                        match own_task {
                            Some(true) => drop(group.spawn(async { panic!("oh") })),
                            Some(false) => drop(group.spawn_scoped(async { panic!("oh") })),
                            None => panic!("oh"),
                        }
                        pending::<()>().await;
                    })
                    .await;
            });
            turns(6).await;
            task.cancel();
            assert_eq!(text(&*task.join().await.unwrap_err().into_panic()), "oh");
        });
        assert_eq!(log.take(), ["task cleaned up"]);
    }
}

/// The group is gone when it happens; the child's handle has it, as that of a task would.
#[test]
fn a_panic_in_a_child_of_a_group_that_was_cut_goes_to_who_joins_the_child() {
    run(async {
        let kept = Arc::new(Mutex::new(None));
        let give = kept.clone();
        let task = spawn(async move {
            let group = TaskGroup::new();
            let group = &group;
            group
                .join(async move {
                    *give.lock().unwrap() = Some(group.spawn(async {
                        let _guard = defer((), async |()| panic!("in the cleanup"));
                        pending::<()>().await;
                    }));
                    pending::<()>().await;
                })
                .await;
        });
        turns(3).await;
        task.cancel();
        assert!(task.join().await.unwrap_err().is_cancelled());
        let child: Child<()> = kept.lock().unwrap().take().unwrap();
        assert_eq!(text(&*child.join().await.unwrap_err().into_panic()), "in the cleanup");
    });
}

/// The one who waits may be cancelled before there is room for it, or when it has just been let in.
#[test]
fn a_child_cancelled_while_it_waits_takes_no_room_from_the_next() {
    for after in 0..6 {
        let log = Log::default();
        run(async {
            let group = TaskGroup::new().limit(1);
            group
                .join(async {
                    drop(group.spawn(turns(2)));
                    let waiting = group.spawn(endless(log.clone(), "waiting", 0));
                    let task = aio_core::all_tasks().pop().unwrap();
                    let log = log.clone();
                    drop(group.spawn(async move { log.add("next") }));
                    turns(after).await;
                    task.cancel();
                    assert!(waiting.join().await.unwrap_err().is_cancelled());
                })
                .await;
        });
        log.0.lock().unwrap().retain(|what| what != "waiting cleaned up");
        assert_eq!(log.take(), ["next"]);
    }
}

#[test]
fn panics_in_dropping_a_group_that_never_ran_are_contained_and_the_first_goes_on() {
    let panic = leak_check(|| {
        let group = TaskGroup::<()>::new();
        for bomb in [Bomb("first"), Bomb("second")] {
            drop(group.spawn_scoped(async move { drop(bomb) }));
        }
        catch_unwind(AssertUnwindSafe(|| drop(group))).unwrap_err()
    });
    assert_eq!(text(&*panic), "first");
}

/// The waker of whoever polls the group panics when a task's end gives room to a child in place.
#[test]
fn a_panicking_waker_leaves_no_phantom_child_behind() {
    struct Panicking;
    impl Wake for Panicking {
        fn wake(self: Arc<Self>) {
            panic!("waker");
        }
    }
    run(async {
        let waker = Waker::from(Arc::new(Panicking));
        let group = TaskGroup::new().limit(1);
        let mut run = pin!(group.join(async {
            drop(group.spawn(turns(2)));
            drop(group.spawn_scoped(async {}));
        }));
        for _ in 0..10 {
            let poll = catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(&mut Context::from_waker(&waker))));
            if matches!(poll, Ok(Poll::Ready(()))) {
                return;
            }
            yield_now().await;
        }
        panic!("the group does not end");
    });
}

// Misuse.

#[test]
fn a_child_spawned_where_no_loop_runs_leaves_no_phantom_behind() {
    leak_check(|| {
        let group = TaskGroup::new().limit(1);
        let panic = catch_unwind(AssertUnwindSafe(|| drop(group.spawn(async {})))).unwrap_err();
        assert_eq!(
            text(&*panic),
            "a task was spawned where no event loop runs: call `run` first, and spawn inside of it"
        );
        let sum = aio_core::block_on(group.join(async { group.spawn_scoped(async { 42 }).await }));
        assert_eq!(sum, 42);
    });
}

#[test]
fn misuse_names_the_line_of_the_caller() {
    let here = |line| (Location::caller().file().to_owned(), line);
    leak_check(|| {
        let group = TaskGroup::new();
        assert_eq!(line_of_panic(|| drop(group.spawn(async {}))), here(line!()));
        assert_eq!(line_of_panic(|| drop(group.handle().spawn(async {}))), here(line!()));
        let local = aio_group::local::TaskGroup::<()>::new();
        assert_eq!(line_of_panic(|| drop(local.try_spawn::<(), _>(async { Err(()) }))), here(line!()));
        aio_core::block_on(group.join(async {}));
        assert_eq!(line_of_panic(|| drop(group.join(async {}))), here(line!()));
        assert_eq!(line_of_panic(|| drop(group.run(async { Ok(()) }))), here(line!()));
        assert_eq!(line_of_panic(|| drop(group.spawn(async {}))), here(line!()));
        assert_eq!(line_of_panic(|| drop(group.spawn_scoped(async {}))), here(line!()));
        assert_eq!(line_of_panic(|| drop(TaskGroup::<()>::new().limit(0))), here(line!()));
    });
}

#[test]
fn a_panic_of_a_child_goes_on_also_while_the_thread_is_unwinding() {
    /// Runs a group to its end when it is dropped.
    struct RunOnDrop<'a>(&'a RefCell<String>);
    impl Drop for RunOnDrop<'_> {
        fn drop(&mut self) {
            let mut task = aio_core::Builder::new().eager(true).spawn_local(async {
                let group = aio_group::local::TaskGroup::<()>::new();
                let body = async {
                    drop(group.spawn_scoped(async { panic!("child") }));
                    Ok(())
                };
                group.run(body).await
            });
            let outcome = task.poll_join(&mut Context::from_waker(Waker::noop()));
            *self.0.borrow_mut() = format!("{outcome:?}");
        }
    }
    let outcome = RefCell::default();
    run(async {
        catch_unwind(AssertUnwindSafe(|| {
            let _run = RunOnDrop(&outcome);
            panic!("outer");
        }))
        .unwrap_err();
    });
    assert_eq!(*outcome.borrow(), "Ready(Err(JoinError(panicked: child)))");
}
