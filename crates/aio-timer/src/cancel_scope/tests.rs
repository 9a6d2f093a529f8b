//! A model of a cancellation against a run that registers.

use std::future::pending;

use aio_base::thread;

use aio_core::{Reason, block_on};

use super::CancelScope;

/// The run either finds the flag or is found by the cancellation; else it would wait for ever.
#[test]
fn a_cancellation_on_another_thread_is_never_missed() {
    loom::model(|| {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let other = thread::spawn("", move || handle.cancel()).unwrap();
        assert_eq!(*block_on(scope.run(pending::<()>())).unwrap_err().reason(), Reason::Requested);
        other.join().unwrap();
    });
}

/// So is one that waits beside the scope.
#[test]
fn a_cancellation_on_another_thread_wakes_who_waits_for_it() {
    loom::model(|| {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let other = thread::spawn("", move || handle.cancel_with("enough")).unwrap();
        assert_eq!(block_on(scope.cancelled()), Reason::from("enough"));
        other.join().unwrap();
    });
}

/// Two cancel at the same time: the run ends once, for one of the two reasons, which stays.
#[test]
fn the_first_of_two_reasons_counts() {
    loom::model(|| {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let other = thread::spawn("", move || handle.cancel_with("other")).unwrap();
        scope.cancel_with("one");
        let seen = block_on(scope.run(pending::<()>())).unwrap_err().reason().clone();
        other.join().unwrap();
        assert_eq!(scope.reason(), Some(seen));
    });
}
