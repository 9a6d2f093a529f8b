//! Faults: what a correct program has to expect, and seldom meets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use aio_core::{local, yield_now};
use aio_test::{Faults, Test, elapsed};
use aio_timer::sleep;

const MS: Duration = Duration::from_millis(1);

/// Something that one task waits for, and another sets; it is `is_trusting`, if it takes each wake for that.
async fn signal(is_trusting: bool) {
    let is_set = Rc::new(Cell::new(false));
    let waiter: Rc<RefCell<Option<Waker>>> = Rc::default();
    let setter = local::spawn({
        let (is_set, waiter) = (is_set.clone(), waiter.clone());
        async move {
            sleep(MS).await;
            is_set.set(true);
            if let Some(waker) = waiter.take() {
                waker.wake();
            }
        }
    });
    let mut was_polled = false;
    let waits = local::spawn(poll_fn(move |cx| {
        if is_set.get() || (is_trusting && was_polled) {
            return Poll::Ready(is_set.get());
        }
        was_polled = true;
        *waiter.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }));
    assert!(waits.await, "it was not set");
    setter.await;
}

#[test]
fn a_future_that_trusts_a_wake_is_found_by_spurious_ones() {
    let spurious = Faults::none().spurious_wakes(4);
    let failure = Test::new("trusts").schedules(1000).faults(spurious).try_run(async || signal(true).await);
    let failure = failure.unwrap_err();
    assert_eq!(failure.message, "it was not set");
    assert!(failure.is_repeatable && failure.log.contains("is woken, though nothing has happened"));
    Test::new("looks").schedules(1000).faults(spurious).run(async || signal(false).await);
    // Without the fault, nobody notices.
    Test::new("trusts").schedules(1000).run(async || signal(true).await);
}

/// When two tasks run that become ready at the same moment, and how late a timer of 10 ms fires.
fn times(faults: Faults) -> (BTreeSet<Duration>, BTreeSet<Duration>) {
    let (ready, slept) = (RefCell::new(BTreeSet::new()), RefCell::new(BTreeSet::new()));
    Test::new("times").schedules(500).faults(faults).run(async || {
        let task = local::spawn(async {
            yield_now().await;
            yield_now().await;
            elapsed()
        });
        let before = task.await;
        ready.borrow_mut().insert(before);
        let begin = elapsed();
        sleep(10 * MS).await;
        slept.borrow_mut().insert(elapsed() - begin);
    });
    (ready.into_inner(), slept.into_inner())
}

#[test]
fn each_fault_does_what_it_says_and_no_more() {
    let none = BTreeSet::from([Duration::ZERO]);
    let on_time = BTreeSet::from([10 * MS]);
    assert_eq!(times(Faults::none()), (none.clone(), on_time.clone()));
    assert_eq!(times(Faults::none().spurious_wakes(3)), (none.clone(), on_time.clone()));

    let (ready, slept) = times(Faults::none().timer_jitter(3 * MS));
    assert_eq!(ready, none);
    assert_eq!(slept, (10..=13).map(|ms| ms * MS).collect());

    // Each of the two yields, the timer's wake and so on may take up to 2 ms more.
    let (ready, slept) = times(Faults::none().delayed_wakes(3, 2 * MS));
    assert!(ready.contains(&Duration::ZERO) && ready.contains(&(3 * MS)), "{ready:?}");
    assert!(slept.iter().all(|slept| *slept >= 10 * MS) && slept.contains(&(12 * MS)), "{slept:?}");

    let (ready, slept) = times(Faults::none().slow_steps(3, 2 * MS));
    assert!(ready.contains(&Duration::ZERO) && ready.contains(&(3 * MS)), "{ready:?}");
    assert!(slept.iter().all(|slept| *slept >= 10 * MS) && slept.contains(&(11 * MS)), "{slept:?}");
}

#[test]
fn with_all_of_them_a_seed_still_repeats() {
    let log = |seed| {
        let test = Test::new("all").seed(seed).faults(Faults::all());
        test.try_run(async || signal(false).await).unwrap().log
    };
    let logs: Vec<String> = (0..50).map(log).collect();
    assert_eq!(logs, (0..50).map(log).collect::<Vec<_>>());
    assert!(logs.iter().collect::<BTreeSet<_>>().len() > 40);
}

#[test]
#[should_panic(expected = "one in none is no share")]
fn one_in_none_is_refused() {
    let _ = Faults::none().spurious_wakes(0);
}
