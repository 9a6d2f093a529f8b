//! Spies, ledgers, logs and watches.
#![cfg(not(aio_loom))]

use std::future::Ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use aio_core::{EventLoop, ThreadPark, VirtualTime, run, spawn, yield_now};
use aio_group::{gather, race};
use aio_sync::Event;
use aio_test::{
    CancelAt, EventLog, Fate, Ledger, Spy, SpyHandle, Stepper, Stopwatch, Tracked, Victim, assert_elapsed, log, spy,
};
use aio_timer::{Timers, sleep};

fn on_virtual_time(main: impl Future<Output = ()>) {
    EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(main);
}

/// What tests share may cross threads, if what is in it may.
#[test]
fn helpers_may_cross_threads() {
    fn both<T: Send + Sync>() {}
    fn send<T: Send>() {}
    both::<(EventLog, Ledger, Tracked<u8>, SpyHandle, Stopwatch)>();
    both::<(Stepper<Ready<u8>>, Spy<Ready<u8>>)>();
    send::<(CancelAt<Ready<u8>>, Victim)>();
    send::<Stepper<std::cell::Cell<u8>>>();
}

fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    *payload.downcast::<String>().expect("with a text")
}

#[test]
fn a_spy_counts_and_passes_wakes_on() {
    let (future, watched) = spy(async {
        yield_now().await;
        sleep(Duration::from_secs(1)).await;
        5
    });
    on_virtual_time(async {
        assert_eq!(future.await, 5);
    });
    assert_eq!((watched.n_polls(), watched.n_wakes(), watched.wakers_left()), (3, 2, 0));
    assert_eq!(watched.fate(), Fate::Finished);
}

/// It is polled by another task than before.
#[test]
fn a_spy_wakes_whoever_polled_it_last() {
    let event = Event::new();
    let (future, watched) = spy(event.wait());
    let mut future = pin!(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    run(async {
        gather((future, async {
            yield_now().await;
            event.set();
        }))
        .await;
    });
    assert_eq!((watched.fate(), watched.n_wakes()), (Fate::Finished, 1));
}

#[test]
fn a_spy_knows_the_fate_of_its_future() {
    let (never_polled, unpolled) = spy(async {});
    assert!(unpolled.is_alive());
    drop(never_polled);
    assert_eq!((unpolled.fate(), unpolled.is_alive()), (Fate::Dropped, false));

    let (loser, outrun) = spy(std::future::pending::<()>());
    let (winner, first) = spy(yield_now());
    let (bomb, panicked) = spy(async { panic!("on purpose") });
    run(async {
        race(vec![Box::pin(loser) as std::pin::Pin<Box<dyn Future<Output = ()>>>, Box::pin(winner)]).await;
        assert!(spawn(bomb).join().await.unwrap_err().is_panic());
    });
    assert_eq!((outrun.fate(), first.fate(), panicked.fate()), (Fate::Dropped, Fate::Finished, Fate::Panicked));
    assert_eq!((outrun.wakers_left(), first.wakers_left(), panicked.wakers_left()), (0, 0, 0));
}

#[test]
fn a_ledger_counts_what_is_made_taken_dropped_and_left() {
    let ledger = Ledger::new();
    let (one, two, three) = (ledger.track(1), ledger.track(2), ledger.track(3));
    assert_eq!(*one + *two, *three);
    assert_eq!(ledger.take(one), 1);
    drop(two);
    assert_eq!((ledger.n_made(), ledger.n_taken(), ledger.n_dropped(), ledger.n_live()), (3, 1, 1, 1));
    let copy = three.clone();
    assert_eq!((ledger.n_made(), ledger.n_live()), (4, 2));
    drop((three, copy));
    ledger.assert_none_live();
}

#[test]
fn a_ledger_says_which_value_was_lost_and_where_it_was_made() {
    let ledger = Ledger::new();
    let kept = ledger.track("kept");
    let line = line!() + 1;
    drop(ledger.track("lost"));
    let file = file!();
    let counts = "Ledger { made: 2, taken: 0, dropped: 1, live: 1 }";
    assert_eq!(panic_of(|| ledger.assert_none_lost()), format!("{counts}:\n  #1, made at {file}:{line}:17, was lost"));
    assert_eq!(
        panic_of(|| ledger.assert_none_live()),
        format!("{counts}:\n  #0, made at {file}:{}:23, still exists", line - 2)
    );
    assert!(panic_of(|| ledger.assert_all_taken()).contains("has not arrived"));
    ledger.take(kept);
}

#[test]
fn a_value_that_is_dropped_twice_is_seen() {
    let ledger = Ledger::new();
    let item = ledger.track(String::from("text"));
    // SAFETY: a bug, on purpose: but the value itself is not dropped again, and the ledger is alive.
    drop(unsafe { std::ptr::read(&item) });
    drop(item);
    assert!(panic_of(|| ledger.assert_none_live()).contains("#0, made at"));
    assert!(panic_of(|| ledger.assert_none_live()).ends_with("was dropped again"));
    assert_eq!((ledger.n_dropped(), ledger.n_live()), (1, 0));
}

#[test]
fn a_value_of_another_ledger_is_refused() {
    let item = Ledger::new().track(());
    let result = catch_unwind(AssertUnwindSafe(|| Ledger::new().take(item)));
    assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "the value is counted in another ledger");
}

#[test]
fn a_log_is_the_same_in_each_run() {
    let write = || {
        let mut text = String::new();
        on_virtual_time(async {
            sleep(Duration::from_secs(5)).await;
            let log = EventLog::new();
            let beats = [3, 7].map(|period| {
                let log = log.clone();
                spawn(async move {
                    for n in 1..=3 {
                        sleep(Duration::from_millis(period * 100)).await;
                        log!(log, "beat {n} of {period}");
                    }
                })
            });
            log.push(String::from("begun"));
            gather(beats).await;
            assert_eq!(log.texts().len(), 7);
            assert_eq!(log, log.lines());
            text = log.to_string();
            assert_eq!(log.take().len(), 7);
            assert_eq!(log, [""; 0]);
            log.push("later");
            assert_eq!(log, vec![String::from("2.1s: later")]);
            assert_eq!(log, &["2.1s: later"][..]);
        });
        text
    };
    let text = write();
    assert_eq!(
        text,
        "0s: begun\n300ms: beat 1 of 3\n600ms: beat 2 of 3\n700ms: beat 1 of 7\n900ms: beat 3 of 3\n1.4s: beat 2 of \
         7\n2.1s: beat 3 of 7\n"
    );
    for _ in 0..20 {
        assert_eq!(write(), text);
    }
}

#[test]
fn a_log_that_differs_is_shown_beside_what_was_expected() {
    let log = EventLog::new();
    log.push("a");
    let text = format!("{log:?}");
    assert!(text.starts_with("[\"") && text.ends_with(": a\"]"), "{text}");
    assert_ne!(log, ["b"]);
}

#[test]
fn a_watch_is_exact() {
    on_virtual_time(async {
        let mut watch = Stopwatch::start();
        let hour = Duration::from_secs(3600);
        sleep(hour).await;
        assert_elapsed!(watch, hour);
        assert_eq!(watch.lap(), hour);
        sleep(Duration::from_nanos(1)).await;
        // The timers are as fine as a millisecond, the clock as the deadline it was given.
        let elapsed = watch.elapsed();
        assert_elapsed!(watch, elapsed);
        assert_eq!(
            panic_of(|| assert_elapsed!(watch, elapsed + hour, "try {}", 2)),
            format!("{elapsed:?} have passed and not {:?}: try 2", elapsed + hour)
        );
    });
}
