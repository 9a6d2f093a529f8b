//! Futures that are combined: outputs are not lost, and nobody is left behind.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use aio_core::local;
use aio_group::{as_completed, first_ok, gather, race, try_gather};
use aio_test::note;

use crate::dice::{Dice, under_seeds};

/// What the futures of a combination write into.
#[derive(Default)]
struct World {
    /// Which have begun, and not cleaned up.
    running: Cell<usize>,
    /// Which have given an output, in that order.
    ended: RefCell<Vec<u32>>,
}

/// Its number, or that as an error.
async fn part(world: Rc<World>, dice: Dice, number: u32) -> Result<u32, u32> {
    world.running.set(world.running.get() + 1);
    let guard = local::defer((world.clone(), dice.fork()), async |(world, dice)| {
        dice.pause().await;
        world.running.set(world.running.get() - 1);
    });
    for _ in 0..dice.below(4) {
        dice.pause().await;
    }
    if dice.one_in(3) {
        guard.run().await;
    }
    note(format_args!("{number} is ready"));
    world.ended.borrow_mut().push(number);
    if dice.one_in(3) { Err(number) } else { Ok(number) }
}

fn number(output: &Result<u32, u32>) -> u32 {
    output.unwrap_or_else(|number| number)
}

/// Combines parts in some way. All that is asserted at the end of a combination holds when it is not dropped before.
async fn combine(world: Rc<World>, dice: Dice) {
    let n = 1 + dice.below(5);
    let parts: Vec<_> = (0..n).map(|number| part(world.clone(), dice.fork(), number)).collect();
    let ended = || world.ended.borrow().clone();
    match dice.below(5) {
        0 => {
            let Some(outputs) = dice.attempt(gather(parts)).await else { return };
            // Cleanups have gone to the scope around.
            return assert_eq!(outputs.iter().map(number).collect::<Vec<_>>(), (0..n).collect::<Vec<_>>());
        }
        1 => match dice.attempt(try_gather(parts)).await {
            Some(Ok(outputs)) => assert_eq!(outputs, (0..n).collect::<Vec<_>>()),
            Some(Err(error)) => assert!(ended().contains(&error)),
            None => return,
        },
        2 => {
            let Some(output) = dice.attempt(race(parts)).await else { return };
            assert_eq!(ended(), [number(&output)], "one wins, and the others are cut");
        }
        3 => match dice.attempt(first_ok(parts)).await {
            Some(Ok(output)) => assert_eq!(ended().last(), Some(&output)),
            Some(Err(errors)) => assert_eq!(errors.len(), n as usize),
            None => return,
        },
        _ => {
            let mut outputs = as_completed(parts).with_index();
            let mut seen = Vec::new();
            loop {
                match dice.attempt(outputs.next()).await {
                    Some(Some((place, output))) => {
                        assert_eq!(place, number(&output) as usize);
                        seen.push(number(&output));
                        assert_eq!(seen, ended()[..seen.len()], "in the order in which they were ready");
                    }
                    // As those of `gather`.
                    Some(None) => return assert_eq!(seen.len(), n as usize),
                    // The others are dropped.
                    None if dice.one_in(4) => return,
                    None => {}
                }
                dice.pause().await;
            }
        }
    }
    assert_eq!(world.running.get(), 0, "some have not cleaned up");
}

#[test]
fn no_output_is_lost_and_nobody_is_left_behind() {
    under_seeds("no_output_is_lost_and_nobody_is_left_behind", async |dice| {
        let world = Rc::new(World::default());
        // What is dropped is left to the task, which does not end before it has cleaned up.
        dice.join(vec![local::spawn(combine(world.clone(), dice.fork()))]).await;
        assert_eq!(world.running.get(), 0);
    });
}
