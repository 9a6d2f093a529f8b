//! Futures polled by hand, and what is asserted of it.
#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Once}; // facade: tests of one thread
use std::task::{Context, Poll, Waker};

use aio_core::{defer, run, yield_now};
use aio_sync::Event;
use aio_test::{assert_pending, assert_ready, assert_ready_eq, assert_ready_err, assert_ready_ok, step};

thread_local! {
    /// Where this thread has panicked last.
    static LINE: Cell<u32> = const { Cell::new(0) };
}

/// The message and the line of a panic.
fn panic_of(f: impl FnOnce()) -> (String, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            LINE.set(info.location().map_or(0, |location| location.line()));
            former(info);
        }));
    });
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a text").to_string(),
    };
    (text, LINE.get())
}

#[test]
fn a_step_is_a_poll_and_wakes_are_counted() {
    let mut turns = step(async {
        yield_now().await;
        yield_now().await;
        7
    });
    assert_eq!((turns.n_polls(), turns.n_wakes(), turns.is_woken()), (0, 0, false));
    assert_pending!(turns.poll());
    assert!(turns.is_woken());
    assert_pending!(turns.poll());
    assert_eq!((turns.n_polls(), turns.n_wakes(), turns.has_ended()), (2, 2, false));
    assert_ready_eq!(turns.poll(), 7);
    assert_eq!((turns.n_polls(), turns.n_wakes(), turns.is_woken(), turns.has_ended()), (3, 2, false, true));
}

#[test]
fn a_wake_is_forgotten_at_the_next_poll() {
    let event = Event::new();
    let mut waiting = step(async {
        event.wait().await;
        std::future::pending::<()>().await;
    });
    assert_pending!(waiting.poll());
    event.set();
    assert!(waiting.is_woken());
    assert_pending!(waiting.poll());
    assert!(!waiting.is_woken());
    assert_eq!(waiting.n_wakes(), 1);
}

#[test]
fn a_waker_that_is_kept_is_seen() {
    let kept = Arc::new(Mutex::new(Vec::<Waker>::new()));
    let mut hoarder = step(std::future::poll_fn({
        let kept = kept.clone();
        move |cx: &mut Context<'_>| {
            kept.lock().unwrap().push(cx.waker().clone());
            Poll::<()>::Pending
        }
    }));
    assert_pending!(hoarder.poll());
    assert_pending!(hoarder.poll());
    assert_eq!(hoarder.wakers_left(), 2);
    hoarder.cancel();
    assert_eq!(hoarder.wakers_left(), 2);
    kept.lock().unwrap().pop().unwrap().wake();
    assert_eq!((hoarder.wakers_left(), hoarder.n_wakes()), (1, 1));
    kept.lock().unwrap().clear();
    assert_eq!(hoarder.wakers_left(), 0);
}

#[test]
fn a_future_is_dropped_when_it_is_ready_and_when_it_is_cancelled() {
    let token = Arc::new(());
    let held = token.clone();
    let mut ready = step(async move { drop(held) });
    assert_ready!(ready.poll());
    assert_eq!(Arc::strong_count(&token), 1);

    let held = token.clone();
    let mut cancelled = step(async move {
        std::future::pending::<()>().await;
        drop(held);
    });
    assert_pending!(cancelled.poll());
    assert_eq!(Arc::strong_count(&token), 2);
    cancelled.cancel();
    assert_eq!((Arc::strong_count(&token), cancelled.has_ended()), (1, true));
    cancelled.cancel();
}

#[test]
fn a_future_taken_out_goes_on_where_it_was() {
    let mut begun = step(async {
        yield_now().await;
        3
    });
    assert_pending!(begun.poll());
    let rest = begun.into_inner().expect("it has not ended");
    assert_ready_eq!(step(rest).poll(), 3);
    let mut ended = step(async {});
    assert_ready!(ended.poll());
    assert!(ended.future().is_none());
    assert!(ended.into_inner().is_none());
}

#[test]
fn a_poll_after_the_end_panics_with_the_line_of_the_caller() {
    let mut ended = step(async {});
    assert_ready!(ended.poll());
    let begin = line!();
    let (text, line) = panic_of(|| assert_ready!(ended.poll()));
    assert_eq!((&*text, line), ("a stepper was polled after its future had ended or was cancelled", begin + 1));
}

#[test]
fn a_future_that_panics_is_gone() {
    let mut panicking = step(async { panic!("on purpose") });
    let (text, _) = panic_of(|| assert_ready!(panicking.poll()));
    assert_eq!(text, "on purpose");
    assert!(panicking.has_ended());
}

/// Inside of a loop the future is a part of the task that polls it.
#[test]
fn what_a_stepped_future_leaves_goes_to_the_scope_of_the_task() {
    let log = Arc::new(Mutex::new(Vec::new()));
    run({
        let log = log.clone();
        async move {
            let mut stepped = step({
                let log = log.clone();
                async move {
                    let _guard = defer(log, async |log| {
                        yield_now().await;
                        log.lock().unwrap().push("cleaned up");
                    });
                    std::future::pending::<()>().await;
                }
            });
            assert_pending!(stepped.poll());
            stepped.cancel();
            log.lock().unwrap().push("cancelled");
        }
    });
    assert_eq!(*log.lock().unwrap(), ["cancelled", "cleaned up"]);
}

#[test]
fn assertions_say_what_the_poll_gave_in_the_line_of_the_caller() {
    let ready = || Poll::Ready(1);
    let pending = || Poll::<i32>::Pending;
    let error = || Poll::Ready(Err::<i32, _>("no"));
    let cases: [(&dyn Fn(), &str); 7] = [
        (&|| assert_pending!(ready()), "it is ready, with 1"),
        (&|| assert_pending!(ready(), "at {}", "first"), "it is ready, with 1: at first"),
        (&|| _ = assert_ready!(pending()), "it is pending"),
        (&|| _ = assert_ready!(pending(), "later",), "it is pending: later"),
        (&|| assert_ready_eq!(ready(), 2, "sum"), "it is ready, with 1 and not 2: sum"),
        (&|| _ = assert_ready_ok!(error(), "never"), "it is ready, with the error \"no\": never"),
        (&|| assert_ready_err!(Poll::Ready(Ok::<_, ()>(1))), "it is ready, with 1 and not an error"),
    ];
    let first = line!() - 8;
    for (index, (case, expected)) in cases.into_iter().enumerate() {
        let (text, line) = panic_of(case);
        assert_eq!((&*text, line), (expected, first + index as u32));
    }
    assert_eq!(assert_ready!(ready()), 1);
    assert_eq!(assert_ready_err!(error()), "no");
    assert_eq!(assert_ready_ok!(Poll::Ready(Ok::<_, ()>(1))), 1);
    assert_ready_eq!(Poll::Ready("text".to_owned()), "text");
    assert_pending!(pending());
}
