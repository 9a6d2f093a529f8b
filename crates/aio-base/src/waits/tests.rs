mod model;

use std::panic::Location;

use super::wait::{Holding, NAMED};
use super::*;
use crate::host::TaskLabel;

fn task(id: u64) -> Who {
    Who::Task(TaskLabel { id, name: None, spawned_at: Location::caller() })
}

/// Each waits for a thing, which others have.
fn waits(edges: &[(u64, usize, &[u64])]) -> Waits {
    let wait = |&(who, thing, holders): &(u64, usize, &[u64])| Wait {
        who: task(who),
        what: "Lock",
        thing,
        holders: holders.iter().map(|id| task(*id)).collect(),
        detail: "",
        until: None,
        holding: Holding::Has,
    };
    Waits(edges.iter().map(wait).collect())
}

/// The rings, as the positions of those who wait.
fn rings(edges: &[(u64, usize, &[u64])]) -> Vec<Vec<usize>> {
    let waits = waits(edges);
    let position = |wait: &&Wait| waits.0.iter().position(|other| std::ptr::eq(other, *wait)).unwrap();
    waits.deadlocks().iter().map(|ring| ring.iter().map(position).collect()).collect()
}

#[test]
fn a_ring_is_found_and_what_leads_to_it_is_not_in_it() {
    let none: [Vec<usize>; 0] = [];
    assert_eq!(rings(&[(1, 10, &[2])]), none);
    assert_eq!(rings(&[(1, 10, &[2]), (2, 20, &[])]), none);
    assert_eq!(rings(&[(1, 10, &[1])]), [[0]]);
    assert_eq!(rings(&[(1, 10, &[2]), (2, 20, &[1])]), [[0, 1]]);
    assert_eq!(rings(&[(5, 10, &[2]), (2, 20, &[1]), (1, 10, &[2])]), [[1, 2]]);
    assert_eq!(rings(&[(1, 10, &[1]), (2, 20, &[3]), (3, 30, &[2])]), [vec![0], vec![1, 2]]);
}

#[test]
fn who_has_its_part_of_what_it_waits_for_is_in_a_ring_with_the_others() {
    assert_eq!(rings(&[(1, 10, &[1, 2]), (2, 20, &[1])]), [[0, 1]]);
    assert_eq!(rings(&[(1, 10, &[1, 1])]), [[0]]);
}

#[test]
fn who_can_still_be_served_is_in_no_ring() {
    // One of the two permits may come back.
    assert!(rings(&[(1, 10, &[2, 3]), (2, 20, &[1])]).is_empty());
    assert_eq!(rings(&[(1, 10, &[2, 3]), (2, 20, &[1]), (3, 20, &[1])]), [[0, 1]]);
    // It waits for two things at once, and one of them may come.
    assert!(rings(&[(1, 10, &[2]), (2, 20, &[1]), (1, 30, &[])]).is_empty());
}

#[test]
fn the_report_names_who_waits_and_the_ring() {
    let line = |id| task(id).to_string();
    let report = waits(&[(1, 10, &[2]), (2, 20, &[1])]).to_string();
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("Task-1 (") && lines[0].contains(") waits for Lock 0xa, which is held by Task-2 ("));
    assert!(
        lines[2].starts_with("possible deadlock: Task-1 (") && lines[2].contains("-> Lock 0x14 -> Task-1 ("),
        "{report}"
    );
    assert!(line(1).starts_with("Task-1 ("));
}

#[test]
fn a_report_names_some_holders_of_many() {
    let ids: Vec<u64> = (0..20).collect();
    let report = |n| waits(&[(99, 10, &ids[..n])]).to_string();
    assert_eq!(report(NAMED).matches("Task-").count(), NAMED + 1);
    assert!(!report(NAMED).contains("more"));
    assert_eq!(report(20).matches("Task-").count(), NAMED + 1);
    assert!(report(20).ends_with(" and 12 more\n"), "{}", report(20));
}

/// Where each waits for the end of the others.
fn joins(edges: &[(u64, &[u64])], locks: &[(u64, usize, &[u64])]) -> Waits {
    let mut all = waits(locks);
    for &(who, tasks) in edges {
        let Waits(mut join) = waits(&[(who, 0, tasks)]);
        join[0].holding = Holding::Ends;
        all.0.append(&mut join);
    }
    all
}

fn ids(rings: &[Vec<&Wait>]) -> Vec<Vec<u64>> {
    rings.iter().map(|ring| ring.iter().map(|wait| wait.who.task_id().unwrap()).collect()).collect()
}

#[test]
fn who_waits_for_the_end_of_several_is_stuck_if_one_of_them_is() {
    let waits = joins(&[(1, &[2, 3])], &[(3, 10, &[1]), (2, 20, &[])]);
    assert_eq!(ids(&waits.deadlocks()), [[3, 1]]);
    // To get one of two permits it takes both to be stuck.
    assert!(rings(&[(1, 10, &[2, 3]), (3, 10, &[1]), (2, 20, &[])]).is_empty());
    assert!(joins(&[(1, &[2, 3])], &[(3, 10, &[4]), (2, 20, &[])]).deadlocks().is_empty());
}

#[test]
fn where_nobody_can_go_on_a_ring_need_not_be_all_that_somebody_waits_for() {
    let waits = waits(&[(1, 10, &[2]), (2, 20, &[1]), (1, 30, &[])]);
    assert!(waits.deadlocks().is_empty());
    assert_eq!(ids(&waits.rings_of_the_stuck()), [[1, 2]]);
    // A certain one says more.
    let waits = joins(&[(5, &[6]), (6, &[5])], &[(1, 10, &[2]), (2, 20, &[1]), (1, 30, &[])]);
    assert_eq!(ids(&waits.rings_of_the_stuck()), [[5, 6]]);
}

#[test]
fn a_report_has_the_names_that_it_is_given_and_numbers_the_things_as_they_come() {
    let name = |who: &Who| format!("task {}", who.task_id().unwrap() - 40);
    let mut waits = joins(&[(44, &[41])], &[(41, 0xa, &[42]), (42, 0xb, &[43]), (43, 0xa, &[42])]);
    waits.0[1].what = "Queue";
    waits.0[1].detail = "to get";
    assert_eq!(
        waits.report(&name).to_string(),
        "task 1 waits for Lock 1, which is held by task 2\n\
         task 2 waits for Queue 1 to get, which is held by task 3\n\
         task 3 waits for Lock 1, which is held by task 2\n\
         task 4 waits for the end of task 1\n\
         cycle: task 2 waits for Queue 1, held by task 3, which waits for Lock 1, held by task 2\n",
    );
    let those: Vec<_> = waits.among([42, 44]).iter().map(|wait| wait.who.task_id().unwrap()).collect();
    assert_eq!(those, [42, 44]);
    assert_eq!(waits.of_task(43).count(), 1);
}

/// Tests of the table itself: they share it, and know their own places.
fn at(place: &u8) -> Option<Wait> {
    super::waits().iter().find(|wait| wait.thing == std::ptr::from_ref(place).addr()).cloned()
}

#[test]
fn what_was_polled_is_waited_for_until_its_part_is_polled_again_or_dropped() {
    if !HOLDERS {
        return;
    }
    let _tracking = Tracking::begin();
    let [a, b, c] = &[0; 3];
    let poll = |place: &u8| poll_at(Place::of(place), || Note::new("thing").which(place));
    let (outer, inner) = (OwnPart::new(), OwnPart::new());
    // Nobody knows when that would be over.
    poll(a);
    assert_eq!(at(a), None);
    let entered = outer.enter();
    poll(a);
    {
        let _entered = inner.enter();
        poll(b);
    }
    poll(c);
    drop(entered);
    assert!([a, b, c].iter().all(|place| at(place).is_some_and(|wait| wait.what == "thing")));
    end_at(Place::of(c));
    assert_eq!(at(c), None);
    let entered = outer.enter();
    assert!(at(a).is_none() && at(b).is_some(), "the inner one has not been polled");
    poll(a);
    called("another");
    assert_eq!(at(a), None, "it has no number any more");
    drop(entered);
    drop(inner);
    assert_eq!(at(b), None);
}

#[test]
fn a_place_that_somebody_else_has_now_is_not_forgotten_with_the_former() {
    if !HOLDERS {
        return;
    }
    let _tracking = Tracking::begin();
    let place = &0;
    let note = || Note::new("thing").which(place);
    let (first, second) = (OwnPart::new(), OwnPart::new());
    for part in [&first, &second] {
        let _entered = part.enter();
        poll_at(Place::of(place), note);
    }
    drop(first);
    assert!(at(place).is_some());
    drop(second);
    assert!(at(place).is_none());
    // What lasts does not depend on who polls.
    let third = OwnPart::new();
    let entered = third.enter();
    begin_at(Place::of(place), note);
    drop(entered);
    drop(third);
    assert!(at(place).is_some());
    end_at(Place::of(place));
    assert!(at(place).is_none());
}

#[test]
fn the_table_is_kept_as_long_as_somebody_wants_it() {
    let (one, other) = (Tracking::begin(), Tracking::begin());
    let place = &0;
    begin(place, place, "thing", "");
    drop(one);
    assert!(is_tracked() && at(place).is_some());
    end(place);
    assert!(at(place).is_none());
    drop(other);
}

#[test]
fn a_type_is_named_without_its_path_and_parameters() {
    assert_eq!(Note::of_type::<std::net::TcpStream>().what, "TcpStream");
    assert_eq!(Note::of_type::<Vec<std::net::TcpStream>>().what, "Vec");
}
