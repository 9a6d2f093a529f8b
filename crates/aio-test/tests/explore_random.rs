//! Random programs of everything at once, with races, timeouts, jobs, cancelling and draws: a reduced exploration sees
//! all outcomes that a full one sees, under each of the settings.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use aio_blocking::to_thread;
use aio_core::{JoinError, TaskRef, local::Task, yield_now};
use aio_group::race;
use aio_sync::{Event, Lock, Queue, Semaphore};
use aio_test::{Explore, Leaks, random_seed, touch};
use aio_timer::{sleep, timeout};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a task may do, each with what comes of it in the log of the task.
#[derive(Debug, Clone, Copy)]
enum Op {
    Yield,
    Lock {
        is_long: bool,
    },
    TryLock,
    Put(usize),
    Get(usize),
    TryGet(usize),
    Permit {
        is_long: bool,
    },
    Set,
    Clear,
    Wait,
    /// Gets an item, or the event, whichever is first.
    Race,
    /// Gets an item in so many milliseconds.
    Timeout(usize, u64),
    Sleep(u64),
    Cancel(usize),
    Job,
    Draw,
    /// Has a child that gets an item, and waits for it or not.
    Child {
        is_joined: bool,
    },
}

struct World {
    lock: Lock<u64>,
    queues: [Queue<u64>; 2],
    semaphore: Semaphore,
    event: Event,
    tasks: RefCell<Vec<TaskRef>>,
    /// Of each task, which nobody looks at before the end.
    logs: Vec<Rc<RefCell<Vec<u64>>>>,
}

fn text<T: Into<u64>, E>(result: Result<T, E>) -> u64 {
    result.map_or(1000, Into::into)
}

async fn do_one(world: &Rc<World>, me: u64, op: Op) -> u64 {
    let ms = Duration::from_millis;
    match op {
        Op::Yield => yield_now().await,
        Op::Lock { is_long } => {
            let mut guard = world.lock.lock().await;
            let seen = *guard;
            if is_long {
                yield_now().await;
            }
            *guard = seen * 3 % 101 + me;
            return seen;
        }
        Op::TryLock => return world.lock.try_lock().map_or(1000, |guard| *guard),
        Op::Put(queue) => return u64::from(world.queues[queue].put(me).await.is_err()),
        Op::Get(queue) => return text(world.queues[queue].get().await),
        Op::TryGet(queue) => return text(world.queues[queue].try_get()),
        Op::Permit { is_long } => {
            let permit = world.semaphore.acquire().await;
            if is_long {
                yield_now().await;
            }
            drop(permit);
        }
        Op::Set => world.event.set(),
        Op::Clear => world.event.clear(),
        Op::Wait => world.event.wait().await,
        Op::Race => {
            let get = pin!(async { text(world.queues[0].get().await) });
            let wait = pin!(async {
                world.event.wait().await;
                500
            });
            let futures: Vec<std::pin::Pin<&mut dyn Future<Output = u64>>> = vec![get, wait];
            return race(futures).await;
        }
        Op::Timeout(queue, n) => return timeout(ms(n), world.queues[queue].get()).await.map_or(2000, text),
        Op::Sleep(n) => sleep(ms(n)).await,
        Op::Cancel(task) => {
            let tasks = &world.tasks;
            touch(tasks);
            let task = tasks.borrow().get(task).cloned();
            task.inspect(TaskRef::cancel);
        }
        Op::Job => return to_thread(move || me + 7).await,
        Op::Draw => return random_seed() % 7,
        Op::Child { is_joined } => {
            let child = aio_core::local::spawn({
                let world = world.clone();
                async move { text(world.queues[1].get().await) }
            });
            if is_joined {
                return text::<u64, JoinError>(child.join().await);
            }
            child.detach();
        }
    }
    0
}

async fn run(program: Vec<Vec<Op>>) -> Vec<Vec<u64>> {
    let world = Rc::new(World {
        lock: Lock::new(1),
        queues: [Queue::bounded(1), Queue::bounded(2)],
        semaphore: Semaphore::new(1),
        event: Event::new(),
        tasks: RefCell::default(),
        logs: program.iter().map(|_| Rc::default()).collect(),
    });
    touch(&world.tasks);
    let mut tasks: Vec<Task<()>> = Vec::new();
    for (i, ops) in program.into_iter().enumerate() {
        let world = world.clone();
        let task = aio_core::local::spawn(async move {
            for op in ops {
                let seen = do_one(&world, i as u64 + 1, op).await;
                world.logs[i].borrow_mut().push(seen);
            }
        });
        tasks.push(task);
    }
    world.tasks.borrow_mut().extend(tasks.iter().map(Task::task_ref));
    tasks.into_iter().for_each(Task::detach);
    sleep(Duration::from_secs(1)).await;
    world.logs.iter().map(|log| log.borrow().clone()).collect()
}

fn programs() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let queue = || 0..2_usize;
    let op = prop_oneof![
        2 => Just(Op::Yield),
        2 => any::<bool>().prop_map(|is_long| Op::Lock { is_long }),
        1 => Just(Op::TryLock),
        4 => queue().prop_map(Op::Put),
        2 => queue().prop_map(Op::Get),
        1 => queue().prop_map(Op::TryGet),
        2 => any::<bool>().prop_map(|is_long| Op::Permit { is_long }),
        2 => Just(Op::Set),
        1 => Just(Op::Clear),
        1 => Just(Op::Wait),
        2 => Just(Op::Race),
        2 => (queue(), 1..3_u64).prop_map(|(queue, n)| Op::Timeout(queue, n)),
        1 => (1..3_u64).prop_map(Op::Sleep),
        1 => (0..3_usize).prop_map(Op::Cancel),
        1 => Just(Op::Job),
        1 => Just(Op::Draw),
        1 => any::<bool>().prop_map(|is_joined| Op::Child { is_joined }),
    ];
    vec(vec(op, 1..4), 2..4)
}

/// Programs of more schedules are not tried.
const MOST: u64 = 3000;

fn compare(all: Explore, program: &[Vec<Op>]) -> Result<(), TestCaseError> {
    let all = all.leaks(Leaks::Allow).max_schedules(MOST);
    let (outcomes, explored) = all.outcomes(async || run(program.to_vec()).await).unwrap();
    prop_assume!(explored.is_complete());
    let (left, explored) = all.reduced().outcomes(async || run(program.to_vec()).await).unwrap();
    prop_assert!(explored.is_complete());
    let keys = |outcomes: std::collections::BTreeMap<Vec<Vec<u64>>, u64>| outcomes.into_keys().collect::<BTreeSet<_>>();
    prop_assert_eq!(keys(left), keys(outcomes));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_reduction_loses_no_outcome_of_the_primitives(program in programs()) {
        compare(Explore::new("random"), &program)?;
    }

    #[test]
    fn a_reduction_loses_no_outcome_where_others_get_in(program in programs()) {
        compare(Explore::new("random").preemptive(true), &program)?;
    }

    #[test]
    fn a_reduction_loses_no_outcome_where_steps_are_late(program in programs()) {
        compare(Explore::new("random").late_steps(1), &program)?;
    }

    #[test]
    fn a_reduction_loses_no_outcome_of_timers_in_every_order(program in programs()) {
        compare(Explore::new("random").timer_orders(), &program)?;
    }
}
