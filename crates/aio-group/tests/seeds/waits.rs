//! Waiting for some of several tasks, which stay who they are.

use aio_core::local;
use aio_group::{Until, try_wait};

use crate::dice::{Dice, MS, under_seeds};

async fn program(dice: Dice) {
    let task = |number: u32| {
        let dice = dice.fork();
        local::spawn(async move {
            for _ in 0..dice.below(4) {
                dice.pause().await;
            }
            if dice.one_in(3) { Err(number) } else { Ok(number) }
        })
    };
    let n = dice.below(6);
    let mut tasks: Vec<_> = (0..n).map(task).collect();
    let ids: Vec<_> = tasks.iter().map(|task| task.id()).collect();
    let mut seen = Vec::new();
    loop {
        let (before, is_empty) = (tasks.len(), tasks.is_empty());
        let until = [Until::AllCompleted, Until::FirstCompleted, Until::FirstFailed][dice.below(3) as usize];
        let waits = try_wait(&mut tasks, until);
        let has_limit = dice.one_in(2);
        let ended = match has_limit {
            true => dice.attempt(waits.timeout(dice.below(8) * MS)).await,
            false => dice.attempt(waits).await,
        };
        let left: Vec<_> = tasks.iter().map(|task| task.id()).collect();
        // Those that are left keep their order.
        let mut places = ids.iter();
        assert!(left.iter().all(|id| places.any(|other| other == id)));
        let Some(ended) = ended else {
            assert_eq!(tasks.len(), before, "one is lost");
            continue;
        };
        assert_eq!(ended.len() + tasks.len(), before);
        let (n_ended, mut has_failed) = (ended.len(), false);
        for task in ended {
            assert!(task.is_finished());
            let outcome = task.await;
            has_failed |= outcome.is_err();
            seen.push(outcome.unwrap_or_else(|number| number));
        }
        let is_enough = match until {
            Until::AllCompleted => tasks.is_empty(),
            Until::FirstCompleted => n_ended > 0 || is_empty,
            Until::FirstFailed => has_failed || tasks.is_empty(),
        };
        assert!(has_limit || is_enough, "{until:?}: {n_ended} of {before}");
        if is_empty {
            break;
        }
        dice.pause().await;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..n).collect::<Vec<_>>());
}

#[test]
fn tasks_that_are_waited_for_are_those_that_have_ended() {
    under_seeds("tasks_that_are_waited_for_are_those_that_have_ended", program);
}
