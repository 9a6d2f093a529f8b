//! What a failure says is to be run again, is: in a process of its own.
#![cfg(not(aio_loom))]

use std::process::Command;

use aio_core::yield_now;
use aio_test::{Victim, cancel_at_each_await};

/// This test is its own child: there it fails if it is cancelled at its second await.
#[test]
fn a_failure_is_repeated_at_its_point_and_at_no_other() {
    if std::env::var_os("AIO_CANCEL_AT").is_some() {
        let mut runs = 0;
        let points = cancel_at_each_await(async |victim: Victim| {
            runs += 1;
            let mut turns = 0;
            let work = async {
                for _ in 0..4 {
                    turns += 1;
                    yield_now().await;
                }
            };
            victim.run(work).await;
            println!("run {runs}: {turns} turns");
            assert_ne!(turns, 2, "on purpose");
        });
        println!("{points} points");
        return;
    }
    let child = |point: &str| {
        let name = "a_failure_is_repeated_at_its_point_and_at_no_other";
        let mut command = Command::new(std::env::current_exe().expect("it runs"));
        command.args(["--exact", name, "--nocapture", "--test-threads=2"]).env("AIO_CANCEL_AT", point);
        let output = command.output().expect("it can be run again");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("a text"))
    };

    let (passed, text) = child("3:woken");
    assert!(passed && text.contains("run 1: 4 turns\nrun 2: 3 turns\n9 points\n"), "{text}");

    let (passed, text) = child("2:waiting");
    assert!(!passed && text.contains("run 1: 4 turns\nrun 2: 2 turns\n") && text.contains("on purpose"), "{text}");
    let told = "The victim was cancelled at await 2 of 4, as soon as it waited. To repeat: AIO_CANCEL_AT=2:waiting \
                cargo test a_failure_is_repeated_at_its_point_and_at_no_other\n";
    assert!(text.contains(told), "{text}");

    let (passed, text) = child("2");
    let told = "AIO_CANCEL_AT=2: a point of cancellation is `0`, `N:waiting` or `N:woken`, where N is 1 or more";
    assert!(!passed && text.contains(told) && !text.contains("run 1"), "{text}");

    // A point that is not there, as in a test that has changed since.
    let (passed, text) = child("9:woken");
    assert!(passed && text.contains("run 1: 4 turns\n9 points\n"), "{text}");
    assert!(
        text.contains("AIO_CANCEL_AT=9:woken: there is no such point here, since the victim waits 4 times"),
        "{text}"
    );
}
