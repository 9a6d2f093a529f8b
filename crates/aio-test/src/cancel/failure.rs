//! What is said of a test that fails.

use std::panic::resume_unwind;

use super::point::{CancelPoint, Moment};
use crate::run::End;

/// Fails the test as its run has, and says where its victim was cancelled.
#[track_caller]
pub(super) fn fail(end: End<()>, point: Option<CancelPoint>, n_awaits: usize) -> ! {
    let circumstances = circumstances(point, n_awaits);
    let payload = match end {
        End::Panicked(payload) => payload,
        End::Failed(why) => panic!("{why}\n{circumstances}"),
        End::Returned(()) | End::Enough => unreachable!("it has not failed"),
    };
    // The message of the panic itself was printed when it happened.
    eprintln!("{circumstances}");
    match payload.text() {
        Some(text) => resume_unwind(Box::new(format!("{text}\n{circumstances}"))),
        None => payload.resume(),
    }
}

fn circumstances(point: Option<CancelPoint>, n_awaits: usize) -> String {
    let (n, when) = match point {
        None => return "The victim was not cancelled in this run.".to_owned(),
        Some(CancelPoint::Start) => {
            return format!(
                "The victim was cancelled before its first poll. To repeat: {}",
                replay(CancelPoint::Start)
            );
        }
        Some(CancelPoint::Await(n, Moment::Waiting)) => (n, "as soon as it waited"),
        Some(CancelPoint::Await(n, Moment::Woken)) => (n, "when it was woken, before it was polled again"),
    };
    let command = point.map(replay).unwrap_or_default();
    format!("The victim was cancelled at await {n} of {n_awaits}, {when}. To repeat: {command}")
}

/// The command that runs the test at this point only.
fn replay(point: CancelPoint) -> String {
    let current = std::thread::current(); // facade: only the name that the test harness gave it is asked for
    // The main thread runs the tests if there is but one thread for them; its name is not the test's.
    let name = current.name().filter(|name| *name != "main").unwrap_or_default();
    format!("AIO_CANCEL_AT={point} cargo test {name}").trim_end().to_owned()
}
