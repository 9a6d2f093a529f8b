//! What `as_completed` promises: every output, as it comes.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, Pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_core::{Scope, defer, run, yield_now};
use aio_group::{AsCompleted, as_completed};
use futures_core::Stream;
use futures_lite::future::poll_once;

#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Parent {
    fn poll<F: Future>(self: &Arc<Self>, stream: &mut AsCompleted<F>) -> Poll<Option<F::Output>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(&self.clone().into()))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Children that are ready when they are told, and a list of who was polled.
#[derive(Default)]
struct Stage {
    polled: RefCell<Vec<usize>>,
    done: RefCell<Vec<bool>>,
    wakers: RefCell<Vec<Option<Waker>>>,
}

impl Stage {
    fn of(n: usize) -> Self {
        let (done, wakers) = (RefCell::new(vec![false; n]), RefCell::new(vec![None; n]));
        Self { polled: RefCell::default(), done, wakers }
    }

    fn children(&self) -> impl Iterator<Item = impl Future<Output = usize>> {
        (0..self.done.borrow().len()).map(move |index| {
            poll_fn(move |cx| {
                self.polled.borrow_mut().push(index);
                self.wakers.borrow_mut()[index] = Some(cx.waker().clone());
                if self.done.borrow()[index] { Poll::Ready(index) } else { Poll::Pending }
            })
        })
    }

    fn wake(&self, index: usize) {
        let waker = self.wakers.borrow()[index].clone();
        waker.expect("polled").wake();
    }

    fn finish(&self, index: usize) {
        self.done.borrow_mut()[index] = true;
        self.wake(index);
    }
}

async fn after<T>(yields: usize, output: T) -> T {
    for _ in 0..yields {
        yield_now().await;
    }
    output
}

#[test]
fn outputs_come_in_the_order_in_which_they_are_there() {
    leak_check(|| {
        run(async {
            let mut outputs = as_completed([3, 0, 2, 1, 0].into_iter().enumerate().map(|(n, turns)| after(turns, n)));
            let mut order = vec![];
            while let Some(output) = outputs.next().await {
                order.push(output);
            }
            // Those of the same turn in the order of the arguments.
            assert_eq!(order, [1, 4, 3, 2, 0]);
            assert_eq!(outputs.next().await, None);
        });
    });
}

#[test]
fn every_kind_of_collection_will_do() {
    leak_check(|| {
        run(async {
            assert_eq!(as_completed([after(0, 1)]).next().await, Some(1));
            assert_eq!(as_completed(vec![after(1, 2)]).next().await, Some(2));
            assert_eq!(as_completed(VecDeque::from([after(1, 3)])).next().await, Some(3));
            assert_eq!(as_completed(Vec::<Pending<()>>::new()).next().await, None);
            // Tasks are futures.
            let tasks = (0..3).map(|n| aio_core::spawn(after(9 - 3 * n, n)));
            let mut ended = as_completed(tasks).with_index();
            for n in (0..3).rev() {
                assert_eq!(ended.next().await, Some((n, n)));
            }
            // Both are streams.
            let mut indexed = as_completed([after(1, 'a'), after(0, 'b')]).with_index();
            let mut next = async || poll_fn(|cx| Pin::new(&mut indexed).poll_next(cx)).await;
            assert_eq!([next().await, next().await, next().await], [Some((1, 'b')), Some((0, 'a')), None]);
        });
    });
}

#[test]
fn all_are_begun_at_the_first_poll_and_not_before() {
    leak_check(|| {
        let (parent, stage) = (Arc::new(Parent::default()), Stage::of(4));
        let mut outputs = as_completed(stage.children());
        assert_eq!(*stage.polled.borrow(), []);
        stage.done.borrow_mut()[1] = true;
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(1)));
        assert_eq!(*stage.polled.borrow(), [0, 1, 2, 3]);
        assert!(parent.poll(&mut outputs).is_pending());
    });
}

#[test]
fn only_those_that_were_woken_are_polled_and_in_the_order_of_the_arguments() {
    leak_check(|| {
        let (parent, stage) = (Arc::new(Parent::default()), Stage::of(50));
        let mut outputs = as_completed(stage.children());
        assert!(parent.poll(&mut outputs).is_pending());
        stage.polled.take();

        // Three wakes of two children are one wake-up of the parent, and two polls.
        stage.wake(7);
        stage.finish(3);
        stage.wake(7);
        assert_eq!(parent.wakes(), 1);
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(3)));
        assert_eq!(stage.polled.take(), [3, 7]);

        // A poll that nobody asked for polls nobody, nor is one polled that has ended.
        stage.wake(3);
        assert!(parent.poll(&mut outputs).is_pending());
        assert!(parent.poll(&mut outputs).is_pending());
        assert_eq!(stage.polled.take(), []);

        // Ready at the same poll: in the order of the arguments; what comes later, later.
        for index in [30, 10, 20] {
            stage.finish(index);
        }
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(10)));
        stage.finish(0);
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(20)));
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(30)));
        assert_eq!(stage.polled.take(), [10, 20, 30]);
        assert_eq!(parent.poll(&mut outputs), Poll::Ready(Some(0)));
    });
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    leak_check(|| {
        let (first, second, stage) = (Arc::new(Parent::default()), Arc::new(Parent::default()), Stage::of(3));
        let mut outputs = as_completed(stage.children());
        assert!(first.poll(&mut outputs).is_pending());
        assert!(second.poll(&mut outputs).is_pending());
        stage.wake(2);
        assert_eq!((first.wakes(), second.wakes()), (0, 1));
    });
}

#[test]
fn one_that_wakes_itself_waits_for_the_next_poll() {
    leak_check(|| {
        let (parent, polls) = (Arc::new(Parent::default()), Cell::new(0));
        let mut outputs = as_completed([poll_fn(|cx| {
            polls.set(polls.get() + 1);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })]);
        for turns in 1..4 {
            assert!(parent.poll(&mut outputs).is_pending());
            assert_eq!((polls.get(), parent.wakes()), (turns, turns));
        }
    });
}

#[test]
fn its_size_is_known() {
    leak_check(|| {
        let stage = Stage::of(3);
        let mut outputs = as_completed(stage.children());
        assert_eq!(outputs.size_hint(), (3, Some(3)));
        *stage.done.borrow_mut() = vec![true, true, false];
        assert_eq!(Arc::new(Parent::default()).poll(&mut outputs), Poll::Ready(Some(0)));
        assert_eq!(outputs.size_hint(), (2, Some(2)));
        assert_eq!(outputs.with_index().size_hint(), (2, Some(2)));
    });
}

#[test]
fn a_next_that_is_dropped_loses_nothing() {
    leak_check(|| {
        run(async {
            let mut outputs = as_completed((0..5).map(|n| after(2 * n, n)));
            let (mut order, mut dropped) = (vec![], 0);
            while order.len() < 5 {
                match poll_once(pin!(outputs.next())).await {
                    Some(output) => order.push(output.unwrap()),
                    None => dropped += 1,
                }
            }
            assert_eq!((order, dropped), (vec![0, 1, 2, 3, 4], 4));
        });
    });
}

/// Half of the outputs are taken, and one is there and not taken.
#[test]
fn a_stream_that_is_dropped_leaves_the_cleanups_to_the_scope_around() {
    leak_check(|| {
        for n in [4, 100] {
            let cleaned = Arc::new(Mutex::new(vec![]));
            let child = |index: usize| {
                let cleaned = cleaned.clone();
                async move {
                    let _cleanup = defer((), async move |()| {
                        after(3, ()).await;
                        cleaned.lock().unwrap().push(index);
                    });
                    after(if index <= n / 2 { 1 } else { usize::MAX }, index).await
                }
            };
            run(async {
                let all = Scope::new(async {
                    let mut outputs = as_completed((0..n).map(child));
                    for index in 0..n / 2 {
                        assert_eq!(outputs.next().await, Some(index));
                    }
                    drop(outputs);
                    assert_eq!(*cleaned.lock().unwrap(), []);
                });
                all.await.unwrap();
                cleaned.lock().unwrap().sort_unstable();
                assert_eq!(*cleaned.lock().unwrap(), (0..n).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn after_a_panic_the_others_go_on() {
    leak_check(|| {
        run(async {
            let child = async |index| {
                yield_now().await;
                assert!(index != 1 && index != 3, "culprit {index}");
                index
            };
            let mut outputs = as_completed((0..5).map(child));
            let mut seen = vec![];
            loop {
                // By hand, since a panic must not go through the task.
                let next =
                    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut outputs).poll_next(cx))) {
                        Ok(poll) => poll.map(Ok),
                        Err(payload) => Poll::Ready(Err(*payload.downcast::<String>().unwrap())),
                    });
                match next.await {
                    Ok(Some(index)) => seen.push(format!("{index}")),
                    Ok(None) => break,
                    Err(message) => seen.push(message),
                }
            }
            // What was found before the panic comes after it.
            assert_eq!(seen, ["culprit 1", "0", "culprit 3", "2", "4"]);
        });
    });
}

/// Between the panic and the next poll another child is woken, when the queue of the woken is not empty any more.
#[test]
fn after_a_panic_no_wake_is_lost() {
    leak_check(|| {
        let (first, second) = (Arc::new(Parent::default()), Arc::new(Parent::default()));
        let wakers = RefCell::new(vec![]);
        let ready = Cell::new(false);
        let children: Vec<Pin<Box<dyn Future<Output = usize>>>> = vec![
            Box::pin(async {
                yield_now().await;
                panic!("culprit")
            }),
            Box::pin(poll_fn(|cx| {
                wakers.borrow_mut().push(cx.waker().clone());
                if ready.get() { Poll::Ready(1) } else { Poll::Pending }
            })),
        ];
        let mut outputs = as_completed(children);
        assert!(first.poll(&mut outputs).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| first.poll(&mut outputs))).is_err());
        let waker = wakers.borrow()[0].clone();
        waker.wake_by_ref();
        assert!(second.poll(&mut outputs).is_pending());
        ready.set(true);
        waker.wake();
        assert_eq!(second.wakes(), 1);
        assert_eq!(second.poll(&mut outputs), Poll::Ready(Some(1)));
        assert_eq!(second.poll(&mut outputs), Poll::Ready(None));
    });
}

struct Bomb(Arc<AtomicUsize>, bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        if self.1 {
            panic!("bomb");
        }
    }
}

#[test]
fn a_panic_in_dropping_a_child_goes_to_the_caller_and_everything_is_dropped_once() {
    leak_check(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let child = |index| {
            let bomb = Bomb(dropped.clone(), index == 1);
            async move {
                let _bomb = bomb;
                std::future::pending::<()>().await;
            }
        };
        let mut outputs = as_completed((0..5).map(child));
        assert!(Arc::new(Parent::default()).poll(&mut outputs).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(outputs))).is_err());
        assert_eq!(dropped.load(Ordering::Relaxed), 5);
    });
}

#[test]
fn wakers_may_outlive_the_stream_but_do_not_keep_the_caller() {
    leak_check(|| {
        let (parent, stage) = (Arc::new(Parent::default()), Stage::of(3));
        let mut outputs = as_completed(stage.children());
        assert!(parent.poll(&mut outputs).is_pending());
        drop(outputs);
        assert_eq!(Arc::strong_count(&parent), 1);
        stage.wake(1);
        assert_eq!(parent.wakes(), 0);
    });
}
