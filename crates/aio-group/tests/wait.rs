//! What `wait` promises: the tasks that have ended, and the others left alone. In both homes.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{Scope, Task, TaskHome, run, yield_now};
use aio_group::{Until, try_wait, wait};

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

/// Lets every task that is ready have so many turns.
async fn turns(n: usize) {
    after(n, ()).await;
}

async fn panics_after(yields: usize) -> usize {
    turns(yields).await;
    panic!("a task of the test")
}

fn ids<T, H: TaskHome>(tasks: &[Task<T, H>]) -> Vec<aio_core::TaskId> {
    tasks.iter().map(Task::id).collect()
}

async fn outputs<T, H: TaskHome>(tasks: Vec<Task<T, H>>) -> Vec<T> {
    let mut outputs = vec![];
    for task in tasks {
        assert!(task.is_finished());
        outputs.push(task.await);
    }
    outputs
}

#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Parent {
    fn poll<F: Future + Unpin>(self: &Arc<Self>, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.clone().into()))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same tests for both homes.
macro_rules! in_both_homes {
    ($(fn $name:ident() $body:block)*) => {
        mod shared {
            use super::*;
            use aio_core::spawn;
            $(#[test] fn $name() { leak_check(|| $body) })*
        }
        mod local {
            use super::*;
            use aio_core::local::spawn;
            $(#[test] fn $name() { leak_check(|| $body) })*
        }
    };
}

in_both_homes! {
    fn all_come_back_in_the_order_in_which_they_ended() {
        run(async {
            let mut tasks: Vec<_> = [9, 3, 6, 0].map(|n| spawn(after(n, n))).into();
            let ended = wait(&mut tasks, Until::AllCompleted).await;
            assert_eq!((outputs(ended).await, tasks.len()), (vec![0, 3, 6, 9], 0));
            // Those of the same turn end one after the other, too.
            let mut tasks: Vec<_> = [3, 0, 3, 0].into_iter().enumerate().map(|(n, t)| spawn(after(t, n))).collect();
            assert_eq!(outputs(wait(&mut tasks, Until::AllCompleted).await).await, [1, 3, 0, 2]);
        });
    }

    fn those_that_have_ended_before_come_first_and_in_their_order() {
        run(async {
            let mut tasks: Vec<_> = [5, 2, 0, 1, 7].map(|n| spawn(after(n, n))).into();
            turns(4).await;
            assert_eq!(tasks.iter().map(Task::is_finished).collect::<Vec<_>>(), [false, true, true, true, false]);
            assert_eq!(outputs(wait(&mut tasks, Until::AllCompleted).await).await, [2, 0, 1, 5, 7]);
        });
    }

    fn the_first_to_end_comes_and_the_others_stay_in_their_order() {
        run(async {
            let mut tasks: Vec<_> = [9, 3, 12, 6].map(|n| spawn(after(n, n))).into();
            let before = ids(&tasks);
            let ended = wait(&mut tasks, Until::FirstCompleted).await;
            assert_eq!(ids(&ended), [before[1]]);
            assert_eq!(ids(&tasks), [before[0], before[2], before[3]]);
            assert_eq!(outputs(ended).await, [3]);
            // Nobody was cancelled.
            for expected in [6, 9, 12] {
                assert_eq!(outputs(wait(&mut tasks, Until::FirstCompleted).await).await, [expected]);
            }
            assert_eq!(tasks.len(), 0);
        });
    }

    fn more_than_one_may_come_if_they_are_there() {
        run(async {
            let mut tasks: Vec<_> = [0, 9, 0].map(|n| spawn(after(n, n))).into();
            turns(3).await;
            assert_eq!(outputs(wait(&mut tasks, Until::FirstCompleted).await).await, [0, 0]);
            assert_eq!(tasks.len(), 1);
        });
    }

    fn a_panic_ends_the_wait_for_a_failure_and_stays_in_its_task() {
        run(async {
            let mut tasks = vec![spawn(after(0, 0)), spawn(panics_after(3)), spawn(after(usize::MAX, 2))];
            let ended = wait(&mut tasks, Until::FirstFailed).await;
            assert_eq!((ended.len(), tasks.len()), (2, 1));
            let mut ended = ended.into_iter();
            assert_eq!(ended.next().unwrap().await, 0);
            assert!(ended.next().unwrap().join().await.unwrap_err().is_panic());
            // One that had failed before.
            tasks.push(spawn(panics_after(0)));
            turns(2).await;
            let failed = wait(&mut tasks, Until::FirstFailed).await.pop().unwrap();
            assert!(failed.join().await.unwrap_err().is_panic());
            assert_eq!(tasks.len(), 1);
        });
    }

    fn one_that_is_cancelled_has_not_failed_but_has_ended() {
        run(async {
            let mut tasks = vec![spawn(after(9, 0)), spawn(after(usize::MAX, 1))];
            tasks[1].cancel();
            let ended = wait(&mut tasks, Until::FirstFailed).await;
            // The end of the other one was waited for.
            assert_eq!((ended.len(), tasks.len()), (2, 0));

            let mut tasks = vec![spawn(after(9, 0)), spawn(after(usize::MAX, 1))];
            tasks[1].cancel();
            let cancelled = wait(&mut tasks, Until::FirstCompleted).await.pop().unwrap();
            assert!(cancelled.join().await.unwrap_err().is_cancelled());
            assert_eq!(tasks.len(), 1);
        });
    }

    fn an_error_is_a_failure_to_try_wait_alone() {
        run(async {
            let job = async |n: usize| if after(n, n).await == 3 { Err(n) } else { Ok(n) };
            let mut tasks: Vec<_> = [9, 3, 0].map(|n| spawn(job(n))).into();
            let ended = try_wait(&mut tasks, Until::FirstFailed).await;
            assert_eq!((outputs(ended).await, tasks.len()), (vec![Ok(0), Err(3)], 1));

            let mut tasks: Vec<_> = [9, 3, 0].map(|n| spawn(job(n))).into();
            assert_eq!(outputs(wait(&mut tasks, Until::FirstFailed).await).await, [Ok(0), Err(3), Ok(9)]);

            let mut tasks = vec![spawn(async { panics_after(1).await; Ok::<_, ()>(()) }), spawn(pending())];
            assert_eq!(try_wait(&mut tasks, Until::FirstFailed).await.len(), 1);
        });
    }

    fn a_task_is_looked_at_only_when_it_has_ended() {
        run(async {
            let parent = Arc::new(Parent::default());
            let mut tasks: Vec<_> = [1, 1, 2].map(|n| spawn(after(n, n))).into();
            let mut all = wait(&mut tasks, Until::AllCompleted);
            assert!(parent.poll(&mut all).is_pending());
            turns(5).await;
            // One wake-up for all that end before the next poll.
            assert_eq!(parent.wakes(), 1);
            assert!(matches!(parent.poll(&mut all), Poll::Ready(ended) if ended.len() == 3));
        });
    }

    fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
        run(async {
            let (first, second) = (Arc::new(Parent::default()), Arc::new(Parent::default()));
            let mut tasks = vec![spawn(after(1, ()))];
            let mut all = wait(&mut tasks, Until::AllCompleted);
            assert!(first.poll(&mut all).is_pending());
            assert!(second.poll(&mut all).is_pending());
            turns(3).await;
            assert_eq!((first.wakes(), second.wakes()), (0, 1));
        });
    }

    fn dropping_it_loses_nothing() {
        run(async {
            let parent = Arc::new(Parent::default());
            let mut tasks: Vec<_> = [4, 1, 2].map(|n| spawn(after(n, n))).into();
            let before = ids(&tasks);
            let mut all = wait(&mut tasks, Until::AllCompleted);
            assert!(parent.poll(&mut all).is_pending());
            turns(3).await;
            // Some have ended, and it has seen that.
            assert!(parent.poll(&mut all).is_pending());
            drop(all);
            let wakes = parent.wakes();
            assert_eq!(ids(&tasks), before);
            turns(3).await;
            assert_eq!((parent.wakes(), Arc::strong_count(&parent)), (wakes, 1));
            assert_eq!(outputs(tasks).await, [4, 1, 2]);
        });
    }

    fn after_the_time_comes_what_has_ended_by_then() {
        run(async {
            // A time of zero is one turn.
            let mut tasks: Vec<_> = [9, 0, 0].map(|n| spawn(after(n, n))).into();
            let ended = wait(&mut tasks, Until::AllCompleted).timeout(Duration::ZERO).await;
            assert_eq!((outputs(ended).await, tasks.len()), (vec![0, 0], 1));
            let ended = wait(&mut tasks, Until::AllCompleted).timeout(Duration::ZERO).await;
            assert_eq!((ended.len(), tasks.len()), (0, 1));
            // Enough have ended before.
            let ended = wait(&mut tasks, Until::AllCompleted).timeout(Duration::MAX).await;
            assert_eq!((outputs(ended).await, tasks.len()), (vec![9], 0));
            // Nothing ends, and a timer fires.
            let mut tasks = vec![spawn(pending::<()>())];
            assert!(wait(&mut tasks, Until::FirstCompleted).timeout(Duration::from_millis(1)).await.is_empty());
            assert_eq!(tasks.len(), 1);
        });
    }

    fn a_task_that_is_dropped_after_the_wait_is_cancelled_as_ever() {
        run(async {
            let all = Scope::new(async {
                let mut tasks = vec![spawn(after(usize::MAX, ())), spawn(after(1, ()))];
                drop(wait(&mut tasks, Until::FirstCompleted).await);
            });
            all.await.unwrap();
            assert_eq!(aio_core::all_tasks().len(), 1);
        });
    }

    fn without_tasks_it_returns_at_once() {
        run(async {
            let parent = Arc::new(Parent::default());
            let mut tasks = vec![spawn(async {})];
            drop(wait(&mut tasks, Until::AllCompleted).await);
            for until in [Until::AllCompleted, Until::FirstCompleted, Until::FirstFailed] {
                assert!(matches!(parent.poll(&mut wait(&mut tasks, until)), Poll::Ready(ended) if ended.is_empty()));
            }
            assert!(wait(&mut tasks, Until::FirstCompleted).timeout(Duration::MAX).await.is_empty());
        });
    }

    fn one_whose_output_was_taken_is_a_task_that_has_ended() {
        run(async {
            let mut tasks = vec![spawn(after(1, 1)), spawn(after(1, 2))];
            assert_eq!((&mut tasks[1]).await, 2);
            let mut ended = wait(&mut tasks, Until::AllCompleted).await;
            assert_eq!(ended.len(), 2);
            assert!(!ended[1].failed(|_| true));
        });
    }
}

/// The tasks end on the thread of their loop while another thread waits for them.
#[test]
fn another_thread_may_wait() {
    leak_check(|| {
        for n in [1, 3, 200] {
            let (send, receive) = std::sync::mpsc::channel();
            let waiting = std::thread::spawn(move || {
                let mut tasks: Vec<Task<usize>> = receive.recv().unwrap();
                let mut sum = 0;
                while !tasks.is_empty() {
                    for task in aio_core::block_on(wait(&mut tasks, Until::FirstCompleted)) {
                        sum += aio_core::block_on(task);
                    }
                }
                sum
            });
            run(async {
                send.send((0..n).map(|i| aio_core::spawn(after(i % 5, i))).collect()).unwrap();
                // The loop goes on until they have ended; then it is asked for nothing more.
                while aio_core::all_tasks().len() > 1 {
                    yield_now().await;
                }
            });
            assert_eq!(waiting.join().unwrap(), (0..n).sum());
        }
    });
}

#[test]
fn it_is_send_in_the_home_of_tasks_that_are() {
    fn check<T: Send>(_: T) {}
    let mut tasks: Vec<Task<Cell<u8>>> = vec![];
    check(wait(&mut tasks, Until::AllCompleted));
    check(wait(&mut tasks, Until::AllCompleted).timeout(Duration::MAX));
}
