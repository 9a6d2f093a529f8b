//! What `gather` promises, on tuples, arrays and vectors, few and many.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_group::gather;
use futures_lite::future::{block_on, yield_now};

/// Above the number up to which all children are polled at each wake-up.
const MANY: usize = 40;

#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Parent {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn poll<F: Future>(self: &Arc<Self>, future: &mut Pin<Box<F>>) -> Poll<F::Output> {
        future.as_mut().poll(&mut Context::from_waker(&self.clone().into()))
    }
}

/// A child that keeps its waker, counts its polls, and is ready when it is told.
#[derive(Clone, Default)]
struct Remote(Rc<RemoteState>);

#[derive(Default)]
struct RemoteState {
    polls: Cell<usize>,
    done: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Remote {
    fn future(&self) -> impl Future<Output = usize> + use<> {
        let state = self.0.clone();
        poll_fn(move |cx| {
            state.polls.set(state.polls.get() + 1);
            *state.waker.borrow_mut() = Some(cx.waker().clone());
            if state.done.get() { Poll::Ready(state.polls.get()) } else { Poll::Pending }
        })
    }

    fn wake(&self) {
        let waker = self.0.waker.borrow().clone();
        waker.expect("polled").wake();
    }

    fn finish(&self) {
        self.0.done.set(true);
        self.wake();
    }
}

fn remotes(n: usize) -> Vec<Remote> {
    (0..n).map(|_| Remote::default()).collect()
}

fn polls(remotes: &[Remote]) -> Vec<usize> {
    remotes.iter().map(|remote| remote.0.polls.get()).collect()
}

/// Counts how often it is dropped.
#[derive(Debug)]
struct Counted(Rc<Cell<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn outputs_come_in_the_order_of_the_arguments() {
    leak_check(|| {
        block_on(async {
            let late = async {
                yield_now().await;
                yield_now().await;
                1
            };
            assert_eq!(gather((late, async { "two" }, ready(3.0))).await, (1, "two", 3.0));
            let nth = async |n: usize| {
                for _ in 0..n % 3 {
                    yield_now().await;
                }
                n
            };
            assert_eq!(gather([nth(2), nth(1), nth(0)]).await, [2, 1, 0]);
            assert_eq!(gather(std::array::from_fn::<_, MANY, _>(nth)).await, std::array::from_fn::<_, MANY, _>(|n| n));
            for n in [1, 2, 32, 33, 1000] {
                assert_eq!(gather((0..n).map(nth).collect::<Vec<_>>()).await, (0..n).collect::<Vec<_>>());
            }
        });
    });
}

#[test]
fn twelve_futures_of_different_types_can_be_gathered() {
    leak_check(|| {
        let (a, b, c) = (ready(1u8), ready("b"), async { 'c' });
        let all = gather((
            a,
            b,
            c,
            ready(4u16),
            ready(5u32),
            ready(6u64),
            ready(7i8),
            ready(8i16),
            ready(9i32),
            ready(10i64),
            ready(()),
            ready(12.0),
        ));
        let expected = (1, "b", 'c', 4, 5, 6, 7, 8, 9, 10, (), 12.0);
        assert_eq!(block_on(all), expected);
    });
}

#[test]
fn an_empty_gather_is_ready_at_once() {
    let parent = Arc::new(Parent::default());
    assert_eq!(parent.poll(&mut Box::pin(gather(Vec::<std::future::Pending<u8>>::new()))), Poll::Ready(vec![]));
    assert_eq!(parent.poll(&mut Box::pin(gather([] as [std::future::Pending<u8>; 0]))), Poll::Ready([]));
}

#[test]
fn an_error_is_an_output_like_any_other() {
    leak_check(|| {
        let fail = async |n: usize| if n == 1 { Err("one") } else { Ok(n) };
        assert_eq!(block_on(gather([fail(0), fail(1), fail(2)])), [Ok(0), Err("one"), Ok(2)]);
    });
}

#[test]
fn children_may_borrow_from_the_caller() {
    leak_check(|| {
        block_on(async {
            let words = ["a".to_owned(), "bc".to_owned()];
            let total = Cell::new(0);
            let add = async |word: &String| total.set(total.get() + word.len());
            gather(words.iter().map(add).collect::<Vec<_>>()).await;
            assert_eq!(total.get(), 3);
        });
    });
}

#[test]
fn a_gather_is_send_if_its_children_are() {
    fn check<T: Send>(_: T) {}
    let child = async || {
        yield_now().await;
        1
    };
    check(gather((child(), child())));
    check(gather([child(), child()]));
    check(gather(vec![child(), child()]));
}

#[test]
fn of_many_only_those_that_were_woken_are_polled() {
    leak_check(|| {
        let (parent, remotes) = (Arc::new(Parent::default()), remotes(MANY));
        let mut all = Box::pin(gather(remotes.iter().map(Remote::future).collect::<Vec<_>>()));
        assert!(parent.poll(&mut all).is_pending());
        assert_eq!(polls(&remotes), [1; MANY]);

        // Three wakes of two children are one wake-up of the parent, and two polls.
        remotes[7].wake();
        remotes[3].wake();
        remotes[7].wake();
        assert_eq!(parent.wakes(), 1);
        assert!(parent.poll(&mut all).is_pending());
        let mut expected = [1; MANY];
        (expected[3], expected[7]) = (2, 2);
        assert_eq!(polls(&remotes), expected);

        // A poll that nobody asked for polls nobody.
        assert!(parent.poll(&mut all).is_pending());
        assert_eq!(polls(&remotes), expected);

        // Nor is one that has ended polled again, however often it is woken.
        remotes[3].finish();
        assert!(parent.poll(&mut all).is_pending());
        remotes[3].wake();
        assert!(parent.poll(&mut all).is_pending());
        expected[3] = 3;
        assert_eq!(polls(&remotes), expected);

        for remote in &remotes {
            remote.finish();
        }
        assert_eq!(parent.poll(&mut all).map(|outputs| outputs.into_iter().sum()), Poll::Ready(MANY * 2 + 2));
        assert_eq!(parent.wakes(), 4);
    });
}

#[test]
fn many_are_polled_in_the_order_of_their_wakes() {
    leak_check(|| {
        let (log, parent) = (RefCell::new(vec![]), Arc::new(Parent::default()));
        let wakers = RefCell::new(vec![]);
        let child = |n: usize| {
            let (log, wakers) = (&log, &wakers);
            poll_fn(move |cx| {
                wakers.borrow_mut().push(cx.waker().clone());
                log.borrow_mut().push(n);
                Poll::<()>::Pending
            })
        };
        let mut all = Box::pin(gather((0..MANY).map(child).collect::<Vec<_>>()));
        assert!(parent.poll(&mut all).is_pending());
        log.borrow_mut().clear();
        let wakers = wakers.take();
        for n in [9, 2, 30, 2, 1] {
            wakers[n].wake_by_ref();
        }
        assert!(parent.poll(&mut all).is_pending());
        assert_eq!(*log.borrow(), [9, 2, 30, 1]);
    });
}

#[test]
fn one_that_wakes_itself_waits_for_the_next_poll() {
    leak_check(|| {
        for n in [2, MANY] {
            let parent = Arc::new(Parent::default());
            let restless = (0..n).map(|_| {
                poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    Poll::<()>::Pending
                })
            });
            let mut all = Box::pin(gather(restless.collect::<Vec<_>>()));
            for wakes in 1..4 {
                assert!(parent.poll(&mut all).is_pending());
                // Many share one wake-up; a few pass each of theirs on.
                assert_eq!(parent.wakes(), if n > 32 { wakes } else { wakes * n });
            }
        }
    });
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    leak_check(|| {
        let (first, second) = (Arc::new(Parent::default()), Arc::new(Parent::default()));
        let remotes = remotes(MANY);
        let mut all = Box::pin(gather(remotes.iter().map(Remote::future).collect::<Vec<_>>()));
        assert!(first.poll(&mut all).is_pending());
        assert!(second.poll(&mut all).is_pending());
        remotes[0].wake();
        assert_eq!((first.wakes(), second.wakes()), (0, 1));
    });
}

#[test]
fn wakers_may_outlive_the_gather_but_do_not_keep_the_caller() {
    leak_check(|| {
        let (parent, remotes) = (Arc::new(Parent::default()), remotes(MANY));
        let mut all = Box::pin(gather(remotes.iter().map(Remote::future).collect::<Vec<_>>()));
        assert!(parent.poll(&mut all).is_pending());
        drop(all);
        assert_eq!(Arc::strong_count(&parent), 1);
        remotes[1].wake();
        remotes[2].wake();
        assert_eq!(parent.wakes(), 0);

        // The last one is dropped on another thread.
        let waker = remotes[0].0.waker.take().unwrap();
        drop(remotes);
        std::thread::spawn(move || waker.wake()).join().unwrap();
    });
}

#[test]
fn children_that_wake_each_other_while_they_are_dropped_do_not_wake_the_caller() {
    struct WakeOnDrop(Rc<RefCell<Vec<Waker>>>);
    impl Future for WakeOnDrop {
        type Output = ();
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            self.0.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        }
    }
    impl Drop for WakeOnDrop {
        fn drop(&mut self) {
            self.0.borrow().iter().for_each(Waker::wake_by_ref);
        }
    }
    leak_check(|| {
        let (parent, wakers) = (Arc::new(Parent::default()), Rc::default());
        let mut all = Box::pin(gather((0..MANY).map(|_| WakeOnDrop(Rc::clone(&wakers))).collect::<Vec<_>>()));
        assert!(parent.poll(&mut all).is_pending());
        drop(all);
        assert_eq!(parent.wakes(), 0);
    });
}

#[test]
fn a_half_done_gather_drops_outputs_and_futures_once() {
    leak_check(|| {
        for n in [3, MANY] {
            let (outputs, futures) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let child = |index| {
                let (output, future) = (Counted(outputs.clone()), Counted(futures.clone()));
                async move {
                    let _future = future;
                    if index % 2 == 0 {
                        std::future::pending::<()>().await;
                    }
                    output
                }
            };
            let mut all = Box::pin(gather((0..n).map(child).collect::<Vec<_>>()));
            assert!(Arc::new(Parent::default()).poll(&mut all).is_pending());
            assert_eq!((outputs.get(), futures.get()), (0, n / 2));
            drop(all);
            assert_eq!((outputs.get(), futures.get()), (n, n));

            // Never polled.
            drop(gather((0..n).map(child).collect::<Vec<_>>()));
            assert_eq!((outputs.get(), futures.get()), (2 * n, 2 * n));
        }
    });
}

#[test]
fn outputs_without_size_with_niches_and_with_large_alignment_arrive_whole() {
    leak_check(|| {
        #[derive(Debug, Clone, PartialEq)]
        #[repr(align(128))]
        struct Aligned(u8);

        fn check<T: Clone + PartialEq + std::fmt::Debug>(value: T) {
            for n in [2, 33] {
                let child = || {
                    let value = value.clone();
                    async move {
                        yield_now().await;
                        value
                    }
                };
                let outputs = block_on(gather((0..n).map(|_| child()).collect::<Vec<_>>()));
                assert_eq!(outputs, vec![value.clone(); n]);
                assert!(outputs.iter().all(|output| std::ptr::from_ref(output).is_aligned()));
                // A future that is smaller, and one that is larger than its output.
                assert_eq!(block_on(gather(vec![ready(value.clone()); n])), vec![value.clone(); n]);
                assert_eq!(block_on(gather(vec![Box::pin(child()), Box::pin(child())])), vec![value.clone(); 2]);
            }
            assert_eq!(block_on(gather([ready(value.clone()), ready(value.clone())])), [value.clone(), value]);
        }

        check(());
        check(Some(Box::new(7)));
        check(None::<std::num::NonZeroU8>);
        check(Aligned(9));
        check("text".to_owned());
        check([1u64; 40]);
    });
}

#[test]
fn the_vector_returned_owns_its_memory() {
    leak_check(|| {
        // Larger and smaller than their futures: the outputs must be pushed to and freed as any vector's.
        let mut small = block_on(gather((0..MANY).map(|n| async move { n as u8 }).collect::<Vec<_>>()));
        small.extend(0..200);
        let mut large = block_on(gather((0..MANY).map(|n| ready([n; 50])).collect::<Vec<_>>()));
        large.push([0; 50]);
        assert_eq!((small.len(), large.len()), (MANY + 200, MANY + 1));
    });
}

/// Panics with this text at its second poll, unless `n` is another.
async fn panics_if(n: usize, culprit: usize, dropped: Counted) -> Counted {
    yield_now().await;
    assert!(n != culprit, "culprit");
    dropped
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str)).unwrap()
}

#[test]
fn a_panic_in_a_child_goes_to_the_caller_and_all_are_dropped_once() {
    leak_check(|| {
        for n in [3, MANY] {
            let dropped = Rc::new(Cell::new(0));
            let children = (0..n).map(|index| panics_if(index, 1, Counted(dropped.clone())));
            let mut all = Box::pin(gather(children.collect::<Vec<_>>()));
            let parent = Arc::new(Parent::default());
            assert!(parent.poll(&mut all).is_pending());
            let panic = catch_unwind(AssertUnwindSafe(|| parent.poll(&mut all))).unwrap_err();
            assert_eq!(message(&*panic), "culprit");
            // Whoever polls again hears of it again, and does not wait for ever.
            assert!(catch_unwind(AssertUnwindSafe(|| parent.poll(&mut all))).is_err());
            drop(all);
            assert_eq!(dropped.get(), n);
        }
    });
}

#[test]
fn a_panic_in_a_destructor_does_not_keep_the_others_from_being_dropped() {
    struct Bomb(bool, #[expect(dead_code, reason = "counts when it is dropped")] Counted);
    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 {
                panic!("bomb");
            }
        }
    }
    leak_check(|| {
        for n in [3, MANY] {
            let dropped = Rc::new(Cell::new(0));
            let child = |index| {
                let bomb = Bomb(index == 1, Counted(dropped.clone()));
                async move {
                    let _bomb = bomb;
                    std::future::pending::<()>().await;
                }
            };
            let mut all = Box::pin(gather((0..n).map(child).collect::<Vec<_>>()));
            assert!(Arc::new(Parent::default()).poll(&mut all).is_pending());
            let panic = catch_unwind(AssertUnwindSafe(|| drop(all))).unwrap_err();
            assert_eq!(message(&*panic), "bomb");
            assert_eq!(dropped.get(), n);

            let dropped = Rc::new(Cell::new(0));
            let bomb = |bad| Bomb(bad, Counted(dropped.clone()));
            let pending = async |_bomb: Bomb| std::future::pending::<()>().await;
            let mut three = Box::pin(gather((pending(bomb(false)), pending(bomb(true)), pending(bomb(false)))));
            assert!(Arc::new(Parent::default()).poll(&mut three).is_pending());
            assert!(catch_unwind(AssertUnwindSafe(|| drop(three))).is_err());
            assert_eq!(dropped.get(), 3);
        }
    });
}

#[test]
fn polling_again_after_the_end_panics_with_a_clear_message() {
    leak_check(|| {
        fn check<F: Future>(gathered: F) {
            let mut gathered = pin!(gathered);
            let mut cx = Context::from_waker(Waker::noop());
            assert!(gathered.as_mut().poll(&mut cx).is_ready());
            let panic = catch_unwind(AssertUnwindSafe(|| gathered.as_mut().poll(&mut cx).is_ready())).unwrap_err();
            assert_eq!(message(&*panic), "a gather was polled again after it had ended");
        }
        check(gather((ready(1), ready(2))));
        check(gather([ready(1)]));
        check(gather([1; MANY].map(ready)));
        check(gather(Vec::<std::future::Ready<u8>>::new()));
        check(gather(vec![ready(1)]));
        check(gather(vec![ready(1); MANY]));
    });
}

#[test]
fn a_gather_can_be_shown() {
    assert_eq!(format!("{:?}", gather((ready(1), ready(2)))), "Gathering { .. }");
}
