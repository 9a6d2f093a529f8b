//! Semaphores, conditions and barriers.

use super::super::{Condition, Lock};
use super::{Env, run_block, trace};
use crate::on_aio::outcome::{Failure, Flow, Stop};
use crate::program::{Block, Name, Stmt};

/// A condition with its lock, which protects a number.
#[derive(Default)]
pub(super) struct Monitor {
    number: Lock<u64>,
    condition: Condition,
}

pub(super) async fn run_permit(env: &Env, name: &Name, body: &Block) -> Flow {
    let semaphore = env.world.semaphore(name);
    let _permit = env.world.wait(semaphore.acquire()).await?;
    trace(env, &Stmt::Permit(name.clone(), body.clone()));
    run_block(env.clone(), body.clone()).await
}

pub(super) async fn run_condition(env: &Env, name: &Name, body: &Block) -> Flow {
    let world = &env.world;
    let monitor = world.monitor(name);
    let Monitor { number, condition } = &*monitor;
    let mut number = world.wait(number.lock()).await?;
    trace(env, &Stmt::Condition(name.clone(), body.clone()));
    for stmt in body.iter() {
        match stmt {
            Stmt::Notified => {
                number = world.wait(condition.wait(number)).await?;
                trace(env, stmt);
            }
            Stmt::AtLeast(enough) => {
                number = world.wait(condition.wait_for(number, |number| *number >= *enough)).await?;
                trace(env, stmt);
            }
            Stmt::Add(more) => *number += more,
            Stmt::Notify(None) => condition.notify_all(),
            Stmt::Notify(Some(count)) => condition.notify(usize::try_from(*count).unwrap_or(usize::MAX)),
            other => run_block(env.clone(), [other.clone()].into()).await?,
        }
    }
    Ok(())
}

pub(super) async fn arrive(env: &Env, name: &Name) -> Flow {
    let barrier = env.world.barrier(name);
    match env.world.wait(barrier.wait()).await? {
        Ok(turn) => {
            env.world.log(&env.name, format!("passed {name} as {}", turn.index()));
            Ok(())
        }
        Err(_) => Err(Stop::Failed(Failure::Raised("broken".to_owned()))),
    }
}
