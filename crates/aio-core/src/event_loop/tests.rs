//! Models of a loop and another thread.

mod workers;

use std::future::{pending, poll_fn};
use std::sync::Weak; // facade: of the loop's part for all threads
use std::task::{Poll, Waker};

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::sync::{Arc, Mutex};
use aio_base::thread::{self, JoinHandle};

use super::Scheduler;
use crate::{TaskRef, block_on, current, local, run, spawn, yield_now};

/// With threads that are not in each other's way for long, a few preemptions show every race; without a limit, the park
/// of the loop alone has too many schedules.
fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(2);
    model.check(test);
}

fn start<T: Send + 'static>(main: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn("", main).unwrap()
}

/// The part of the loop for all threads, to see whether it was freed: then all its cells were.
fn shared() -> Weak<Scheduler> {
    current::with_loop(|core| std::sync::Arc::downgrade(core.scheduler_arc())).unwrap()
}

fn assert_freed(shared: Weak<Scheduler>) {
    assert!(shared.upgrade().is_none(), "a cell was leaked");
}

async fn waker() -> Waker {
    poll_fn(|cx| Poll::Ready(cx.waker().clone())).await
}

/// Pending until it is woken. The first poll gives the waker away.
async fn give_waker(to: impl FnOnce(Waker)) {
    let mut to = Some(to);
    poll_fn(|cx| match to.take() {
        Some(to) => {
            to(cx.waker().clone());
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}

/// The wake comes before, while and after the loop decides to park. What was written before it is visible to the poll.
#[test]
fn a_wake_from_another_thread_ends_the_park() {
    model(|| {
        let data = Arc::new(AtomicUsize::new(0));
        let (other, loop_) = run(async {
            let mut other = None;
            give_waker(|waker| {
                let theirs = data.clone();
                other = Some(start(move || {
                    theirs.store(1, Ordering::Relaxed);
                    waker.wake();
                }));
            })
            .await;
            assert_eq!(data.load(Ordering::Relaxed), 1);
            (other, shared())
        });
        other.unwrap().join().unwrap();
        assert_freed(loop_);
    });
}

/// A task that has already been asked for is asked for again, while it is polled: the second wake must not take the
/// first one's bit for its own and go unseen.
#[test]
fn wakes_from_two_threads_are_both_seen() {
    model(|| {
        let data = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let (others, loop_) = run(async {
            let mut others = None;
            poll_fn(|cx| {
                others.get_or_insert_with(|| {
                    [0, 1].map(|index| {
                        let (waker, data) = (cx.waker().clone(), data.clone());
                        start(move || {
                            data[index].store(1, Ordering::Relaxed);
                            waker.wake();
                        })
                    })
                });
                let written = data.iter().all(|data| data.load(Ordering::Relaxed) == 1);
                if written { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            (others, shared())
        });
        for other in others.unwrap() {
            other.join().unwrap();
        }
        assert_freed(loop_);
    });
}

/// The thread asks a second time, mostly before the first one was answered, and drops the last reference but that of
/// the mail: the answer, which then need not be a locked operation, lets the poll see what was written before the
/// second wake.
#[test]
fn what_was_written_before_a_second_wake_is_seen() {
    model(|| {
        let (other, loop_) = run(async {
            // Not the main task, to which the loop refers.
            let task = local::spawn(async {
                let data = Arc::new(AtomicUsize::new(0));
                let mut other = None;
                // The data is not looked at before: the model would not show the old value a second time.
                give_waker(|waker| {
                    let data = data.clone();
                    other = Some(start(move || {
                        waker.wake_by_ref();
                        data.store(1, Ordering::Relaxed);
                        waker.wake();
                    }));
                })
                .await;
                poll_fn(|_| if data.load(Ordering::Relaxed) == 1 { Poll::Ready(()) } else { Poll::Pending }).await;
                other
            });
            (task.await, shared())
        });
        other.unwrap().join().unwrap();
        assert_freed(loop_);
    });
}

/// Two threads wake a task each: who finds the other's mail leaves it to that one to end the park.
#[test]
fn tasks_woken_by_two_threads_both_run() {
    model(|| {
        let (others, loop_) = run(async {
            let tasks = [(); 2].map(|()| {
                local::spawn(async {
                    let mut other = None;
                    give_waker(|waker| other = Some(start(move || waker.wake()))).await;
                    other
                })
            });
            let mut others = Vec::new();
            for task in tasks {
                others.extend(task.await);
            }
            (others, shared())
        });
        for other in others {
            other.join().unwrap();
        }
        assert_freed(loop_);
    });
}

/// The other thread wakes and drops the last waker while the task completes, the loop takes stock of its cells, and
/// ends.
#[test]
fn a_wake_while_the_loop_ends_frees_the_cell_once() {
    model(|| {
        let (other, loop_) = run(async {
            let waker = waker().await;
            (start(move || waker.wake()), shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// As above, with a task beside the main one, and a second count to give up.
#[test]
fn wakers_dropped_while_their_task_completes_free_the_cell_once() {
    model(|| {
        let (other, loop_) = run(async {
            let other = local::spawn(async {
                let wakers = (waker().await, waker().await);
                start(move || {
                    drop(wakers.0);
                    wakers.1.wake_by_ref();
                })
            });
            (other.await, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// The loop's thread counts none when the task completes: what it has given away it got back, or its like. All that
/// keeps the cell is a waker which the other thread has made, and which it is about to drop.
#[test]
fn a_waker_cloned_on_another_thread_keeps_the_cell() {
    model(|| {
        let back = Arc::new(Mutex::new(None));
        let (other, loop_) = run(async {
            let spare = waker().await;
            let mut other = None;
            give_waker(|waker| {
                let back = back.clone();
                other = Some(start(move || {
                    let clone = waker.clone();
                    *back.lock() = Some(waker);
                    drop(spare);
                    clone.wake();
                }));
            })
            .await;
            drop(back.lock().take());
            (other, shared())
        });
        other.unwrap().join().unwrap();
        assert_freed(loop_);
    });
}

#[test]
fn a_local_task_is_cancelled_from_another_thread() {
    model(|| {
        let (other, loop_) = run(async {
            let task = local::spawn(pending::<()>());
            let reference = task.task_ref();
            let other = start(move || reference.cancel());
            assert!(task.join().await.unwrap_err().is_cancelled());
            (other, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// The other thread waits for the end of `task` while that comes about, and the end of the loop with it.
async fn end_seen_elsewhere(task: TaskRef) -> JoinHandle<()> {
    start(move || block_on(task.ended()))
}

#[test]
fn the_end_of_a_local_task_is_seen_on_another_thread() {
    model(|| {
        let (other, loop_) = run(async {
            let task = local::spawn(yield_now());
            (end_seen_elsewhere(task.task_ref()).await, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

#[test]
fn the_end_of_a_task_is_seen_on_another_thread() {
    model(|| {
        let (other, loop_) = run(async {
            let task = spawn(yield_now());
            (end_seen_elsewhere(task.task_ref()).await, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// The other thread asks to be told, and changes its mind.
#[test]
fn a_watcher_on_another_thread_may_give_up() {
    model(|| {
        let (other, loop_) = run(async {
            let task = local::spawn(yield_now());
            let mut ended = Box::pin(task.task_ref().ended());
            let other = start(move || _ = ended.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())));
            (other, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// The spawn comes before, while and after the loop ends. Either the task runs, or it is cancelled; in both cases it
/// has ended when the loop has, and its future is dropped.
#[test]
fn a_task_spawned_on_another_thread_runs_or_is_cancelled() {
    model(|| {
        let held = std::sync::Arc::new(());
        let theirs = held.clone();
        let (other, loop_) = run(async move {
            let handle = crate::Handle::current();
            (start(move || handle.spawn(async move { drop(theirs) })), shared())
        });
        let task = other.join().unwrap();
        assert!(task.is_finished());
        assert_eq!(std::sync::Arc::strong_count(&held), 1);
        drop(task);
        assert_freed(loop_);
    });
}

/// Another thread spawns a task, and cancels it while the loop takes it over.
#[test]
fn a_task_spawned_on_another_thread_is_cancelled_there() {
    model(|| {
        let (other, loop_) = run(async {
            let handle = crate::Handle::current();
            let other = start(move || {
                let task = handle.spawn(pending::<()>());
                task.cancel_with("enough");
                block_on(task.join()).unwrap_err().reason().cloned().unwrap()
            });
            (other, shared())
        });
        let reason = other.join().unwrap();
        assert!(matches!(reason, crate::Reason::Other(_) | crate::Reason::Shutdown), "{reason:?}");
        assert_freed(loop_);
    });
}
