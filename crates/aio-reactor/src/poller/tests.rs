use aio_base::sync::Arc as ModelArc;
use aio_base::sync::atomic::AtomicUsize;
use aio_base::{Parker, thread};

use super::*;

/// A token left before, between and after the steps of a wait ends it, whether it is below or in the system.
fn a_token_ends_the_wait(place: Place) {
    loom::model(move || {
        let mut parker = Parker::new();
        let poller = Poller::new(parker.unparker().into());
        let selector = poller.make_selector().unwrap();
        let data = ModelArc::new(AtomicUsize::new(0));
        let (theirs, waker) = (data.clone(), Waker::from(poller.clone()));
        let other = thread::spawn("", move || {
            theirs.store(1, Ordering::Relaxed);
            waker.wake();
        })
        .unwrap();
        if poller.begin(place) {
            match place {
                Place::Inner => parker.park(None),
                Place::System => poller.wait(selector, &mut Inbox::default(), None),
            }
            poller.end();
        }
        // The token carries what was written before it.
        assert_eq!(data.load(Ordering::Relaxed), 1);
        other.join().unwrap();
    });
}

#[test]
fn a_token_ends_the_wait_below() {
    a_token_ends_the_wait(Place::Inner);
}

#[test]
fn a_token_ends_the_wait_in_the_system() {
    a_token_ends_the_wait(Place::System);
}

/// Two tokens may melt into one, but never into none.
#[test]
fn two_tokens_end_one_wait() {
    loom::model(|| {
        let poller = Poller::new(Waker::noop().clone());
        let selector = poller.make_selector().unwrap();
        let threads = [(); 2].map(|()| {
            let waker = Waker::from(poller.clone());
            thread::spawn("", move || waker.wake()).unwrap()
        });
        if poller.begin(Place::System) {
            poller.wait(selector, &mut Inbox::default(), None);
            poller.end();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// Somebody stands in for a thread that begins to wait just then: he may be the one whom the system tells of a token,
/// and hands it on.
#[test]
fn a_token_that_a_stand_in_comes_by_ends_the_wait() {
    loom::model(|| {
        let poller = Poller::new(Waker::noop().clone());
        let selector = poller.make_selector().unwrap();
        let stand_in = poller.clone();
        let stand_in = thread::spawn("", move || stand_in.stand_in()).unwrap();
        let waker = Waker::from(poller.clone());
        let other = thread::spawn("", move || waker.wake()).unwrap();
        if poller.begin(Place::System) {
            poller.wait(selector, &mut Inbox::default(), None);
            poller.end();
        }
        other.join().unwrap();
        stand_in.join().unwrap();
    });
}
