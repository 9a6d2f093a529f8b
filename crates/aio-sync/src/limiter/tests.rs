//! The races of the limiter: another total meets a token that is given back, or somebody who gives up.

use aio_base::sync::Arc;

use crate::CapacityLimiter;
use crate::race::{block_on, model, poll_and_drop, start};

/// The total shrinks and grows while a token is given back: who waits gets one, and never more are out than there are.
#[test]
fn another_total_and_a_release_wake_who_waits() {
    model(|| {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let held = limiter.try_acquire().unwrap();
        let theirs = limiter.clone();
        let waits = start(move || {
            let permit = block_on(theirs.acquire()).unwrap();
            assert!(theirs.borrowed() <= theirs.statistics().most_borrowed);
            drop(permit);
        });
        let theirs = limiter.clone();
        let resizes = start(move || {
            theirs.set_total(0);
            theirs.set_total(1);
        });
        drop(held);
        waits.join().unwrap();
        resizes.join().unwrap();
        let statistics = limiter.statistics();
        assert_eq!((statistics.borrowed, statistics.most_borrowed, statistics.waiting), (0, 1, 0));
    });
}

/// One asks for more than there is, and gives up while the total grows; the one behind it gets what there is.
#[test]
fn a_larger_request_that_gives_up_leaves_what_was_kept_for_it() {
    model(|| {
        let limiter = Arc::new(CapacityLimiter::new(0));
        let [gives_up, waits] = [limiter.clone(), limiter.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.acquire_many(2)));
        let waits = start(move || drop(block_on(waits.acquire()).unwrap()));
        limiter.set_total(1);
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert_eq!((limiter.borrowed(), limiter.statistics().waiting), (0, 0));
    });
}

/// Closed while a token is given back: who waits gets the one or the other, and is not left asleep.
#[test]
fn closing_lets_nobody_sleep() {
    model(|| {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let held = limiter.try_acquire().unwrap();
        let waiters = [(); 2].map(|()| {
            let limiter = limiter.clone();
            start(move || drop(block_on(limiter.acquire())))
        });
        limiter.close();
        drop(held);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!((limiter.borrowed(), limiter.statistics().waiting), (0, 0));
    });
}
