//! Loops that run on several threads: who runs where, and what crosses.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/crew.rs"]
mod crew;
#[path = "common/log.rs"]
mod log;

use std::cell::Cell;
use std::collections::HashSet;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use aio_base::live::{ENABLED, Kind, count};
use aio_core::{
    ContextVar, EventLoop, Handle, Scope, ThreadPark, all_tasks, block_in_place, block_on, current_task, defer, local,
    loop_local, run, shield, spawn, yield_now,
};
use common::check;
use crew::{elsewhere, here, hop, occupy_other, on_each, turns, workers};
use log::Log;

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap()
}

#[test]
fn tasks_run_on_as_many_threads_as_there_are_workers() {
    check(|| {
        for n in 1..=5 {
            let threads: HashSet<_> = workers(n).run(on_each(n, here)).into_iter().collect();
            assert_eq!(threads.len(), n);
            assert!(threads.contains(&here()));
        }
    });
}

#[test]
fn local_tasks_stay_on_the_worker_that_spawned_them() {
    check(|| {
        let polls = Arc::new(AtomicUsize::new(0));
        let theirs = polls.clone();
        workers(3).run(async move {
            let noise: Vec<_> = (0..20).map(|_| spawn(turns(50))).collect();
            let locals = on_each(3, move || {
                let polls = theirs.clone();
                let home = here();
                let task = local::spawn(async move {
                    let not_send = Rc::new(Cell::new(0));
                    for _ in 0..50 {
                        yield_now().await;
                        assert_eq!(here(), home);
                        not_send.set(not_send.get() + 1);
                    }
                    polls.fetch_add(not_send.get(), Ordering::Relaxed);
                });
                let reference = task.task_ref();
                task.detach();
                (home, reference)
            })
            .await;
            assert_eq!(locals.iter().map(|(home, _)| home).collect::<HashSet<_>>().len(), 3);
            for (_, task) in locals {
                task.ended().await;
            }
            for task in noise {
                task.await;
            }
        });
        assert_eq!(polls.load(Ordering::Relaxed), 150);
    });
}

#[test]
fn main_stays_on_the_thread_of_the_caller() {
    check(|| {
        let text = String::from("borrowed");
        let home = here();
        let length = workers(3).run(async {
            let not_send = Rc::new(0);
            for _ in 0..200 {
                let noise: Vec<_> = (0..4).map(|_| spawn(turns(2))).collect();
                for task in noise {
                    task.await;
                }
                assert_eq!(here(), home);
            }
            *not_send + text.len()
        });
        assert_eq!(length, 8);
    });
}

#[test]
fn a_handle_spawns_from_any_thread() {
    check(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = ran.clone();
        workers(2).run(async move {
            let handle = Handle::current();
            let threads: Vec<_> = (0..4)
                .map(|index| {
                    let (handle, ran) = (handle.clone(), counted.clone());
                    thread::spawn(move || {
                        for round in 0..50 {
                            let ran = ran.clone();
                            let task = handle.spawn(async move {
                                turns(round % 3).await;
                                ran.fetch_add(1, Ordering::Relaxed);
                                (index, round)
                            });
                            assert_eq!(block_on(task), (index, round));
                        }
                    })
                })
                .collect();
            // From a worker that is not that of `main`, too.
            let theirs = handle.clone();
            let task = elsewhere(move || theirs.spawn(async { 7 })).await;
            assert_eq!(task.await, 7);
            while threads.iter().any(|thread| !thread.is_finished()) {
                yield_now().await;
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(ran.load(Ordering::Relaxed), 200);
    });
}

#[test]
fn what_a_task_gives_crosses_to_who_awaits_it() {
    check(|| {
        workers(2).run(async {
            // It is spawned there and awaited here.
            let task = elsewhere(|| spawn(async { String::from("from there") })).await;
            assert_eq!(task.await, "from there");
            // It is spawned here and awaited there.
            let mine = spawn(async { String::from("from here") });
            let awaiter = elsewhere(move || spawn(async move { mine.await.len() })).await;
            assert_eq!(awaiter.await, 9);
            // It waits first, and the end comes from the other thread.
            let (wake, receive) = mpsc::channel::<Waker>();
            let mut asked = false;
            let task = spawn(poll_fn(move |cx| {
                if std::mem::replace(&mut asked, true) {
                    return Poll::Ready(here());
                }
                wake.send(cx.waker().clone()).unwrap();
                Poll::Pending
            }));
            let awaiter = spawn(task);
            turns(3).await;
            elsewhere(move || receive.recv().unwrap().wake()).await;
            awaiter.await;
        });
    });
}

#[test]
fn panics_cross_to_who_awaits_the_task_or_are_reported() {
    check(|| {
        let reports = Log::default();
        let theirs = reports.clone();
        workers(2).on_failure(move |failure| theirs.note(failure.to_string())).run(async {
            let task = elsewhere(|| spawn(async { panic!("as a value") })).await;
            let error = task.join().await.map(|(): ()| ()).unwrap_err();
            assert_eq!(message(&*error.into_panic()), "as a value");
            let task = elsewhere(|| spawn(async { panic!("resumed") })).await;
            let awaiter = spawn(async move {
                let () = task.await;
            });
            let error = awaiter.join().await.unwrap_err();
            assert_eq!(message(&*error.into_panic()), "resumed");
            let ended = elsewhere(|| {
                let task = spawn(async { panic!("nobody's") });
                let reference = task.task_ref();
                task.detach();
                reference
            });
            ended.await.ended().await;
        });
        let reports = reports.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].ends_with("nobody's"), "{reports:?}");
    });
}

/// A task in the middle of a poll on the other worker: it says so, and goes on when it is told to.
fn busy(log: Log, begun: mpsc::Sender<()>, go_on: mpsc::Receiver<()>) -> aio_core::Task<()> {
    spawn(async move {
        let _guard = defer(log, async |log: Log| {
            turns(3).await;
            log.note("cleaned up");
        });
        begun.send(()).unwrap();
        let _ = go_on.recv();
        pending::<()>().await;
    })
}

#[test]
fn cancelling_a_task_that_runs_elsewhere_ends_it_after_its_poll_and_its_cleanups() {
    check(|| {
        for dropped in [false, true] {
            let log = Log::default();
            workers(2).run(async {
                let (begun, has_begun) = mpsc::channel();
                let (go_on, goes_on) = mpsc::channel();
                let theirs = log.clone();
                let task = block_in_place(|| {
                    let task = busy(theirs, begun, goes_on);
                    // The other worker takes it, since this one does not run anything now.
                    block_in_place(|| has_begun.recv().unwrap());
                    task
                });
                let reference = task.task_ref();
                let waits = if dropped {
                    // The scope in which it is dropped does not end before it has.
                    let scope = local::spawn(async { Scope::new(async move { drop(task) }).await.unwrap() });
                    turns(3).await;
                    assert!(!scope.is_finished());
                    scope
                } else {
                    task.cancel();
                    turns(3).await;
                    assert!(!task.is_finished());
                    local::spawn(async move { assert!(task.join().await.unwrap_err().is_cancelled()) })
                };
                assert_eq!(log.take(), [""; 0]);
                drop(go_on);
                waits.await;
                assert!(reference.is_finished());
                assert_eq!(log.take(), ["cleaned up"]);
            });
        }
    });
}

#[test]
fn the_end_of_a_task_is_awaited_on_other_workers() {
    check(|| {
        workers(2).run(async {
            let log = Log::default();
            let theirs = log.clone();
            let there = elsewhere(move || {
                let (mine, log) = (theirs.clone(), theirs);
                let local = local::spawn(async move {
                    let _guard = defer(mine, async |log: Log| {
                        yield_now().await;
                        log.note("local");
                    });
                    pending::<()>().await;
                });
                let shared = spawn(async move {
                    let _guard = defer(log, async |log: Log| {
                        yield_now().await;
                        log.note("shared");
                    });
                    pending::<()>().await;
                });
                let references = [local.task_ref(), shared.task_ref()];
                local.detach();
                shared.detach();
                references
            })
            .await;
            // Several wait, some give up.
            let waiting: Vec<_> = there.iter().flat_map(|task| [task.clone(), task.clone()]).collect();
            let waiting: Vec<_> = waiting.into_iter().map(|task| spawn(async move { task.ended().await })).collect();
            let given_up: Vec<_> = there.iter().cloned().map(|task| spawn(async move { task.ended().await })).collect();
            turns(3).await;
            drop(given_up);
            assert!(waiting.iter().all(|task| !task.is_finished()));
            there.iter().for_each(aio_core::TaskRef::cancel);
            for task in waiting {
                task.await;
            }
            assert!(there.iter().all(aio_core::TaskRef::is_finished));
            let mut log = log.take();
            log.sort();
            assert_eq!(log, ["local", "shared"]);
            // What has ended is ended for all.
            let again = there.clone();
            elsewhere(move || block_on_ready(again)).await;
        });
    });
}

fn block_on_ready(tasks: [aio_core::TaskRef; 2]) {
    let mut cx = std::task::Context::from_waker(Waker::noop());
    for task in tasks {
        assert!(std::pin::pin!(task.ended()).poll(&mut cx).is_ready());
    }
}

#[test]
fn scopes_cleanups_and_context_follow_a_task_to_another_worker() {
    static USER: ContextVar<&str> = ContextVar::new();
    check(|| {
        let log = Log::default();
        let theirs = log.clone();
        workers(2).run(async move {
            USER.set("main's");
            let task = spawn(async move {
                USER.set("its own");
                let me = current_task().unwrap().id();
                let log = theirs;
                let first = here();
                let outer = defer(log.clone(), async move |log: Log| {
                    hop().await;
                    assert_eq!((current_task().unwrap().id(), USER.get()), (me, Some("its own")));
                    log.note("outer");
                });
                hop().await;
                assert_ne!(here(), first);
                assert_eq!((current_task().unwrap().id(), USER.get()), (me, Some("its own")));
                Scope::new(async {
                    let _inner = defer(log.clone(), async |log: Log| {
                        turns(2).await;
                        log.note("inner");
                    });
                    hop().await;
                    assert_eq!(here(), first);
                })
                .await
                .unwrap();
                log.note("between");
                let mut shielded = Box::pin(shield({
                    let log = log.clone();
                    async move {
                        turns(2).await;
                        log.note("shielded");
                    }
                }));
                poll_fn(|cx| {
                    assert!(shielded.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                // A cleanup that is not `Send` is a task of the worker where its guard is dropped.
                let note = log.clone();
                drop(local::defer(Rc::new(note), async |log: Rc<Log>| {
                    let home = here();
                    turns(3).await;
                    assert_eq!(here(), home);
                    log.note("local");
                }));
                drop(shielded);
                drop(outer);
            });
            task.await;
            assert_eq!(USER.get(), Some("main's"));
        });
        let log = log.take();
        assert_eq!(log[..2], ["inner", "between"]);
        let mut rest = log[2..].to_vec();
        rest.sort();
        assert_eq!(rest, ["local", "outer", "shielded"]);
    });
}

#[test]
fn a_value_of_the_loop_is_one_for_all_workers() {
    struct Value(Arc<AtomicUsize>);
    impl Drop for Value {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    check(|| {
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (mine, theirs) = (made.clone(), dropped.clone());
        workers(3).run(async move {
            let here = loop_local(|| {
                mine.fetch_add(1, Ordering::Relaxed);
                Value(theirs.clone())
            })
            .unwrap();
            let there =
                on_each(3, || Arc::as_ptr(&loop_local::<Value>(|| unreachable!("it exists")).unwrap()) as usize);
            for address in there.await {
                assert_eq!(address, Arc::as_ptr(&here) as usize);
            }
            // Made by all at once it is one as well; what was made in vain is dropped.
            let all = on_each(3, || Arc::as_ptr(&loop_local(|| Box::new(5_u8)).unwrap()) as usize).await;
            assert!(all.iter().all(|address| *address == all[0]));
        });
        assert_eq!((made.load(Ordering::Relaxed), dropped.load(Ordering::Relaxed)), (1, 1));
    });
}

#[test]
fn the_list_of_tasks_has_those_of_all_workers_that_may_cross_threads() {
    check(|| {
        workers(3).run(async {
            let there = on_each(3, || {
                let (shared, local) = (spawn(pending::<()>()), local::spawn(pending::<()>()));
                let ids = (shared.id(), local.id(), here());
                let local_ref = local.task_ref();
                local.detach();
                (shared, local_ref, ids)
            })
            .await;
            let outside = Handle::current();
            let injected = thread::spawn(move || outside.spawn(pending::<()>())).join().unwrap();
            let listed: HashSet<_> = all_tasks().iter().map(aio_core::TaskRef::id).collect();
            for (_, _, (shared, local, thread)) in &there {
                assert!(listed.contains(shared));
                assert_eq!(listed.contains(local), *thread == here());
            }
            assert!(listed.contains(&injected.id()) && listed.contains(&current_task().unwrap().id()));
            // Main, three shared ones, the local one of this worker, the one from outside.
            assert_eq!(listed.len(), 6);
            let in_order = all_tasks();
            assert!(in_order.is_sorted_by_key(aio_core::TaskRef::id));
        });
    });
}

#[test]
fn other_workers_go_on_between_two_runs() {
    check(|| {
        let mut event_loop = workers(2);
        let handle = event_loop.handle();
        let (sender, receiver) = mpsc::channel();
        let (from_first,) = event_loop
            .run_until_complete(async {
                let sender = sender.clone();
                elsewhere(move || {
                    local::spawn(async move {
                        turns(100).await;
                        sender.send("local task of the other worker").unwrap();
                    })
                    .detach();
                })
                .await;
                (local::spawn(async { 3 }),)
            })
            .unwrap();
        assert_eq!(receiver.recv().unwrap(), "local task of the other worker");
        let task = handle.spawn(async move {
            sender.send("spawned between two runs").unwrap();
            here()
        });
        assert_eq!(receiver.recv().unwrap(), "spawned between two runs");
        assert_ne!(block_on(task), here());
        // A local task of the caller's thread waits for the next run.
        assert!(!from_first.is_finished());
        assert_eq!(event_loop.run_until_complete(from_first).unwrap(), 3);
        event_loop.close();
        assert!(block_on(handle.spawn(async {}).join()).is_err());
    });
}

#[test]
fn no_thread_is_started_before_there_is_work_for_it() {
    check(|| {
        let handle = workers(8).run(async {
            turns(100).await;
            local::spawn(turns(10)).await;
            // One at a time is at home here.
            for _ in 0..100 {
                spawn(turns(3)).await;
            }
            if ENABLED {
                assert_eq!(count(Kind::Thread), 0);
            }
            Handle::current()
        });
        let report = format!("{handle:?}");
        assert_eq!(report.matches("not started").count(), 7, "{report}");
        workers(8).run(async {
            assert_eq!(on_each(2, here).await.len(), 2);
            if ENABLED {
                assert!((1..=7).contains(&count(Kind::Thread)));
            }
        });
        if ENABLED {
            assert_eq!(count(Kind::Thread), 0);
        }
    });
}

#[test]
fn the_report_of_a_loop_says_what_each_worker_is_at() {
    check(|| {
        let mut event_loop = workers(2);
        event_loop
            .run_until_complete(async {
                let handle = Handle::current();
                let occupied = occupy_other().await;
                let waiting: Vec<_> = (0..5).map(|_| spawn(pending::<()>())).collect();
                let report = format!("{handle:?}");
                assert!(report.starts_with("Handle { tasks: 7, injected: 0, closing: false"), "{report}");
                assert!(report.contains("Worker { state: Running, ring: 5, mail: 0, "), "{report}");
                turns(2).await;
                let report = format!("{handle:?}");
                assert_eq!(report.matches("state: Running, ring: 0, mail: 0").count(), 2, "{report}");
                drop((occupied, waiting));
                crew::wait_for(&handle, "Sleeping");
            })
            .unwrap();
        let one = EventLoop::new(ThreadPark::new());
        assert!(format!("{:?}", one.handle()).contains("[Worker { mail: 0, spawned: 0, ended: 0 }]"));
    });
}

#[test]
fn while_a_worker_is_blocked_in_place_the_others_go_on() {
    check(|| {
        workers(2).run(async {
            // What was ready before; what is woken meanwhile; what others spawn meanwhile.
            let (sender, receiver) = mpsc::channel();
            let theirs = sender.clone();
            let before = spawn(async move { theirs.send(here()).unwrap() });
            let there = block_in_place(|| receiver.recv().unwrap());
            assert_ne!(there, here());
            before.await;
            let (wakers, woken) = mpsc::channel::<Waker>();
            let mut asked = false;
            let theirs = sender.clone();
            let sleeper = spawn(poll_fn(move |cx| {
                if std::mem::replace(&mut asked, true) {
                    theirs.send(here()).unwrap();
                    return Poll::Ready(());
                }
                wakers.send(cx.waker().clone()).unwrap();
                Poll::Pending
            }));
            turns(2).await;
            let there = block_in_place(|| {
                woken.recv().unwrap().wake();
                // It may be nested.
                block_in_place(|| receiver.recv().unwrap())
            });
            assert_ne!(there, here());
            sleeper.await;
            let handle = Handle::current();
            block_in_place(|| {
                thread::spawn(move || handle.spawn(async move { sender.send(here()).unwrap() }).detach());
                assert_ne!(receiver.recv().unwrap(), here());
            });
            // A panic goes through it, and leaves nothing behind.
            let panic = catch_unwind(AssertUnwindSafe(|| block_in_place(|| panic!("oh")))).unwrap_err();
            assert_eq!(message(&*panic), "oh");
            spawn(turns(1)).await;
        });
        // It is a plain call where there is nobody else.
        assert_eq!(block_in_place(|| 1), 1);
        assert_eq!(run(async { block_in_place(|| 2) }), 2);
    });
}

#[test]
fn what_a_blocking_call_wakes_is_never_overlooked() {
    // The other worker is about to fall asleep again and again when the task that the call waits for is pushed.
    check(|| {
        workers(2).run(async {
            for _ in 0..3000 {
                let (sender, receiver) = mpsc::channel();
                let task = block_in_place(|| {
                    let task = spawn(async move { sender.send(()).unwrap() });
                    receiver.recv().unwrap();
                    task
                });
                task.await;
            }
        });
    });
}

#[test]
fn a_worker_runs_no_loop_and_blocks_on_nothing() {
    check(|| {
        workers(2).run(async {
            let panics = elsewhere(|| {
                [
                    catch_unwind(|| run(async {})).unwrap_err(),
                    catch_unwind(|| workers(2).run(async {})).unwrap_err(),
                    catch_unwind(|| block_on(async {})).unwrap_err(),
                ]
            })
            .await;
            let [run, with_workers, block_on] = panics.each_ref().map(|panic| message(&**panic));
            assert!(run.contains("inside of the loop that was started at "), "{run}");
            assert!(with_workers.contains("inside of the loop that was started at "), "{with_workers}");
            assert!(block_on.contains("would block the loop that was started at "), "{block_on}");
            assert!(
                [run, with_workers, block_on]
                    .iter()
                    .all(|text| text.contains("tests/common/crew.rs") || text.contains("tests/workers.rs"))
            );
        });
        let panic = catch_unwind(|| workers(0)).unwrap_err();
        assert_eq!(message(&*panic), "a loop needs a worker at least");
    });
}

#[test]
fn one_worker_is_a_loop_as_before() {
    check(|| {
        let home = here();
        let order = workers(1).run(async {
            let log = Log::default();
            let tasks: Vec<_> = (0..4)
                .map(|index| {
                    let log = log.clone();
                    spawn(async move {
                        log.note(index.to_string());
                        yield_now().await;
                        assert_eq!(here(), home);
                        log.note(index.to_string());
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
            log.take()
        });
        assert_eq!(order, ["0", "1", "2", "3", "0", "1", "2", "3"]);
    });
}

#[test]
fn a_task_that_is_woken_by_many_threads_at_once_runs_on_one_at_a_time() {
    check(|| {
        workers(3).run(async {
            let (inside, polls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
            let place = Arc::new(Mutex::new(None::<Waker>));
            let done = Arc::new(AtomicBool::new(false));
            let (theirs, waker, over, counted) = (inside.clone(), place.clone(), done.clone(), polls.clone());
            let task = spawn(poll_fn(move |cx| {
                assert!(!theirs.swap(true, Ordering::SeqCst), "two threads poll it");
                *waker.lock().unwrap() = Some(cx.waker().clone());
                let over = over.load(Ordering::SeqCst);
                counted.fetch_add(1, Ordering::Relaxed);
                theirs.store(false, Ordering::SeqCst);
                if over { Poll::Ready(()) } else { Poll::Pending }
            }));
            let wake = move |place: &Mutex<Option<Waker>>| {
                let waker = place.lock().unwrap().clone();
                waker.into_iter().for_each(Waker::wake);
            };
            while place.lock().unwrap().is_none() {
                yield_now().await;
            }
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let place = place.clone();
                    thread::spawn(move || (0..500).for_each(|_| wake(&place)))
                })
                .collect();
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let place = place.clone();
                    spawn(async move {
                        for _ in 0..500 {
                            wake(&place);
                            yield_now().await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await;
            }
            block_in_place(|| threads.into_iter().for_each(|thread| thread.join().unwrap()));
            done.store(true, Ordering::SeqCst);
            wake(&place);
            task.await;
            assert!((2..=3002).contains(&polls.load(Ordering::Relaxed)));
        });
    });
}
