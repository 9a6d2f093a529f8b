//! What users see of the generators.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_stream::{Emitter, Stream, StreamExt, generate, iter, try_generate};
use futures_lite::future::{block_on, or, poll_once, yield_now, zip};
use proptest::prelude::*;

fn poll_next<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap()
}

fn panic_of(f: impl FnOnce()) -> Box<dyn std::any::Any + Send> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_err()
}

#[test]
fn the_body_runs_only_while_an_item_is_asked_for() {
    leak_check(|| {
        let log = RefCell::new(Vec::new());
        let mut numbers = pin!(generate(async |out| {
            log.borrow_mut().push("begun");
            out.emit(1).await;
            log.borrow_mut().push("one is taken");
            out.emit(2).await;
            log.borrow_mut().push("two is taken");
        }));
        assert!(log.borrow().is_empty());
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(1)));
        assert_eq!(*log.borrow(), ["begun"]);
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(2)));
        assert_eq!(*log.borrow(), ["begun", "one is taken"]);
        assert_eq!(numbers.size_hint(), (0, None));
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
        assert_eq!(*log.borrow(), ["begun", "one is taken", "two is taken"]);
    });
}

#[test]
fn after_the_end_comes_nothing_for_ever() {
    let mut empty = pin!(generate(async |_out: Emitter<u8>| {}));
    for _ in 0..3 {
        assert_eq!(poll_next(empty.as_mut()), Poll::Ready(None));
        assert_eq!(empty.size_hint(), (0, Some(0)));
    }
}

#[test]
fn the_body_may_wait_between_its_items() {
    let numbers = generate(async |out| {
        for n in 0..3 {
            yield_now().await;
            out.emit(n).await;
            yield_now().await;
        }
    });
    assert_eq!(block_on(numbers.collect::<Vec<_>>()), [0, 1, 2]);
}

#[test]
fn what_the_body_holds_is_dropped_at_its_end_or_with_the_generator() {
    let held = Rc::new(());
    let make = |held: Rc<()>| {
        generate(async move |out| {
            out.emit(1).await;
            out.emit(2).await;
            drop(held);
        })
    };
    // Never polled, half-way, and at the end.
    drop(make(held.clone()));
    assert_eq!(Rc::strong_count(&held), 1);
    {
        let mut half_read = Box::pin(make(held.clone()));
        assert_eq!(poll_next(half_read.as_mut()), Poll::Ready(Some(1)));
        assert_eq!(Rc::strong_count(&held), 2);
    }
    assert_eq!(Rc::strong_count(&held), 1);
    let mut ended = pin!(make(held.clone()));
    while let Poll::Ready(Some(_)) = poll_next(ended.as_mut()) {}
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn emits_that_are_awaited_together_keep_their_order_and_lose_nothing() {
    let mut numbers = pin!(generate(async |out| {
        let odd = async {
            for n in [1, 3, 5] {
                out.emit(n).await;
            }
        };
        let even = async {
            for n in [2, 4] {
                out.emit(n).await;
            }
        };
        zip(odd, even).await;
        out.emit(6).await;
    }));
    for n in 1..=6 {
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(n)));
    }
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

#[test]
fn an_emit_that_is_dropped_half_way_has_handed_its_item_over() {
    let mut numbers = pin!(generate(async |out| {
        or(out.emit(1), std::future::ready(())).await;
        or(out.emit(2), std::future::ready(())).await;
        drop(out.emit(3));
    }));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(1)));
    // The body has returned: what is left is known.
    assert_eq!(numbers.size_hint(), (1, Some(1)));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(2)));
    assert_eq!(numbers.size_hint(), (0, Some(0)));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

#[test]
fn an_emit_that_is_polled_twice_in_one_poll_loses_nothing() {
    let mut numbers = pin!(generate(async |out| {
        for n in 0..3 {
            let mut emit = out.emit(n);
            assert!(poll_once(&mut emit).await.is_none());
            emit.await;
        }
        out.emit(3).await;
    }));
    for n in 0..=3 {
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(n)));
    }
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

/// Polls its future only after its own waker was woken, as everything does that polls many futures.
struct OnlyWhenWoken<F> {
    future: F,
    flag: Arc<Flag>,
}
struct Flag(AtomicUsize);
impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(1, Ordering::SeqCst);
    }
}
impl<F: Future + Unpin> Future for OnlyWhenWoken<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.flag.0.swap(0, Ordering::SeqCst) == 0 {
            return Poll::Pending;
        }
        let waker = Waker::from(self.flag.clone());
        Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker))
    }
}

#[test]
fn an_emit_wakes_what_polls_it_only_when_woken() {
    let mut numbers = pin!(generate(async |out| {
        let many = pin!(async {
            for n in 0..3 {
                out.emit(n).await;
            }
        });
        OnlyWhenWoken { future: many, flag: Arc::new(Flag(AtomicUsize::new(1))) }.await;
    }));
    for n in 0..3 {
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(n)));
    }
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

#[test]
fn generators_nest() {
    // The inner one emits into both: its own items, and those of the outer one through the emitter it borrows.
    let numbers = generate(async |outer| {
        let mut inner = pin!(generate(async |out| {
            for n in 0..3 {
                outer.emit(-n).await;
                out.emit(n).await;
            }
        }));
        while let Some(n) = inner.next().await {
            outer.emit(n * 10).await;
        }
    });
    assert_eq!(block_on(numbers.collect::<Vec<_>>()), [0, 0, -1, 10, -2, 20]);
}

#[test]
fn a_panic_in_a_generator_inside_leaves_the_outer_one_as_it_was() {
    let mut numbers = pin!(generate(async |outer| {
        let mut inner = pin!(generate(async |out| {
            out.emit(0).await;
            outer.emit(1).await;
            panic!("bang");
        }));
        assert_eq!(inner.next().await, Some(0));
        let end = catch_unwind_of(inner.next()).await;
        assert_eq!(message(&*end.unwrap_err()), "bang");
        outer.emit(2).await;
    }));
    for n in 1..=2 {
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(n)));
    }
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

#[test]
fn an_item_that_was_emitted_before_a_panic_is_dropped_once() {
    let item = Rc::new(());
    let mut items = pin!(generate(async |out| {
        let _ = poll_once(pin!(out.emit(item.clone()))).await;
        panic!("bang");
    }));
    panic_of(|| drop(poll_next(items.as_mut())));
    assert_eq!(Rc::strong_count(&item), 1);
    // The thread is in no generator any more.
    assert_eq!(block_on(generate(async |out| out.emit(1).await).collect::<Vec<_>>()), [1]);
}

/// What a generator knows of its last poll, which had the same `Context`, is not taken for what is true of this one.
#[test]
fn a_generator_may_be_polled_inside_of_another_and_outside_in_turns() {
    let lent = RefCell::new(None);
    let mut numbers = pin!(generate(async |out| {
        for n in 0.. {
            if let Some(outer) = lent.take() {
                // For the generator around this one. The item is there when both have returned.
                let _ = poll_once(pin!(Emitter::emit(&outer, -n))).await;
            }
            out.emit(n).await;
        }
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(numbers.as_mut().poll_next(&mut cx), Poll::Ready(Some(0)));
    for n in [1, 3] {
        let mut around = pin!(generate(async |out| {
            *lent.borrow_mut() = Some(out);
            assert_eq!(numbers.next().await, Some(n));
            std::future::pending::<()>().await;
        }));
        assert_eq!(around.as_mut().poll_next(&mut cx), Poll::Ready(Some(-n)));
        assert_eq!(around.as_mut().poll_next(&mut cx), Poll::Pending);
        assert_eq!(numbers.as_mut().poll_next(&mut cx), Poll::Ready(Some(n + 1)));
    }
}

async fn catch_unwind_of<T>(future: impl Future<Output = T>) -> std::thread::Result<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

#[test]
fn an_emitter_is_refused_outside_of_its_generator() {
    let escape = Cell::new(None);
    {
        let mut numbers = pin!(generate(async |out| escape.set(Some(out))));
        let mut other = pin!(generate(async |_out: Emitter<u8>| {
            let escaped = escape.take().unwrap();
            let panic = panic_of(|| block_on(escaped.emit(1)));
            assert_eq!(message(&*panic), "`emit` called outside of its generator");
            escape.set(Some(escaped));
        }));
        assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
        assert_eq!(poll_next(other.as_mut()), Poll::Ready(None));
    }
    // The generator is gone.
    let escaped = escape.into_inner().unwrap();
    let panic = panic_of(|| block_on(escaped.emit(2)));
    assert_eq!(message(&*panic), "`emit` called outside of its generator");
}

#[test]
fn an_emitter_is_refused_in_another_thread_while_its_generator_is_polled() {
    let mut numbers = pin!(generate(async |out| {
        let there = std::thread::scope(|scope| scope.spawn(|| panic_of(|| block_on(out.emit(1)))).join().unwrap());
        assert_eq!(message(&*there), "`emit` called outside of its generator");
        out.emit(2).await;
    }));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(2)));
}

#[test]
fn a_panic_in_the_body_reaches_whoever_polls() {
    let mut numbers = pin!(generate(async |out| {
        out.emit(1).await;
        panic!("bang");
    }));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(1)));
    let panic = panic_of(|| assert!(poll_next(numbers.as_mut()).is_pending()));
    assert_eq!(message(&*panic), "bang");
    // In the closure itself, before there is a body.
    let mut none = pin!(generate(|_out: Emitter<u8>| -> std::future::Ready<()> { panic!("early") }));
    let panic = panic_of(|| assert!(poll_next(none.as_mut()).is_pending()));
    assert_eq!(message(&*panic), "early");
    assert_eq!(poll_next(none.as_mut()), Poll::Ready(None));
}

#[test]
fn an_error_is_the_last_item() {
    let mut numbers = pin!(try_generate(async |out| {
        out.emit(1).await;
        // Items still on their way come before the error.
        or(out.emit(2), std::future::ready(())).await;
        or(out.emit(3), std::future::ready(())).await;
        Err("bad")
    }));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(Ok(2))));
    assert_eq!(numbers.size_hint(), (1, Some(2)));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(Ok(3))));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(Some(Err("bad"))));
    assert_eq!(numbers.size_hint(), (0, Some(0)));
    assert_eq!(poll_next(numbers.as_mut()), Poll::Ready(None));
}

#[test]
fn a_generator_that_owns_and_one_that_borrows_may_change_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let words = vec![String::from("a"), String::from("b")];
    let borrows = is_send(generate(async |out| {
        for word in &words {
            out.emit(word.as_str()).await;
            yield_now().await;
        }
    }));
    let mut borrows = Box::pin(borrows);
    assert_eq!(poll_next(borrows.as_mut()), Poll::Ready(Some("a")));
    // Half-read, it goes on in another thread.
    let rest: Vec<_> = std::thread::scope(|scope| scope.spawn(move || block_on(borrows.collect())).join().unwrap());
    assert_eq!(rest, ["b"]);
    drop(is_send(async {
        let mut numbers = pin!(generate(async |out| out.emit(1).await));
        numbers.next().await;
        generate(async |out| out.emit(1).await).take(3).map(|n| n + 1).for_each(async |_| yield_now().await).await;
    }));
}

/// One step of a script.
#[derive(Debug, Clone)]
enum Step {
    Emit,
    /// The body waits for something else, for one poll.
    Wait,
    /// This many emits at once.
    EmitTogether(usize),
    /// An emit that is given up after its first poll.
    GiveUp,
    /// An emit through a generator inside.
    Nest,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Emit),
        2 => Just(Step::Wait),
        1 => (0..4usize).prop_map(Step::EmitTogether),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Nest),
    ]
}

async fn all(emits: Vec<impl Future<Output = ()>>) {
    let mut emits: Vec<_> = emits.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        emits.retain_mut(|emit| emit.as_mut().poll(cx).is_pending());
        if emits.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn play(script: &[Step], out: Emitter<usize>, emitted: &Cell<usize>) {
    let next = || {
        emitted.set(emitted.get() + 1);
        emitted.get() - 1
    };
    for step in script {
        match step {
            Step::Emit => out.emit(next()).await,
            Step::Wait => yield_now().await,
            Step::EmitTogether(n) => all((0..*n).map(|_| out.emit(next())).collect()).await,
            Step::GiveUp => or(out.emit(next()), std::future::ready(())).await,
            Step::Nest => {
                let mut inner = pin!(generate(async |inner| inner.emit(next()).await));
                while let Some(item) = inner.next().await {
                    out.emit(item).await;
                }
            }
        }
    }
}

proptest! {
    /// Against the obvious model: the items are the numbers from zero, in order, none lost, none twice; and the body is
    /// never ahead of the reader by more than what it emits at once.
    #[test]
    fn every_script_gives_its_items_in_order(script in prop::collection::vec(step(), 0..20), stop in 0..60usize) {
        let expected: usize = script.iter().map(|step| match step {
            Step::Emit | Step::GiveUp | Step::Nest => 1,
            Step::EmitTogether(n) => *n,
            Step::Wait => 0,
        }).sum();
        // Between two waits, emits that are given up pile up too.
        let emitted = Cell::new(0);
        let mut numbers = Box::pin(generate(|out| play(&script, out, &emitted)));
        let (mut items, mut has_ended) = (0, false);
        for _ in 0..stop {
            match poll_next(numbers.as_mut()) {
                Poll::Ready(Some(item)) => {
                    prop_assert!(!has_ended);
                    prop_assert_eq!(item, items);
                    items += 1;
                }
                Poll::Ready(None) => {
                    has_ended = true;
                    prop_assert_eq!(items, expected);
                }
                Poll::Pending => prop_assert!(!has_ended),
            }
            let (lower, upper) = numbers.size_hint();
            prop_assert!(lower <= expected - items && upper.is_none_or(|upper| upper >= expected - items));
            if !script.iter().any(|step| matches!(step, Step::GiveUp | Step::EmitTogether(_))) {
                prop_assert!(emitted.get() <= items, "the body waits until its item is taken");
            }
        }
    }

    /// Adapters against the iterators of the same names.
    #[test]
    fn adapters_do_what_those_of_iterators_do(items in prop::collection::vec(any::<u8>(), 0..10), n in 0..12usize) {
        let expected: Vec<_> = items.iter().map(|item| u16::from(*item) + 1).take(n).collect();
        let stream = iter(items.clone()).map(|item| u16::from(item) + 1).take(n);
        prop_assert_eq!(stream.size_hint(), (expected.len(), Some(expected.len())));
        prop_assert_eq!(block_on(stream.collect::<Vec<_>>()), expected);
    }
}
