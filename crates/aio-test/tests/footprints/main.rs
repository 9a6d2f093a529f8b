//! Steps that have touched nothing in common may come in either order: nobody sees a difference.
//!
//! Two actors have got somewhere, and each makes a step: one or two things done to one or two primitives, chosen among
//! all there are. They are made in both orders. If the [footprints](aio_base::footprint) of the two have nothing in
//! common, what comes of it must be the same; otherwise somewhere a touch is missing, and an exploration that leaves
//! out orders would lose an outcome.
#![cfg(not(aio_loom))]

mod actor;
mod channels;
mod locks;
mod tasks;
mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;

use aio_base::{Home, Local, Shared, footprint};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::world::{Op, Program, topics};

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (any::<bool>(), 0..100_usize).prop_map(|(is_second, kind)| Op::Begin(is_second, kind)),
        1 => (0..6_usize).prop_map(Op::GoOn),
        1 => (0..6_usize).prop_map(Op::LetGo),
    ]
}

fn program(topic: usize, n_topics: usize) -> impl Strategy<Value = Program> {
    let topics = prop_oneof![2 => Just([topic; 2]), 1 => (0..n_topics).prop_map(move |other| [topic, other])];
    let steps = [vec(op(), 1..3), vec(op(), 1..3)];
    (topics, vec((0..3_usize, op()), 0..10), steps).prop_map(|(topics, setup, steps)| Program { topics, setup, steps })
}

/// Every topic has its turn as the first of the two. (`PROPTEST_CASES` says how many programs for each.)
fn steps_commute<H: Home>() {
    if !footprint::ENABLED {
        return;
    }
    let names: Vec<_> = topics::<H>().into_iter().map(|(name, _)| name).collect();
    let apart = RefCell::new(BTreeMap::new());
    for (topic, name) in names.iter().enumerate() {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let result = runner.run(&program(topic, names.len()), |program| {
            let (one, other) = (program.run::<H>(0), program.run::<H>(1));
            let is_free = |ran: &world::Ran| footprint::are_independent(&ran.footprints[0], &ran.footprints[1]);
            // (What is freed in the one step, and then used again in the other, is in common in one order only.)
            if is_free(&one) || is_free(&other) {
                *apart.borrow_mut().entry(*name).or_insert(0) += 1;
                if one.seen != other.seen {
                    let names = program.topics.map(|topic| names[topic]);
                    let text = format!("{names:?}: the order is seen\nFIRST {}\nSECOND {}", one.seen, other.seen);
                    return Err(TestCaseError::fail(text));
                }
            }
            Ok(())
        });
        if let Err(error) = result {
            panic!("{name}: {error}");
        }
    }
    let apart = apart.into_inner();
    println!("{apart:?}");
    // Not everything touches everything.
    assert!(names.iter().all(|name| apart.get(name).is_some_and(|n| *n > 10)), "{apart:?}");
}

#[test]
fn steps_of_shared_primitives_that_touch_nothing_in_common_commute() {
    steps_commute::<Shared>();
}

#[test]
fn steps_of_local_primitives_that_touch_nothing_in_common_commute() {
    steps_commute::<Local>();
}
