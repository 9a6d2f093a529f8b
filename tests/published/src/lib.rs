//! The names of other crates for the types of `aio-sync`, so that the test suites they publish run over ours.
//!
//! The suites are not in this repository: `build.rs` reads them from the packages, which ship them. What is left out,
//! and why, stands in `suites.txt`, with the number of tests that are run of each file; who finds another number in
//! the package or in the test target fails.
//!
//! What is here maps names and nothing else: a shim that did something would be what is tested.

pub mod async_channel;
pub mod async_lock;
mod barrier;
pub mod suite;
pub mod tokio;

use std::process::Command;
use std::thread;
use std::time::Duration;

/// The files of tests of `package`, as they should be.
const SUITES: &str = include_str!("../suites.txt");

/// After this a test that waits for ever has failed. All of them together take a few seconds.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Checks that the test target that calls this has all tests of `package` that it should, by asking it for its list.
/// And ends it if it takes too long: a published test that fails may do so by waiting for ever.
///
/// # Panics
/// If it has not.
pub fn assert_complete(package: &str) {
    thread::spawn(|| {
        thread::sleep(TIME_LIMIT); // clock: the watchdog of a test that hangs; nothing else waits for it
        eprintln!("the tests are not done after {TIME_LIMIT:?}");
        std::process::exit(1);
    });
    let program = std::env::current_exe().expect("a test is a program");
    let output = Command::new(program).args(["--list", "--format=terse"]).output().expect("it runs a second time");
    let list = String::from_utf8_lossy(&output.stdout);
    let tests: Vec<&str> = list.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    let suites = suite::read(SUITES).unwrap_or_else(|error| panic!("{error}"));
    for suite in suites.iter().filter(|suite| suite.package == package) {
        suite.check(tests.iter().copied()).unwrap_or_else(|error| panic!("{error}"));
    }
}
