//! The rings against those who are left when everybody who can goes on.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::wait::Holding;
use super::super::{Wait, Waits};
use super::{ids, waits};

fn holding() -> impl Strategy<Value = Holding> {
    prop_oneof![6 => Just(Holding::Has), 3 => Just(Holding::Ends), 1 => Just(Holding::Perhaps)]
}

/// Who waits, for what of those, and by how many tasks at most it is held.
fn some_waits() -> impl Strategy<Value = Waits> {
    let wait = (0..6_u64, holding(), vec(0..7_u64, 0..3));
    vec(wait, 0..9).prop_map(|edges| {
        let wait = |(who, holding, holders): (u64, Holding, Vec<u64>)| {
            let mut wait = waits(&[(who, 0, &holders)]).0.remove(0);
            wait.holding = holding;
            wait
        };
        Waits(edges.into_iter().map(wait).collect())
    })
}

/// Those who never go on: not by one of the things that they wait for.
fn stuck(waits: &Waits) -> HashSet<u64> {
    let mut stuck: HashSet<u64> = waits.iter().filter_map(|wait| wait.who.task_id()).collect();
    loop {
        let is_free = |id: u64| !stuck.contains(&id);
        let comes = |wait: &Wait| {
            let mut free = wait.holders.iter().map(|who| is_free(who.task_id().unwrap()));
            match wait.holding {
                _ if wait.holders.is_empty() => true,
                Holding::Perhaps => true,
                Holding::Has => free.any(|is_free| is_free),
                Holding::Ends => free.all(|is_free| is_free),
            }
        };
        let freed = stuck.iter().copied().find(|id| waits.of_task(*id).any(comes));
        match freed {
            Some(id) => stuck.remove(&id),
            None => return stuck,
        };
    }
}

proptest! {
    #[test]
    fn there_are_rings_exactly_if_somebody_never_goes_on(waits in some_waits()) {
        let stuck = stuck(&waits);
        let rings = waits.deadlocks();
        prop_assert_eq!(rings.is_empty(), stuck.is_empty());
        let members: Vec<u64> = ids(&rings).concat();
        prop_assert!(members.iter().all(|id| stuck.contains(id)), "{members:?} of {stuck:?}");
        for ring in rings.iter().chain(&waits.rings_of_the_stuck()) {
            for (i, wait) in ring.iter().enumerate() {
                let next = &ring[(i + 1) % ring.len()].who;
                prop_assert!(wait.holders.contains(next), "{next} does not have what {} waits for", wait.who);
            }
            let mut ids = ids(std::slice::from_ref(ring)).concat();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), ring.len(), "nobody is in a ring twice");
        }
    }
}

#[test]
fn the_model_knows_a_ring() {
    let ring = waits(&[(1, 10, &[2]), (2, 20, &[1]), (3, 30, &[1]), (4, 40, &[5])]);
    assert_eq!(stuck(&ring), HashSet::from([1, 2, 3]));
}
