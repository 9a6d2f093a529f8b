//! What users of asyncio look for and find under another name: stopping a loop, futures to be fulfilled, callbacks.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;

use aio::{Event, Handle, Lock, Queue, block_on, local, run, sleep, spawn, yield_now};
use aio_base::live::leak_check;

#[test]
fn a_thread_has_a_loop_only_while_it_runs_one() {
    leak_check(|| {
        assert!(Handle::try_current().is_none());
        run(async {
            assert!(Handle::try_current().is_some());
            assert!(thread::spawn(|| Handle::try_current().is_none()).join().unwrap());
        });
        assert!(Handle::try_current().is_none());
        assert!(block_on(async { Handle::try_current().is_none() }), "`block_on` is no loop");
    });
}

/// asyncio: `run_forever` and `stop`. The turn in which it is stopped is finished.
#[test]
fn a_run_goes_on_until_somebody_stops_it() {
    leak_check(|| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let mut runner = aio::Runner::new();
        let stop = Rc::new(local::Event::new());
        let (after,) = runner.run(async {
            let (stopper, theirs) = (stop.clone(), log.clone());
            local::spawn(async move {
                yield_now().await;
                stopper.set();
                theirs.borrow_mut().push("stopped");
            })
            .detach();
            let theirs = log.clone();
            let after = local::spawn(async move {
                yield_now().await;
                theirs.borrow_mut().push("of the same turn");
                yield_now().await;
                yield_now().await;
                theirs.borrow_mut().push("of the next run");
            });
            stop.wait().await;
            (after,)
        });
        assert_eq!(*log.borrow(), ["stopped", "of the same turn"]);
        runner.run(after);
        assert_eq!(log.borrow().last(), Some(&"of the next run"));
        runner.close();
    });
}

/// asyncio: `create_future`, `set_result`, `cancel`.
#[test]
fn a_queue_of_one_serves_as_a_future() {
    leak_check(|| {
        run(async {
            let future = Arc::new(Queue::bounded(1));
            let [cancelled, waiter] = [(); 2].map(|()| {
                let future = future.clone();
                spawn(async move { future.get().await })
            });
            yield_now().await;
            future.try_put(42).unwrap();
            drop(cancelled);
            assert_eq!(waiter.await, Ok(42), "a waiter that is cancelled loses nothing");

            // It is fulfilled once, and keeps its value until somebody comes for it.
            future.try_put(1).unwrap();
            assert!(future.try_put(2).unwrap_err().is_full());
            assert_eq!(future.get().await, Ok(1));

            // Given up: all who wait are told.
            let waiters = [(); 2].map(|()| {
                let future = future.clone();
                spawn(async move { future.get().await })
            });
            yield_now().await;
            future.close();
            for waiter in waiters {
                assert!(waiter.await.unwrap_err().is_closed());
            }
        });
    });
}

/// asyncio: `wrap_future`. It is woken from a thread that knows nothing of the loop.
#[test]
fn a_future_of_another_library_is_awaited_as_it_is() {
    leak_check(|| {
        run(async {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let task = spawn(receiver);
            yield_now().await;
            let thread = thread::spawn(move || sender.send(42).unwrap());
            assert_eq!(task.await, Ok(42));
            thread.join().unwrap();

            let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
            drop(sender);
            assert!(receiver.await.is_err());
        });
    });
}

/// asyncio warns when it is collected; here the compiler does, and nothing has happened.
#[test]
fn what_is_not_awaited_does_not_begin() {
    leak_check(|| {
        let held = Arc::new(());
        run(async {
            let theirs = held.clone();
            let work = async move {
                let _theirs = theirs;
                unreachable!("nobody awaits it");
            };
            drop::<std::pin::Pin<Box<dyn Future<Output = ()>>>>(Box::pin(work));
            assert_eq!(Arc::strong_count(&held), 1, "what it held is gone with it");
        });
    });
}

/// asyncio: `add_done_callback`, `remove_done_callback`.
#[test]
fn watchers_of_an_end_run_after_it_in_order_and_one_that_left_does_not() {
    leak_check(|| {
        run(async {
            let log = Rc::new(RefCell::new(Vec::new()));
            let event = Rc::new(local::Event::new());
            let theirs = event.clone();
            let task = local::spawn(async move { theirs.wait().await });
            let mut watchers: Vec<_> = (0..4)
                .map(|n| {
                    let (ended, log) = (task.task_ref().ended(), log.clone());
                    local::spawn(async move {
                        ended.await;
                        log.borrow_mut().push(n);
                    })
                })
                .collect();
            yield_now().await;
            drop(watchers.remove(1));
            event.set();
            task.await;
            assert_eq!(*log.borrow(), [], "its owner goes on first");
            for watcher in watchers {
                watcher.await;
            }
            assert_eq!(*log.borrow(), [0, 2, 3]);
        });
    });
}

/// asyncio: `call_soon_threadsafe` keeps the order of each caller.
#[test]
fn what_another_thread_spawns_begins_in_the_order_in_which_it_did() {
    leak_check(|| {
        run(async {
            let (handle, done) = (Handle::current(), Arc::new(Event::new()));
            let (log, lines) = mpsc::channel();
            let theirs = done.clone();
            let thread = thread::spawn(move || {
                for n in 0..100 {
                    let log = log.clone();
                    handle.spawn(async move { log.send(n).unwrap() }).detach();
                }
                handle.spawn(async move { theirs.set() }).detach();
            });
            done.wait().await;
            thread.join().unwrap();
            assert_eq!(lines.try_iter().collect::<Vec<_>>(), Vec::from_iter(0..100));
        });
    });
}

/// asyncio's primitives belong to one loop. Those of `aio::` are shared by any number.
#[test]
fn loops_of_several_threads_share_a_lock() {
    leak_check(|| {
        let total = Lock::new(0);
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    run(async {
                        for _ in 0..50 {
                            let mut total = total.lock().await;
                            let seen = *total;
                            sleep(std::time::Duration::ZERO).await;
                            *total = seen + 1;
                        }
                    });
                });
            }
        });
        assert_eq!(total.into_inner(), 100);
    });
}
