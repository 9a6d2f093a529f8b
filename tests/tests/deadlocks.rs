//! Who waits for what, and who has it: in a build that knows the latter.
#![cfg(debug_assertions)]

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aio::debug::{self, Who};
use aio::{Builder, Lock, Queue, Runner, RwLock, RwLockUpgradableReadGuard, Semaphore, Task, run, yield_now};

/// The table is one for the process: a test has it for itself, and leaves it off and empty.
struct Tracked(#[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>);

impl Tracked {
    fn new() -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        debug::track_waits(true);
        Self(guard)
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        debug::track_waits(false);
    }
}

fn task(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Task<()> {
    Builder::new().name(name).spawn(work)
}

async fn turns(n: usize) {
    for _ in 0..n {
        yield_now().await;
    }
}

fn name(who: &Who) -> &str {
    match who {
        Who::Task(label) => label.name.as_deref().unwrap_or("a task"),
        _ => "a thread",
    }
}

/// "who what holder ..." for each.
fn lines() -> Vec<String> {
    let line = |wait: &debug::Wait| {
        let holders = wait.holders.iter().map(name);
        [name(&wait.who), wait.what].into_iter().chain(holders).collect::<Vec<_>>().join(" ")
    };
    debug::waits().iter().map(line).collect()
}

#[test]
fn two_tasks_that_take_two_locks_in_opposite_order_are_a_ring() {
    let _tracked = Tracked::new();
    run(async {
        let (fork, knife) = (Arc::new(Lock::new(())), Arc::new(Lock::new(())));
        let eat = async |first: Arc<Lock<()>>, second: Arc<Lock<()>>| {
            let _first = first.lock().await;
            yield_now().await;
            let _second = second.lock().await;
        };
        let tasks = [task("Plato", eat(fork.clone(), knife.clone())), task("Kant", eat(knife.clone(), fork))];
        turns(4).await;
        assert_eq!(lines(), ["Plato Lock Kant", "Kant Lock Plato"]);
        let waits = debug::waits();
        let rings: Vec<Vec<_>> =
            waits.deadlocks().iter().map(|ring| ring.iter().map(|w| name(&w.who)).collect()).collect();
        assert_eq!(rings, [["Plato", "Kant"]]);
        let text = waits.to_string();
        assert!(text.contains("task `Plato` (tests/tests/deadlocks.rs:"), "{text}");
        assert!(text.lines().last().unwrap().starts_with("possible deadlock: task `Plato` ("), "{text}");
        assert!(format!("{knife:?}").contains("holder: task `Kant` ("), "{knife:?}");
        drop(tasks);
        turns(2).await;
        assert!(debug::waits().is_empty());
        assert_eq!(format!("{knife:?}"), "Lock { value: () }");
    });
}

#[test]
fn a_task_that_waits_for_its_own_lock_is_a_ring_of_one() {
    let _tracked = Tracked::new();
    run(async {
        let lock = Arc::new(Lock::new(()));
        let _task = task("Narcissus", async move {
            let _guard = lock.lock().await;
            drop(lock.lock().await);
        });
        turns(2).await;
        assert_eq!(lines(), ["Narcissus Lock Narcissus"]);
        assert_eq!(debug::waits().deadlocks().len(), 1);
    });
}

/// It waits for the other reader, not for itself.
#[test]
fn a_reader_that_wants_to_write_is_in_a_ring_with_the_other_reader() {
    let _tracked = Tracked::new();
    run(async {
        let (diary, pen) = (Arc::new(RwLock::new(())), Arc::new(Lock::new(())));
        let (theirs, their_pen) = (diary.clone(), pen.clone());
        let writes = task("Anne", async move {
            let _pen = their_pen.lock().await;
            let guard = theirs.upgradable_read().await;
            yield_now().await;
            drop(RwLockUpgradableReadGuard::upgrade(guard).await);
        });
        let reads = task("Otto", async move {
            let _guard = diary.read().await;
            yield_now().await;
            drop(pen.lock().await);
        });
        turns(4).await;
        assert_eq!(lines(), ["Anne RwLock Anne Otto", "Otto Lock Anne"]);
        let waits = debug::waits();
        let rings: Vec<Vec<_>> =
            waits.deadlocks().iter().map(|ring| ring.iter().map(|w| name(&w.who)).collect()).collect();
        assert_eq!(rings, [["Anne", "Otto"]]);
        drop((writes, reads));
        turns(2).await;
        assert!(debug::waits().is_empty());
    });
}

#[test]
fn who_waits_is_forgotten_when_it_is_served_or_gives_up() {
    let _tracked = Tracked::new();
    run(async {
        let (semaphore, queue) = (Arc::new(Semaphore::new(2)), Arc::new(Queue::<u32>::unbounded()));
        let hold = |name: &str| {
            let semaphore = semaphore.clone();
            task(name, async move {
                let _permit = semaphore.acquire().await;
                pending().await
            })
        };
        let holders = [hold("one"), hold("two")];
        let third = hold("three");
        let getter = {
            let queue = queue.clone();
            task("getter", async move { assert_eq!(queue.get().await, Ok(1)) })
        };
        turns(2).await;
        assert_eq!(lines(), ["three Semaphore one two", "getter Queue"]);
        assert!(debug::waits().deadlocks().is_empty());

        queue.try_put(1).unwrap();
        getter.await;
        let [one, two] = holders;
        drop(one);
        turns(3).await;
        assert_eq!(lines(), [""; 0]);
        let fourth = hold("four");
        turns(2).await;
        assert_eq!(lines(), ["four Semaphore two three"]);
        drop((two, third, fourth));
        turns(3).await;
        assert!(debug::waits().is_empty());
    });
}

#[test]
fn a_thread_that_blocks_is_in_the_table() {
    let _tracked = Tracked::new();
    let lock = Arc::new(Lock::new(0));
    let guard = lock.try_lock().unwrap();
    let other = {
        let lock = lock.clone();
        std::thread::Builder::new().name("other".into()).spawn(move || *lock.lock_blocking() += 1).unwrap()
    };
    while debug::waits().is_empty() {
        std::thread::yield_now();
    }
    let waits = debug::waits().to_string();
    assert!(waits.starts_with("thread `other` waits for Lock 0x"), "{waits}");
    assert!(waits.contains(", which is held by thread `a_thread_that_blocks_is_in_the_table`"), "{waits}");
    drop(guard);
    other.join().unwrap();
    assert!(debug::waits().is_empty());
}

#[test]
fn nothing_is_tracked_unless_it_is_asked_for() {
    let tracked = Tracked::new();
    debug::track_waits(false);
    let lines_of = |mut runner: Runner| {
        runner.run(async {
            let lock = Lock::new(());
            let _guard = lock.lock().await;
            let wait = lock.lock();
            let mut wait = std::pin::pin!(wait);
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(wait.as_mut().poll(cx).is_pending())).await);
            debug::waits().iter().count()
        })
    };
    assert_eq!(lines_of(Runner::new().debug(false)), 0);
    assert_eq!(lines_of(Runner::new().debug(true)), 1);
    assert!(debug::is_tracked());
    drop(tracked);
    assert!(!debug::is_tracked());
}
