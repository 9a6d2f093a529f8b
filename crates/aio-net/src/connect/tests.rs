use std::cell::RefCell;

use aio_core::{EventLoop, ThreadPark, VirtualTime, now};
use aio_timer::Timers;

use super::*;

/// An address that stands for an attempt: how long it takes in milliseconds, and whether it succeeds.
fn address(ms: u16, succeeds: bool) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, u8::from(succeeds)], ms))
}

/// By a clock that moves when nothing can run: when each attempt began, and when and how all ended.
fn attempts(addresses: &[SocketAddr]) -> (Vec<(u16, u128)>, u128, Result<u16, usize>) {
    EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new()))).run(async {
        let start = now();
        let begun = RefCell::new(Vec::new());
        let attempt = |address: SocketAddr| {
            begun.borrow_mut().push((address.port(), (now() - start).as_millis()));
            async move {
                sleep(Duration::from_millis(address.port().into())).await;
                if address.ip().to_string().ends_with('1') { Ok(address.port()) } else { Err(io::Error::other("no")) }
            }
        };
        let outcome = staggered(addresses.to_vec(), ATTEMPT_DELAY, attempt).await;
        let outcome = outcome.map_err(|failures| failures.len());
        (begun.into_inner(), (now() - start).as_millis(), outcome)
    })
}

#[test]
fn the_next_attempt_begins_after_a_quarter_of_a_second() {
    let outcome = attempts(&[address(10_000, true), address(100, true), address(1, true)]);
    assert_eq!(outcome, (vec![(10_000, 0), (100, 250)], 350, Ok(100)));
}

#[test]
fn the_next_attempt_begins_when_the_one_before_has_failed() {
    let outcome = attempts(&[address(10, false), address(20, false), address(30, true)]);
    assert_eq!(outcome, (vec![(10, 0), (20, 10), (30, 30)], 60, Ok(30)));
}

#[test]
fn an_earlier_attempt_may_still_win() {
    let outcome = attempts(&[address(300, true), address(1000, true)]);
    assert_eq!(outcome, (vec![(300, 0), (1000, 250)], 300, Ok(300)));
}

#[test]
fn an_attempt_that_fails_after_the_next_has_begun_lets_another_begin() {
    let outcome = attempts(&[address(300, false), address(1000, true), address(1, true)]);
    assert_eq!(outcome, (vec![(300, 0), (1000, 250), (1, 300)], 301, Ok(1)));
}

#[test]
fn all_failures_are_told() {
    let outcome = attempts(&[address(10, false), address(600, false), address(20, false)]);
    assert_eq!(outcome, (vec![(10, 0), (600, 10), (20, 260)], 610, Err(3)));
    assert_eq!(attempts(&[]), (vec![], 0, Err(0)));
}

#[test]
fn families_take_turns_and_the_first_address_stays_first() {
    let parse = |addresses: &[&str]| addresses.iter().map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
    let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "1.1.1.2:1"]);
    let turns = parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "[::3]:1"]);
    assert_eq!(interleave(mixed), turns);
    let v4_first = parse(&["1.1.1.1:1", "1.1.1.2:1", "[::1]:1"]);
    assert_eq!(interleave(v4_first), parse(&["1.1.1.1:1", "[::1]:1", "1.1.1.2:1"]));
}

#[test]
fn the_error_names_the_host_and_every_address() {
    let failures = vec![(address(1, true), io::Error::other("no")), (address(2, true), io::Error::other("neither"))];
    let error = all_failed("example", 80, failures);
    assert_eq!(error.to_string(), "failed to connect to `example` at port 80: 127.0.0.1:1: no; 127.0.0.1:2: neither");
}
