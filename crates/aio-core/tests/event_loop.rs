//! The loop: turns, wakes from other threads, and how it ends.

#![cfg(not(aio_loom))]

mod common;
#[path = "common/log.rs"]
mod log;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use aio_base::Deadline;
use aio_core::{Driver, EventLoop, ThreadPark, all_tasks, defer, local, loop_local, run, spawn, yield_now};
use aio_timer::CancelScope;
use common::check;
use log::Log;

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Notes when it is dropped.
struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

/// A driver that notes what the loop does with it.
struct Noting<D>(D, Log);

impl<D: Driver> Driver for Noting<D> {
    fn enter(&mut self) {
        self.1.note("enter");
        self.0.enter();
    }
    fn leave(&mut self) {
        self.0.leave();
        self.1.note("leave");
    }
    fn turn(&mut self) {
        self.1.note("turn");
        self.0.turn();
    }
    fn park(&mut self, deadline: Deadline) {
        self.1.note("park");
        self.0.park(deadline);
    }
    fn unparker(&self) -> Waker {
        self.0.unparker()
    }
}

#[test]
fn main_need_be_neither_send_nor_static() {
    check(|| {
        let text = String::from("borrowed");
        let shared = Rc::new(Cell::new(0));
        let output: Rc<&str> = run(async {
            yield_now().await;
            shared.set(1);
            Rc::new(&*text)
        });
        assert_eq!((*output, shared.get()), ("borrowed", 1));
    });
}

#[test]
fn a_loop_with_nothing_to_wait_for_never_parks() {
    check(|| {
        let log = Log::default();
        EventLoop::new(Noting(ThreadPark::new(), log.clone())).run(turns(3));
        // For `main`, and to end what is left.
        assert_eq!(log.take(), ["enter", "leave", "enter", "leave"]);
    });
}

#[test]
fn drivers_get_their_turn_while_tasks_are_ready() {
    check(|| {
        let log = Log::default();
        EventLoop::new(Noting(ThreadPark::new(), log.clone())).run(turns(1000));
        let log = log.take();
        let n_turns = log.iter().filter(|entry| *entry == "turn").count();
        assert!((5..=1000).contains(&n_turns), "{n_turns} turns");
        assert!(!log.contains(&String::from("park")));
    });
}

#[test]
fn a_wake_from_another_thread_ends_the_park() {
    check(|| {
        run(async {
            for _ in 0..100 {
                let mut thread = None;
                poll_fn(|cx| match thread.take() {
                    None => {
                        let waker = cx.waker().clone();
                        thread = Some(std::thread::spawn(move || waker.wake()));
                        Poll::Pending
                    }
                    Some(thread) => {
                        thread.join().unwrap();
                        Poll::Ready(())
                    }
                })
                .await;
            }
        });
    });
}

#[test]
fn many_threads_wake_many_tasks() {
    check(|| {
        run(async {
            let (tasks, wakers): (Vec<_>, Vec<_>) = (0..20)
                .map(|index| {
                    let (send, receive) = mpsc::channel::<Waker>();
                    let work = async move {
                        let mut left = 100;
                        poll_fn(|cx| {
                            if left == 0 {
                                return Poll::Ready(());
                            }
                            left -= 1;
                            send.send(cx.waker().clone()).unwrap();
                            Poll::Pending
                        })
                        .await;
                    };
                    let join: std::pin::Pin<Box<dyn Future<Output = ()>>> =
                        if index % 2 == 0 { Box::pin(spawn(work)) } else { Box::pin(local::spawn(work)) };
                    (join, receive)
                })
                .unzip();
            let threads: Vec<_> = wakers
                .into_iter()
                .map(|wakers| std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)))
                .collect();
            for task in tasks {
                task.await;
            }
            for thread in threads {
                thread.join().unwrap();
            }
        });
    });
}

#[test]
fn wakes_after_the_loop_is_gone_do_nothing() {
    check(|| {
        let (send, receive) = mpsc::channel::<Waker>();
        let (go, wait) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let wakers: Vec<_> = receive.into_iter().collect();
            wait.recv().unwrap();
            for waker in wakers {
                waker.clone().wake_by_ref();
                waker.wake();
            }
        });
        run(async {
            for index in 0..1000 {
                let send = send.clone();
                let work = poll_fn(move |cx| {
                    send.send(cx.waker().clone()).unwrap();
                    Poll::<()>::Pending
                });
                if index % 2 == 0 { spawn(work).detach() } else { local::spawn(work).detach() }
            }
            yield_now().await;
        });
        drop(send);
        go.send(()).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn wakes_while_the_loop_ends_are_harmless() {
    check(|| {
        for _ in 0..50 {
            let (send, receive) = mpsc::channel::<Waker>();
            let thread = std::thread::spawn(move || {
                for waker in receive {
                    waker.wake_by_ref();
                    waker.wake();
                }
            });
            run(async {
                for index in 0..20 {
                    let send = send.clone();
                    let work = async move {
                        let _guard = defer(send.clone(), async |send| {
                            send.send(poll_fn(|cx| Poll::Ready(cx.waker().clone())).await).unwrap();
                        });
                        poll_fn(|cx| {
                            send.send(cx.waker().clone()).unwrap();
                            Poll::<()>::Pending
                        })
                        .await;
                    };
                    if index % 2 == 0 { spawn(work).detach() } else { local::spawn(work).detach() }
                }
                yield_now().await;
            });
            drop(send);
            thread.join().unwrap();
        }
    });
}

#[test]
fn one_turn_runs_what_was_ready_when_it_began() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = log.clone();
            local::spawn(async move {
                theirs.note("first");
                let log = theirs.clone();
                local::spawn(async move { log.note("child") }).detach();
                yield_now().await;
                theirs.note("first again");
            })
            .detach();
            let theirs = log.clone();
            spawn(async move { theirs.note("second") }).detach();
            turns(5).await;
        });
        assert_eq!(log.take(), ["first", "second", "child", "first again"]);
    });
}

#[test]
fn a_task_that_yields_for_ever_starves_nobody() {
    check(|| {
        run(async {
            local::spawn(async {
                loop {
                    yield_now().await;
                }
            })
            .detach();
            let (send, receive) = mpsc::channel::<Waker>();
            let thread = std::thread::spawn(move || receive.into_iter().for_each(Waker::wake));
            // A task, and wakes from another thread.
            spawn(turns(100)).await;
            let mut left = 10;
            poll_fn(move |cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                send.send(cx.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
            thread.join().unwrap();
        });
    });
}

#[test]
fn main_may_be_woken_in_its_last_turn() {
    fn woken_and_done() -> impl Future<Output = ()> {
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        })
    }
    check(|| {
        run(woken_and_done());
        run(async {
            local::spawn(woken_and_done()).detach();
            spawn(woken_and_done()).detach();
            yield_now().await;
        });
    });
}

#[test]
fn the_loop_ends_in_order() {
    check(|| {
        let log = Log::default();
        run(async {
            let theirs = Dropped(log.clone(), "value of the loop");
            loop_local(|| theirs);
            for name in ["one", "two"] {
                let theirs = log.clone();
                spawn(async move {
                    let _guard = defer(theirs.clone(), async move |log: Log| {
                        log.note(format!("cleanup {name}"));
                        let theirs = log.clone();
                        // Ends by itself, in spite of being spawned by a cleanup.
                        spawn(async move { theirs.note(format!("child {name}")) }).await;
                        let theirs = Dropped(log.clone(), "cancelled later");
                        spawn(async move {
                            let _theirs = theirs;
                            pending::<()>().await;
                        })
                        .detach();
                    });
                    pending::<()>().await;
                })
                .detach();
            }
            yield_now().await;
            log.note("main");
        });
        log.note("returned");
        assert_eq!(
            log.take(),
            [
                "main",
                "cleanup one",
                "cleanup two",
                "child one",
                "child two",
                "cancelled later",
                "cancelled later",
                "value of the loop",
                "returned"
            ]
        );
    });
}

#[test]
fn a_panic_of_main_goes_on_after_the_loop_has_ended() {
    check(|| {
        let log = Log::default();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                let theirs = log.clone();
                spawn(async move {
                    let _guard = defer(theirs, async |log: Log| {
                        turns(3).await;
                        log.note("cleanup");
                    });
                    pending::<()>().await;
                })
                .detach();
                yield_now().await;
                panic!("main");
            });
        }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"main"));
        assert_eq!(log.take(), ["cleanup"]);
        // The thread is free for another loop.
        assert_eq!(run(async { 1 }), 1);
    });
}

#[test]
fn main_may_be_cancelled_by_a_task() {
    check(|| {
        let panic = catch_unwind(|| {
            run(async {
                let main = aio_core::current_task().unwrap();
                spawn(async move { main.cancel() }).detach();
                pending::<()>().await;
            });
        });
        let panic = panic.unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "the main task of the loop was cancelled");
    });
}

#[test]
fn loops_on_several_threads_know_nothing_of_each_other() {
    check(|| {
        let threads = [(); 4].map(|()| {
            std::thread::spawn(|| {
                run(async {
                    assert!(loop_local(|| Mutex::new(0)).is_some_and(|count| *count.lock().unwrap() == 0));
                    let tasks = [(); 50].map(|()| {
                        spawn(async {
                            turns(3).await;
                            *loop_local(|| Mutex::new(0)).unwrap().lock().unwrap() += 1;
                        })
                    });
                    assert_eq!(all_tasks().len(), 51);
                    for task in tasks {
                        task.await;
                    }
                    assert_eq!(*loop_local(|| Mutex::new(0)).unwrap().lock().unwrap(), 50);
                });
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn tasks_of_one_loop_are_awaited_in_another() {
    check(|| {
        let (send, receive) = mpsc::channel();
        let scope = CancelScope::new();
        let handle = scope.clone();
        let thread = std::thread::spawn(move || {
            run(async {
                send.send(spawn(async {
                    turns(5).await;
                    7
                }))
                .unwrap();
                handle.run(pending::<()>()).await.unwrap_err();
            });
        });
        let task = receive.recv().unwrap();
        let dropped = run(async {
            assert_eq!(task.await, 7);
            5
        });
        assert_eq!(dropped, 5);
        scope.cancel();
        thread.join().unwrap();
    });
}

#[test]
fn values_of_the_loop_are_made_once_and_dropped_last_first() {
    struct Second(#[expect(dead_code, reason = "dropped")] Dropped);
    check(|| {
        let log = Log::default();
        assert!(loop_local(|| 1).is_none());
        let configured = EventLoop::new(ThreadPark::new()).with_local(5_u64).with_local(6_u64);
        let kept = configured.run(async {
            assert_eq!(loop_local(|| 0_u64).as_deref(), Some(&6));
            let (first, second) = (Dropped(log.clone(), "first"), Dropped(log.clone(), "second"));
            loop_local(|| first);
            loop_local(|| Second(second));
            let again = loop_local(|| -> Dropped { unreachable!("it exists") }).unwrap();
            assert_eq!(again.1, "first");
            loop_local(|| String::from("kept")).unwrap()
        });
        // Whoever has it may keep it.
        assert_eq!(*kept, "kept");
        assert_eq!(log.take(), ["second", "first"]);
    });
}

#[test]
fn a_value_of_the_loop_may_use_the_loop_when_it_is_dropped() {
    struct SpawnOnDrop(Log);
    impl Drop for SpawnOnDrop {
        fn drop(&mut self) {
            let log = self.0.clone();
            spawn(async move {
                log.note("begun");
                let _guard = defer(log, async |log: Log| {
                    turns(2).await;
                    log.note("cleanup");
                });
                // Another value of the loop, made while it ends.
                loop_local(|| 5_u8);
                pending::<()>().await;
            })
            .detach();
            drop(defer(self.0.clone(), async |log: Log| {
                turns(2).await;
                log.note("own cleanup");
            }));
        }
    }
    check(|| {
        let log = Log::default();
        run(async {
            loop_local(|| SpawnOnDrop(log.clone()));
        });
        // What was spawned is cancelled before its first turn, as at any end of a loop.
        assert_eq!(log.take(), ["own cleanup"]);
    });
}

#[test]
fn a_panic_in_dropping_a_value_of_the_loop_comes_after_its_end() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("bomb");
        }
    }
    check(|| {
        let log = Log::default();
        let panic = catch_unwind(AssertUnwindSafe(|| {
            run(async {
                let theirs = Dropped(log.clone(), "dropped");
                loop_local(|| theirs);
                loop_local(|| Bomb);
            });
        }));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"bomb"));
        assert_eq!(log.take(), ["dropped"]);
        let panic = catch_unwind(|| {
            run(async {
                loop_local(|| Bomb);
                panic!("main");
            })
        });
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"main"));
    });
}

#[test]
fn a_thread_local_may_keep_what_belonged_to_a_loop() {
    thread_local! {
        static KEPT: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    check(|| {
        let thread = std::thread::spawn(|| {
            run(async {
                let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                let shared = Arc::new(spawn(async { 1 }));
                let local = local::spawn(pending::<()>());
                let ended = Box::pin(local.task_ref().ended());
                turns(2).await;
                KEPT.with_borrow_mut(|kept| {
                    kept.extend([
                        Box::new(waker) as _,
                        Box::new(shared) as _,
                        Box::new(local) as _,
                        Box::new(ended) as _,
                    ]);
                });
            });
        });
        thread.join().unwrap();
    });
}
