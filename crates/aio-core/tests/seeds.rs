//! Random trees of tasks, with cleanups and shields: whatever is cancelled, detached or dropped, each runs once.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering}; // facade: of one thread, in futures that have to be `Send`
use std::sync::{Arc, Mutex, PoisonError}; // facade: as above

use aio_base::Local;
use aio_core::{Builder, Task, TaskHome, defer, local, shield};
use aio_test::{Faults, Leaks, Strategy, Test};
use aio_timer::sleep;

use crate::dice::{Dice, MS};

#[path = "../../aio-test/tests/support/dice.rs"]
mod dice;

/// What is to run to its end once it has begun, and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// A guard that has not begun to clean up.
    Armed,
    Begun,
    Done,
}

/// What all tasks of a run write into.
#[derive(Default)]
struct World {
    works: Mutex<Vec<Work>>,
    n_tasks: AtomicUsize,
}

/// Counts a task until its future is dropped.
struct Alive(Arc<World>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.n_tasks.fetch_sub(1, Ordering::Relaxed);
    }
}

impl World {
    fn enter(self: &Arc<Self>) -> Alive {
        self.n_tasks.fetch_add(1, Ordering::Relaxed);
        Alive(self.clone())
    }

    fn add(&self, work: Work) -> usize {
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        works.push(work);
        works.len() - 1
    }

    fn change(&self, id: usize, from: Work, to: Work) {
        let mut works = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(works[id], from, "work {id} is to be {to:?}");
        works[id] = to;
    }

    fn is_over(&self) -> bool {
        self.n_tasks.load(Ordering::Relaxed) == 0
            && self.works.lock().unwrap_or_else(PoisonError::into_inner).iter().all(|work| *work == Work::Done)
    }

    fn expect_over(&self, what: &str) {
        let n_tasks = self.n_tasks.load(Ordering::Relaxed);
        assert!(
            self.is_over(),
            "{what}: {n_tasks} tasks are left; {:?}",
            self.works.lock().unwrap_or_else(PoisonError::into_inner)
        );
    }
}

async fn clean_up(world: Arc<World>, id: usize, dice: Dice) {
    world.change(id, Work::Armed, Work::Begun);
    dice.pause().await;
    if dice.one_in(4) {
        // It may leave something itself.
        drop(defer((), {
            let (world, dice, id) = (world.clone(), dice.fork(), world.add(Work::Begun));
            async move |()| {
                dice.pause().await;
                world.change(id, Work::Begun, Work::Done);
            }
        }));
    }
    dice.pause().await;
    world.change(id, Work::Begun, Work::Done);
}

/// In a local task: what it starts may stay on its loop.
async fn local_work(world: Arc<World>, dice: Dice, depth: u32) -> u32 {
    let child = (depth > 0).then(|| start_local(&world, &dice, depth - 1));
    let (id, other) = (world.add(Work::Armed), dice.fork());
    let guard = local::defer(world.clone(), move |world| clean_up(world, id, other));
    let shielded = local::shield({
        let (world, dice) = (world.clone(), dice.fork());
        async move {
            let id = world.add(Work::Begun);
            dice.pause().await;
            world.change(id, Work::Begun, Work::Done);
        }
    });
    dice.attempt(shielded).await;
    let output = work(world.clone(), dice.fork(), depth).await;
    if let Some(child) = child
        && dice.one_in(2)
    {
        deal_with(&dice, child).await;
    }
    dice.pause().await;
    drop(guard);
    output
}

/// Starts children, defers, shields, pauses, and deals with its children in all ways there are.
fn work(world: Arc<World>, dice: Dice, depth: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move {
        let mut children = Vec::new();
        let mut guards = Vec::new();
        for _ in 0..1 + dice.below(4) {
            match dice.below(5) {
                0 | 1 if depth > 0 => children.push(start(&world, &dice, depth - 1)),
                2 => {
                    let (id, other) = (world.add(Work::Armed), dice.fork());
                    let guard = defer(world.clone(), move |world| clean_up(world, id, other));
                    dice.pause().await;
                    match dice.below(4) {
                        0 => guard.run().await,
                        1 => guard.disarm().change(id, Work::Armed, Work::Done),
                        2 => drop(guard),
                        _ => guards.push(guard),
                    }
                }
                3 => {
                    let (world, other) = (world.clone(), dice.fork());
                    let shielded = shield(async move {
                        let id = world.add(Work::Begun);
                        other.pause().await;
                        other.pause().await;
                        world.change(id, Work::Begun, Work::Done);
                    });
                    dice.attempt(shielded).await;
                }
                _ => dice.pause().await,
            }
            if dice.one_in(3)
                && let Some(child) = children.pop()
            {
                deal_with(&dice, child).await;
            }
        }
        children.len() as u32
    })
}

// They count from the beginning: a task that was detached may not have had a turn for long.

fn start(world: &Arc<World>, dice: &Dice, depth: u32) -> Task<u32> {
    let (alive, work) = (world.enter(), work(world.clone(), dice.fork(), depth));
    Builder::new().eager(dice.one_in(3)).spawn(async move {
        let _alive = alive;
        work.await
    })
}

fn start_local(world: &Arc<World>, dice: &Dice, depth: u32) -> Task<u32, Local> {
    let (alive, work) = (world.enter(), Box::pin(local_work(world.clone(), dice.fork(), depth)));
    Builder::new().eager(dice.one_in(3)).spawn_local(async move {
        let _alive = alive;
        work.await
    })
}

async fn deal_with<H: TaskHome>(dice: &Dice, task: Task<u32, H>) {
    let task_ref = task.task_ref();
    match dice.below(5) {
        0 => {
            task.detach();
            if dice.one_in(2) {
                dice.attempt(task_ref.ended()).await.inspect(|()| assert!(task_ref.is_finished()));
            }
        }
        1 => drop(task),
        2 => {
            task.cancel();
            dice.pause().await;
            match task.join().await {
                Ok(_) => {}
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
            assert!(task_ref.is_finished());
        }
        3 => {
            dice.attempt(task).await.inspect(|_| assert!(task_ref.is_finished()));
        }
        _ => {
            assert!(task.join().await.is_ok_and(|output| output < 5));
            assert!(task_ref.is_finished());
        }
    }
}

async fn tree(dice: Dice) {
    let world = Arc::new(World::default());
    for _ in 0..1 + dice.below(3) {
        let (shared, local) = (start(&world, &dice, 2), start_local(&world, &dice, 2));
        deal_with(&dice, shared).await;
        dice.join(vec![local]).await;
    }
    // Those that nobody waits for end by themselves.
    for _ in 0..1000 {
        if world.is_over() {
            return;
        }
        sleep(10 * MS).await;
    }
    world.expect_over("after ten seconds");
}

#[test]
fn whatever_becomes_of_tasks_their_cleanups_run_once() {
    dice::under_seeds("whatever_becomes_of_tasks_their_cleanups_run_once", tree);
}

#[test]
fn what_is_left_at_the_end_of_the_loop_is_cleaned_up() {
    let name = "what_is_left_at_the_end_of_the_loop_is_cleaned_up";
    for strategy in [Strategy::Uniform, Strategy::Pct { depth: 3 }] {
        // That of the last run: when the next begins, its loop has ended.
        let last: RefCell<Option<Arc<World>>> = RefCell::new(None);
        let expect_over = || {
            if let Some(world) = last.take() {
                world.expect_over("after the end of the loop, with the seed before this one");
            }
        };
        let test = Test::new(name).schedules(500).strategy(strategy).faults(Faults::all()).preemptive(true);
        test.leaks(Leaks::Allow).run(async || {
            expect_over();
            let (dice, world) = (Dice::new(), Arc::new(World::default()));
            last.replace(Some(world.clone()));
            for _ in 0..1 + dice.below(3) {
                start(&world, &dice, 2).detach();
                start_local(&world, &dice, 2).detach();
                dice.pause().await;
            }
        });
        expect_over();
    }
}
