//! The races of the semaphore: permits are neither lost nor doubled, and nobody sleeps beside a free one.

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::Semaphore;
use crate::race::{block_on, model, poll_and_drop, start};

/// Fast path against fast path, the first waiter against the release.
#[test]
fn three_threads_share_two_permits() {
    model(|| {
        let shared = Arc::new((Semaphore::new(2), AtomicUsize::new(0)));
        let work = |shared: &(Semaphore, AtomicUsize)| {
            let permit = block_on(shared.0.acquire());
            // Relaxed: a count; the permits bound it.
            assert!(shared.1.fetch_add(1, Ordering::Relaxed) < 2);
            shared.1.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        };
        let others = [(); 2].map(|()| {
            let shared = shared.clone();
            start(move || work(&shared))
        });
        work(&shared);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.0.available_permits(), 2);
    });
}

/// What was done with the permit is visible to the next who has it.
#[test]
fn a_permit_carries_what_was_done_with_it() {
    model(|| {
        let shared = Arc::new((Semaphore::new(1), AtomicUsize::new(0)));
        let others = [(); 2].map(|()| {
            let shared = shared.clone();
            start(move || {
                let _permit = block_on(shared.0.acquire());
                // Relaxed, in two steps: the permit orders them.
                let before = shared.1.load(Ordering::Relaxed);
                shared.1.store(before + 1, Ordering::Relaxed);
            })
        });
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.1.load(Ordering::Relaxed), 2);
    });
}

/// The first in the line is handed the permit and gives up; the second sleeps until it gets it from there.
#[test]
fn a_waiter_that_gives_up_passes_the_permit_on() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let [gives_up, waits] = [semaphore.clone(), semaphore.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.acquire()));
        let waits = start(move || block_on(waits.acquire()).forget());
        semaphore.add_permits(1);
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
        semaphore.add_permits(1);
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// One asks for more than there is, and gives up while what is kept for it grows; the one behind it gets that.
#[test]
fn a_larger_request_that_gives_up_leaves_what_was_kept_for_it() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let [gives_up, waits] = [semaphore.clone(), semaphore.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.acquire_many(3)));
        let waits = start(move || block_on(waits.acquire_many(2)).forget());
        semaphore.add_permits(1);
        gives_up.join().unwrap();
        waits.join().unwrap();
        assert_eq!(semaphore.available_permits(), 0);
    });
}

/// A permit is kept for a larger request, which gives up and so sets it free; a third one takes it without a look at
/// the line, and sees what was done with it.
#[test]
fn a_permit_set_free_by_one_that_gives_up_carries_what_was_done_with_it() {
    model(|| {
        let shared = Arc::new((Semaphore::new(1), AtomicUsize::new(0)));
        let permit = shared.0.try_acquire().unwrap();
        let theirs = shared.clone();
        let gives_up = start(move || poll_and_drop(theirs.0.acquire_many(2)));
        let theirs = shared.clone();
        let takes = start(move || {
            if let Some(_permit) = theirs.0.try_acquire() {
                // Relaxed: the permit orders them.
                assert_eq!(theirs.1.load(Ordering::Relaxed), 1);
            }
        });
        shared.1.store(1, Ordering::Relaxed);
        drop(permit);
        gives_up.join().unwrap();
        takes.join().unwrap();
        assert_eq!(shared.0.available_permits(), 1);
    });
}

/// What is kept for one that gives up is taken away, by it or by what it has become: nothing is lost or doubled.
#[test]
fn permits_are_taken_away_while_a_waiter_gives_up() {
    model(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let theirs = semaphore.clone();
        let gives_up = start(move || poll_and_drop(theirs.acquire_many(3)));
        let theirs = semaphore.clone();
        let adds = start(move || theirs.add_permits(1));
        let forgotten = semaphore.forget_permits(2);
        gives_up.join().unwrap();
        adds.join().unwrap();
        assert!((1..=2).contains(&forgotten));
        assert_eq!(semaphore.available_permits(), 2 - forgotten);
    });
}
