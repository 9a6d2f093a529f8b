//! Task groups: all children have ended before the group has, and whoever failed is told of.

use std::sync::{Arc, Mutex, PoisonError}; // facade: of one thread, in futures that have to be `Send`

use aio_core::{defer, local};
use aio_group::GroupError;

use crate::dice::{Dice, under_seeds};

/// What a group and its children write into.
#[derive(Default)]
struct World {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    limit: usize,
    started: usize,
    /// Begun, and not yet cleaned up.
    running: usize,
    /// Ended by themselves, and well.
    done: usize,
    /// Ended by themselves with an error; the body last.
    failed: Vec<u32>,
    /// Whether somebody has cancelled the group, or a child.
    is_cancelled: bool,
    /// Whether the group has ended.
    is_over: bool,
}

impl World {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { counts: Mutex::new(Counts { limit, ..Counts::default() }) })
    }

    fn change<R>(&self, change: impl FnOnce(&mut Counts) -> R) -> R {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut counts);
        assert!(!counts.is_over, "something goes on after the end of the group");
        assert!(counts.running <= counts.limit, "{counts:?}");
        changed
    }

    /// The group has ended.
    fn end(&self) {
        self.change(|counts| assert_eq!(counts.running, 0, "{counts:?}"));
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
    }

    fn check(&self, policy: Policy, outcome: Result<u32, GroupError<u32>>, mut told: Vec<u32>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut errors = match outcome {
            Ok(output) => {
                assert_eq!(output, BODY);
                Vec::new()
            }
            Err(error) => {
                assert!(counts.is_cancelled || !error.is_cancelled(), "{counts:?}");
                error.into_errors()
            }
        };
        if errors.contains(&BODY) {
            assert_eq!(errors.last(), Some(&BODY), "the error of the body comes last");
        }
        if policy == Policy::Discarding {
            assert!(errors.iter().all(|error| *error == BODY), "{errors:?}");
        } else {
            assert!(told.is_empty());
        }
        errors.append(&mut told);
        errors.sort_unstable();
        counts.failed.sort_unstable();
        assert_eq!(errors, counts.failed);
        let aborts =
            counts.is_cancelled || errors.contains(&BODY) || (policy == Policy::FailFast && !errors.is_empty());
        assert!(aborts || counts.done + errors.len() == counts.started, "{counts:?}");
    }
}

/// A child with a cleanup. If it `may_fail`, it does so with its number.
async fn child(world: Arc<World>, dice: Dice, may_fail: bool, number: u32) -> Result<u32, u32> {
    world.change(|counts| counts.running += 1);
    let guard = defer((world.clone(), dice.fork()), async |(world, dice)| {
        dice.pause().await;
        world.change(|counts| counts.running -= 1);
    });
    for _ in 0..dice.below(4) {
        dice.pause().await;
        world.change(|_| {});
    }
    if dice.one_in(2) {
        guard.run().await;
    }
    if may_fail && dice.one_in(5) {
        world.change(|counts| counts.failed.push(number));
        return Err(number);
    }
    world.change(|counts| counts.done += 1);
    Ok(number)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    FailFast,
    Supervised,
    Discarding,
}

/// What the body gives, or fails with.
const BODY: u32 = 1000;

macro_rules! in_both_homes {
    ($($home:ident: $path:path;)*) => {$(
        mod $home {
            use $path as home;

            use super::*;

            type Group = home::TaskGroup<'static, u32>;

            async fn body(group: &Group, world: &Arc<World>, dice: &Dice) -> Result<u32, u32> {
                let mut children = Vec::new();
                for number in 0..dice.below(6) {
                    let new = |may_fail| {
                        world.change(|counts| counts.started += 1);
                        child(world.clone(), dice.fork(), may_fail, number)
                    };
                    match dice.below(6) {
                        0 => children.push(group.try_spawn(new(true))),
                        1 => children.push(group.try_spawn_scoped(new(true))),
                        2 => drop(group.spawn(new(false))),
                        3 => drop(group.child().eager(true).spawn(new(false))),
                        4 => {
                            if let Some(room) = group.try_vacancy() {
                                children.push(room.try_spawn(new(true)));
                            }
                        }
                        _ => {
                            // A child that starts another, which ends later than itself.
                            let (handle, dice, world) = (group.handle(), dice.fork(), world.clone());
                            world.change(|counts| counts.started += 1);
                            drop(group.spawn_scoped(async move {
                                dice.pause().await;
                                world.change(|counts| {
                                    counts.done += 1;
                                    counts.started += 1;
                                });
                                drop(handle.try_spawn(child(world, dice, true, number)));
                            }));
                        }
                    }
                    dice.pause().await;
                    if dice.one_in(12) {
                        world.change(|counts| counts.is_cancelled = true);
                        group.cancel();
                    }
                    if dice.one_in(3)
                        && let Some(child) = children.pop()
                    {
                        if let Some(task) = child.task_ref()
                            && dice.one_in(3)
                        {
                            world.change(|counts| counts.is_cancelled = true);
                            task.cancel();
                        }
                        let _ = dice.attempt(child.join()).await;
                    }
                }
                let fails = dice.one_in(6);
                if dice.one_in(8) {
                    // It begins, and cancels the group, while it is being started.
                    world.change(|counts| counts.is_cancelled = true);
                    let handle = group.handle();
                    drop(group.child().eager(true).spawn(async move {
                        handle.cancel();
                        std::future::pending::<()>().await;
                    }));
                } else if dice.one_in(4) {
                    // Only the cancellation ends these, and those that wait to begin.
                    drop((group.spawn(std::future::pending::<()>()), group.spawn_scoped(std::future::pending::<()>())));
                    if !fails {
                        world.change(|counts| counts.is_cancelled = true);
                        group.cancel();
                    }
                }
                if fails {
                    world.change(|counts| counts.failed.push(BODY));
                    return Err(BODY);
                }
                Ok(BODY)
            }

            /// Runs a group to its end, or drops it before.
            async fn run(world: Arc<World>, dice: Dice) {
                let policy = [Policy::FailFast, Policy::Supervised, Policy::Discarding][dice.below(3) as usize];
                let told = Arc::new(Mutex::new(Vec::new()));
                let group = Group::new();
                let mut group = match policy {
                    Policy::FailFast => group,
                    Policy::Supervised => group.supervised(),
                    Policy::Discarding => {
                        let told = told.clone();
                        group.discarding(move |error| told.lock().unwrap_or_else(PoisonError::into_inner).push(error))
                    }
                };
                let limit = world.change(|counts| counts.limit);
                if limit < usize::MAX {
                    group = group.limit(limit);
                }
                if let Some(outcome) = dice.attempt(group.run(body(&group, &world, &dice))).await {
                    world.end();
                    let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
                    world.check(policy, outcome, told);
                }
            }

            pub(super) async fn group(dice: Dice) {
                let limit = if dice.one_in(2) { usize::MAX } else { 1 + dice.below(3) as usize };
                let world = World::new(limit);
                // If the group is dropped, the task does not end before its children have.
                dice.join(vec![local::spawn(run(world.clone(), dice.fork()))]).await;
                if !world.counts.lock().unwrap_or_else(PoisonError::into_inner).is_over {
                    world.end();
                }
                dice.pause().await;
            }
        }
    )*};
}

in_both_homes! {
    shared: aio_group;
    on_its_loop: aio_group::local;
}

#[test]
fn children_are_accounted_for() {
    under_seeds("children_are_accounted_for", shared::group);
}

#[test]
fn children_on_their_loop_are_accounted_for() {
    under_seeds("children_on_their_loop_are_accounted_for", on_its_loop::group);
}
