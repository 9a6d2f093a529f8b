//! Streams and time, by a clock that moves when everybody waits.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_core::{now, yield_now};
use aio_stream::{Stream, StreamExt, TryStreamExt, generate, iter, pending, poll_fn, ticks};
use aio_test::Test;
use aio_timer::{Elapsed, interval, interval_at, sleep, sleep_until, timeout};

const MS: Duration = Duration::from_millis(1);

/// Runs `test`, with the moment at which it begins: in the order of production, and in a hundred others.
fn run(test: impl AsyncFn(Instant)) {
    leak_check(|| {
        Test::new("timed").run(async || test(now()).await);
        Test::new("timed").schedules(100).preemptive(true).run(async || test(now()).await);
    });
}

fn ms_since(begin: Instant) -> u128 {
    (now() - begin).as_millis()
}

/// Gives each moment, in milliseconds, when it comes. It ends with the last.
fn at(begin: Instant, moments: impl IntoIterator<Item = u32>) -> impl Stream<Item = u32> {
    generate(async move |out| {
        for moment in moments {
            sleep_until(begin + moment * MS).await;
            out.emit(moment).await;
        }
    })
}

#[test]
fn the_timeout_of_an_item_is_an_error_and_the_stream_goes_on() {
    run(async |begin| {
        let items = at(begin, [5, 8, 30, 31]).timeout(10 * MS).map(|item| (item, ms_since(begin)));
        let expected = [(Ok(5), 5), (Ok(8), 8), (Err(Elapsed), 18), (Err(Elapsed), 28), (Ok(30), 30), (Ok(31), 31)];
        assert_eq!(items.collect::<Vec<_>>().await, expected);
    });
}

#[test]
fn the_time_of_an_item_does_not_run_while_the_caller_is_busy() {
    run(async |begin| {
        let mut items = pin!(at(begin, [1, 45]).timeout(10 * MS));
        assert_eq!(items.next().await, Some(Ok(1)));
        sleep(40 * MS).await;
        assert_eq!(items.next().await, Some(Ok(45)));
        // What is there comes, however late it is asked for.
        let mut items = pin!(iter([1, 2]).timeout(Duration::ZERO));
        sleep(40 * MS).await;
        assert_eq!(items.next().await, Some(Ok(1)));
        assert_eq!(items.next().await, Some(Ok(2)));
        assert_eq!(items.next().await, None);
        assert_eq!(items.next().await, None);
    });
}

#[test]
fn with_a_question_mark_the_first_timeout_ends_it() {
    async fn sum(items: impl Stream<Item = u32>) -> Result<u32, Elapsed> {
        let mut items = pin!(items.timeout(10 * MS));
        let mut sum = 0;
        while let Some(item) = items.try_next().await? {
            sum += item;
        }
        Ok(sum)
    }
    run(async |begin| {
        assert_eq!(sum(at(begin, [1, 2])).await, Ok(3));
        assert_eq!(sum(pending()).await, Err(Elapsed));
    });
}

#[test]
fn a_wait_that_is_given_up_goes_on_with_the_next() {
    run(async |begin| {
        let mut items = pin!(pending::<u8>().timeout(10 * MS));
        assert_eq!(timeout(6 * MS, items.next()).await, Err(Elapsed));
        assert_eq!(items.next().await, Some(Err(Elapsed)));
        assert_eq!(ms_since(begin), 10);
    });
}

#[test]
fn throttled_items_keep_their_distance_and_none_is_lost() {
    run(async |begin| {
        let items = at(begin, [0, 1, 2, 50, 51]).throttle(10 * MS).map(|item| (item, ms_since(begin)));
        assert_eq!(items.collect::<Vec<_>>().await, [(0, 0), (1, 10), (2, 20), (50, 50), (51, 60)]);
    });
}

#[test]
fn the_distance_runs_while_the_caller_is_busy() {
    run(async |begin| {
        let mut items = pin!(iter([1, 2, 3]).throttle(10 * MS));
        assert_eq!(items.next().await, Some(1));
        sleep(8 * MS).await;
        assert_eq!(items.next().await, Some(2));
        assert_eq!(ms_since(begin), 10);
        sleep(30 * MS).await;
        assert_eq!(items.next().await, Some(3));
        assert_eq!(ms_since(begin), 40);
    });
}

#[test]
fn a_distance_beyond_the_clock_lasts_for_ever() {
    run(async |_| {
        let mut items = pin!(iter([1, 2]).throttle(Duration::MAX));
        assert_eq!(items.next().await, Some(1));
        assert_eq!(timeout(1000 * MS, items.next()).await, Err(Elapsed));
    });
}

#[test]
fn of_items_in_a_burst_the_last_one_comes_after_the_silence() {
    run(async |begin| {
        let items = at(begin, [1, 5, 9, 40, 60, 65]).debounce(10 * MS).map(|item| (item, ms_since(begin)));
        // The end is a silence too.
        assert_eq!(items.collect::<Vec<_>>().await, [(9, 19), (40, 50), (65, 65)]);
    });
}

/// Always has an item. Whoever takes too many of them at once fails.
fn busy() -> impl Stream<Item = u32> {
    let mut n = 0;
    poll_fn(move |_| {
        n += 1;
        assert!(n < 100_000, "others have no turn");
        Poll::Ready(Some(n))
    })
}

#[test]
fn what_never_pauses_gives_others_their_turn() {
    run(async |_| {
        let others = async || {
            yield_now().await;
            yield_now().await;
        };
        let mut last = pin!(busy().debounce(MS));
        futures_lite::future::or(async { _ = last.next().await }, others()).await;
        let mut portions = pin!(busy().chunks_timeout(usize::MAX, MS));
        futures_lite::future::or(async { _ = portions.next().await }, others()).await;
    });
}

/// The time of a portion also begins where there is always one item more.
#[test]
fn a_portion_of_what_never_pauses_comes_in_time() {
    run(async |_| {
        let mut portions = pin!(busy().chunks_timeout(usize::MAX, Duration::ZERO));
        let first = portions.next().await.unwrap();
        let second = portions.next().await.unwrap();
        assert_eq!(first.into_iter().chain(second).enumerate().find(|(n, item)| n + 1 != *item as usize), None);
    });
}

#[test]
fn a_time_of_zero_is_a_turn_for_others() {
    run(async |begin| {
        let others = Cell::new(0);
        let mut silent = pin!(pending::<u8>().timeout(Duration::ZERO));
        let errors = async {
            for _ in 0..100 {
                assert_eq!(silent.next().await, Some(Err(Elapsed)));
            }
        };
        let counted = async {
            loop {
                others.set(others.get() + 1);
                yield_now().await;
            }
        };
        futures_lite::future::or(errors, counted).await;
        assert!(others.get() >= 100);
        // What is there at once is a portion, or passed over, all the same.
        assert_eq!(iter(0..3).debounce(Duration::ZERO).collect::<Vec<_>>().await, [2]);
        assert_eq!(iter(0..3).chunks_timeout(2, Duration::ZERO).collect::<Vec<_>>().await, [vec![0, 1], vec![2]]);
        assert_eq!(iter(0..3).throttle(Duration::ZERO).collect::<Vec<_>>().await, [0, 1, 2]);
        assert_eq!(at(begin, [5, 10]).debounce(Duration::ZERO).collect::<Vec<_>>().await, [5, 10]);
        assert_eq!(at(begin, [15, 20]).chunks_timeout(2, Duration::ZERO).collect::<Vec<_>>().await, [[15], [20]]);
    });
}

#[test]
fn a_time_beyond_the_clock_never_ends() {
    run(async |begin| {
        let items = at(begin, [5, 10, 15]).timeout(Duration::MAX);
        assert_eq!(items.try_collect::<Vec<_>>().await, Ok(vec![5, 10, 15]));
        let portions = at(begin, [20, 25, 30]).chunks_timeout(2, Duration::MAX);
        assert_eq!(portions.collect::<Vec<_>>().await, [vec![20, 25], vec![30]]);
        assert_eq!(at(begin, [35, 40]).debounce(Duration::MAX).collect::<Vec<_>>().await, [40]);
        assert_eq!(ms_since(begin), 40);
    });
}

/// As with an interval: what comes after the last item, if only the end, has its distance too.
#[test]
fn the_end_keeps_the_distance_from_the_last_item() {
    run(async |begin| {
        assert_eq!(iter([1]).throttle(10 * MS).count().await, 1);
        assert_eq!(ms_since(begin), 10);
    });
}

#[test]
fn a_portion_waits_no_longer_than_that_for_the_rest() {
    run(async |begin| {
        let portions = at(begin, [1, 2, 3, 4, 15, 40]).chunks_timeout(3, 10 * MS);
        let portions = portions.map(|items| (items, ms_since(begin)));
        let expected = [(vec![1, 2, 3], 3), (vec![4], 14), (vec![15], 25), (vec![40], 40)];
        assert_eq!(portions.collect::<Vec<_>>().await, expected);
    });
}

#[test]
fn ticks_come_as_they_are_due() {
    run(async |begin| {
        let dues: Vec<_> = ticks(interval_at(begin + 3 * MS, 10 * MS)).take(3).collect().await;
        assert_eq!(dues, [begin + 3 * MS, begin + 13 * MS, begin + 23 * MS]);
        assert_eq!(ms_since(begin), 23);
        let mut ticks = pin!(ticks(interval(10 * MS)));
        ticks.next().await;
        // Given up, the tick is not lost.
        assert_eq!(timeout(4 * MS, ticks.next()).await, Err(Elapsed));
        assert_eq!(ticks.next().await, Some(begin + 33 * MS));
    });
}

#[test]
fn portions_of_nothing_are_refused_where_they_are_asked_for() {
    let panics: [fn(); 4] = [
        || drop(iter([1]).chunks_timeout(0, MS)),
        || drop(iter([1]).chunks(0)),
        || drop(iter([1]).ready_chunks(0)),
        || drop(iter([1]).windows(0)),
    ];
    for panic in panics {
        let payload = std::panic::catch_unwind(panic).unwrap_err();
        assert!(payload.downcast_ref::<&str>().unwrap().contains("of no items"));
    }
}
