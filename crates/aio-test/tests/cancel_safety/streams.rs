//! Streams: no item is lost, and none comes twice, because a `next` was cancelled.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_group::TaskGroup;
use aio_stream::{Stream, StreamExt, generate, iter, merge_all, once, ticks, try_generate, unfold};
use aio_timer::interval;

use crate::{at, at_each_of};

/// Items 0 to 3, one each second.
fn source() -> impl Stream<Item = u32> {
    unfold(0, async |n| {
        at(1).await;
        (n < 4).then_some((n, n + 1))
    })
}

/// Takes all that the stream gives, with `next`, and goes on with that if it is cancelled: `expected` has to come.
#[track_caller]
fn no_item_is_lost<S: Stream>(n_awaits: usize, make: impl Fn() -> S, expected: impl AsRef<[S::Item]>)
where
    S::Item: PartialEq + Debug,
{
    no_item_is_lost_in_order(n_awaits, make, |_| (), expected);
}

/// The same after the items have been put in order.
#[track_caller]
fn no_item_is_lost_in_order<S: Stream>(
    n_awaits: usize,
    make: impl Fn() -> S,
    order: impl Fn(&mut Vec<S::Item>),
    expected: impl AsRef<[S::Item]>,
) where
    S::Item: PartialEq + Debug,
{
    at_each_of(n_awaits, async |victim| {
        let mut stream = pin!(make());
        let mut got = Vec::new();
        let work = async {
            while let Some(item) = stream.next().await {
                got.push(item);
            }
        };
        victim.run(work).await;
        while let Some(item) = stream.next().await {
            got.push(item);
        }
        order(&mut got);
        assert_eq!(got, expected.as_ref());
    });
}

#[test]
fn sources_lose_nothing() {
    no_item_is_lost(5, source, [0, 1, 2, 3]);
    no_item_is_lost(1, || once(async { at(1).await }), [()]);
    let generator = || {
        generate(async |out| {
            for n in 0..3 {
                at(1).await;
                out.emit(n).await;
                out.emit(n).await;
            }
            at(1).await;
        })
    };
    no_item_is_lost(4, generator, [0, 0, 1, 1, 2, 2]);
    let fallible = || {
        try_generate(async |out| {
            at(1).await;
            out.emit(1).await;
            at(1).await;
            Err("no more")
        })
    };
    no_item_is_lost(2, fallible, [Ok(1), Err("no more")]);
    let begin = || ticks(interval(Duration::from_secs(1))).take(3).enumerate().map(|(n, _)| n);
    no_item_is_lost(3, begin, [0, 1, 2]);
}

#[test]
fn adapters_of_items_lose_nothing() {
    no_item_is_lost(5, || source().map(|n| n * 2), [0, 2, 4, 6]);
    no_item_is_lost(5, || source().filter(|n| n % 2 == 1), [1, 3]);
    no_item_is_lost(5, || source().filter_map(|n| (n > 1).then_some(n)), [2, 3]);
    no_item_is_lost(5, || source().inspect(|_| ()), [0, 1, 2, 3]);
    no_item_is_lost(5, || source().enumerate(), [(0, 0), (1, 1), (2, 2), (3, 3)]);
    no_item_is_lost(2, || source().take(2), [0, 1]);
    no_item_is_lost(3, || source().take_while(|n| *n < 2), [0, 1]);
    no_item_is_lost(3, || source().map_while(|n| (n < 2).then_some(n)), [0, 1]);
    no_item_is_lost(5, || source().skip(2), [2, 3]);
    no_item_is_lost(5, || source().skip_while(|n| *n < 3), [3]);
    let sums = || {
        source().scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        })
    };
    no_item_is_lost(5, sums, [0, 1, 3, 6]);
    no_item_is_lost(5, || source().fuse(), [0, 1, 2, 3]);
    no_item_is_lost(5, || source().boxed_local(), [0, 1, 2, 3]);
}

#[test]
fn adapters_that_keep_items_lose_nothing() {
    no_item_is_lost(5, || source().chunks(3), [vec![0, 1, 2], vec![3]]);
    no_item_is_lost(5, || source().ready_chunks(3), [vec![0], vec![1], vec![2], vec![3]]);
    no_item_is_lost(5, || source().windows(3), [vec![0, 1, 2], vec![1, 2, 3]]);
    let doubled = || {
        source().then(async |n| {
            at(1).await;
            n * 2
        })
    };
    no_item_is_lost(9, doubled, [0, 2, 4, 6]);
    no_item_is_lost(5, || source().flat_map(|n| iter([n, n])), [0, 0, 1, 1, 2, 2, 3, 3]);
    no_item_is_lost(5, || source().map(|n| iter([n, n])).flatten(), [0, 0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn a_peek_that_is_cancelled_takes_nothing() {
    at_each_of(5, async |victim| {
        let mut stream = pin!(source().boxed_local().peekable());
        let mut got = Vec::new();
        let work = async {
            while let Some(peeked) = stream.peek().await.copied() {
                assert_eq!(stream.next().await, Some(peeked));
                got.push(peeked);
            }
        };
        victim.run(work).await;
        while let Some(item) = stream.next().await {
            got.push(item);
        }
        assert_eq!(got, [0, 1, 2, 3]);
    });
}

/// Slower and faster ones together.
#[test]
fn adapters_of_several_streams_lose_nothing() {
    let slow = || source().then(async |n| (at(1).await, n + 10).1);
    no_item_is_lost(9, || source().zip(slow()), [(0, 10), (1, 11), (2, 12), (3, 13)]);
    no_item_is_lost(14, || source().chain(slow()), [0, 1, 2, 3, 10, 11, 12, 13]);
    // Which of two that come at once is first may change by a cancellation.
    let in_turn = |items: &mut Vec<u32>| items.sort_by_key(|item| item / 10);
    let merged = || source().merge(slow());
    no_item_is_lost_in_order(9, merged, in_turn, [0, 1, 2, 3, 10, 11, 12, 13]);
    let third = || source().map(|n| n + 20).boxed_local();
    let merged = || merge_all([source().boxed_local(), slow().boxed_local(), third()]);
    no_item_is_lost_in_order(9, merged, in_turn, [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]);
}

/// What comes if nobody is cancelled.
fn in_order<S: Stream>(make: impl Fn() -> S) -> Vec<S::Item> {
    let timers = aio_timer::Timers::new(aio_core::VirtualTime::new(aio_core::ThreadPark::new()));
    leak_check(|| aio_core::EventLoop::new(timers).run(async { make().collect().await }))
}

#[test]
fn adapters_with_timers_lose_nothing() {
    let second = Duration::from_secs(1);
    no_item_is_lost(9, || source().throttle(2 * second), [0, 1, 2, 3]);
    no_item_is_lost(9, || source().debounce(second / 2), [0, 1, 2, 3]);
    no_item_is_lost(
        7,
        || source().chunks_timeout(3, second / 2 * 3),
        in_order(|| source().chunks_timeout(3, second / 2 * 3)),
    );
    let late = || source().timeout(second / 2).map(|item| item.ok());
    no_item_is_lost(10, late, in_order(late));
}

/// The stream runs on while nobody waits for the next output.
#[test]
fn outputs_of_a_group_are_not_lost() {
    at_each_of(7, async |victim| {
        let group = TaskGroup::new();
        let body = async {
            let work = source().map(|n| async move {
                at(u64::from(4 - n)).await;
                n
            });
            let mut outputs = pin!(work.buffered_in(&group, 2));
            let mut got = Vec::new();
            let take = async {
                while let Some(n) = outputs.next().await {
                    got.push(n);
                }
            };
            victim.run(take).await;
            while let Some(n) = outputs.next().await {
                got.push(n);
            }
            assert_eq!(got, [0, 1, 2, 3]);
        };
        group.join(body).await;
    });
}
