//! A model of a cancellation against a run that registers.

use std::future::pending;

use aio_base::thread;

use super::{CancelScope, Cancelled};
use crate::block_on;

/// The run either finds the flag or is found by the cancellation; else it would wait for ever.
#[test]
fn a_cancellation_on_another_thread_is_never_missed() {
    loom::model(|| {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let other = thread::spawn("", move || handle.cancel()).unwrap();
        assert_eq!(block_on(scope.run(pending::<()>())), Err(Cancelled));
        other.join().unwrap();
    });
}
