use std::sync::mpsc; // facade: threads of a test
use std::thread; // facade: as above

use super::*;

#[test]
#[should_panic(expected = "left behind")]
fn a_planted_leak_is_seen() {
    check(|| std::mem::forget(Live::new(Kind::Timer)), 1);
}

#[test]
fn what_is_dropped_is_not_left() {
    leak_check(|| drop(Live::new(Kind::Task)));
}

#[test]
fn a_kind_has_a_name() {
    let names = KINDS.map(|kind| kind.to_string());
    assert_eq!(names, ["task", "waiter", "timer", "registration", "cleanup", "thread", "blocking job"]);
    assert_eq!(format!("{:>6}", Kind::Task), "  task");
}

/// Each goes through all of it while the others do.
#[test]
fn of_tests_that_run_side_by_side_each_is_charged_with_its_own_leaks() {
    let leaks = |kinds: Vec<Kind>| {
        move || {
            let account = Account::open();
            let charged = account.enter();
            let kept: Vec<Live> = KINDS.map(Live::new).into_iter().collect();
            thread::yield_now();
            let planted: Vec<Live> = kinds.iter().copied().map(Live::new).collect();
            drop(kept);
            drop(charged);
            // This one is nobody's.
            drop(Live::new(Kind::Thread));
            let left = account.left();
            drop(planted);
            assert_eq!(account.left(), []);
            left
        }
    };
    for _ in 0..100 {
        let clean = thread::spawn(leaks(vec![]));
        let leaky = thread::spawn(leaks(vec![Kind::Timer, Kind::Task, Kind::Timer]));
        assert_eq!(clean.join().unwrap(), []);
        assert_eq!(leaky.join().unwrap(), if ENABLED { vec![(Kind::Task, 1), (Kind::Timer, 2)] } else { vec![] });
    }
}

#[test]
fn what_is_dropped_on_another_thread_counts_down_where_it_was_counted() {
    let account = Account::open();
    let (sender, receiver) = mpsc::channel::<Live>();
    let other = thread::spawn(move || {
        let account = Account::open();
        let _charged = account.enter();
        drop(receiver.recv());
        account.left()
    });
    let charged = account.enter();
    let live = Live::new(Kind::Job);
    drop(charged);
    assert_eq!(account.left(), if ENABLED { vec![(Kind::Job, 1)] } else { vec![] });
    sender.send(live).unwrap();
    assert_eq!(other.join().unwrap(), []);
    assert_eq!(account.left(), []);
}

#[test]
fn accounts_nest_on_a_thread() {
    let (outer, inner) = (Account::open(), Account::open());
    let _outer = outer.enter();
    let mut kept = vec![Live::new(Kind::Task)];
    let charged = inner.enter();
    kept.push(Live::new(Kind::Waiter));
    drop(charged);
    kept.push(Live::new(Kind::Task));
    if ENABLED {
        assert_eq!(outer.left(), [(Kind::Task, 2)]);
        assert_eq!(inner.left(), [(Kind::Waiter, 1)]);
    }
}

#[test]
fn an_account_with_a_leak_is_not_given_to_the_next() {
    if !ENABLED {
        return;
    }
    let leak = {
        let account = Account::open();
        let _charged = account.enter();
        Live::new(Kind::Task)
    };
    // More than there are.
    for _ in 0..2 * account::SLOTS {
        let account = Account::open();
        assert!(account.is_known());
        assert_eq!(account.left(), []);
    }
    drop(leak);
}
