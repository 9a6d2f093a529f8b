//! Threads on one queue: what they saw can be put in an order in which one after the other would have seen the same.
//!
//! Many short histories of random operations, cancelled ones among them, are recorded, and checked by a search for such
//! an order ([`checker`], after Wing and Gong).
#![cfg(not(aio_loom))]

mod checker;
mod history;
mod targets;

use checker::{Discipline, Operation, Spec, is_linearizable};
use history::{Mix, record};
use targets::{Broken, Channel, Lifo, Plain, Priority, Target};

/// For each mix and capacity.
const ROUNDS: usize = 2000;

const MIXES: [Mix; 2] = [
    // Everybody is patient, and nothing waits that is given up: the order is as strict as it can be.
    Mix { cancels: false, closes: true },
    Mix { cancels: true, closes: true },
];

fn show(history: &[Operation]) -> String {
    history.iter().map(|one| format!("{:>3} to {:>3}: {:?}, {:?}\n", one.from, one.to, one.call, one.outcome)).collect()
}

/// The first history that cannot be explained.
fn find_wrong<T: Target>(discipline: Discipline, seed: u64, mix: Mix) -> Option<String> {
    [1, 2].into_iter().find_map(|capacity| {
        let spec = Spec { discipline, capacity };
        let histories = record((0..ROUNDS).map(|_| T::new(capacity)).collect(), seed, mix);
        histories
            .into_iter()
            .find(|history| !is_linearizable(spec, history))
            .map(|history| format!("{spec:?}:\n{}", show(&history)))
    })
}

fn check<T: Target>(discipline: Discipline) {
    for (seed, mix) in (1..).zip(MIXES) {
        if let Some(wrong) = find_wrong::<T>(discipline, seed, mix) {
            panic!("this cannot have happened: {wrong}");
        }
    }
}

#[test]
fn a_queue_is_linearizable() {
    check::<Plain>(Discipline::Fifo);
}

#[test]
fn a_lifo_queue_is_linearizable() {
    check::<Lifo>(Discipline::Lifo);
}

#[test]
fn a_priority_queue_is_linearizable() {
    check::<Priority>(Discipline::Smallest);
}

#[test]
fn a_channel_is_linearizable() {
    check::<Channel>(Discipline::Fifo);
}

#[test]
fn a_queue_that_looks_before_it_takes_is_found_out() {
    assert!(find_wrong::<Broken>(Discipline::Fifo, 1, MIXES[0]).is_some());
}

#[test]
fn the_wrong_order_is_found_out() {
    assert!(find_wrong::<Plain>(Discipline::Lifo, 1, MIXES[0]).is_some());
    assert!(find_wrong::<Lifo>(Discipline::Fifo, 1, MIXES[0]).is_some());
}
