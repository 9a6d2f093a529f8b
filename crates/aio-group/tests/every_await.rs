//! Every combinator, dropped after every number of polls: see the harness.
#![cfg(not(aio_loom))]

mod harness;

use std::array;
use std::time::Duration;

use aio_core::{Task, TaskHome, local, shield, spawn};
use aio_group::{TaskGroup, Until, as_completed, first_ok, gather, race, try_gather, try_wait, wait};
use aio_timer::{CancelScope, move_on_after, timeout};
use harness::{Case, Deliver, Ledger, Output, cut_after};

/// Few, a few, and more than are polled together.
const COUNTS: [usize; 4] = [2, 3, 33, 100];

/// Drives a combinator of vectors, arrays and tuples: `$combine` is what is done with `$children`, each of which is
/// `$child`.
macro_rules! drive {
    ($name:literal, |$ledger:ident, $index:ident| $child:expr, |$children:ident| $combine:expr) => {
        for n in COUNTS {
            drive!(@ $name, "vector", n, |$ledger, $children| {
                (0..n).map(|$index| $child).collect::<Vec<_>>()
            }, $combine);
        }
        drive!(@ $name, "array", 2, |$ledger, $children| array::from_fn::<_, 2, _>(|$index| $child), $combine);
        drive!(@ $name, "array", 3, |$ledger, $children| array::from_fn::<_, 3, _>(|$index| $child), $combine);
        drive!(@ $name, "array", 33, |$ledger, $children| array::from_fn::<_, 33, _>(|$index| $child), $combine);
        drive!(@ $name, "array", 100, |$ledger, $children| array::from_fn::<_, 100, _>(|$index| $child), $combine);
        drive!(@ $name, "tuple", 2, |$ledger, $children| {
            let child = |$index| $child;
            (child(0), child(1))
        }, $combine);
        drive!(@ $name, "tuple", 3, |$ledger, $children| {
            let child = |$index| $child;
            (child(0), child(1), child(2))
        }, $combine);
    };
    (@ $name:literal, $shape:literal, $n:expr, |$ledger:ident, $children:ident| $make:expr, $combine:expr) => {
        Case::new(concat!($name, " of a ", $shape), $n, move |$ledger: Ledger| async move {
            let $children = $make;
            $combine
        })
        .drive();
    };
}

#[test]
fn gather_leaves_nothing_behind() {
    drive!("gather", |ledger, index| ledger.child(index), |children| {
        gather(children).await.deliver();
        assert_eq!(ledger.delivered(), ledger.len());
    });
}

#[test]
fn try_gather_leaves_nothing_behind() {
    drive!("try_gather", |ledger, index| ledger.fallible(index), |children| {
        try_gather(children).await.deliver();
        assert_eq!(ledger.delivered(), if ledger.len() == 2 { 2 } else { 1 });
        ledger.assert_clean();
    });
}

#[test]
fn race_leaves_nothing_behind() {
    drive!("race", |ledger, index| ledger.slow(index), |children| {
        race(children).await.deliver();
        // An output that exists is not thrown away.
        assert_eq!((ledger.made(), ledger.delivered()), (1, 1));
        ledger.assert_clean();
    });
}

#[test]
fn first_ok_leaves_nothing_behind() {
    drive!("first_ok", |ledger, index| ledger.fallible(index), |children| {
        first_ok(children).await.deliver();
        assert_eq!(ledger.delivered(), 1);
        ledger.assert_clean();
    });
    drive!("first_ok that fails", |ledger, index| ledger.failing(index), |children| {
        let outcome = first_ok(children).await;
        assert!(outcome.is_err());
        outcome.deliver();
        assert_eq!(ledger.delivered(), ledger.len());
        ledger.assert_clean();
    });
}

#[test]
fn as_completed_leaves_nothing_behind() {
    for n in COUNTS {
        Case::new("as_completed", n, move |ledger| async move {
            let mut outputs = as_completed((0..n).map(|index| ledger.child(index)));
            while let Some(output) = outputs.next().await {
                output.deliver();
            }
            assert_eq!(ledger.delivered(), n);
        })
        .drive();
        Case::new("as_completed that is left half-way", n, move |ledger| async move {
            let mut outputs = as_completed((0..n).map(|index| ledger.child(index)));
            while ledger.delivered() < n / 2 {
                outputs.next().await.expect("there are more").deliver();
            }
        })
        .drive();
    }
}

/// As above, but each `next` is dropped after so many polls, and called again.
#[test]
fn as_completed_loses_nothing_if_its_next_is_dropped() {
    for n in COUNTS {
        for polls in 0..4 {
            Case::new("as_completed whose next is dropped", n, move |ledger| async move {
                let mut outputs = as_completed((0..n).map(|index| ledger.child(index)));
                while ledger.delivered() < n {
                    let next = cut_after(polls, outputs.next()).await;
                    if let Some(output) = next {
                        output.expect("there are more").deliver();
                    } else {
                        aio_core::yield_now().await;
                        if polls == 0 {
                            outputs.next().await.expect("there are more").deliver();
                        }
                    }
                }
                assert!(outputs.next().await.is_none());
            })
            .drive();
        }
    }
}

async fn wait_for_each<H: TaskHome>(mut tasks: Vec<Task<Output, H>>, until: Until) {
    while !tasks.is_empty() {
        for task in wait(&mut tasks, until).await {
            assert!(task.is_finished());
            task.await.deliver();
        }
    }
}

#[test]
fn wait_leaves_nothing_behind() {
    for n in COUNTS {
        for until in [Until::AllCompleted, Until::FirstCompleted, Until::FirstFailed] {
            Case::new(&format!("wait {until:?}"), n, move |ledger| async move {
                wait_for_each((0..n).map(|index| spawn(ledger.child(index))).collect(), until).await;
                assert_eq!(ledger.delivered(), n);
            })
            .drive();
            Case::new(&format!("wait {until:?} for local tasks"), n, move |ledger| async move {
                wait_for_each((0..n).map(|index| local::spawn(ledger.child(index))).collect(), until).await;
                assert_eq!(ledger.delivered(), n);
            })
            .drive();
        }
        Case::new("try_wait", n, move |ledger| async move {
            let mut tasks: Vec<_> = (0..n).map(|index| spawn(ledger.fallible(index))).collect();
            for task in try_wait(&mut tasks, Until::FirstFailed).await {
                task.await.deliver();
            }
        })
        .drive();
    }
}

/// The wait is dropped after so many polls; every task is still there, whatever it was that had been noted.
#[test]
fn wait_loses_no_task_if_it_is_dropped() {
    for n in COUNTS {
        for polls in 0..8 {
            Case::new("wait that is dropped", n, move |ledger| async move {
                let mut tasks: Vec<_> = (0..n).map(|index| spawn(ledger.child(index))).collect();
                let ids: Vec<_> = tasks.iter().map(Task::id).collect();
                match cut_after(polls, wait(&mut tasks, Until::AllCompleted)).await {
                    Some(ended) => tasks = ended,
                    None => assert!(tasks.iter().map(Task::id).eq(ids)),
                }
                assert_eq!(tasks.len(), n);
                for task in tasks {
                    task.await.deliver();
                }
                assert_eq!(ledger.delivered(), n);
            })
            .drive();
        }
        Case::new("wait with a timeout", n, move |ledger| async move {
            let mut tasks: Vec<_> = (0..n).map(|index| spawn(ledger.child(index))).collect();
            while !tasks.is_empty() {
                for task in wait(&mut tasks, Until::AllCompleted).timeout(Duration::ZERO).await {
                    task.await.deliver();
                }
            }
            assert_eq!(ledger.delivered(), n);
        })
        .drive();
    }
}

#[test]
fn timeout_leaves_nothing_behind() {
    for n in COUNTS {
        Case::new("timeout that is long enough", n, move |ledger| async move {
            let children = gather((0..n).map(|index| ledger.child(index)).collect::<Vec<_>>());
            timeout(Duration::MAX, children).await.expect("centuries").deliver();
            assert_eq!(ledger.delivered(), n);
        })
        .drive();
        Case::new("timeout that is too short", n, move |ledger| async move {
            let children = gather((0..n).map(|index| ledger.child(index)).collect::<Vec<_>>());
            assert!(timeout(Duration::ZERO, children).await.is_err());
            ledger.assert_clean();
        })
        .drive();
    }
}

#[test]
fn shield_lets_what_has_begun_end() {
    Case::new("shield", 1, |ledger| async move { shield(ledger.child(0)).await.deliver() })
        .of_children_that_go_on()
        .drive();
    Case::new("local shield", 1, |ledger| async move { local::shield(ledger.child(0)).await.deliver() })
        .of_children_that_go_on()
        .drive();
    for n in COUNTS {
        Case::new("shields in a race", n, move |ledger| async move {
            race((0..n).map(|index| shield(ledger.slow(index))).collect::<Vec<_>>()).await.deliver();
        })
        .of_children_that_go_on()
        .drive();
    }
}

/// Combinators in each other, with children that would never end.
#[test]
fn nested_combinators_leave_nothing_behind() {
    Case::new("nested", 12, |ledger| async move {
        let rest = |from: usize| (from..from + 3).map(|index| ledger.endless(index)).collect::<Vec<_>>();
        let mut some = as_completed((0..3).map(|index| ledger.child(index)));
        let first_of_some = async { some.next().await.expect("one of three") };
        let never = async {
            gather((race(rest(3)), race(rest(6)))).await.deliver();
            unreachable!("they never end")
        };
        let cut = async {
            assert!(timeout(Duration::ZERO, gather(rest(9))).await.is_err());
            std::future::pending().await
        };
        race((first_of_some, never, cut)).await.deliver();
    })
    .drive();
}

/// The harness is to see what it is there for.
mod planted {
    use super::*;

    #[test]
    #[should_panic(expected = "futures are left")]
    fn a_child_that_is_forgotten_is_seen() {
        Case::new("forgetful", 1, |ledger| async move { std::mem::forget(ledger.child(0)) }).drive();
    }

    #[test]
    #[should_panic(expected = "runs")]
    fn a_child_that_goes_on_is_seen() {
        Case::new("hasty", 4, |ledger| async move { spawn(ledger.child(3)).detach() }).drive();
    }

    #[test]
    #[should_panic(expected = "child 0: Entry")]
    fn an_output_that_is_lost_is_seen() {
        Case::new("forgetful", 1, |ledger| async move { std::mem::forget(ledger.child(0).await) }).drive();
    }

    #[test]
    #[should_panic(expected = "has not waited for the cleanup")]
    fn a_cleanup_that_nobody_waits_for_is_seen() {
        let combine = |ledger: Ledger| async move {
            let task = spawn(async move { drop(cut_after(1, ledger.child(1)).await) });
            aio_core::yield_now().await;
            task.detach();
        };
        Case::new("careless", 2, combine).drive();
    }
}

#[test]
fn groups_leave_nothing_behind() {
    for n in COUNTS {
        Case::new("group of tasks", n, move |ledger| async move {
            let group = TaskGroup::new();
            let children = group.join(async {
                let children: Vec<_> = (0..n).map(|index| group.spawn(ledger.child(index))).collect();
                for child in children {
                    child.await.deliver();
                }
            });
            children.await;
            assert_eq!(ledger.delivered(), n);
            ledger.assert_clean();
        })
        .drive();
        Case::new("group of local tasks", n, move |ledger| async move {
            let group = aio_group::local::TaskGroup::new();
            let children = group.join(async {
                let children: Vec<_> = (0..n).map(|index| group.spawn(ledger.child(index))).collect();
                for child in children {
                    child.await.deliver();
                }
            });
            children.await;
            assert_eq!(ledger.delivered(), n);
            ledger.assert_clean();
        })
        .drive();
        Case::new("group in place", n, move |ledger| async move {
            let group = TaskGroup::new();
            let children = group.join(async {
                let children: Vec<_> = (0..n).map(|index| group.spawn_scoped(ledger.child(index))).collect();
                for child in children {
                    child.await.deliver();
                }
            });
            children.await;
            assert_eq!(ledger.delivered(), n);
            ledger.assert_clean();
        })
        .drive();
        Case::new("group that fails", n, move |ledger| async move {
            let group = TaskGroup::new();
            let outcome = group.run(async {
                for index in 0..n {
                    if index % 2 == 0 {
                        drop(group.try_spawn(ledger.failing(index)));
                    } else {
                        drop(group.spawn_scoped(ledger.endless(index)));
                    }
                }
                Ok(())
            });
            let errors = outcome.await.unwrap_err().into_errors();
            errors.into_iter().for_each(Deliver::deliver);
            ledger.assert_clean();
        })
        .drive();
        Case::new("group that is cancelled", n, move |ledger| async move {
            let group = TaskGroup::<()>::new();
            let outcome = group.run(async {
                for index in 0..n {
                    drop(group.spawn(ledger.endless(index)));
                }
                aio_core::yield_now().await;
                group.cancel();
                Ok(())
            });
            assert_eq!(outcome.await, Ok(()));
            ledger.assert_clean();
        })
        .drive();
        Case::new("results of a group", n, move |ledger| async move {
            let group = TaskGroup::new();
            let all = group.join(async {
                let mut results = group.results();
                for index in 0..n {
                    if index % 2 == 0 {
                        results.spawn(ledger.child(index));
                    } else {
                        results.spawn_scoped(ledger.child(index));
                    }
                }
                while let Some(output) = results.next().await {
                    output.deliver();
                }
            });
            all.await;
            assert_eq!(ledger.delivered(), n);
            ledger.assert_clean();
        })
        .drive();
        Case::new("group with a limit", n, move |ledger| async move {
            let group = TaskGroup::new().limit(2);
            let all = group.join(async {
                let mut children = Vec::new();
                for index in 0..n {
                    children.push(group.vacancy().await.spawn(ledger.child(index)));
                }
                for child in children {
                    child.await.deliver();
                }
            });
            all.await;
            assert_eq!(ledger.delivered(), n);
            ledger.assert_clean();
        })
        .drive();
    }
}

#[test]
fn start_leaves_nothing_behind() {
    Case::new("start", 2, |ledger| async move {
        let group = TaskGroup::new();
        let all = group.join(async {
            for index in 0..2 {
                let work = ledger.child(index);
                let started = group.start(move |started| async move {
                    aio_core::yield_now().await;
                    started.set(index);
                    work.await.deliver();
                });
                assert_eq!(started.await.unwrap(), index);
            }
        });
        all.await;
        assert_eq!(ledger.delivered(), 2);
        ledger.assert_clean();
    })
    .drive();
}

#[test]
fn cancel_scopes_leave_nothing_behind() {
    for n in COUNTS {
        let children = move |ledger: &Ledger| gather((0..n).map(|index| ledger.child(index)).collect::<Vec<_>>());
        Case::new("cancel scope", n, move |ledger| async move {
            CancelScope::new().run(children(&ledger)).await.expect("nobody cancels it").deliver();
            assert_eq!(ledger.delivered(), n);
        })
        .drive();
        Case::new("cancel scope that is cancelled", n, move |ledger| async move {
            let scope = CancelScope::new();
            scope.set_timeout(Duration::MAX);
            let handle = scope.clone();
            let canceller = local::spawn(async move {
                aio_core::yield_now().await;
                handle.cancel();
            });
            let endless = gather((0..n).map(|index| ledger.endless(index)).collect::<Vec<_>>());
            assert!(scope.run(endless).await.is_err());
            ledger.assert_clean();
            canceller.await;
        })
        .drive();
        Case::new("move_on_after", n, move |ledger| async move {
            assert!(move_on_after(Duration::ZERO, children(&ledger)).await.is_none());
            ledger.assert_clean();
        })
        .drive();
    }
}
