//! Several streams at once: nobody starves, and nobody is asked who was not woken.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, VirtualTime, defer, now, spawn};
use aio_stream::{MergeAll, Stream, StreamExt, empty, generate, iter, merge_all, pending, poll_fn};
use aio_timer::{Timers, sleep};

/// Polls to the end; not for ever.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut polls = std::iter::repeat_with(|| future.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    match polls.by_ref().take(1000).find(Poll::is_ready) {
        Some(Poll::Ready(output)) => output,
        _ => panic!("not ready after a thousand polls"),
    }
}

/// Gives its name whenever it is asked. Whoever asks too often fails.
fn endless(name: usize) -> impl Stream<Item = usize> {
    let mut n = 0;
    poll_fn(move |_| {
        n += 1;
        assert!(n < 100_000, "others have no turn");
        Poll::Ready(Some(name))
    })
}

/// How often each of `n` names is in `items`.
fn counts(items: &[usize], n: usize) -> Vec<usize> {
    (0..n).map(|name| items.iter().filter(|item| **item == name).count()).collect()
}

#[test]
fn merge_takes_turns() {
    let items: Vec<_> = block_on(endless(0).merge(endless(1)).take(9).collect());
    assert_eq!(items, [0, 1, 0, 1, 0, 1, 0, 1, 0]);
}

/// A stream that gets its items late has its turn at once, however busy the other is.
#[test]
fn merge_passes_nobody_over_for_more_than_one_item() {
    let is_there = Cell::new(false);
    let late = poll_fn(|_| if is_there.replace(false) { Poll::Ready(Some(1)) } else { Poll::Pending });
    let mut merged = late.merge(endless(0));
    block_on(async {
        for n in 0..10 {
            for _ in 0..n {
                assert_eq!(merged.next().await, Some(0));
            }
            is_there.set(true);
            let two = [merged.next().await, merged.next().await];
            assert!(two.contains(&Some(1)), "passed over twice");
        }
    });
}

#[test]
fn merge_goes_on_with_the_one_that_is_left() {
    assert_eq!(block_on(empty().merge(iter([1, 2])).collect::<Vec<_>>()), [1, 2]);
    assert_eq!(block_on(iter([1, 2]).merge(empty()).collect::<Vec<_>>()), [1, 2]);
}

#[test]
fn of_many_streams_each_gets_its_share() {
    for n in [1, 2, 7] {
        let items: Vec<_> = block_on(merge_all((0..n).map(endless)).take(n * 10 + n / 2).collect());
        assert_eq!(items.len(), n * 10 + n / 2);
        for end in 0..items.len() {
            let counts = counts(&items[..end], n);
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{items:?}");
        }
    }
}

#[test]
fn a_stream_that_is_idle_is_not_polled() {
    let polls = Rc::new(Cell::new(0));
    let idle = |polls: &Rc<Cell<usize>>| {
        let polls = polls.clone();
        poll_fn(move |_| {
            polls.set(polls.get() + 1);
            Poll::<Option<usize>>::Pending
        })
        .boxed_local()
    };
    let mut all = merge_all([idle(&polls), endless(0).boxed_local(), idle(&polls)]);
    block_on(async {
        for _ in 0..100 {
            assert_eq!(all.next().await, Some(0));
        }
    });
    assert_eq!(polls.get(), 2, "once each, at the beginning");
}

/// Waits once, and keeps the waker.
struct Woken {
    waker: Rc<Cell<Option<Waker>>>,
    is_there: bool,
}

impl Stream for Woken {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u8>> {
        if std::mem::replace(&mut self.is_there, true) {
            return Poll::Ready(Some(1));
        }
        self.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

#[test]
fn a_stream_that_wakes_is_polled_again() {
    let waker = Rc::new(Cell::new(None));
    let mut all = merge_all([Woken { waker: waker.clone(), is_there: false }]);
    let mut poll = || Pin::new(&mut all).poll_next(&mut Context::from_waker(Waker::noop()));
    assert_eq!(poll(), Poll::Pending);
    assert_eq!(poll(), Poll::Pending);
    waker.take().unwrap().wake();
    assert_eq!(poll(), Poll::Ready(Some(1)));
}

#[test]
fn streams_may_be_added_in_the_loop() {
    block_on(async {
        let mut all = MergeAll::default();
        assert!(all.is_empty());
        assert_eq!(all.next().await, None);
        all.push(iter([1, 2]));
        let mut items = Vec::new();
        while let Some(item) = all.next().await {
            items.push(item);
            if item == 1 {
                all.push(iter([10, 20]));
                assert_eq!(all.len(), 2);
            }
        }
        items.sort_unstable();
        assert_eq!(items, [1, 2, 10, 20]);
        assert_eq!(all.size_hint(), (0, Some(0)));
    });
}

#[test]
fn a_panic_of_one_stream_leaves_the_others() {
    let mut all = merge_all([poll_fn(|_| panic!("bang")).boxed_local(), iter([1]).boxed_local()]);
    catch_unwind(AssertUnwindSafe(|| block_on(all.next()))).unwrap_err();
    assert_eq!(block_on(all.collect::<Vec<_>>()), [1]);
}

/// A task that merges what is always ready lets others run as well.
#[test]
fn an_endless_merge_does_not_keep_its_task_to_itself() {
    use futures_lite::future::or;
    let merged = merge_all([endless(0), endless(1)]).for_each(async |_| {});
    block_on(or(merged, async {
        futures_lite::future::yield_now().await;
    }));
}

/// Generators that are left half-way.
#[test]
fn what_streams_have_deferred_runs_side_by_side_when_they_are_dropped_together() {
    leak_check(|| {
        EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
            let begin = now();
            spawn(async {
                let mut all = merge_all((0..3).map(|n| {
                    generate(async move |out| {
                        let _guard = defer((), async |()| sleep(Duration::from_millis(10)).await);
                        loop {
                            out.emit(n).await;
                        }
                    })
                }));
                for n in 0..3 {
                    assert_eq!(all.next().await, Some(n));
                }
            })
            .await;
            assert_eq!((now() - begin).as_millis(), 10);
        });
    });
}

#[test]
fn two_panics_in_destructors_are_one_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let all = merge_all([Bomb, Bomb].map(|bomb| {
        poll_fn(move |_| {
            _ = &bomb;
            Poll::Ready(Some(1))
        })
    }));
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(all)));
    assert_eq!(*dropped.unwrap_err().downcast_ref::<&str>().unwrap(), "in a destructor");
}

#[test]
fn merged_with_silence_a_stream_does_not_end() {
    let mut merged = iter([1]).merge(pending());
    assert_eq!(block_on(merged.next()), Some(1));
    assert_eq!(Pin::new(&mut merged).poll_next(&mut Context::from_waker(Waker::noop())), Poll::Pending);
}
