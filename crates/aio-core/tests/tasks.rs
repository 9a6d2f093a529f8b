//! Tasks: how they start, what they are called, how they end, and who is told.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::future::{pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use aio_core::{Builder, JoinError, OnExit, TaskRef, all_tasks, block_on, current_task, ready, run, yield_now};
use aio_timer::CancelScope;
use common::check;
use log::Log;

type Place<T> = Arc<Mutex<Option<T>>>;

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Notes the name once for each turn.
async fn noting(log: Log, name: &'static str, n: usize) {
    for _ in 0..n {
        log.note(name);
        yield_now().await;
    }
}

/// Waits until the waker that it leaves is woken.
async fn wait_in(place: Place<Waker>) {
    let mut first = true;
    poll_fn(|cx| {
        if !std::mem::take(&mut first) {
            return Poll::Ready(());
        }
        *place.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    })
    .await;
}

fn take(place: &Place<Waker>) -> Waker {
    place.lock().unwrap().take().expect("somebody waits")
}

/// The same tests for both homes.
macro_rules! in_both_homes {
    ($(fn $name:ident() $body:block)*) => {
        mod shared {
            use super::*;
            use aio_core::spawn;
            type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
            macro_rules! spawn_with_exit { ($b:expr, $f:expr, $e:expr) => { $b.spawn_with_exit($f, $e) } }
            macro_rules! build { ($b:expr, $f:expr) => { $b.spawn($f) } }
            $(#[test] fn $name() { check(|| $body) })*
        }
        mod local {
            use super::*;
            use aio_core::local::spawn;
            type BoxFuture = Pin<Box<dyn Future<Output = ()>>>;
            macro_rules! spawn_with_exit { ($b:expr, $f:expr, $e:expr) => { $b.spawn_local_with_exit($f, $e) } }
            macro_rules! build { ($b:expr, $f:expr) => { $b.spawn_local($f) } }
            $(#[test] fn $name() { check(|| $body) })*
        }
    };
}

/// How many tasks own each other in a row. A recursion would need more stack than there is in either case.
const CHAIN: usize = if cfg!(debug_assertions) { 30_000 } else { 1_000_000 };

/// Notes how the task ended, and passes it on.
struct Note(Log);

impl<T> OnExit<T> for Note {
    type Output = T;

    fn on_exit(self, outcome: Result<T, JoinError>) -> Result<T, JoinError> {
        self.0.note(match &outcome {
            Ok(_) => "finished",
            Err(error) if error.is_cancelled() => "cancelled",
            Err(_) => "panicked",
        });
        outcome
    }
}

/// Panics when told.
struct PanicOnExit;

impl<T> OnExit<T> for PanicOnExit {
    type Output = T;

    fn on_exit(self, _: Result<T, JoinError>) -> Result<T, JoinError> {
        panic!("exit")
    }
}

/// Notes that it was dropped.
struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

in_both_homes! {
    fn a_task_gives_its_output() {
        assert_eq!(run(async { spawn(async { 1 }).await + spawn(ready(2)).await }), 3);
    }

    fn a_task_begins_at_the_next_turn_after_what_is_ready() {
        let log = Log::default();
        run(async {
            let tasks = [spawn(noting(log.clone(), "a", 1)), spawn(noting(log.clone(), "b", 1))];
            log.note("main");
            for task in tasks {
                task.await;
            }
        });
        assert_eq!(log.take(), ["main", "a", "b"]);
    }

    fn tasks_take_turns_in_the_order_of_their_spawns() {
        let log = Log::default();
        run(async {
            let names = ["a", "b", "c"];
            let tasks = names.map(|name| spawn(noting(log.clone(), name, 3)));
            for task in tasks {
                task.await;
            }
        });
        assert_eq!(log.take(), ["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
    }

    fn tasks_run_in_the_order_of_their_wakes() {
        let log = Log::default();
        run(async {
            let places = [(); 4].map(|()| Place::default());
            let tasks: Vec<_> = places
                .iter()
                .zip(["a", "b", "c", "d"])
                .map(|(place, name)| {
                    let (place, log) = (place.clone(), log.clone());
                    spawn(async move {
                        wait_in(place).await;
                        log.note(name);
                    })
                })
                .collect();
            yield_now().await;
            for index in [2, 0, 3, 1] {
                let waker = take(&places[index]);
                // A second wake changes nothing.
                waker.wake_by_ref();
                waker.wake();
            }
            for task in tasks {
                task.await;
            }
        });
        assert_eq!(log.take(), ["c", "a", "d", "b"]);
    }

    fn the_awaiter_is_told_of_a_panic() {
        run(async {
            let error = spawn(async { panic!("text {}", current_task().is_some()) }).join().await.unwrap_err();
            assert!(error.is_panic() && !error.is_cancelled());
            assert_eq!(error.to_string(), "panicked: text true");
            assert_eq!(error.into_panic().downcast_ref(), Some(&String::from("text true")));
        });
    }

    fn a_panic_goes_on_in_the_awaiter() {
        run(async {
            let outer = spawn(async { spawn(async { panic!("inner") }).await });
            let error = outer.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"inner"));
        });
    }

    fn a_cancelled_task_drops_its_future_at_its_next_turn() {
        let log = Log::default();
        run(async {
            let theirs = Dropped(log.clone(), "dropped");
            let task = spawn(async move {
                let _theirs = theirs;
                pending::<()>().await;
            });
            yield_now().await;
            task.cancel();
            log.note("cancelled");
            let error = task.join().await.unwrap_err();
            assert!(error.is_cancelled() && !error.is_panic());
            assert_eq!(error.to_string(), "was cancelled");
            assert_eq!(error.try_into_panic().unwrap_err().to_string(), "was cancelled");
        });
        assert_eq!(log.take(), ["cancelled", "dropped"]);
    }

    fn a_task_cancelled_before_its_first_turn_does_not_begin() {
        run(async {
            let task = spawn(async { unreachable!() });
            task.cancel();
            task.cancel();
            let outcome: Result<(), _> = task.join().await;
            assert!(outcome.unwrap_err().is_cancelled());
        });
    }

    fn cancelling_a_finished_task_changes_nothing() {
        run(async {
            let task = spawn(ready(4));
            yield_now().await;
            assert!(task.is_finished());
            task.cancel();
            assert_eq!(task.join().await.unwrap(), 4);
        });
    }

    fn a_task_may_cancel_itself() {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            let task = spawn(async move {
                current_task().unwrap().cancel();
                theirs.note("goes on to the next await");
                yield_now().await;
                unreachable!()
            });
            assert!(task.join().await.unwrap_err().is_cancelled());
            // Without another await, the output is there and stays.
            let task = spawn(async {
                current_task().unwrap().cancel();
                5
            });
            assert_eq!(task.await, 5);
        });
        assert_eq!(log.take(), ["goes on to the next await"]);
    }

    fn dropping_a_task_cancels_it() {
        let log = Log::default();
        run(async {
            let theirs = Dropped(log.clone(), "dropped");
            drop(spawn(async move {
                let _theirs = theirs;
                pending::<()>().await;
            }));
            turns(2).await;
            assert_eq!(log.take(), ["dropped"]);
        });
    }

    fn awaiting_by_reference_does_not_cancel() {
        run(async {
            let mut task = spawn(async {
                turns(3).await;
                7
            });
            assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut task).poll(cx))).await.is_pending());
            turns(1).await;
            assert!(!task.is_finished());
            assert_eq!((&mut task).await, 7);
            assert!(task.is_finished());
        });
    }

    fn a_detached_task_goes_on_and_ends_with_the_loop() {
        let log = Log::default();
        run(async {
            let theirs = Dropped(log.clone(), "dropped");
            let notes = log.clone();
            spawn(async move {
                let _theirs = theirs;
                noting(notes, "turn", 2).await;
                pending::<()>().await;
            })
            .detach();
            turns(5).await;
            log.note("main");
        });
        assert_eq!(log.take(), ["turn", "turn", "main", "dropped"]);
    }

    fn an_unread_output_is_dropped_with_the_handle() {
        let log = Log::default();
        run(async {
            let output = Dropped(log.clone(), "output");
            let task = spawn(async move { output });
            turns(2).await;
            assert!(log.take().is_empty());
            drop(task);
            assert_eq!(log.take(), ["output"]);
            let output = Dropped(log.clone(), "output of a detached one");
            spawn(async move { output }).detach();
            turns(2).await;
            assert_eq!(log.take(), ["output of a detached one"]);
        });
    }

    fn a_handle_may_outlive_its_loop() {
        let log = Log::default();
        let output = Dropped(log.clone(), "output");
        let (unread, read, cut) = run(async {
            let unread = spawn(async move { output });
            let read = spawn(ready(3));
            turns(2).await;
            (unread, read, spawn(pending::<()>()))
        });
        assert!(unread.is_finished() && read.is_finished() && cut.is_finished());
        cut.cancel();
        assert!(block_on(cut.join()).unwrap_err().is_cancelled());
        // Also from inside of another loop.
        assert_eq!(run(read), 3);
        assert!(log.take().is_empty());
        drop(unread);
        assert_eq!(log.take(), ["output"]);
    }

    fn a_waker_may_outlive_its_task_and_its_loop() {
        let place = Place::default();
        run(async {
            let task = spawn(wait_in(place.clone()));
            turns(1).await;
            let waker = place.lock().unwrap().clone().unwrap();
            waker.wake_by_ref();
            task.await;
            waker.wake();
        });
        let waker = take(&place);
        waker.wake_by_ref();
        run(async { waker.wake_by_ref() });
        waker.wake();
    }

    fn the_last_awaiter_is_woken() {
        run(async {
            let place = Place::default();
            let mut task = spawn(wait_in(place.clone()));
            yield_now().await;
            let noop = &mut std::task::Context::from_waker(Waker::noop());
            assert!(task.poll_join(noop).is_pending());
            // From here on, this task is the awaiter.
            assert!(poll_fn(|cx| Poll::Ready(task.poll_join(cx))).await.is_pending());
            take(&place).wake();
            task.await;
        });
    }

    fn every_watcher_is_told_of_the_end() {
        let log = Log::default();
        run(async {
            let place = Place::default();
            let task = spawn(wait_in(place.clone()));
            let reference = task.task_ref();
            let watchers: Vec<_> = ["a", "b", "c"]
                .into_iter()
                .map(|name| {
                    let (log, reference) = (log.clone(), reference.clone());
                    spawn(async move {
                        reference.ended().await;
                        log.note(name);
                    })
                })
                .collect();
            // One that gives up.
            let given_up = spawn(reference.ended());
            yield_now().await;
            drop(given_up);
            turns(3).await;
            assert!(log.take().is_empty() && !reference.is_finished());
            take(&place).wake();
            for watcher in watchers {
                watcher.await;
            }
            assert_eq!(log.take(), ["a", "b", "c"]);
            assert!(reference.is_finished());
            reference.ended().await;
            task.await;
        });
    }

    fn the_end_is_seen_from_another_thread() {
        let log = Log::default();
        run(async {
            let place = Place::default();
            let task = spawn(wait_in(place.clone()));
            let reference = task.task_ref();
            let scope = CancelScope::new();
            let threads = [(); 3].map(|()| {
                let (reference, log, scope) = (reference.clone(), log.clone(), scope.clone());
                std::thread::spawn(move || {
                    let mut given_up = Box::pin(reference.ended());
                    _ = given_up.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
                    block_on(reference.ended());
                    drop(given_up);
                    log.note("ended");
                    scope.cancel();
                })
            });
            yield_now().await;
            take(&place).wake();
            scope.run(pending::<()>()).await.unwrap_err();
            task.await;
            for thread in threads {
                thread.join().unwrap();
            }
            std::thread::spawn(move || block_on(reference.ended())).join().unwrap();
        });
        assert_eq!(log.take(), ["ended"; 3]);
    }

    fn a_wait_for_the_end_may_move_between_threads() {
        // It is polled on another thread, and that poll's request is on its way when it is polled here.
        run(async {
            let place = Place::default();
            let task = spawn(wait_in(place.clone()));
            let mut ended = Box::pin(task.task_ref().ended());
            turns(1).await;
            let ended = std::thread::spawn(move || {
                assert!(ended.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
                ended
            })
            .join()
            .unwrap();
            let waker = spawn(async move {
                turns(3).await;
                take(&place).wake();
            });
            // In the same turn: the loop has not read its mail yet.
            ended.await;
            waker.await;
            task.await;
        });
    }

    fn a_task_is_cancelled_from_another_thread() {
        run(async {
            let task = spawn(pending::<()>());
            let reference = task.task_ref();
            let thread = std::thread::spawn(move || reference.cancel());
            assert!(task.join().await.unwrap_err().is_cancelled());
            thread.join().unwrap();
        });
    }

    fn a_reference_may_outlive_the_loop() {
        let reference = run(async { spawn(pending::<()>()).task_ref() });
        assert!(reference.is_finished());
        reference.cancel();
        block_on(reference.ended());
        std::thread::spawn(move || {
            reference.cancel();
            block_on(reference.ended());
        })
        .join()
        .unwrap();
    }

    fn a_task_knows_its_number_name_and_origin() {
        run(async {
            let line = Location::caller().line() + 1;
            let task = spawn(async { current_task().unwrap() });
            let reference = task.task_ref();
            assert_eq!(reference.id(), task.id());
            assert_eq!((reference.spawned_at().file(), reference.spawned_at().line()), (file!(), line));
            assert_eq!((reference.name(), task.name()), (None, None));
            assert_eq!(task.spawned_at(), reference.spawned_at());
            assert_eq!(reference.to_string(), format!("{} (spawned at {})", task.id(), reference.spawned_at()));
            let id = task.id();
            assert_eq!(task.await.id(), id);
            let named = build!(Builder::new().name("named"), async {});
            assert_eq!((named.name(), named.task_ref().name()), (Some("named"), Some("named")));
            assert!(named.id() > id);
            assert!(named.task_ref().to_string().starts_with("task `named` (Task-"));
            named.await;
        });
    }

    fn all_tasks_are_listed_in_the_order_of_their_spawns() {
        run(async {
            let main = current_task().unwrap();
            assert_eq!(main.name(), Some("main"));
            let one = spawn(pending::<()>());
            let two = aio_core::spawn(pending::<()>());
            let three = aio_core::local::spawn(pending::<()>());
            let ids: Vec<_> = all_tasks().iter().map(TaskRef::id).collect();
            assert_eq!(ids, [main.id(), one.id(), two.id(), three.id()]);
            one.cancel();
            yield_now().await;
            let ids: Vec<_> = all_tasks().iter().map(TaskRef::id).collect();
            assert_eq!(ids, [main.id(), two.id(), three.id()]);
        });
        assert!(all_tasks().is_empty());
        assert!(current_task().is_none());
    }

    fn the_exit_hook_is_told_how_the_task_ended() {
        let log = Log::default();
        run(async {
            let task = spawn_with_exit!(Builder::new(), ready(5), Note(log.clone()));
            assert_eq!(task.await, 5);
            let task = spawn_with_exit!(Builder::new(), pending::<()>(), Note(log.clone()));
            task.cancel();
            assert!(task.join().await.is_err());
            let task = spawn_with_exit!(Builder::new(), async { panic!("work") }, Note(log.clone()));
            assert!(task.join().await.is_err());
        });
        assert_eq!(log.take(), ["finished", "cancelled", "panicked"]);
    }

    fn a_panic_of_the_exit_hook_goes_to_the_awaiter() {
        run(async {
            let task = spawn_with_exit!(Builder::new(), ready(5), PanicOnExit);
            let error = task.join().await.unwrap_err();
            assert_eq!(error.into_panic().downcast_ref(), Some(&"exit"));
        });
    }

    fn the_exit_hook_may_drop_the_handle() {
        struct DropHandle<T>(Place<T>);
        impl<T> OnExit<()> for DropHandle<T> {
            type Output = Arc<()>;
            fn on_exit(self, _: Result<(), JoinError>) -> Result<Arc<()>, JoinError> {
                drop(self.0.lock().unwrap().take());
                Ok(Arc::new(()))
            }
        }
        run(async {
            let place = Place::default();
            let task = spawn_with_exit!(Builder::new(), ready(()), DropHandle(place.clone()));
            let reference = task.task_ref();
            *place.lock().unwrap() = Some(task);
            reference.ended().await;
            assert!(place.lock().unwrap().is_none());
        });
    }

    fn a_long_chain_of_tasks_ends_on_a_small_stack() {
        fn chain(left: usize, reached: Arc<AtomicUsize>) -> BoxFuture {
            Box::pin(async move {
                reached.fetch_add(1, Ordering::Relaxed);
                if left > 1 {
                    let _next = spawn(chain(left - 1, reached));
                    pending::<()>().await;
                }
            })
        }
        let small = std::thread::Builder::new().stack_size(256 << 10);
        let thread = small.spawn(|| {
            run(async {
                let reached = Arc::new(AtomicUsize::new(0));
                let head = spawn(chain(CHAIN, reached.clone()));
                while reached.load(Ordering::Relaxed) < CHAIN {
                    yield_now().await;
                }
                head.cancel();
                assert!(head.join().await.unwrap_err().is_cancelled());
                assert_eq!(all_tasks().len(), 1);
                // And one that nobody cancels but the loop.
                spawn(chain(1000, reached)).detach();
                turns(2000).await;
            });
        });
        thread.unwrap().join().unwrap();
    }
}

/// Eager tasks, in both homes.
mod eager {
    use super::*;

    macro_rules! in_both_homes {
        ($($(#[$attr:meta])* fn $name:ident() $body:block)*) => {
            mod shared {
                use super::*;
                macro_rules! start { ($f:expr) => { Builder::new().eager(true).spawn($f) } }
                $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
            }
            mod local {
                use super::*;
                macro_rules! start { ($f:expr) => { Builder::new().eager(true).spawn_local($f) } }
                $(#[test] $(#[$attr])* fn $name() { check(|| $body) })*
            }
        };
    }

    in_both_homes! {
        fn a_task_that_need_not_wait_is_done_when_spawn_returns() {
            run(async {
                let caller = current_task().unwrap().id();
                let task = start!(async { current_task().unwrap().id() });
                assert!(task.is_finished());
                assert_eq!(current_task().unwrap().id(), caller);
                let id = task.id();
                assert_eq!(task.await, id);
            });
        }

        fn a_task_that_waits_goes_on_like_any_other() {
            run(async {
                let task = start!(async {
                    yield_now().await;
                    7
                });
                assert!(!task.is_finished());
                assert_eq!(task.await, 7);
            });
        }

        fn its_first_turn_is_outside_of_the_scopes_of_the_caller() {
            let left = Arc::new(Mutex::new(Vec::new()));
            run(async {
                let scope = CancelScope::new();
                let outcome = scope.run(async {
                    let theirs = left.clone();
                    let task = start!(async move {
                        drop(aio_core::defer(theirs, async |left| {
                            yield_now().await;
                            left.lock().unwrap().push("cleanup");
                        }));
                        yield_now().await;
                    });
                    task.detach();
                    left.lock().unwrap().push("scope");
                });
                outcome.await.unwrap();
                // The scope had nothing to wait for: the cleanup is the task's.
                assert_eq!(*left.lock().unwrap(), ["scope"]);
            });
            assert_eq!(*left.lock().unwrap(), ["scope", "cleanup"]);
        }

        fn it_is_not_cancelled_for_the_reason_of_the_caller() {
            let seen = Arc::new(Mutex::new(Vec::new()));
            run(async {
                let theirs = seen.clone();
                let task = start!(async move {
                    let _guard = aio_core::defer(theirs, async |seen| {
                        let mine = aio_core::cancel_reason();
                        let (sender, receiver) = std::sync::mpsc::channel();
                        start!(async move { sender.send(aio_core::cancel_reason()).unwrap() }).detach();
                        seen.lock().unwrap().extend([mine, receiver.try_recv().unwrap()]);
                    });
                    pending::<()>().await;
                });
                task.cancel_with("mine");
                assert!(task.join().await.unwrap_err().is_cancelled());
            });
            assert_eq!(*seen.lock().unwrap(), [Some("mine".into()), None]);
        }

        fn a_panic_of_the_first_turn_is_how_it_ended() {
            run(async {
                let task = start!(async { panic!("oh") });
                let error: JoinError = task.join().await.map(|(): ()| ()).unwrap_err();
                assert!(error.is_panic());
            });
        }

        fn eager_tasks_nest() {
            run(async {
                let task = start!(async {
                    let inner = start!(async { 1 });
                    assert!(inner.is_finished());
                    inner.await + 1
                });
                assert!(task.is_finished());
                assert_eq!(task.await, 2);
            });
        }
    }
}
