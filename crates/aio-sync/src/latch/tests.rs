//! The race of the latch: the last count meets one that is about to wait, or about to give up.

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::Latch;
use crate::race::{block_on, model, poll_and_drop, start};

/// Nobody sleeps beside an open latch, and who passes sees what all did who counted.
#[test]
fn who_waits_sees_what_all_did_who_counted() {
    model(|| {
        let shared = Arc::new((Latch::new(2), [(); 2].map(|()| AtomicUsize::new(0))));
        let counts = [0, 1].map(|i| {
            let shared = shared.clone();
            start(move || {
                // Relaxed: the latch orders them.
                shared.1[i].store(1, Ordering::Relaxed);
                shared.0.arrive();
            })
        });
        block_on(shared.0.wait());
        assert!(shared.1.iter().all(|done| done.load(Ordering::Relaxed) == 1));
        for count in counts {
            count.join().unwrap();
        }
    });
}

/// It gives up while the latch opens, and nothing freed is touched.
#[test]
fn one_that_gives_up_while_it_opens_is_not_touched() {
    model(|| {
        let latch = Arc::new(Latch::new(1));
        let theirs = latch.clone();
        let gives_up = start(move || poll_and_drop(theirs.wait()));
        let theirs = latch.clone();
        let waits = start(move || block_on(theirs.wait()));
        latch.arrive();
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}
