//! The contract of the cell whose value is made once, in both homes.

use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use aio_base::Home;
use aio_sync::OnceCellFuture;

use crate::common::{WakeLog, hooked_waker, in_both_homes, now, panic_of, poll, poll_idle, with_hook};

type OnceCell<H> = aio_sync::generic::OnceCell<u32, H>;
type Init<'a> = Pin<Box<dyn Future<Output = &'a u32> + 'a>>;

in_both_homes! {
    an_empty_cell_has_nothing,
    a_cell_is_made_from_a_value_or_by_default,
    a_cell_is_set_once,
    the_value_is_reached_by_mutable_reference_and_taken_out,
    debug_shows_the_value,
    the_first_makes_the_value_and_the_others_wait,
    a_cell_that_is_set_runs_nothing_and_does_not_yield,
    one_who_is_cancelled_leaves_the_turn_to_the_next,
    what_the_cancelled_one_had_is_gone_before_the_next_begins,
    one_who_fails_leaves_the_turn_to_the_next,
    one_who_panics_leaves_the_turn_to_the_next,
    one_who_was_given_the_turn_and_is_dropped_passes_it_on,
    a_cell_that_all_have_given_up_is_empty,
    those_who_give_up_waiting_leave_no_trace,
    waiting_ends_when_the_value_is_set_by_whomever,
    waiting_goes_on_when_making_the_value_fails,
    a_cell_is_not_set_while_its_value_is_made,
    an_initializer_may_use_the_cell_otherwise,
    a_panicking_waker_leaves_the_others_woken,
    wakers_may_use_the_cell_again,
    a_leaked_initializer_may_outlive_the_cell,
    polling_again_after_it_was_ready_panics,
}

/// One who never comes to an end.
fn making<H: Home>(cell: &OnceCell<H>) -> Init<'_> {
    let mut future: Init<'_> = Box::pin(cell.get_or_init(pending));
    assert!(poll_idle(&mut future).is_pending());
    future
}

/// One who waits for its turn to make this value.
fn next<'a, H: Home>(cell: &'a OnceCell<H>, log: &WakeLog, name: usize, value: u32) -> Init<'a> {
    let mut future: Init<'_> = Box::pin(cell.get_or_init(async move || value));
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn observer<'a, H: Home>(cell: &'a OnceCell<H>, log: &WakeLog, name: usize) -> Pin<Box<OnceCellFuture<'a, u32, H>>> {
    let mut future = Box::pin(cell.wait());
    assert!(poll(&mut future, &log.waker(name)).is_pending());
    future
}

fn output<F: Future + ?Sized>(mut future: Pin<Box<F>>) -> F::Output {
    match poll_idle(&mut future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn both_homes_are_inferred() {
    static SOMEWHERE: aio_sync::OnceCell<u32> = aio_sync::OnceCell::const_new();
    let shared = aio_sync::OnceCell::new();
    let local = aio_sync::local::OnceCell::new();
    assert_eq!(now(shared.get_or_init(async || 1)) + now(SOMEWHERE.get_or_init(async || 1)), 2);
    assert_eq!(**now(local.get_or_init(async || Rc::new(1))), 1);
}

fn an_empty_cell_has_nothing<H: Home>() {
    let mut cell = OnceCell::<H>::new();
    assert!(!cell.is_set());
    assert_eq!(cell.get(), None);
    assert_eq!(cell.get_mut(), None);
    assert_eq!(cell.take(), None);
    assert_eq!(cell.into_inner(), None);
}

fn a_cell_is_made_from_a_value_or_by_default<H: Home>() {
    assert_eq!(OnceCell::<H>::from(3).get(), Some(&3));
    assert_eq!(OnceCell::<H>::new_with(Some(3)).get(), Some(&3));
    assert!(OnceCell::<H>::from(3).is_set());
    let empty = OnceCell::<H>::new_with(None);
    assert!(!empty.is_set());
    empty.set(1).unwrap();
    assert_eq!(OnceCell::<H>::default().get(), None);
}

fn a_cell_is_set_once<H: Home>() {
    let cell = OnceCell::<H>::new();
    cell.set(1).unwrap();
    assert_eq!(cell.get(), Some(&1));
    let error = cell.set(2).unwrap_err();
    assert!(error.is_set() && !error.is_initializing());
    assert_eq!(format!("{error} {error:?}"), "failed to set the cell: it has a value already SetError(Set)");
    assert_eq!(error.into_value(), 2);
    assert_eq!(cell.into_inner(), Some(1));
}

fn the_value_is_reached_by_mutable_reference_and_taken_out<H: Home>() {
    let mut cell = OnceCell::<H>::from(1);
    *cell.get_mut().unwrap() += 1;
    assert_eq!(cell.take(), Some(2));
    assert!(!cell.is_set());
    assert_eq!(now(cell.get_or_init(async || 3)), &3);
}

fn debug_shows_the_value<H: Home>() {
    let cell = OnceCell::<H>::new();
    let mut wait = Box::pin(cell.wait());
    assert_eq!(format!("{cell:?} {wait:?}"), "OnceCell(<empty>) OnceCellFuture(New)");
    assert!(poll_idle(&mut wait).is_pending());
    cell.set(1).unwrap();
    assert_eq!(format!("{cell:?} {wait:?}"), "OnceCell(1) OnceCellFuture(Woken)");
}

fn the_first_makes_the_value_and_the_others_wait<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let go = aio_sync::local::Event::new();
    let mut first: Init<'_> = Box::pin(cell.get_or_init(async || {
        go.wait().await;
        1
    }));
    assert!(poll(&mut first, &log.waker(1)).is_pending());
    let (second, third) = (next(&cell, &log, 2, 2), next(&cell, &log, 3, 3));
    assert_eq!(cell.get(), None);
    go.set();
    assert_eq!(log.take(), [1]);
    assert_eq!(output(first), &1);
    assert_eq!(log.take(), [2, 3]);
    assert_eq!((output(second), output(third)), (&1, &1));
}

fn a_cell_that_is_set_runs_nothing_and_does_not_yield<H: Home>() {
    let cell = OnceCell::<H>::from(1);
    assert_eq!(now(cell.get_or_init(async || panic!("it is run"))), &1);
    assert_eq!(now(cell.get_or_try_init(async || Err(()))), Ok(&1));
    assert_eq!(now(cell.wait()), &1);
}

fn one_who_is_cancelled_leaves_the_turn_to_the_next<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let first = making(&cell);
    let (second, third) = (next(&cell, &log, 2, 2), next(&cell, &log, 3, 3));
    drop(first);
    assert_eq!(log.take(), [2]);
    // It is not for somebody else to begin now.
    assert!(cell.set(4).unwrap_err().is_initializing());
    assert_eq!(output(second), &2);
    assert_eq!(log.take(), [3]);
    assert_eq!(output(third), &2);
}

fn what_the_cancelled_one_had_is_gone_before_the_next_begins<H: Home>() {
    struct Having<'a>(&'a Cell<u32>);
    impl Drop for Having<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
    let (cell, n_having) = (OnceCell::<H>::new(), Cell::new(0));
    let make = async || {
        assert_eq!(n_having.replace(1), 0, "the other one has it still");
        let _having = Having(&n_having);
        pending().await
    };
    let mut first: Init<'_> = Box::pin(cell.get_or_init(make));
    assert!(poll_idle(&mut first).is_pending());
    let mut second: Init<'_> = Box::pin(cell.get_or_init(make));
    assert!(poll_idle(&mut second).is_pending());
    drop(first);
    assert!(poll_idle(&mut second).is_pending());
    drop(second);
    assert_eq!(n_having.get(), 0);
}

fn one_who_fails_leaves_the_turn_to_the_next<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let go = aio_sync::local::Event::new();
    let mut first = Box::pin(cell.get_or_try_init(async || {
        go.wait().await;
        Err("no")
    }));
    assert!(poll_idle(&mut first).is_pending());
    let second = next(&cell, &log, 2, 2);
    go.set();
    assert_eq!(output(first), Err("no"));
    assert_eq!(log.take(), [2]);
    assert_eq!(output(second), &2);

    let cell = OnceCell::<H>::new();
    assert_eq!(now(cell.get_or_try_init(async || Err("no"))), Err("no"));
    assert_eq!(now(cell.get_or_try_init(async || Ok::<_, ()>(3))), Ok(&3));
}

fn one_who_panics_leaves_the_turn_to_the_next<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let go = aio_sync::local::Event::new();
    let mut first: Init<'_> = Box::pin(cell.get_or_init(async || {
        go.wait().await;
        std::panic::panic_any(5_usize)
    }));
    assert!(poll_idle(&mut first).is_pending());
    let second = next(&cell, &log, 2, 2);
    go.set();
    assert_eq!(panic_of(|| _ = poll_idle(&mut first)), 5);
    assert_eq!(log.take(), [2]);
    assert_eq!(output(second), &2);
}

fn one_who_was_given_the_turn_and_is_dropped_passes_it_on<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let first = making(&cell);
    let (second, third) = (next(&cell, &log, 2, 2), next(&cell, &log, 3, 3));
    drop(first);
    drop(second);
    assert_eq!(log.take(), [2, 3]);
    assert_eq!(output(third), &3);
}

fn a_cell_that_all_have_given_up_is_empty<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let first = making(&cell);
    let second = next(&cell, &log, 2, 2);
    drop(first);
    drop(second);
    assert_eq!(cell.get(), None);
    cell.set(1).unwrap();
}

fn those_who_give_up_waiting_leave_no_trace<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let first = making(&cell);
    drop((next(&cell, &log, 1, 1), observer(&cell, &log, 2)));
    drop((cell.get_or_init(async || 1), cell.wait()));
    drop(first);
    assert_eq!(log.take(), []);
    cell.set(1).unwrap();
}

/// More than are woken at once.
fn waiting_ends_when_the_value_is_set_by_whomever<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let observers: Vec<_> = (0..100).map(|name| observer(&cell, &log, name)).collect();
    cell.set(1).unwrap();
    assert_eq!(log.take(), Vec::from_iter(0..100));
    assert!(observers.into_iter().map(output).all(|value| *value == 1));

    let cell = OnceCell::<H>::new();
    let (one, two) = (observer(&cell, &log, 1), observer(&cell, &log, 2));
    let first = making(&cell);
    let three = next(&cell, &log, 3, 3);
    drop(first);
    assert_eq!(log.take(), [3]);
    assert_eq!(output(three), &3);
    assert_eq!(log.take(), [1, 2]);
    // One that is dropped now has nothing to pass on.
    drop(two);
    assert_eq!(output(one), &3);
}

fn waiting_goes_on_when_making_the_value_fails<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let one = observer(&cell, &log, 1);
    assert_eq!(now(cell.get_or_try_init(async || Err(()))), Err(()));
    drop(making(&cell));
    assert_eq!(log.take(), []);
    cell.set(2).unwrap();
    assert_eq!(log.take(), [1]);
    assert_eq!(output(one), &2);
}

fn a_cell_is_not_set_while_its_value_is_made<H: Home>() {
    let cell = OnceCell::<H>::new();
    let first = making(&cell);
    let error = cell.set(2).unwrap_err();
    assert!(!error.is_set() && error.is_initializing());
    assert_eq!(format!("{error} {error:?}"), "failed to set the cell: its value is being made SetError(Initializing)");
    drop(first);
    cell.set(2).unwrap();
}

fn an_initializer_may_use_the_cell_otherwise<H: Home>() {
    let cell = OnceCell::<H>::new();
    let value = now(cell.get_or_init(async || {
        assert!(cell.set(7).is_err());
        assert_eq!(cell.get(), None);
        1
    }));
    assert_eq!(value, &1);
}

fn a_panicking_waker_leaves_the_others_woken<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let mut one = Box::pin(cell.wait());
    assert!(poll(&mut one, &log.panicking_waker(1)).is_pending());
    let two = observer(&cell, &log, 2);
    assert_eq!(panic_of(|| cell.set(3).unwrap()), 1);
    assert_eq!(log.take(), [1, 2]);
    assert_eq!((output(one), output(two)), (&3, &3));
}

/// Whatever an executor does in `clone`, `wake` and `drop` of its wakers, the cell is not in the middle of something.
fn wakers_may_use_the_cell_again<H: Home>() {
    let cell = Rc::new(OnceCell::<H>::new());
    let calls = Rc::new(Cell::new(0));
    let hook = {
        let (cell, calls) = (cell.clone(), calls.clone());
        move || {
            calls.set(calls.get() + 1);
            let _ = format!("{cell:?}");
            let _ = poll_idle(&mut Box::pin(cell.wait()));
            let _ = poll_idle(&mut Box::pin(cell.get_or_init(pending)));
        }
    };
    with_hook(hook, || {
        let called = || calls.replace(0) > 0;
        let first = making(&cell);
        let [one, two] = [1, 2].map(hooked_waker);
        let mut second: Init<'_> = Box::pin(cell.get_or_init(async || 1));
        assert!(poll(&mut second, &one).is_pending());
        assert!(called(), "clone");
        let mut third = Box::pin(cell.wait());
        assert!(poll(&mut third, &one).is_pending());
        assert!(poll(&mut third, &two).is_pending());
        assert!(called(), "clone and drop, in the line");
        drop(first);
        assert!(called(), "wake");
        assert_eq!(output(second), &1);
        assert!(called(), "wake");
        assert_eq!(output(third), &1);
        assert!(!called());
        drop((one, two));
    });
}

fn a_leaked_initializer_may_outlive_the_cell<H: Home>() {
    let (cell, log) = (OnceCell::<H>::new(), WakeLog::default());
    let first = making(&cell);
    std::mem::forget(next(&cell, &log, 1, 1));
    drop(first);
    assert_eq!(log.take(), [1]);
    drop(next(&cell, &log, 2, 2));
    let mut moved = cell;
    assert_eq!(moved.take(), None);
    // The turn is that of the leaked one for ever.
    assert!(moved.set(3).unwrap_err().is_initializing());
    assert_eq!(moved.into_inner(), None);
}

fn polling_again_after_it_was_ready_panics<H: Home>() {
    let cell = OnceCell::<H>::from(1);
    let mut future = Box::pin(cell.wait());
    assert!(poll_idle(&mut future).is_ready());
    assert!(catch_unwind(AssertUnwindSafe(|| poll_idle(&mut future).is_ready())).is_err());
}
