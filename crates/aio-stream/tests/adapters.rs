//! What users see of `StreamExt` and `iter`.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aio_stream::{Stream, StreamExt, generate, iter};
use futures_lite::future::{block_on, yield_now};

/// Counts its polls; never ends.
struct Counting(usize);

impl Stream for Counting {
    type Item = usize;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<usize>> {
        self.0 += 1;
        Poll::Ready(Some(self.0))
    }
}

/// Ends once, and says so loudly if it is asked again.
struct EndsOnce(bool);

impl Stream for EndsOnce {
    type Item = u8;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
        assert!(!std::mem::replace(&mut self.0, true), "polled after the end");
        Poll::Ready(None)
    }
}

#[test]
fn take_does_not_poll_again_after_its_last_item() {
    let mut counting = Counting(0);
    let mut two = (&mut counting).take(2);
    block_on(async {
        assert_eq!(two.size_hint(), (0, Some(2)));
        assert_eq!((two.next().await, two.next().await), (Some(1), Some(2)));
        assert_eq!((two.next().await, two.next().await), (None, None));
        assert_eq!(two.size_hint(), (0, Some(0)));
    });
    assert_eq!(block_on((&mut counting).take(0).next()), None);
    assert_eq!(counting.0, 2);
}

#[test]
fn take_does_not_poll_again_after_the_end() {
    let mut ended = EndsOnce(false).take(5);
    block_on(async {
        assert_eq!((ended.next().await, ended.next().await), (None, None));
    });
    assert_eq!(ended.size_hint(), (0, Some(0)));
}

#[test]
fn next_loses_nothing_when_it_is_dropped() {
    let mut numbers = pin!(generate(async |out| {
        yield_now().await;
        out.emit(1).await;
    }));
    {
        let mut next = pin!(numbers.next());
        assert!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(block_on(numbers.next()), Some(1));
}

#[test]
fn collect_fills_any_collection() {
    block_on(async {
        assert_eq!(iter("abc".chars()).collect::<String>().await, "abc");
        let map: HashMap<_, _> = iter([("a", 1), ("b", 2)]).collect().await;
        assert_eq!(map["b"], 2);
    });
}

#[test]
fn for_each_waits_for_each_call() {
    let log = RefCell::new(Vec::new());
    block_on(iter([1, 2]).for_each(async |n| {
        log.borrow_mut().push(format!("begin {n}"));
        yield_now().await;
        log.borrow_mut().push(format!("end {n}"));
    }));
    assert_eq!(*log.borrow(), ["begin 1", "end 1", "begin 2", "end 2"]);
}

#[test]
fn iter_knows_its_size() {
    assert_eq!(iter([1, 2, 3]).size_hint(), (3, Some(3)));
    assert_eq!(iter(0..).map(|n| n + 1).take(4).size_hint(), (4, Some(4)));
}
