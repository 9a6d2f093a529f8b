//! The races of the barrier: the last arrival meets one that gives up, or a reset.

use std::task::{Context, Poll, Waker};

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::Barrier;
use crate::race::{block_on, model, poll_and_drop, start};

/// What each did before is visible to all behind the barrier, and their indices differ.
#[test]
fn all_of_a_round_see_what_the_others_did_before() {
    model(|| {
        let shared = Arc::new((Barrier::new(3), [(); 3].map(|()| AtomicUsize::new(0))));
        let pass = |shared: &(Barrier, [AtomicUsize; 3]), i: usize| {
            // Relaxed: the barrier orders them.
            shared.1[i].store(1, Ordering::Relaxed);
            let turn = block_on(shared.0.wait()).unwrap();
            let n_seen: usize = shared.1.iter().map(|done| done.load(Ordering::Relaxed)).sum();
            assert_eq!(n_seen, 3);
            assert_eq!(turn.is_leader(), turn.index() == 2);
        };
        let others = [0, 1].map(|i| {
            let shared = shared.clone();
            start(move || pass(&shared, i))
        });
        pass(&shared, 2);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.0.n_waiting(), 0);
    });
}

/// The first in the line gives up while the others come. Either they are three before that, and pass with it; or it
/// does not count any more, even if it has not left the line, and a fourth makes the round complete. Nobody is left.
/// (Who knows that it is gone knows that it does not count.)
#[test]
fn one_that_gives_up_counts_or_does_not() {
    model(|| {
        let barrier = Arc::new(Barrier::new(3));
        let come = || {
            let barrier = barrier.clone();
            Box::pin(async move { barrier.wait().await.map(|turn| turn.index()) })
        };
        let mut cx = Context::from_waker(Waker::noop());
        let [mut first, mut second, mut third, mut fourth] = [(); 4].map(|()| come());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        let is_gone = Arc::new(AtomicUsize::new(0));
        let theirs = is_gone.clone();
        let gives_up = start(move || {
            drop(first);
            theirs.store(1, Ordering::Release);
        });
        let is_gone = is_gone.load(Ordering::Acquire) == 1;
        let third_waits = third.as_mut().poll(&mut cx).is_pending();
        assert!(third_waits || !is_gone);
        if third_waits {
            assert_eq!(fourth.as_mut().poll(&mut cx), Poll::Ready(Ok(2)));
            assert_eq!(third.as_mut().poll(&mut cx), Poll::Ready(Ok(1)));
            assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready(Ok(0)));
        } else {
            assert!(second.as_mut().poll(&mut cx).is_ready());
        }
        gives_up.join().unwrap();
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// A reset meets the last arrival: both pass, or the first is sent away and the other waits for one more.
#[test]
fn a_reset_meets_the_last_arrival() {
    model(|| {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        let waits = start(move || {
            if block_on(theirs.wait()).is_err() {
                return;
            }
            assert_eq!(theirs.n_waiting(), 0);
        });
        let theirs = barrier.clone();
        let resets = start(move || theirs.reset());
        poll_and_drop(barrier.wait());
        resets.join().unwrap();
        // Whoever waits now came after the reset.
        barrier.abort();
        waits.join().unwrap();
        assert_eq!(barrier.n_waiting(), 0);
    });
}
