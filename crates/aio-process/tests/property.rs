//! Random operations on a child, against a model that knows what it may have died of.
#![cfg(all(not(aio_loom), target_os = "linux"))]

mod common;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::rc::Rc;

use aio_core::local;
use aio_process::{Child, ExitStatus, returncode};
use proptest::prelude::*;

use crate::common::{WAYS, Way, Witness, poll_once, ready, run};

/// What the child is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// It dies of the first signal that can kill.
    Sleeper,
    /// It ignores `SIGTERM`.
    Deaf,
    /// It has ended already, with this code.
    Zombie(u8),
}

#[derive(Debug, Clone, Copy)]
enum Op {
    TryWait,
    /// Polls a wait once, and drops it.
    CancelledWait,
    /// Waits to the end, if there is one.
    Wait,
    /// Another task waits, from now on.
    SpawnWait,
    /// The next turn of all tasks.
    Yield,
    /// Drops the task that was the first to wait.
    CancelSpawned,
    Terminate,
    Kill,
    Signal(i32),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Sleeper), Just(Kind::Deaf), any::<u8>().prop_map(Kind::Zombie)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::TryWait),
        3 => Just(Op::CancelledWait),
        2 => Just(Op::Wait),
        2 => Just(Op::SpawnWait),
        1 => Just(Op::Yield),
        1 => Just(Op::CancelSpawned),
        2 => Just(Op::Terminate),
        1 => Just(Op::Kill),
        // Of HUP and USR1 it dies; CHLD and CONT it does not notice; 0 and 99 are none.
        2 => prop_oneof![Just(1), Just(10), Just(17), Just(18), Just(0), Just(99)].prop_map(Op::Signal),
    ]
}

struct Model {
    kind: Kind,
    /// The return codes that it may end with; none while it lives.
    ends: BTreeSet<i32>,
    /// What has been told.
    seen: Option<ExitStatus>,
}

impl Model {
    fn new(kind: Kind) -> Self {
        let ends = if let Kind::Zombie(code) = kind { [i32::from(code)].into() } else { BTreeSet::new() };
        Self { kind, ends, seen: None }
    }

    fn told(&mut self, status: Option<ExitStatus>) {
        match (self.seen, status) {
            (Some(seen), status) => assert_eq!(status, Some(seen), "it was told otherwise before"),
            (None, Some(status)) => {
                assert!(self.ends.contains(&returncode(status)), "{status}, and not one of {:?}", self.ends);
                self.seen = Some(status);
            }
            (None, None) => {}
        }
    }

    fn signalled(&mut self, signal: i32, result: io::Result<()>) {
        if self.seen.is_some() || !(1..=64).contains(&signal) {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidInput);
            return;
        }
        result.unwrap();
        let kills = match self.kind {
            Kind::Sleeper => !matches!(signal, 17 | 18),
            Kind::Deaf => !matches!(signal, 15 | 17 | 18),
            Kind::Zombie(_) => false,
        };
        if kills {
            self.ends.insert(-signal);
        }
    }
}

async fn start(way: Way, kind: Kind, kill_on_drop: bool) -> Child {
    match kind {
        Kind::Sleeper => way.command("sleep").arg("1000").kill_on_drop(kill_on_drop).spawn().unwrap(),
        Kind::Deaf => {
            let mut command = way.shell("trap '' TERM; echo ready; exec sleep 1000");
            ready(command.kill_on_drop(kill_on_drop)).await
        }
        Kind::Zombie(code) => {
            let child = way.shell(format!("exit {code}")).kill_on_drop(kill_on_drop).spawn().unwrap();
            Witness::of(&child).ended().await;
            child
        }
    }
}

async fn play(way: Way, kind: Kind, ops: &[Op], kill_on_drop: bool) {
    let child = Rc::new(start(way, kind, kill_on_drop).await);
    let witness = Witness::of(&child);
    let mut model = Model::new(kind);
    let mut waiting: Vec<local::Task<ExitStatus>> = Vec::new();
    for op in ops {
        match op {
            Op::TryWait => model.told(child.try_wait().unwrap()),
            Op::CancelledWait => model.told(poll_once(pin!(child.wait())).await.map(Result::unwrap)),
            Op::Wait if model.ends.is_empty() => {}
            Op::Wait => model.told(Some(child.wait().await.unwrap())),
            Op::SpawnWait => {
                let child = child.clone();
                waiting.push(local::spawn(async move { child.wait().await.unwrap() }));
            }
            Op::Yield => aio_core::yield_now().await,
            Op::CancelSpawned if waiting.is_empty() => {}
            Op::CancelSpawned => drop(waiting.remove(0)),
            Op::Terminate => model.signalled(15, child.terminate()),
            Op::Kill => model.signalled(9, child.kill()),
            Op::Signal(signal) => model.signalled(*signal, child.signal(*signal)),
        }
        if !waiting.is_empty() {
            // Another task may have seen the end in its turn.
            model.told(child.try_wait().unwrap());
        }
        assert!(model.seen.is_none() || witness.is_reaped());
    }

    if model.ends.is_empty() {
        assert!(!witness.has_ended(), "nobody has killed it");
        // All that wait give up.
        for task in waiting {
            let ended = task.is_finished();
            drop(task);
            assert!(!ended);
        }
    } else {
        for task in waiting {
            model.told(Some(task.await));
        }
    }
    // The tasks that have been cancelled have their turn.
    while Rc::strong_count(&child) > 1 {
        aio_core::yield_now().await;
    }
    drop(Rc::into_inner(child).expect("nobody else has it"));
    if model.ends.is_empty() && !kill_on_drop {
        assert!(!witness.has_ended());
        witness.kill();
    }
    witness.reaped().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_operations_agree_with_the_model(
        kind in kind(),
        ops in prop::collection::vec(op(), 0..16),
        kill_on_drop: bool,
    ) {
        for way in WAYS {
            run(play(way, kind, &ops, kill_on_drop));
        }
    }
}
