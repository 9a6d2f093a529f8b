//! Adapters against the iterators of the same names, over streams that wait at random.
#![cfg(not(aio_loom))]

use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aio_stream::{Stream, StreamExt, TryStreamExt, iter, merge_all, once, try_unfold, unfold};
use futures_lite::future::{block_on, yield_now};
use proptest::prelude::*;

/// Gives its items, and waits where there is none. To poll it after its end is a fault.
#[derive(Debug, Clone)]
struct Script {
    steps: VecDeque<Option<u8>>,
    hint: Hint,
    has_ended: bool,
}

/// What the stream says of its size, all of it true.
#[derive(Debug, Clone, Copy)]
enum Hint {
    Exact,
    Loose,
    None,
}

impl Script {
    fn items(&self) -> Vec<u8> {
        self.steps.iter().flatten().copied().collect()
    }

    /// What comes without a wait in between.
    fn without_waits(&self) -> Vec<Vec<u8>> {
        let steps: Vec<_> = self.steps.iter().copied().collect();
        steps.split(Option::is_none).map(|items| items.iter().flatten().copied().collect()).collect()
    }
}

impl Stream for Script {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u8>> {
        assert!(!self.has_ended, "polled after the end");
        match self.steps.pop_front() {
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(item) => Poll::Ready(item),
            None => {
                self.has_ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.steps.iter().flatten().count();
        match self.hint {
            Hint::Exact => (n, Some(n)),
            Hint::Loose => (n / 2, Some(n * 2)),
            Hint::None => (0, None),
        }
    }
}

/// Panics now and then instead of being polled, and goes on afterwards.
struct Faulty {
    script: Script,
    faults: VecDeque<bool>,
}

impl Stream for Faulty {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u8>> {
        if self.faults.pop_front() == Some(true) {
            resume_unwind(Box::new("a fault"));
        }
        Pin::new(&mut self.script).poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.script.size_hint()
    }
}

fn script() -> impl Strategy<Value = Script> {
    let hint = prop_oneof![Just(Hint::Exact), Just(Hint::Loose), Just(Hint::None)];
    let steps = prop::collection::vec(prop::option::weighted(0.6, 0..12_u8), 0..16);
    (steps, hint).prop_map(|(steps, hint)| Script { steps: steps.into(), hint, has_ended: false })
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What an adapter is after its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// `None` for ever.
    Stays,
    /// Whatever the stream is that it is made of.
    AsBelow,
}

/// Polls `stream` up to `stop` times: it gives `expected`, in this order, is right about its size, and is woken when it
/// waits. Then it is dropped.
fn check<T: PartialEq + Debug>(
    stream: impl Stream<Item = T>,
    expected: impl IntoIterator<Item = T>,
    end: End,
    stop: usize,
) -> Result<(), TestCaseError> {
    let mut expected: VecDeque<T> = expected.into_iter().collect();
    let mut stream = pin!(stream);
    for _ in 0..stop {
        let (lower, upper) = stream.size_hint();
        prop_assert!(lower <= expected.len(), "{lower} promised, {} left", expected.len());
        prop_assert!(upper.is_none_or(|upper| upper >= expected.len()), "{upper:?} promised, {} left", expected.len());
        let wakes = Arc::new(Count::default());
        let waker = Waker::from(wakes.clone());
        let poll = catch_unwind(AssertUnwindSafe(|| stream.as_mut().poll_next(&mut Context::from_waker(&waker))));
        match poll {
            // What was to come comes all the same.
            Err(panic) if panic.downcast_ref() == Some(&"a fault") => {}
            Err(panic) => resume_unwind(panic),
            Ok(Poll::Ready(None)) => {
                prop_assert_eq!(expected.pop_front(), None);
                if end == End::AsBelow {
                    return Ok(());
                }
            }
            Ok(Poll::Ready(item)) => prop_assert_eq!(item, expected.pop_front()),
            Ok(Poll::Pending) => prop_assert!(wakes.0.load(Ordering::Relaxed) > 0, "waits, and nobody will wake it"),
        }
    }
    Ok(())
}

/// Enough to come to the end, and on.
const ALL: usize = 200;

fn stop() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(ALL), 1 => 0..30_usize]
}

proptest! {
    #[test]
    fn what_takes_items_one_by_one(script in script(), stop in stop(), n in 0..14_usize, k in 1..4_u8) {
        let items = script.items();
        let given = || items.clone().into_iter();
        let stream = || script.clone();
        check(stream().map(|x| x + k), given().map(|x| x + k), End::AsBelow, stop)?;
        check(stream().filter(|x| x % k == 0), given().filter(|x| x % k == 0), End::AsBelow, stop)?;
        let odd = |x: u8| (x % 2 == 1).then_some(u16::from(x) * 3);
        check(stream().filter_map(odd), given().filter_map(odd), End::AsBelow, stop)?;
        check(stream().take(n), given().take(n), End::Stays, stop)?;
        check(stream().take_while(|x| x % 4 != k), given().take_while(|x| x % 4 != k), End::Stays, stop)?;
        check(stream().map_while(|x| x.checked_sub(k)), given().map_while(|x| x.checked_sub(k)), End::Stays, stop)?;
        check(stream().skip(n), given().skip(n), End::AsBelow, stop)?;
        check(stream().skip_while(|x| x % 4 != k), given().skip_while(|x| x % 4 != k), End::AsBelow, stop)?;
        check(stream().enumerate(), given().enumerate(), End::AsBelow, stop)?;
        check(stream().fuse(), given(), End::Stays, stop)?;
        let sum = |sum: &mut u8, x: u8| {
            *sum += x;
            (*sum < 40).then_some(*sum)
        };
        check(stream().scan(0, sum), given().scan(0, sum), End::Stays, stop)?;
        let mut seen = Vec::new();
        check(stream().inspect(|x| seen.push(*x)), given(), End::AsBelow, stop)?;
        prop_assert!(items.starts_with(&seen));
        check(stream().boxed(), given(), End::AsBelow, stop)?;
        check(stream().boxed_local(), given(), End::AsBelow, stop)?;
    }

    #[test]
    fn what_waits_for_a_future(script in script(), stop in stop()) {
        let items = script.items();
        let then = script.clone().then(async |x| {
            for _ in 0..x % 3 {
                yield_now().await;
            }
            x + 1
        });
        check(then, items.iter().map(|x| x + 1), End::AsBelow, stop)?;
        let one = once(async {
            yield_now().await;
            7
        });
        check(one.chain(script), [7].into_iter().chain(items.clone()), End::Stays, stop)?;
        let counted = unfold(items.clone().into_iter(), async |mut left| {
            yield_now().await;
            left.next().map(|item| (item, left))
        });
        check(counted, items.clone(), End::Stays, stop)?;
        let fails = try_unfold(items.clone().into_iter(), async |mut left| {
            yield_now().await;
            match left.next() {
                Some(item) if item > 8 => Err(item),
                item => Ok(item.map(|item| (item, left))),
            }
        });
        let n = items.iter().position(|item| *item > 8).map_or(items.len(), |n| n + 1);
        check(fails, items[..n].iter().map(|x| if *x > 8 { Err(*x) } else { Ok(*x) }), End::Stays, stop)?;
    }

    #[test]
    fn portions(script in script(), stop in stop(), size in 1..5_usize) {
        let items = script.items();
        check(script.clone().chunks(size), items.chunks(size).map(<[_]>::to_vec), End::Stays, stop)?;
        check(script.clone().windows(size), items.windows(size).map(<[_]>::to_vec), End::AsBelow, stop)?;
        // Between two waits.
        let ready = script.without_waits();
        let ready = ready.iter().flat_map(|items| items.chunks(size).map(<[_]>::to_vec));
        check(script.clone().ready_chunks(size), ready, End::Stays, stop)?;
        // Here no time passes.
        let portions = script.clone().chunks_timeout(size, Duration::MAX);
        check(portions, items.chunks(size).map(<[_]>::to_vec), End::Stays, stop)?;
        check(script.clone().timeout(Duration::MAX), items.iter().copied().map(Ok), End::Stays, stop)?;
        check(script.clone().throttle(Duration::ZERO), items.iter().copied(), End::Stays, stop)?;
        check(script.debounce(Duration::MAX), items.last().copied(), End::Stays, stop)?;
    }

    #[test]
    fn two_streams(a in script(), b in script(), stop in stop()) {
        let zipped = a.items().into_iter().zip(b.items());
        check(a.clone().zip(b.clone()), zipped, End::Stays, stop)?;
        let chained = a.items().into_iter().chain(b.items());
        check(a.chain(b), chained, End::Stays, stop)?;
    }

    #[test]
    fn streams_of_streams(scripts in prop::collection::vec(script(), 0..4), outer in script(), stop in stop()) {
        let all: Vec<u8> = scripts.iter().flat_map(Script::items).collect();
        check(iter(scripts).flatten(), all, End::Stays, stop)?;
        let mapped: Vec<u8> = outer.items().into_iter().flat_map(|x| vec![x; usize::from(x % 3)]).collect();
        check(outer.flat_map(|x| iter(vec![x; usize::from(x % 3)])), mapped, End::Stays, stop)?;
    }

    /// Each stream's items come in their order, all of them, and nothing else; the sizes are right.
    #[test]
    fn merged_streams_lose_nothing(scripts in prop::collection::vec(script(), 0..5), stop in stop()) {
        let tagged = |scripts: &[Script]| -> Vec<_> {
            scripts.iter().cloned().enumerate().map(|(n, script)| script.map(move |x| (n, x))).collect()
        };
        let merged: Vec<_> = block_on(merge_all(tagged(&scripts)).collect());
        check(merge_all(tagged(&scripts)), merged.clone(), End::Stays, stop)?;
        for (n, script) in scripts.iter().enumerate() {
            let of_this: Vec<u8> = merged.iter().filter(|(m, _)| *m == n).map(|(_, x)| *x).collect();
            prop_assert_eq!(of_this, script.items());
        }
        if let [a, b, ..] = &scripts[..] {
            let both = || a.clone().map(|x| (0, x)).merge(b.clone().map(|x| (1, x)));
            let merged: Vec<_> = block_on(both().collect());
            check(both(), merged.clone(), End::Stays, stop)?;
            for (n, script) in [a, b].into_iter().enumerate() {
                let of_this: Vec<u8> = merged.iter().filter(|(m, _)| *m == n).map(|(_, x)| *x).collect();
                prop_assert_eq!(of_this, script.items());
            }
        }
    }

    /// A panic of the stream below loses nothing of what the adapter holds, or has yet to get.
    #[test]
    fn after_a_panic_below_it_goes_on(script in script(), faults in prop::collection::vec(any::<bool>(), 20),
        n in 0..14_usize, size in 1..5_usize) {
        let items = script.items();
        let given = || items.iter().copied();
        let stream = || Faulty { script: script.clone(), faults: faults.clone().into() };
        check(stream().map(|x| x + 1), given().map(|x| x + 1), End::AsBelow, ALL)?;
        check(stream().filter(|x| x % 2 == 0), given().filter(|x| x % 2 == 0), End::AsBelow, ALL)?;
        check(stream().take(n), given().take(n), End::Stays, ALL)?;
        check(stream().skip(n), given().skip(n), End::AsBelow, ALL)?;
        check(stream().skip_while(|x| x % 4 != 1), given().skip_while(|x| x % 4 != 1), End::AsBelow, ALL)?;
        check(stream().take_while(|x| x % 4 != 1), given().take_while(|x| x % 4 != 1), End::Stays, ALL)?;
        check(stream().enumerate(), given().enumerate(), End::AsBelow, ALL)?;
        check(stream().fuse(), given(), End::Stays, ALL)?;
        check(stream().peekable(), given(), End::Stays, ALL)?;
        check(stream().then(async |x| x), given(), End::AsBelow, ALL)?;
        check(stream().zip(stream()), given().zip(given()), End::Stays, ALL)?;
        check(stream().zip(iter(0..)), given().zip(0..), End::Stays, ALL)?;
        check(stream().chain(stream()), given().chain(given()), End::Stays, ALL)?;
        check(stream().merge(iter([])), given(), End::Stays, ALL)?;
        check(stream().map(|x| iter([x, x])).flatten(), given().flat_map(|x| [x, x]), End::Stays, ALL)?;
        check(iter([stream(), stream()]).flatten(), given().chain(given()), End::Stays, ALL)?;
        check(stream().chunks(size), items.chunks(size).map(<[_]>::to_vec), End::Stays, ALL)?;
        check(stream().windows(size), items.windows(size).map(<[_]>::to_vec), End::AsBelow, ALL)?;
        let portions = stream().chunks_timeout(size, Duration::MAX);
        check(portions, items.chunks(size).map(<[_]>::to_vec), End::Stays, ALL)?;
        check(stream().timeout(Duration::MAX), given().map(Ok), End::Stays, ALL)?;
        check(stream().throttle(Duration::ZERO), given(), End::Stays, ALL)?;
        check(stream().debounce(Duration::MAX), items.last().copied(), End::Stays, ALL)?;
        // A portion ends where the waits and panics are.
        let mut at_once = pin!(stream().ready_chunks(size));
        let mut taken = Vec::new();
        for _ in 0..ALL {
            let poll = || at_once.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
            if let Ok(Poll::Ready(Some(portion))) = catch_unwind(AssertUnwindSafe(poll)) {
                prop_assert!((1..=size).contains(&portion.len()));
                taken.extend(portion);
            }
        }
        prop_assert_eq!(taken, items);
    }

    /// A panic in a closure loses the item that it had, and no other.
    #[test]
    fn after_a_panic_in_a_closure_it_goes_on(script in script(), bad in 0..12_u8, k in 1..4_u8) {
        /// Lets all through but the bad one.
        fn check_item(x: u8, bad: u8) -> u8 {
            if x == bad {
                resume_unwind(Box::new("a fault"));
            }
            x
        }
        // No stream knows of items that will be lost.
        let script = Script { hint: Hint::None, ..script };
        let items = script.items();
        let given = || items.iter().copied().filter(|x| *x != bad);
        let stream = || script.clone();
        let good = |x| check_item(x, bad);
        check(stream().map(good), given(), End::AsBelow, ALL)?;
        check(stream().inspect(|x| _ = good(*x)), given(), End::AsBelow, ALL)?;
        check(stream().filter(|x| good(*x) % k == 0), given().filter(|x| x % k == 0), End::AsBelow, ALL)?;
        let odd = |x: u8| (good(x) % 2 == 1).then_some(x);
        check(stream().filter_map(odd), given().filter(|x| x % 2 == 1), End::AsBelow, ALL)?;
        check(stream().take_while(|x| good(*x) % 4 != k), given().take_while(|x| x % 4 != k), End::Stays, ALL)?;
        let lessened = given().map_while(|x| x.checked_sub(k));
        check(stream().map_while(|x| good(x).checked_sub(k)), lessened, End::Stays, ALL)?;
        // It asks for no more when it has begun.
        let begun = items.iter().copied().skip_while(|x| *x == bad || x % 4 != k);
        check(stream().skip_while(|x| good(*x) % 4 != k), begun, End::AsBelow, ALL)?;
        let sum = |sum: &mut u8, x: u8| {
            *sum += good(x);
            (*sum < 40).then_some(*sum)
        };
        let expected = given().scan(0, |sum, x| {
            *sum += x;
            (*sum < 40).then_some(*sum)
        });
        check(stream().scan(0, sum), expected, End::Stays, ALL)?;
        let then = stream().then(|x| {
            good(x);
            async move {
                yield_now().await;
                x
            }
        });
        check(then, given(), End::AsBelow, ALL)?;
        check(stream().flat_map(|x| iter([good(x), x])), given().flat_map(|x| [x, x]), End::Stays, ALL)?;
    }

    #[test]
    fn peeking_takes_nothing(script in script(), peeks in prop::collection::vec(any::<bool>(), 20)) {
        let items = script.items();
        let mut stream = script.peekable();
        let mut left = items.iter();
        for peek in peeks {
            let n = left.len();
            prop_assert!(stream.size_hint().0 <= n && stream.size_hint().1.is_none_or(|upper| upper >= n));
            if peek {
                prop_assert_eq!(block_on(stream.peek()).copied(), left.as_slice().first().copied());
            } else {
                prop_assert_eq!(block_on(stream.next()), left.next().copied());
            }
        }
    }

    #[test]
    fn what_gives_one_value(script in script(), n in 0..14_usize, k in 0..14_u8) {
        let items = script.items();
        let stream = || script.clone();
        let given = || items.iter().copied();
        block_on(async {
            prop_assert_eq!(stream().collect::<Vec<_>>().await, items.clone());
            prop_assert_eq!(stream().count().await, items.len());
            prop_assert_eq!(stream().last().await, given().last());
            prop_assert_eq!(stream().nth(n).await, given().nth(n));
            prop_assert_eq!(stream().all(|x| x < k).await, given().all(|x| x < k));
            prop_assert_eq!(stream().any(|x| x == k).await, given().any(|x| x == k));
            let fold = |sum: u32, x: u8| sum * 3 + u32::from(x % 3);
            prop_assert_eq!(stream().fold(1, fold).await, given().fold(1, fold));
            let checked = |x: u8| if x < k { Ok(x) } else { Err(x) };
            let collected: Result<Vec<_>, _> = given().map(checked).collect();
            prop_assert_eq!(stream().map(checked).try_collect::<Vec<_>>().await, collected.clone());
            let mut left = stream().map(checked);
            let first_error = loop {
                match left.try_next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            prop_assert_eq!(first_error, collected.clone().map(|_| ()));
            let each = stream().map(checked).try_for_each(async |x| {
                yield_now().await;
                if x == 3 { Err(x) } else { Ok(()) }
            });
            let expected = given().map(checked).map(|x| x.and_then(|x| if x == 3 { Err(x) } else { Ok(()) }));
            prop_assert_eq!(each.await, expected.collect::<Result<(), _>>());
            Ok(())
        })?;
    }
}
