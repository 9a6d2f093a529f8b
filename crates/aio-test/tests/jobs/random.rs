//! Random programs of jobs, tasks and cancellations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_blocking::{Pool, PoolConfig, to_thread};
use aio_core::{Task, now, spawn, yield_now};
use aio_sync::Semaphore;
use aio_test::jobs::Jobs;
use aio_timer::sleep;
use proptest::prelude::*;

use crate::seeded::{Log, run_with};

#[derive(Debug, Clone)]
enum Op {
    /// A task that awaits a job of the loop's pool.
    Job,
    /// The same with a pool of its own.
    PooledJob,
    /// A job that takes a permit, and one that gives it.
    Pair,
    /// A job that panics.
    Panic,
    /// A task that sleeps and then awaits a job.
    Sleeper(u64),
    Yield,
    Sleep(u64),
    /// This task, modulo their number, is dropped.
    Cancel(usize),
    /// This one is waited for.
    Await(usize),
    /// The pool is dropped, and made anew.
    DropPool,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => Just(Op::Job),
        3 => Just(Op::PooledJob),
        1 => Just(Op::Pair),
        1 => Just(Op::Panic),
        2 => (0..5u64).prop_map(Op::Sleeper),
        3 => Just(Op::Yield),
        1 => (0..5u64).prop_map(Op::Sleep),
        2 => any::<usize>().prop_map(Op::Cancel),
        2 => any::<usize>().prop_map(Op::Await),
        1 => Just(Op::DropPool),
    ]
}

/// How often closures were made, dropped, and run.
#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
    ran: AtomicUsize,
}

struct Closure(Arc<Counts>);

impl Closure {
    fn new(counts: &Arc<Counts>) -> Self {
        counts.made.fetch_add(1, Ordering::Relaxed);
        Self(counts.clone())
    }

    fn run(self) {
        self.0.ran.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Closure {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Gives a permit when it is dropped: also if the job in which it is never runs.
struct Gives(Arc<Semaphore>);

impl Drop for Gives {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

fn pool() -> Pool {
    Pool::new(PoolConfig::new().max_threads(2))
}

async fn program(ops: Vec<Op>, counts: &Arc<Counts>, log: Log) {
    let begin = now();
    let mut tasks: Vec<Task<()>> = Vec::new();
    let mut current = pool();
    let mut n_awaited = 0;
    for op in ops {
        let closure = Closure::new(counts);
        match op {
            Op::Job => tasks.push(spawn(to_thread(move || closure.run()))),
            Op::PooledJob => tasks.push(spawn(current.run(move || closure.run()))),
            Op::Pair => {
                let semaphore = Arc::new(Semaphore::new(0));
                let gives = Gives(semaphore.clone());
                let giver = Closure::new(counts);
                tasks.push(spawn(async move {
                    let pool = pool();
                    let takes = pool.run(move || {
                        drop(semaphore.acquire_blocking());
                        closure.run();
                    });
                    let gives = pool.run(move || {
                        drop(gives);
                        giver.run();
                    });
                    let takes = spawn(takes);
                    gives.await;
                    takes.await;
                }));
            }
            Op::Panic => tasks.push(spawn(to_thread(move || {
                closure.run();
                // Not `panic!`, which would print.
                std::panic::resume_unwind(Box::new(()))
            }))),
            Op::Sleeper(ms) => tasks.push(spawn(async move {
                sleep(Duration::from_millis(ms)).await;
                to_thread(move || closure.run()).await;
            })),
            Op::Yield => yield_now().await,
            Op::Sleep(ms) => sleep(Duration::from_millis(ms)).await,
            Op::Cancel(n) if !tasks.is_empty() => drop(tasks.swap_remove(n % tasks.len())),
            Op::Await(n) if !tasks.is_empty() => {
                let outcome = tasks.swap_remove(n % tasks.len()).join().await;
                n_awaited += usize::from(outcome.is_ok());
            }
            Op::Cancel(_) | Op::Await(_) => {}
            Op::DropPool => current = pool(),
        }
    }
    // Half of them are left to the end of the loop.
    tasks.truncate(tasks.len().div_ceil(2));
    for task in tasks {
        n_awaited += usize::from(task.join().await.is_ok());
    }
    log.note(format!("{n_awaited} after {:?}, ran {}", now() - begin, counts.ran.load(Ordering::Relaxed)));
}

fn run_program(ops: Vec<Op>, seed: u64) -> Vec<String> {
    let (log, counts) = (Log::default(), Arc::new(Counts::default()));
    let mut rng = fastrand::Rng::with_seed(seed);
    let jobs = Jobs::new().delay(move || Duration::from_millis(rng.u64(0..3)));
    run_with(jobs, seed, &log, program(ops, &counts, log.clone()));
    let (made, dropped) = (counts.made.load(Ordering::Relaxed), counts.dropped.load(Ordering::Relaxed));
    assert_eq!(made, dropped, "each closure is dropped once, run or not");
    let mut log = log.take();
    log.push(format!("ran {}", counts.ran.load(Ordering::Relaxed)));
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_programs_end_with_right_counts_and_the_same_log(
        ops in prop::collection::vec(op(), 0..40),
        seed in any::<u64>(),
    ) {
        leak_check(|| {
            let first = run_program(ops.clone(), seed);
            assert_eq!(run_program(ops, seed), first);
        });
    }
}
