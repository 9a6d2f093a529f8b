//! `#[aio::test]` under the standard harness, with a `Test` that tells what it was given.

mod mock;

use std::cell::Cell;
use std::process::Command;
use std::thread::LocalKey;

use aio_macros::{test, test_of_aio_test};
use mock::testing::{Clock, Leaks, Settings, Strategy, settings};

/// How many runs there have been of a test.
fn count(runs: &'static LocalKey<Cell<u64>>) -> u64 {
    runs.set(runs.get() + 1);
    runs.get()
}

#[test(crate = "mock")]
async fn without_options_nothing_is_set() {
    assert_eq!(settings(), Settings { name: "without_options_nothing_is_set", ..Settings::default() });
}

#[test(
    seed = 7,
    schedules = 3,
    strategy = "pct:5",
    clock = "virtual",
    timeout = "30s",
    leaks = "allow",
    crate = "crate::mock"
)]
async fn all_options_are_set_and_every_run_calls_the_body_anew() {
    thread_local!(static RUNS: Cell<u64> = const { Cell::new(0) });
    let run = count(&RUNS);
    std::future::ready(()).await;
    assert_eq!((run, settings().run), (settings().run, run));
    let expected = Settings {
        name: "all_options_are_set_and_every_run_calls_the_body_anew",
        run,
        seed: Some(7),
        schedules: Some(3),
        strategy: Some(Strategy::Pct { depth: 5 }),
        clock: Some(Clock::Virtual),
        timeout_ms: Some(30_000),
        leaks: Some(Leaks::Allow),
    };
    assert_eq!(settings(), expected);
}

#[test_of_aio_test(clock = "real", leaks = "fail", crate = "mock::testing")]
async fn the_other_entry_finds_everything_in_the_crate_itself() -> Result<(), String> {
    assert_eq!((settings().clock, settings().leaks), (Some(Clock::Real), Some(Leaks::Fail)));
    Ok(())
}

#[test(schedules = 2, strategy = "uniform", crate = "mock")]
#[should_panic(expected = "in run 2")]
async fn other_attributes_are_kept() {
    assert_eq!(settings().strategy, Some(Strategy::Uniform));
    assert!(settings().run < 2, "in run {}", settings().run);
}

#[cfg(any())]
#[test(crate = "nowhere")]
async fn what_is_configured_away_is_not_there() {}

mod inner {
    pub(crate) mod innermost {
        use crate::mock::testing::settings;

        // The mock compares the name with the one of the harness.
        #[crate::test(crate = "crate::mock")]
        async fn the_name_has_the_path_of_the_module() {
            assert_eq!(settings().name, "inner::innermost::the_name_has_the_path_of_the_module");
        }

        #[crate::test(crate = "crate::mock")]
        async fn r#loop() {
            assert_eq!(settings().name, "inner::innermost::r#loop");
        }
    }
}

macro_rules! tests {
    ($($name:ident $seed:literal $timeout:expr, $output:ty, $body:block)*) => {$(
        #[test(seed = $seed, timeout = $timeout, crate = "mock")]
        async fn $name() -> $output $body
    )*};
}

tests! {
    a_macro_may_make_tests 9 "2m", Result<(), std::io::Error>, {
        let settings = settings();
        assert_eq!((settings.seed, settings.timeout_ms), (Some(9), Some(120_000)));
        Ok(())
    }
}

/// What fails is told to fail by the next test.
const FAIL: &str = "AIO_MACROS_FAIL";

#[test(schedules = 2, crate = "mock")]
async fn a_test_with_a_result() -> Result<(), std::num::ParseIntError> {
    let text = if std::env::var_os(FAIL).is_some() { "seven" } else { "7" };
    let seven: u8 = text.parse()?;
    assert_eq!(seven, 7);
    Ok(())
}

#[core::prelude::v1::test]
fn an_error_fails_its_test() {
    let test = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_test_with_a_result"]);
        command
    };
    let output = test().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let output = test().env(FAIL, "1").output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("invalid digit found in string") || text.contains("InvalidDigit"), "{text}");
    assert!(text.contains("1 failed"), "{text}");
}
