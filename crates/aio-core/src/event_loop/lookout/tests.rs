use aio_base::sync::Arc;

use super::*;

/// A worker ends its park while the lookout is about to rest: it is seen awake, or it ends the rest.
#[test]
fn who_is_unparked_ends_a_rest_or_prevents_it() {
    loom::model(|| {
        let shared = Arc::new((Lookout::new(), Visits::new()));
        shared.1.begin_park();
        let theirs = shared.clone();
        let worker = thread::spawn("", move || theirs.0.while_parked(&theirs.1, || ())).unwrap();
        // If the worker is not seen, and does not see the rest, this waits for ever.
        shared.0.rest(|| shared.1.look() & IS_PARKED != 0);
        assert!(!shared.0.rests.load(Ordering::Relaxed));
        worker.join().unwrap();
    });
}

/// The end of the loop ends a rest as well.
#[test]
fn the_end_ends_a_rest() {
    loom::model(|| {
        let lookout = Arc::new(Lookout::new());
        let theirs = lookout.clone();
        lookout.start(move || theirs.rest(|| true));
        lookout.close();
    });
}

/// A worker begins while the lookout is about to rest.
#[test]
fn who_begins_ends_a_rest_or_prevents_it() {
    loom::model(|| {
        let shared = Arc::new((Lookout::new(), AtomicBool::new(false)));
        let theirs = shared.clone();
        let worker = thread::spawn("", move || {
            theirs.1.store(true, Ordering::Relaxed);
            theirs.0.note_awake();
        })
        .unwrap();
        shared.0.rest(|| !shared.1.load(Ordering::Relaxed));
        assert!(!shared.0.rests.load(Ordering::Relaxed));
        worker.join().unwrap();
    });
}
