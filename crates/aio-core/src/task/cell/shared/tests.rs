//! Models of a task's end against who waits for it, cancels it or drops it on another thread.

use std::future::{pending, poll_fn};
use std::sync::Weak; // facade: of the loop's part for all threads
use std::task::{Context, Poll, Waker};

use aio_base::sync::atomic::{AtomicUsize, Ordering};
use aio_base::sync::{Arc, Mutex};
use aio_base::thread;

use crate::event_loop::Scheduler;
use crate::{EventLoop, Reason, ThreadPark, block_on, current, run, spawn, yield_now};

fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound.get_or_insert(3);
    model.check(test);
}

#[test]
fn a_task_that_completes_is_joined_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(async { 5 });
            let other = thread::spawn("", move || block_on(task.join())).unwrap();
            yield_now().await;
            other
        });
        assert_eq!(other.join().unwrap().unwrap(), 5);
    });
}

/// Either the output or the cancellation, and never neither.
#[test]
fn a_task_that_completes_is_cancelled_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(async {
                yield_now().await;
                5
            });
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel()).unwrap();
            match task.join().await {
                Ok(output) => assert_eq!(output, 5),
                Err(error) => assert!(error.is_cancelled()),
            }
            other
        });
        other.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_is_cancelled_on_another_thread() {
    model(|| {
        let other = run(async {
            let task = spawn(pending::<()>());
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel()).unwrap();
            assert!(task.join().await.unwrap_err().is_cancelled());
            other
        });
        other.join().unwrap();
    });
}

/// The output is dropped once, by the task or with the handle; loom sees whether it is leaked.
#[test]
fn a_task_that_completes_is_dropped_on_another_thread() {
    model(|| {
        let output = Arc::new(());
        let other = run(async {
            let theirs = output.clone();
            let task = spawn(async move { theirs });
            let other = thread::spawn("", move || drop(task)).unwrap();
            yield_now().await;
            other
        });
        other.join().unwrap();
        assert_eq!(Arc::strong_count(&output), 1);
    });
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

/// The part of the loop for all threads, to see whether it was freed: then all its cells were.
fn shared() -> Weak<Scheduler> {
    current::with_loop(|core| std::sync::Arc::downgrade(core.scheduler_arc())).unwrap()
}

fn assert_freed(shared: Weak<Scheduler>) {
    assert!(shared.upgrade().is_none(), "a cell was leaked");
}

/// Edges 1 to 3: the wake comes while the task is polled, when it is given up, and after that. The last waker goes with
/// it. What was written before it is visible to the poll.
#[test]
fn a_wake_from_another_thread_gives_one_more_turn() {
    model(|| {
        let data = Arc::new(AtomicUsize::new(0));
        let (other, loop_) = run(async {
            let other = Arc::new(Mutex::new(None));
            let (theirs, data) = (other.clone(), data.clone());
            spawn(async move {
                let written = data.clone();
                give_waker(move |waker| {
                    let wake = move || {
                        written.store(1, Ordering::Relaxed);
                        waker.wake();
                    };
                    *theirs.lock() = Some(thread::spawn("", wake).unwrap());
                })
                .await;
                assert_eq!(data.load(Ordering::Relaxed), 1);
            })
            .await;
            let other = other.lock().take();
            (other, shared())
        });
        other.unwrap().join().unwrap();
        assert_freed(loop_);
    });
}

/// Both write something before their wakes. The task may see the first while the second is about to find it scheduled
/// already.
#[test]
fn wakes_from_two_threads_are_both_seen() {
    model(|| {
        let data = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let others = run(async {
            let data = data.clone();
            let mut others = None;
            let task = spawn(poll_fn(move |cx| {
                let (data, waker) = (&data, cx.waker());
                others.get_or_insert_with(|| {
                    [0, 1].map(|index| {
                        let (waker, data) = (waker.clone(), data.clone());
                        let wake = move || {
                            data[index].store(1, Ordering::Relaxed);
                            waker.wake();
                        };
                        thread::spawn("", wake).unwrap()
                    })
                });
                let written = data.iter().all(|data| data.load(Ordering::Relaxed) == 1);
                if written { Poll::Ready(others.take()) } else { Poll::Pending }
            }));
            task.await
        });
        for other in others.unwrap() {
            other.join().unwrap();
        }
    });
}

/// Edge 4. The waker keeps the cell alive, and nothing else does in the end.
#[test]
fn a_wake_while_a_detached_task_completes_frees_it_once() {
    model(|| {
        let (other, loop_) = run(async {
            let other = spawn(async {
                let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
                thread::spawn("", move || waker.wake()).unwrap()
            });
            (other.await, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// Three give it up at the same time: the task, the owner of the handle, and who has the last waker.
#[test]
fn the_last_waker_the_handle_and_the_task_go_at_once() {
    model(|| {
        let (others, loop_) = run(async {
            let mut other = None;
            let (sender, give) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
            let theirs = give.clone();
            let task = spawn(poll_fn(move |cx| {
                let waker = cx.waker().clone();
                *theirs.lock() = Some(thread::spawn("", move || drop(waker)).unwrap());
                Poll::Ready(())
            }));
            other.replace(thread::spawn("", move || task.detach()).unwrap());
            yield_now().await;
            *sender.lock() = give.lock().take();
            let first = sender.lock().take();
            ([first, other], shared())
        });
        for other in others.into_iter().flatten() {
            other.join().unwrap();
        }
        assert_freed(loop_);
    });
}

/// The first waker is dropped or woken, the second is woken; or the end is seen at once.
#[test]
fn an_awaiter_that_changes_its_waker_is_woken() {
    model(|| {
        let (other, loop_) = run(async {
            let mut task = spawn(async { 5 });
            let wait = move || {
                let mut cx = Context::from_waker(Waker::noop());
                if let Poll::Ready(outcome) = task.poll_join(&mut cx) {
                    return outcome;
                }
                block_on(task.join())
            };
            let other = thread::spawn("", wait).unwrap();
            yield_now().await;
            (other, shared())
        });
        assert_eq!(other.join().unwrap().unwrap(), 5);
        assert_freed(loop_);
    });
}

/// An error that nobody takes is reported once, whoever finds that it is nobody's.
#[test]
fn a_task_that_fails_while_it_is_detached_is_reported_once() {
    model(|| {
        let reports = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)); // facade: the handler's own
        let count = reports.clone();
        let event_loop = EventLoop::new(ThreadPark::new()).on_failure(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        });
        let other = event_loop.run(async {
            let task = spawn(async { Err::<(), _>("wrong") });
            let other = thread::spawn("", move || task.try_detach()).unwrap();
            yield_now().await;
            other
        });
        other.join().unwrap();
        assert_eq!(reports.load(std::sync::atomic::Ordering::SeqCst), 1);
    });
}

/// The reason is that of one of the two, in all its parts: the text is never missing where it was first.
#[test]
fn of_two_who_cancel_a_task_one_has_said_why() {
    model(|| {
        let (other, loop_) = run(async {
            let task = spawn(pending::<()>());
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel_with("text")).unwrap();
            task.cancel_with(Reason::TimedOut);
            let reason = task.join().await.unwrap_err().reason().cloned().unwrap();
            assert!(reason == Reason::TimedOut || reason == Reason::from("text"), "{reason:?}");
            (other, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// The text is kept elsewhere than the bit that says so.
#[test]
fn who_is_cut_knows_what_was_said() {
    model(|| {
        let other = run(async {
            let task = spawn(async {
                yield_now().await;
                yield_now().await;
            });
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.cancel_with("text")).unwrap();
            if let Err(error) = task.join().await {
                assert_eq!(error.reason(), Some(&Reason::from("text")));
            }
            let left = current::with_loop(|core| core.scheduler().reasons.len()).unwrap();
            (other, left)
        });
        other.0.join().unwrap();
        assert_eq!(other.1, 0, "what was said is not kept for ever");
    });
}

/// Somebody begins to wait for the end, and stops, while it comes.
#[test]
fn a_watcher_may_give_up_while_the_task_completes() {
    model(|| {
        let (other, loop_) = run(async {
            let task = spawn(yield_now());
            let mut ended = Box::pin(task.task_ref().ended());
            let watch = move || _ = ended.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let other = thread::spawn("", watch).unwrap();
            task.await;
            (other, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}

/// Neither is the task lost, nor does it get a turn after its end.
#[test]
fn a_task_is_given_up_while_it_completes() {
    model(|| {
        let (other, loop_) = run(async {
            let task = spawn(yield_now());
            let reference = task.task_ref();
            let other = thread::spawn("", move || reference.give_up()).unwrap();
            if let Err(error) = task.join().await {
                assert_eq!(error.reason(), Some(&Reason::Shutdown));
            }
            (other, shared())
        });
        other.join().unwrap();
        assert_freed(loop_);
    });
}
