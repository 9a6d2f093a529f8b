//! Random programs over the primitives of `aio`: a reduced exploration sees all outcomes that a full one sees.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use aio_base::{Home, Local, Shared};
use aio_core::{local, yield_now};
use aio_sync::generic::{Event, Lock, Queue, Semaphore};
use aio_test::{Explore, Leaks};
use aio_timer::{sleep, timeout};
use proptest::collection::vec;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy)]
enum Op {
    Yield,
    Lock,
    TryLock,
    Put,
    Get,
    TryGet,
    Set,
    Clear,
    IsSet,
    Wait,
    WaitForAWhile,
    Acquire,
    TryAcquire,
    /// Spawns a task that does this, and waits for it.
    Join(&'static Op),
    /// Spawns a task that does this, and cancels it after a turn.
    Cancel(&'static Op),
}

struct World<H: Home> {
    lock: Lock<usize, H>,
    queue: Queue<usize, H>,
    event: Event<H>,
    semaphore: Semaphore<H>,
    /// What each of the tasks has seen. They do not look at each other's.
    seen: RefCell<Vec<Vec<String>>>,
}

impl<H: Home> World<H> {
    fn new(n_tasks: usize) -> Self {
        Self {
            lock: Lock::new(0),
            queue: Queue::bounded(1),
            event: Event::new(),
            semaphore: Semaphore::new(1),
            seen: RefCell::new(vec![Vec::new(); n_tasks]),
        }
    }

    fn see(&self, task: usize, what: impl std::fmt::Debug) {
        self.seen.borrow_mut()[task].push(format!("{what:?}"));
    }

    async fn act(self: Rc<Self>, task: usize, op: Op) {
        match op {
            Op::Yield => yield_now().await,
            Op::Lock => {
                let mut guard = self.lock.lock().await;
                self.see(task, *guard);
                yield_now().await;
                *guard = *guard * 3 + task + 1;
            }
            Op::TryLock => {
                if let Some(mut guard) = self.lock.try_lock() {
                    self.see(task, *guard);
                    *guard += 1;
                }
            }
            Op::Put => drop(self.queue.put(task).await),
            Op::Get => self.see(task, self.queue.get().await),
            Op::TryGet => self.see(task, self.queue.try_get()),
            Op::Set => self.event.set(),
            Op::Clear => self.event.clear(),
            Op::IsSet => self.see(task, self.event.is_set()),
            Op::Wait => self.event.wait().await,
            Op::WaitForAWhile => self.see(task, timeout(MS, self.event.wait()).await.is_ok()),
            Op::Acquire => {
                let permit = self.semaphore.acquire().await;
                yield_now().await;
                drop(permit);
            }
            Op::TryAcquire => {
                let permit = self.semaphore.try_acquire();
                self.see(task, permit.is_some());
                yield_now().await;
            }
            Op::Join(op) => {
                let child = local::spawn(Box::pin(self.clone().act(task, *op)));
                child.await;
                self.see(task, "joined");
            }
            Op::Cancel(op) => {
                let child = local::spawn(Box::pin(self.clone().act(task, *op)));
                yield_now().await;
                self.see(task, child.is_finished());
                drop(child);
            }
        }
    }
}

/// What each task has seen, and what is there at the end.
async fn run<H: Home>(program: &[Vec<Op>]) -> (Vec<Vec<String>>, Vec<usize>) {
    let world = Rc::new(World::<H>::new(program.len()));
    for (task, ops) in program.iter().enumerate() {
        let (world, ops) = (world.clone(), ops.clone());
        let all = async move {
            for op in ops {
                world.clone().act(task, op).await;
            }
            world.see(task, "end");
        };
        local::spawn(all).detach();
    }
    sleep(9 * MS).await;
    let numbers = vec![
        world.lock.try_lock().map_or(usize::MAX, |guard| *guard),
        world.queue.len(),
        world.semaphore.available_permits(),
        usize::from(world.event.is_set()),
    ];
    let seen = world.seen.take();
    (seen, numbers)
}

fn program() -> impl Strategy<Value = Vec<Vec<Op>>> {
    const ALL: &[Op] = &[
        Op::Lock,
        Op::TryLock,
        Op::Put,
        Op::Get,
        Op::TryGet,
        Op::Set,
        Op::Clear,
        Op::IsSet,
        Op::Wait,
        Op::WaitForAWhile,
        Op::Acquire,
        Op::TryAcquire,
        Op::Yield,
    ];
    let one = || (0..ALL.len()).prop_map(|i| &ALL[i]);
    let op = prop_oneof![6 => one().prop_map(|op| *op), 1 => one().prop_map(Op::Join), 1 => one().prop_map(Op::Cancel)];
    vec(vec(op, 1..4), 2..4)
}

/// Programs of more schedules are not tried.
const MOST: u64 = 1500;

fn check<H: Home>(program: &[Vec<Op>]) -> Result<(), TestCaseError> {
    let all = Explore::new("random").leaks(Leaks::Allow).max_schedules(MOST);
    let (outcomes, explored) = all.outcomes(async || run::<H>(program).await).unwrap();
    prop_assume!(explored.is_complete());
    let (left, reduced) = all.reduced().outcomes(async || run::<H>(program).await).unwrap();
    prop_assert!(reduced.is_complete() && reduced.schedules() <= explored.schedules());
    let keys = |outcomes: std::collections::BTreeMap<_, _>| outcomes.into_keys().collect::<BTreeSet<_>>();
    prop_assert_eq!(keys(left), keys(outcomes));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, max_global_rejects: 5000, ..ProptestConfig::default() })]

    #[test]
    fn a_reduction_loses_no_outcome_of_local_primitives(program in program()) {
        check::<Local>(&program)?;
    }

    #[test]
    fn a_reduction_loses_no_outcome_of_shared_primitives(program in program()) {
        check::<Shared>(&program)?;
    }
}
