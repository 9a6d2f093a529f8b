//! The races of the notification: it meets one that is about to wait, or about to give up.

use std::pin::pin;

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::Notify;
use crate::race::{block_on, model, poll_and_drop, start};

/// Between the look and the wait: it is kept, and carries what was done before.
#[test]
fn a_wake_up_is_kept_for_one_who_is_about_to_wait() {
    model(|| {
        let shared = Arc::new((Notify::new(), AtomicUsize::new(0)));
        let theirs = shared.clone();
        let notifies = start(move || {
            // Relaxed: the wake-up orders them.
            theirs.1.store(1, Ordering::Relaxed);
            theirs.0.notify_one();
        });
        block_on(shared.0.notified());
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
        notifies.join().unwrap();
    });
}

/// One is notified and gives up, before or after it was woken; the other gets the wake-up.
#[test]
fn one_that_gives_up_passes_the_wake_up_on() {
    model(|| {
        let notify = Arc::new(Notify::new());
        let theirs = notify.clone();
        let gives_up = start(move || {
            let mut notified = Box::pin(theirs.notified());
            notified.as_mut().enable();
            drop(notified);
        });
        let theirs = notify.clone();
        let waits = start(move || block_on(theirs.notified()));
        notify.notify_one();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

/// Two look, two changes are notified one by one: who has taken its place before it looks misses none.
#[test]
fn who_takes_its_place_before_it_looks_misses_nothing() {
    model(|| {
        let shared = Arc::new((Notify::new(), AtomicUsize::new(0)));
        let takers = [(); 2].map(|()| {
            let shared = shared.clone();
            start(move || {
                loop {
                    let mut notified = pin!(shared.0.notified());
                    notified.as_mut().enable();
                    // Relaxed: who does not see a change has taken its place before it was notified.
                    let left = shared.1.load(Ordering::Relaxed);
                    if left > 0
                        && shared.1.compare_exchange(left, left - 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                    {
                        return;
                    }
                    if left == 0 {
                        block_on(notified);
                    }
                }
            })
        });
        for _ in 0..2 {
            // Relaxed: see above.
            shared.1.fetch_add(1, Ordering::Relaxed);
            shared.0.notify_one();
        }
        for taker in takers {
            taker.join().unwrap();
        }
    });
}

/// A call for all meets one that has asked and has yet to begin, and one that gives up.
#[test]
fn a_call_for_all_reaches_who_has_asked_before() {
    model(|| {
        let notify = Arc::new(Notify::new());
        let asked = notify.notified();
        let theirs = notify.clone();
        let gives_up = start(move || poll_and_drop(theirs.notified()));
        let theirs = notify.clone();
        let notifies = start(move || theirs.notify_all());
        block_on(asked);
        gives_up.join().unwrap();
        notifies.join().unwrap();
    });
}
