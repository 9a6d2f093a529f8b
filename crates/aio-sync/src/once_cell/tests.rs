//! The races of the cell: the value is made once, whoever sees it sees all of it, and nobody sleeps beside it or beside
//! an empty cell. (Its place is a cell of the model: loom reports two accesses that nothing orders.)

use std::future::pending;

use aio_base::sync::Arc;
use aio_base::sync::atomic::{AtomicUsize, Ordering};

use crate::OnceCell;
use crate::race::{block_on, model, poll_and_drop, start};

/// Two who want to make it, and one who only looks.
#[test]
fn of_two_who_come_to_make_the_value_one_does() {
    model(|| {
        let shared = Arc::new((OnceCell::new(), AtomicUsize::new(0)));
        let make = |shared: &(OnceCell<usize>, AtomicUsize)| {
            // Relaxed: a count.
            *block_on(shared.0.get_or_init(async || shared.1.fetch_add(1, Ordering::Relaxed) + 1))
        };
        let theirs = shared.clone();
        let makes = start(move || assert_eq!(make(&theirs), 1));
        let theirs = shared.clone();
        let looks = start(move || assert!(theirs.0.get().is_none_or(|value| *value == 1)));
        assert_eq!(make(&shared), 1);
        makes.join().unwrap();
        looks.join().unwrap();
        assert_eq!(shared.1.load(Ordering::Relaxed), 1);
    });
}

/// The one who makes it gives up, while another comes to wait for the turn: that one makes it.
#[test]
fn one_who_gives_up_in_the_middle_leaves_the_turn_to_the_next() {
    model(|| {
        let cell = Arc::new(OnceCell::new());
        let theirs = cell.clone();
        let gives_up = start(move || poll_and_drop(theirs.get_or_init(pending::<usize>)));
        assert_eq!(block_on(cell.get_or_init(async || 1)), &1);
        gives_up.join().unwrap();
        assert_eq!(cell.get(), Some(&1));
    });
}

/// The first in the line is given the turn and gives up; the second sleeps until it gets it from there.
#[test]
fn one_who_gives_up_its_turn_passes_it_on() {
    model(|| {
        let cell = Arc::new(OnceCell::new());
        let [gives_up, makes] = [cell.clone(), cell.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.get_or_init(async || 1)));
        let makes = start(move || assert!([1, 2].contains(block_on(makes.get_or_init(async || 2)))));
        poll_and_drop(cell.get_or_init(pending::<usize>));
        gives_up.join().unwrap();
        makes.join().unwrap();
        assert!(cell.is_set());
    });
}

/// `set` against one who comes to wait, and one who makes it: one of the two succeeds.
#[test]
fn setting_the_value_lets_those_go_who_wait_for_it() {
    model(|| {
        let cell = Arc::new(OnceCell::new());
        let [waits, sets] = [cell.clone(), cell.clone()];
        let waits = start(move || assert!([1, 2].contains(block_on(waits.wait()))));
        let sets = start(move || _ = sets.set(1));
        let _ = cell.set(2);
        sets.join().unwrap();
        waits.join().unwrap();
    });
}

/// Those who are let go free their places while the one who has set the value goes on.
#[test]
fn one_who_gives_up_waiting_is_not_touched_any_more() {
    model(|| {
        let cell = Arc::new(OnceCell::new());
        let [waits, begins] = [cell.clone(), cell.clone()];
        let waits = start(move || poll_and_drop(waits.wait()));
        let begins = start(move || poll_and_drop(begins.get_or_init(async || 2)));
        let _ = cell.set(1);
        waits.join().unwrap();
        begins.join().unwrap();
        assert!(cell.is_set());
    });
}
