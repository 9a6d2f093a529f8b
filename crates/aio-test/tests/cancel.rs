//! The fuzzer itself: that it sees what it is there for.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use aio_core::{cancel_reason, defer, local, shield, spawn, yield_now};
use aio_group::race;
use aio_io::{DuplexStream, StreamReader, WriteExt, duplex};
use aio_sync::{Event, Lock, Notify};
use aio_test::{
    CancelAt, CancelFuzzer, CancelPoint, EventLog, Moment, Victim, cancel_at_each_await, cancel_future_at_each_await,
    log,
};
use aio_timer::{sleep, timeout};
use futures_io::AsyncRead;

fn panic_of(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a text").to_string(),
    }
}

fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} has no {part:?}");
}

/// What a point does, told by the victim.
async fn three_awaits(log: EventLog) {
    let _guard = defer(log.clone(), async |log| {
        log!(log, "cleanup: {:?}", cancel_reason().is_some());
        sleep(Duration::from_secs(10)).await;
        log.push("clean");
    });
    log.push("begun");
    sleep(Duration::from_secs(1)).await;
    log.push("1");
    yield_now().await;
    log.push("2");
    sleep(Duration::from_secs(1)).await;
    log.push("3");
}

#[test]
fn every_await_is_cut_when_it_waits_and_when_it_was_woken() {
    let mut runs = Vec::new();
    let points = cancel_at_each_await(async |victim: Victim| {
        let log = EventLog::new();
        let outcome = victim.run(three_awaits(log.clone())).await;
        log!(log, "{outcome:?}");
        runs.push(log.lines().join(", "));
    });
    assert_eq!(points, 7);
    assert_eq!(
        runs,
        [
            "0s: begun, 1s: 1, 1s: 2, 2s: 3, 2s: cleanup: false, 12s: clean, 12s: Some(())",
            "0s: None",
            "0s: begun, 0s: cleanup: true, 10s: clean, 10s: None",
            "0s: begun, 1s: cleanup: true, 11s: clean, 11s: None",
            "0s: begun, 1s: 1, 1s: cleanup: true, 11s: clean, 11s: None",
            "0s: begun, 1s: 1, 1s: cleanup: true, 11s: clean, 11s: None",
            "0s: begun, 1s: 1, 1s: 2, 1s: cleanup: true, 11s: clean, 11s: None",
            "0s: begun, 1s: 1, 1s: 2, 2s: cleanup: true, 12s: clean, 12s: None",
        ]
    );
}

#[test]
fn a_victim_without_an_await_is_cut_before_it_begins() {
    let mut begun = Vec::new();
    let points = cancel_at_each_await(async |victim: Victim| begun.push(victim.run(async { 1 }).await));
    assert_eq!((points, begun), (1, vec![Some(1), None]));
}

#[test]
fn shielded_work_is_done_before_the_victim_ends() {
    let saved = Rc::new(Cell::new(0));
    cancel_at_each_await(async |victim: Victim| {
        saved.set(0);
        let begun = Cell::new(false);
        victim
            .run(async {
                yield_now().await;
                begun.set(true);
                let saved = saved.clone();
                local::shield(async move {
                    yield_now().await;
                    sleep(Duration::from_secs(1)).await;
                    saved.set(1);
                })
                .await;
            })
            .await;
        // (It is polled at once.)
        assert_eq!(saved.get() == 1, begun.get());
    });
}

/// A cut `shield` runs on beside the victim's own wakes, which count no awaits.
#[test]
fn cleanups_of_a_victim_that_goes_on_are_no_awaits_of_its() {
    let points = cancel_future_at_each_await(|| async {
        assert!(timeout(Duration::from_secs(1), shield(sleep(Duration::from_secs(3)))).await.is_err());
        sleep(Duration::from_secs(9)).await;
    });
    // (A timeout waits for the cleanup of what it cuts.)
    assert_eq!(points, 7);
}

#[test]
fn a_task_that_the_victim_spawned_has_ended_before_the_victim() {
    cancel_at_each_await(async |victim: Victim| {
        let log = EventLog::new();
        let work = async {
            let log = log.clone();
            spawn(async move {
                let _guard = defer(log.clone(), async |log| {
                    sleep(Duration::from_secs(1)).await;
                    log.push("cleaned up");
                });
                log.push("begun");
                sleep(Duration::from_secs(1)).await;
            })
            .await;
        };
        victim.run(work).await;
        let texts = log.texts();
        assert!(texts.is_empty() || texts == ["begun", "cleaned up"], "{texts:?}");
    });
}

/// Reads a message of four bytes as it should not be done: what has been read stays in a local buffer.
async fn read_message_badly<R: AsyncRead + Unpin>(stream: &mut R) -> [u8; 4] {
    use aio_io::ReadExt;
    let mut message = [0; 4];
    let mut len = 0;
    while len < 4 {
        let n = stream.read(&mut message[len..]).await.unwrap();
        assert_ne!(n, 0, "bytes are missing");
        len += n;
    }
    message
}

/// As it should be: until the message is whole, its bytes stay in the reader.
async fn read_message_well<R: AsyncRead + Unpin>(reader: &mut StreamReader<R>) -> [u8; 4] {
    reader.read_exactly(4).await.unwrap().try_into().unwrap()
}

fn send_in_pieces(mut stream: DuplexStream) -> aio_core::local::Task<()> {
    local::spawn(async move {
        for piece in ["he", "ll", "o, wor", "ld!", "!!!"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    })
}

#[test]
fn a_read_loop_that_loses_bytes_is_found() {
    let message = panic_of(|| {
        cancel_at_each_await(async |victim: Victim| {
            let (mut here, there) = duplex(64);
            let sender = send_in_pieces(there);
            let mut got = Vec::new();
            victim
                .run(async {
                    while got.len() < 16 {
                        got.extend(read_message_badly(&mut here).await);
                    }
                })
                .await;
            while got.len() < 16 {
                got.extend(read_message_badly(&mut here).await);
            }
            sender.await;
            assert_eq!(String::from_utf8(got).unwrap(), "hello, world!!!!");
        });
    });
    // It waits for the first piece; when it waits for the second, it has the first.
    assert_contains(
        &message,
        "The victim was cancelled at await 2 of 5, as soon as it waited. To repeat: AIO_CANCEL_AT=2:waiting cargo test \
         a_read_loop_that_loses_bytes_is_found",
    );
}

#[test]
fn a_read_loop_that_loses_nothing_passes() {
    let points = cancel_at_each_await(async |victim: Victim| {
        let (here, there) = duplex(64);
        let mut reader = StreamReader::new(here);
        let sender = send_in_pieces(there);
        let mut got = Vec::new();
        victim
            .run(async {
                while got.len() < 16 {
                    got.extend(read_message_well(&mut reader).await);
                }
            })
            .await;
        while got.len() < 16 {
            got.extend(read_message_well(&mut reader).await);
        }
        sender.await;
        assert_eq!(String::from_utf8(got).unwrap(), "hello, world!!!!");
    });
    assert_eq!(points, 11);
}

/// An item that is handed over to whoever waits, and is lost if that is cancelled before it looks: only seen at the
/// moment between.
#[test]
fn a_handover_that_loses_its_item_is_found_at_a_wake() {
    #[derive(Default)]
    struct BadQueue {
        given: RefCell<Option<u32>>,
        arrived: Notify,
    }
    impl BadQueue {
        async fn get(self: &Rc<Self>) -> u32 {
            struct Place(Rc<BadQueue>);
            impl Drop for Place {
                fn drop(&mut self) {
                    self.0.given.take();
                }
            }
            let place = Place(self.clone());
            self.arrived.notified().await;
            place.0.given.take().expect("it was given one")
        }

        fn put(&self, item: u32) {
            *self.given.borrow_mut() = Some(item);
            self.arrived.notify_one();
        }
    }
    let message = panic_of(|| {
        cancel_at_each_await(async |victim: Victim| {
            let queue = Rc::new(BadQueue::default());
            let get = local::spawn({
                let queue = queue.clone();
                async move { victim.run(queue.get()).await }
            });
            sleep(Duration::from_secs(1)).await;
            queue.put(1);
            if get.await.is_none() {
                assert_eq!(queue.given.take(), Some(1), "the item is lost");
            }
        });
    });
    assert_contains(&message, "the item is lost");
    assert_contains(&message, "at await 1 of 1, when it was woken, before it was polled again");
    assert_contains(&message, "AIO_CANCEL_AT=1:woken cargo test");
}

/// Who waits for a permit that a cancelled one has taken with it.
#[test]
fn a_deadlock_after_a_cancellation_names_the_tasks() {
    let message = panic_of(|| {
        cancel_at_each_await(async |victim: Victim| {
            let (done, tell) = (Rc::new(Event::new()), Rc::new(Event::new()));
            let waiting = aio_core::local::spawn({
                let done = done.clone();
                async move { done.wait().await }
            });
            victim
                .run(async {
                    yield_now().await;
                    done.set();
                    tell.set();
                })
                .await;
            waiting.await;
        });
    });
    assert_contains(&message, "deadlock: no task can run, no timer is set, and nothing goes on outside");
    assert_contains(&message, "tests/cancel.rs");
    assert_contains(&message, "The victim was cancelled before its first poll. To repeat: AIO_CANCEL_AT=0 cargo test");
}

#[test]
fn a_failure_without_cancellation_is_told_apart() {
    let mut runs = 0;
    let message = panic_of(|| {
        cancel_at_each_await(async |victim: Victim| {
            runs += 1;
            victim.run(yield_now()).await;
            panic!("on purpose");
        });
    });
    assert_eq!((runs, &*message), (1, "on purpose\nThe victim was not cancelled in this run."));
}

#[test]
fn a_panic_that_is_no_text_goes_on_as_it_is() {
    let payload = catch_unwind(|| {
        cancel_at_each_await(async |victim: Victim| {
            if victim.run(yield_now()).await.is_none() {
                std::panic::panic_any(7_u8);
            }
        })
    });
    assert_eq!(*payload.unwrap_err().downcast::<u8>().unwrap(), 7);
}

#[test]
fn a_panic_of_a_cleanup_fails_the_run() {
    let message = panic_of(|| {
        cancel_future_at_each_await(|| async {
            let _guard = defer((), async |()| assert!(cancel_reason().is_none(), "cut"));
            yield_now().await;
        });
    });
    assert_contains(&message, "cut\nThe victim was cancelled at await 1 of 1, as soon as it waited.");
}

#[test]
#[should_panic(expected = "the victim has waited 21 times and has not finished")]
fn a_victim_that_never_finishes_is_bounded() {
    CancelFuzzer::new().max_awaits(20).run(async |victim: Victim| {
        victim
            .run(async {
                loop {
                    sleep(Duration::from_secs(1)).await;
                }
            })
            .await
            .unwrap_or(())
    });
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_victim_that_waits_for_ever_is_a_deadlock() {
    cancel_future_at_each_await(std::future::pending::<()>);
}

#[test]
#[should_panic(expected = "the test has not run its victim")]
fn a_victim_that_is_not_run_is_refused() {
    cancel_at_each_await(async |_victim: Victim| {});
}

#[test]
#[should_panic(expected = "the test has not run its victim")]
fn a_victim_whose_future_is_not_awaited_is_refused() {
    cancel_at_each_await(async |victim: Victim| drop(victim.run(async {})));
}

#[test]
#[should_panic(expected = "the test must do the same in each run")]
fn a_test_that_differs_from_run_to_run_is_refused() {
    let runs = Cell::new(0);
    cancel_at_each_await(async |victim: Victim| {
        runs.set(runs.get() + 1);
        let turns = if runs.get() == 1 { 3 } else { 1 };
        victim
            .run(async {
                for _ in 0..turns {
                    yield_now().await;
                }
            })
            .await;
    });
}

/// Its own timeout cuts it at the second await: there are no points after that.
#[test]
fn a_victim_that_the_test_drops_ends_there() {
    let points = cancel_at_each_await(async |victim: Victim| {
        let slow = victim.run(async {
            for _ in 0..5 {
                sleep(Duration::from_secs(2)).await;
            }
        });
        assert!(matches!(timeout(Duration::from_secs(3), slow).await, Ok(None) | Err(_)));
    });
    assert_eq!(points, 5);
}

/// It is woken, and its turn is taken by somebody else first.
#[test]
fn a_victim_is_not_polled_for_the_wakes_of_others() {
    let lock = Lock::new(());
    aio_core::run(async {
        let mut polls = 0;
        let victim = CancelAt::new(
            std::future::poll_fn(|_| {
                polls += 1;
                std::task::Poll::<()>::Pending
            }),
            None,
        );
        race((victim, async {
            for _ in 0..5 {
                yield_now().await;
            }
            drop(lock.lock().await);
            None
        }))
        .await;
        assert_eq!(polls, 1);
    });
}

#[test]
fn a_point_is_what_it_is_written_as() {
    let all: Vec<_> = CancelPoint::all(2).collect();
    let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["0", "1:waiting", "1:woken", "2:waiting", "2:woken"]);
    assert_eq!(texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<CancelPoint>>(), all);
    assert!(all.is_sorted());
    for wrong in ["", "1", "0:woken", "1:", "x:woken", "1:asleep", "-1:woken"] {
        assert_eq!(
            wrong.parse::<CancelPoint>().unwrap_err().to_string(),
            "a point of cancellation is `0`, `N:waiting` or `N:woken`, where N is 1 or more"
        );
    }
    assert_eq!("3:woken".parse(), Ok(CancelPoint::Await(3, Moment::Woken)));
}
