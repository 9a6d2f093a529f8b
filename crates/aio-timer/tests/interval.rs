//! Intervals. Only lower bounds of real time are asserted, and the moments the ticks say they were due at.
#![cfg(not(aio_loom))]

mod common;

use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_core::{block_on, now};
use aio_timer::{Elapsed, MissedTicks, interval, interval_at, sleep, timeout};
use common::{MS, run};

#[test]
fn ticks_do_not_drift() {
    async fn check() {
        let mut interval = interval(3 * MS);
        let first = interval.tick().await;
        for n in 1..10 {
            assert_eq!(interval.tick().await, first + n * 3 * MS);
            assert!(Instant::now() >= first + n * 3 * MS);
            // Work in between does not move the ticks.
            sleep(MS).await;
        }
    }
    leak_check(|| {
        run(check());
        block_on(check());
    });
}

#[test]
fn the_first_tick_comes_at_the_start() {
    leak_check(|| {
        run(async {
            let start = now() + 5 * MS;
            let mut interval = interval_at(start, 1000 * MS);
            assert_eq!(interval.tick().await, start);
            assert!(now() >= start);
        });
    });
}

/// An interval that began so long ago that ticks were missed.
#[test]
fn missed_ticks_come_at_once_or_shift_or_are_left_out() {
    leak_check(|| {
        run(async {
            let start = now();
            let period = 10 * MS;
            let mut burst = interval_at(start, period);
            let mut delay = interval_at(start, period).missed_ticks(MissedTicks::Delay);
            let mut skip = interval_at(start, period).missed_ticks(MissedTicks::Skip);
            sleep(35 * MS).await;
            let late = now();
            for n in 0..4 {
                assert_eq!(burst.tick().await, start + n * period);
            }
            assert_eq!(delay.tick().await, start);
            assert!(delay.tick().await >= late + period);
            assert_eq!(skip.tick().await, start);
            let next = skip.tick().await;
            assert!(next > late);
            assert_eq!((next - start).as_nanos() % period.as_nanos(), 0);
        });
    });
}

#[test]
fn a_dropped_tick_is_not_lost() {
    leak_check(|| {
        run(async {
            let start = now() + 10 * MS;
            let mut interval = interval_at(start, 1000 * MS);
            // However often it is given up, the tick that comes in the end is the first.
            let first = loop {
                if let Ok(tick) = timeout(MS, interval.tick()).await {
                    break tick;
                }
            };
            assert_eq!(first, start);
        });
    });
}

#[test]
fn the_period_after_a_huge_one_never_ends() {
    leak_check(|| {
        run(async {
            for policy in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
                let mut interval = interval(Duration::MAX).missed_ticks(policy);
                interval.tick().await;
                assert_eq!(timeout(2 * MS, interval.tick()).await, Err(Elapsed));
                let mut tick = pin!(interval.tick());
                assert!(tick.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        });
    });
}

#[test]
fn reset_puts_the_next_tick_a_period_away() {
    leak_check(|| {
        run(async {
            let mut interval = interval(5 * MS);
            let first = interval.tick().await;
            sleep(3 * MS).await;
            interval.reset();
            assert!(interval.tick().await >= first + 8 * MS);
            assert_eq!(interval.period(), 5 * MS);
        });
    });
}

#[test]
fn a_period_of_zero_is_refused_where_it_was_asked_for() {
    let panic = catch_unwind(|| interval(Duration::ZERO)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the period of an interval must not be zero"));
}
