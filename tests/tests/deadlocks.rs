//! Who waits for what, and who has it: in a build that knows the latter.
#![cfg(debug_assertions)]

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aio::debug::{self, Who};
use aio::{
    Builder, CapacityLimiter, Lock, Queue, Runner, RwLock, RwLockUpgradableReadGuard, Semaphore, Task, run, yield_now,
};

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
        // It has its item, though it has yet to run.
        assert_eq!(lines(), ["three Semaphore one two"]);
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
    assert!(waits.starts_with("thread `other` (ThreadId("), "{waits}");
    assert!(waits.contains(")) waits for Lock 0x"), "{waits}");
    assert!(waits.contains(", which is held by thread `a_thread_that_blocks_is_in_the_table` ("), "{waits}");
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

/// Threads of a pool often have one name for all. One has the lock and works, the other waits for it.
#[test]
fn threads_of_the_same_name_are_not_taken_for_one() {
    let _tracked = Tracked::new();
    let lock = Arc::new(Lock::new(()));
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let thread =
        |work: Box<dyn FnOnce() + Send>| std::thread::Builder::new().name("worker".into()).spawn(work).unwrap();
    let (has_it, they_have_it) = std::sync::mpsc::channel::<()>();
    let theirs = lock.clone();
    let works = thread(Box::new(move || {
        let _guard = theirs.lock_blocking();
        has_it.send(()).unwrap();
        is_done.recv().unwrap();
    }));
    they_have_it.recv().unwrap();
    let theirs = lock.clone();
    let waits = thread(Box::new(move || drop(theirs.lock_blocking())));
    while debug::waits().is_empty() {
        std::thread::yield_now();
    }
    let found = debug::waits();
    let [wait] = found.iter().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert_ne!(wait.who, wait.holders[0]);
    assert!(found.deadlocks().is_empty(), "{found}");
    done.send(()).unwrap();
    works.join().unwrap();
    waits.join().unwrap();
}

#[test]
fn tokens_of_a_limiter_have_holders_as_permits_have() {
    let _tracked = Tracked::new();
    run(async {
        let (limiter, lock) = (Arc::new(CapacityLimiter::new(1)), Arc::new(Lock::new(())));
        let tasks = {
            let (ours, theirs) = ((limiter.clone(), lock.clone()), (limiter.clone(), lock.clone()));
            [
                task("token first", async move {
                    let _token = ours.0.acquire().await.unwrap();
                    yield_now().await;
                    let _guard = ours.1.lock().await;
                }),
                task("lock first", async move {
                    let _guard = theirs.1.lock().await;
                    yield_now().await;
                    let _token = theirs.0.acquire().await.unwrap();
                }),
            ]
        };
        turns(4).await;
        assert_eq!(lines(), ["token first Lock lock first", "lock first CapacityLimiter token first"]);
        assert_eq!(debug::waits().deadlocks().len(), 1);
        drop(tasks);
        turns(2).await;
        assert!(debug::waits().is_empty());
    });
}

/// As many as there are permits work at a time; the one that spawns them takes the permits for them.
#[test]
fn who_takes_permits_for_others_is_in_no_ring() {
    let _tracked = Tracked::new();
    run(async {
        let (semaphore, limiter) = (Arc::new(Semaphore::new(2)), Arc::new(CapacityLimiter::new(2)));
        let spawner = task("spawner", async move {
            loop {
                let held = (semaphore.acquire_owned().await, limiter.acquire_owned().await);
                task("worker", async move {
                    let _held = held;
                    turns(20).await;
                })
                .detach();
            }
        });
        turns(5).await;
        assert_eq!(lines(), ["spawner Semaphore spawner spawner"]);
        let waits = debug::waits();
        assert!(waits.deadlocks().is_empty(), "{waits}");
        drop(spawner);
        turns(30).await;
    });
}

#[test]
fn who_has_no_permit_left_is_no_holder() {
    let _tracked = Tracked::new();
    run(async {
        let semaphore = Arc::new(Semaphore::new(2));
        let theirs = semaphore.clone();
        let emptied = task("emptied", async move {
            let mut permits = theirs.acquire_many(2).await;
            drop(permits.split(2));
            pending::<()>().await;
        });
        yield_now().await;
        let hold = |name, n| {
            let semaphore = semaphore.clone();
            task(name, async move {
                let mut permit = semaphore.acquire_many(n).await;
                let part = permit.split(1);
                yield_now().await;
                permit.merge(part.unwrap());
                pending::<()>().await;
            })
        };
        let tasks = [hold("holder", 2), hold("waits", 1)];
        turns(5).await;
        assert_eq!(lines(), ["waits Semaphore holder"]);
        drop((emptied, tasks));
        turns(2).await;
    });
}

/// What a task waits for, as in a report: with numbers for names.
fn report() -> Vec<String> {
    debug::waits().report(&|who| name(who).to_owned()).to_string().lines().map(str::to_owned).collect()
}

/// Of each kind one that waits, until it is dropped.
#[cfg(unix)]
#[test]
fn whatever_waits_is_in_the_table_until_it_is_dropped() {
    use aio::{ReadExt as _, WriteExt as _};

    let _tracked = Tracked::new();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    run(async {
        let mut tasks = Vec::new();
        let mut expected = Vec::new();
        let mut add = |what: &str, work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
            let name = format!("t{}", tasks.len());
            expected.push(if what.is_empty() { String::new() } else { format!("{name} {what}") });
            tasks.push(task(&name, work));
        };
        let socket = aio::UdpSocket::bind("127.0.0.1:0").unwrap();
        let listener = aio::TcpListener::bind("127.0.0.1:0").unwrap();
        add("waits until", Box::pin(aio::sleep(Duration::from_secs(3600))));
        add("waits for ever", Box::pin(aio::sleep(Duration::MAX)));
        add("waits until", Box::pin(async { _ = aio::timeout(Duration::from_secs(3600), pending::<()>()).await }));
        add("waits for a blocking function", Box::pin(aio::to_thread(move || _ = receiver.recv())));
        add("waits for UdpSocket 1 to read", Box::pin(async move { drop(socket.recv_from(&mut [0]).await) }));
        add("waits for TcpListener 1 to read", Box::pin(async move { drop(listener.accept().await) }));
        for by_thread in [false, true] {
            let work = async move {
                let mut command = aio::process::Command::new("sleep");
                command.arg("3600").kill_on_drop(true);
                if by_thread {
                    command.wait_by_thread();
                }
                let child = command.spawn().unwrap();
                drop(child.wait().await);
            };
            add("waits for a child process", Box::pin(work));
        }
        let signals = aio::signal::signals([aio::signal::Signal::USER_2]).unwrap();
        add("waits for a signal", Box::pin(async move { drop({ signals }.recv().await) }));
        let (mut reader, _writer) = aio::io::simplex(1);
        add("waits for simplex 1 to read", Box::pin(async move { drop(reader.read(&mut [0]).await) }));
        let (_reader, mut writer) = aio::io::simplex(1);
        add("waits for simplex 2 to write", Box::pin(async move { drop(writer.write_all(&[0, 1]).await) }));
        add(
            "waits for room in a TaskGroup 1, which may come from child",
            Box::pin(async {
                let group = aio::TaskGroup::new().limit(1);
                let body = async {
                    _ = group.child().name("child").spawn(pending::<()>());
                    drop(group.vacancy().await);
                };
                group.join(body).await;
            }),
        );
        add(
            "waits for a result of a TaskGroup 1, which may come from a task",
            Box::pin(async {
                let group = aio::TaskGroup::new();
                let body = async {
                    let mut results = group.results();
                    results.spawn(pending::<()>());
                    results.next().await;
                };
                group.join(body).await;
            }),
        );
        // Long enough for what takes a turn of a thread; each shows itself once it waits.
        for _ in 0..1000 {
            if expected.iter().all(|line| report().iter().any(|real| real.starts_with(line.as_str()))) {
                break;
            }
            aio::sleep(Duration::from_millis(1)).await;
        }
        let real = report();
        for line in &expected {
            assert!(real.iter().any(|real| real.starts_with(line.as_str())), "{line}: {real:#?}");
        }
        sender.send(()).unwrap();
        drop(tasks);
        turns(3).await;
        for _ in 0..1000 {
            if debug::waits().is_empty() {
                return;
            }
            aio::sleep(Duration::from_millis(1)).await;
        }
        panic!("{:#?}", report());
    });
}

/// It counts for who polls it now.
#[test]
fn what_is_moved_to_another_task_is_waited_for_by_that() {
    let _tracked = Tracked::new();
    run(async {
        let (lock, queue) = (Arc::new(Lock::new(())), Arc::new(Queue::unbounded()));
        let _held = lock.clone().lock_owned().await;
        let their_queue = queue.clone();
        let first = task("first", async move {
            let mut waits = Box::pin(async move {
                aio::gather((async { drop(lock.lock_owned().await) }, aio::sleep(Duration::from_secs(3600)))).await;
            });
            std::future::poll_fn(|cx| {
                assert!(waits.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            their_queue.try_put(waits).unwrap();
            pending().await
        });
        turns(2).await;
        assert_eq!(lines(), ["first Lock main", "first time"]);
        let waits = queue.get().await.unwrap();
        let second = task("second", waits);
        turns(2).await;
        assert_eq!(lines(), ["second Lock main", "second time"]);
        drop((first, second));
        turns(3).await;
        assert!(debug::waits().is_empty());
    });
}
