//! What every test here needs.

use std::sync::mpsc;
use std::time::Duration;

use aio_base::live::leak_check;

/// Runs a test, and asserts that it leaves nothing behind. One that hangs ends the process, so that it is not waited
/// for.
#[track_caller]
pub(crate) fn check<R>(test: impl FnOnce() -> R) -> R {
    let caller = std::panic::Location::caller();
    leak_check(|| {
        let (_running, over) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if over.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("the test at {caller} hangs");
                std::process::abort();
            }
        });
        test()
    })
}
