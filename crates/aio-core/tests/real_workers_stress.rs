//! Random programs on loops with 1, 2, 3 and 8 workers: they must neither hang nor leak, and what they counted must be
//! right.
//!
//! `AIO_STRESS_ROUNDS` says how many actions there are in all (a million, if it is not set), `AIO_STRESS_SEED` with
//! which seed they begin. A program that makes no progress for 20 seconds is reported with its seed and the state of
//! each worker.

#![cfg(not(aio_loom))]

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{
    EventLoop, Handle, Scope, Task, TaskRef, ThreadPark, block_in_place, block_on, defer, local, outlast, shield,
    spawn, yield_now,
};
use aio_timer::{Timers, sleep};

/// xorshift64*: the actions of a seed are the same everywhere, though not their order among threads.
struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64) -> Self {
        Self(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }

    fn below(&self, n: u64) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        (x.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

/// What one program has in common.
struct World {
    handle: Handle,
    /// Actions, of all programs of the test.
    progress: Arc<AtomicU64>,
    /// Tasks whose future has begun to exist, and those whose future was dropped or has finished.
    made: AtomicUsize,
    gone: AtomicUsize,
    /// Cleanups that were left, and those that were done.
    left: AtomicUsize,
    done: AtomicUsize,
    wakers: Mutex<VecDeque<Waker>>,
    /// With their numbers. A task owns only those with higher ones, so that no circle waits for itself.
    tasks: Mutex<VecDeque<(usize, Task<u64>)>>,
    references: Mutex<VecDeque<TaskRef>>,
    foreign: mpsc::Sender<Job>,
}

/// What the thread that is no worker is asked to do.
enum Job {
    Wake(Waker),
    Drop(Task<u64>),
    Spawn(u64),
    BlockOn(Task<u64>),
    Cancel(TaskRef),
}

/// Counts a future while it exists.
struct Existing(Arc<World>);

impl Existing {
    fn new(world: &Arc<World>) -> (usize, Self) {
        let number = world.made.fetch_add(1, Ordering::Relaxed) + 1;
        (number, Self(world.clone()))
    }
}

impl Drop for Existing {
    fn drop(&mut self) {
        self.0.gone.fetch_add(1, Ordering::Relaxed);
    }
}

fn put<T>(place: &Mutex<VecDeque<T>>, item: T) {
    let former = {
        let mut place = place.lock().unwrap();
        place.push_back(item);
        if place.len() > 20 { place.pop_front() } else { None }
    };
    // Foreign code runs without the lock.
    drop(former);
}

fn take<T>(place: &Mutex<VecDeque<T>>) -> Option<T> {
    place.lock().unwrap().pop_front()
}

/// Waits for somebody to wake it, once.
async fn wait(world: &Arc<World>) {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        put(&world.wakers, cx.waker().clone());
        Poll::Pending
    })
    .await;
}

/// A task to be, and its number.
fn task(world: &Arc<World>, seed: u64) -> (usize, Boxed) {
    let (me, existing) = Existing::new(world);
    let work = async move {
        let world = existing.0.clone();
        actions(&world, me, seed, seed % 4).await;
        drop(existing);
        seed
    };
    (me, Box::pin(work))
}

fn put_task(world: &World, me: usize, task: Task<u64>) {
    let former = {
        let mut tasks = world.tasks.lock().unwrap();
        tasks.push_back((me, task));
        if tasks.len() > 20 { tasks.pop_front() } else { None }
    };
    if let Some((_, task)) = former {
        let _ = world.foreign.send(Job::Drop(task));
    }
}

/// A task that the one with the number `me` may own.
fn take_task(world: &World, me: usize) -> Option<Task<u64>> {
    let mut tasks = world.tasks.lock().unwrap();
    let index = tasks.iter().position(|(other, _)| *other > me)?;
    tasks.remove(index).map(|(_, task)| task)
}

/// `n` actions of a task that may cross threads.
async fn actions(world: &Arc<World>, me: usize, seed: u64, n: u64) {
    for index in 0..n {
        let seed = seed.wrapping_add(index.wrapping_mul(0x5851_F42D_4C95_7F2D));
        action(world, me, seed).await;
        world.progress.fetch_add(1, Ordering::Relaxed);
    }
}

async fn action(world: &Arc<World>, me: usize, seed: u64) {
    // Not kept over an await: it is not to be shared.
    let (kind, next, n) = {
        let random = Random::new(seed);
        (random.below(24), random.below(1 << 30), random.below(6))
    };
    // Programs become smaller as they go down.
    let seed = next;
    match kind {
        0..=2 => {
            let (number, task) = task(world, seed / 2);
            put_task(world, number, spawn(task));
        }
        3 => {
            // Several at once are more than one worker wants.
            for index in 0..n {
                let task = spawn(task(world, (seed >> index) / 2).1);
                put(&world.references, task.task_ref());
                task.detach();
            }
        }
        4 | 5 => yield_now().await,
        6 => {
            let random_wait = n > 1 && world.wakers.lock().unwrap().len() < 10;
            if random_wait {
                // Somebody will wake it, at the latest the one who stirs.
                wait(world).await;
            }
        }
        7 | 8 => take(&world.wakers).into_iter().for_each(Waker::wake),
        9 => {
            if let Some(waker) = take(&world.wakers) {
                let _ = world.foreign.send(Job::Wake(waker));
            }
        }
        10 => drop(take_task(world, me)),
        11 => {
            if let Some(task) = take_task(world, me) {
                let _ = task.join().await;
            }
        }
        12 => {
            if let Some(task) = take_task(world, me) {
                put(&world.references, task.task_ref());
                task.detach();
            }
        }
        13 => {
            if let Some(reference) = take(&world.references) {
                reference.cancel();
                if n == 0 {
                    let _ = world.foreign.send(Job::Cancel(reference));
                }
            }
        }
        14 => {
            if let Some(task) = take_task(world, me) {
                let job = if n == 0 { Job::BlockOn(task) } else { Job::Drop(task) };
                let _ = world.foreign.send(job);
            }
        }
        15 => {
            let _ = world.foreign.send(Job::Spawn(seed));
        }
        16 => {
            let (_, existing) = Existing::new(world);
            let local = local::spawn(async move {
                let world = existing.0.clone();
                let not_send = std::rc::Rc::new(seed);
                let thread = thread::current().id();
                for _ in 0..n {
                    yield_now().await;
                }
                if n == 3 {
                    wait(&world).await;
                }
                assert_eq!(thread, thread::current().id());
                drop(existing);
                *not_send
            });
            put(&world.references, local.task_ref());
            local.detach();
        }
        17 => sleep(Duration::ZERO).await,
        18 => sleep(Duration::from_micros(n * 20)).await,
        19 => {
            // A guard, dropped by whatever comes next.
            world.left.fetch_add(1, Ordering::Relaxed);
            let _guard = defer(world.clone(), async move |world: Arc<World>| {
                for _ in 0..n {
                    yield_now().await;
                }
                world.done.fetch_add(1, Ordering::Relaxed);
            });
            if n > 2 {
                wait(world).await;
            }
        }
        20 => {
            // Children that end before this goes on, as in a group.
            let children: Vec<_> = (0..n).map(|index| spawn(task(world, (seed >> index) / 4).1)).collect();
            if n % 2 == 0 {
                outlast(children.iter().map(Task::task_ref));
            }
            for child in children {
                let _ = child.join().await;
            }
        }
        21 => {
            let inner = {
                let world = world.clone();
                Scope::new(shield(async move {
                    for _ in 0..n {
                        yield_now().await;
                    }
                    drop(world);
                }))
            };
            let _ = inner.await;
        }
        22 => {
            let (number, task) = task(world, seed / 2);
            put_task(world, number, world.handle.spawn(task));
        }
        _ => {
            let seed = block_in_place(|| seed / 2);
            if n == 0
                && let Some(reference) = take(&world.references)
            {
                let ended = reference.ended();
                drop(ended);
                put(&world.references, reference);
            }
            let (number, task) = task(world, seed);
            put_task(world, number, spawn(task));
        }
    }
}

type Boxed = std::pin::Pin<Box<dyn Future<Output = u64> + Send>>;

/// The thread that is no worker.
fn foreign(handle: &Handle, jobs: mpsc::Receiver<Job>) -> usize {
    let mut spawned = 0;
    for job in jobs {
        match job {
            Job::Wake(waker) => waker.wake(),
            Job::Drop(task) => drop(task),
            Job::Cancel(reference) => reference.cancel(),
            Job::BlockOn(task) => {
                task.cancel();
                let _ = block_on(task.join());
            }
            Job::Spawn(n) => {
                spawned += 1;
                handle
                    .spawn(async move {
                        for _ in 0..n % 3 {
                            yield_now().await;
                        }
                    })
                    .detach();
            }
        }
    }
    spawned
}

/// Makes a loop, runs a random program on it in one or two runs, and ends it in the middle of all.
fn program(workers: usize, seed: u64, progress: &Arc<AtomicU64>, watched: &Watched) {
    let mut event_loop = match workers {
        1 => EventLoop::new(Timers::new(ThreadPark::new())),
        _ => EventLoop::with_workers(workers, || Timers::new(ThreadPark::new())),
    };
    let handle = event_loop.handle();
    watched.set(workers, seed, &handle);
    let (sender, receiver) = mpsc::channel();
    let world = Arc::new(World {
        handle: handle.clone(),
        progress: progress.clone(),
        made: AtomicUsize::new(0),
        gone: AtomicUsize::new(0),
        left: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        wakers: Mutex::default(),
        tasks: Mutex::default(),
        references: Mutex::default(),
        foreign: sender,
    });
    let stranger = thread::spawn(move || foreign(&handle, receiver));
    for run in 0..1 + seed % 2 {
        let seed = seed.wrapping_add(run << 40);
        let world = world.clone();
        event_loop
            .run_until_complete(async {
                // Who waits and is forgotten is woken in the end.
                let stirs = world.clone();
                let stirrer = spawn(async move {
                    loop {
                        take(&stirs.wakers).into_iter().for_each(Waker::wake);
                        sleep(Duration::from_micros(50)).await;
                    }
                });
                let acts: Vec<_> = (0..4)
                    .map(|index| {
                        let world = world.clone();
                        spawn(async move { actions(&world, 0, seed ^ (index << 50), 100).await })
                    })
                    .collect();
                for act in acts {
                    act.await;
                }
                drop(stirrer);
            })
            .unwrap();
    }
    event_loop.close();
    // What is left in the places has ended, and is dropped elsewhere.
    let (tasks, references) = (world.tasks.lock().unwrap().split_off(0), world.references.lock().unwrap().split_off(0));
    for (_, task) in tasks {
        assert!(task.is_finished());
        world.foreign.send(Job::BlockOn(task)).unwrap();
    }
    assert!(references.iter().all(TaskRef::is_finished));
    world.wakers.lock().unwrap().drain(..).for_each(Waker::wake);
    assert_eq!(world.made.load(Ordering::Relaxed), world.gone.load(Ordering::Relaxed), "a future was lost");
    assert_eq!(world.left.load(Ordering::Relaxed), world.done.load(Ordering::Relaxed), "a cleanup was lost");
    drop((references, world));
    stranger.join().unwrap();
}

/// What runs now, for the watchdog.
#[derive(Default)]
struct Watched(Mutex<Option<(usize, u64, Handle)>>);

impl Watched {
    fn set(&self, workers: usize, seed: u64, handle: &Handle) {
        let former = self.0.lock().unwrap().replace((workers, seed, handle.clone()));
        drop(former);
    }

    fn report(&self) -> String {
        match &*self.0.lock().unwrap() {
            None => "nothing had begun".to_owned(),
            Some((workers, seed, handle)) => format!("{workers} workers, AIO_STRESS_SEED={seed}:\n{handle:#?}"),
        }
    }
}

/// Calls `alarm` if `progress` stands still for `patience` looks, `interval` apart; until the sender is dropped.
fn watch(progress: &AtomicU64, patience: u32, interval: Duration, over: &mpsc::Receiver<()>, alarm: impl FnOnce()) {
    let (mut seen, mut looks) = (progress.load(Ordering::Relaxed), 0);
    while over.recv_timeout(interval) == Err(mpsc::RecvTimeoutError::Timeout) {
        let now = progress.load(Ordering::Relaxed);
        looks = if now == seen { looks + 1 } else { 0 };
        seen = now;
        if looks == patience {
            return alarm();
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

#[test]
fn random_programs_neither_hang_nor_leak() {
    let (rounds, first) = (number("AIO_STRESS_ROUNDS", 1_000_000), number("AIO_STRESS_SEED", 1));
    leak_check(|| {
        let (progress, watched) = (Arc::new(AtomicU64::new(0)), Arc::new(Watched::default()));
        let (over, is_over) = mpsc::channel();
        let watchdog = {
            let (progress, watched) = (progress.clone(), watched.clone());
            thread::spawn(move || {
                watch(&progress, 80, Duration::from_millis(250), &is_over, || {
                    eprintln!("no progress in 20 seconds; {}", watched.report());
                    std::process::abort();
                });
            })
        };
        let mut seed = first;
        while progress.load(Ordering::Relaxed) < rounds {
            for workers in [1, 2, 3, 8] {
                program(workers, seed, &progress, &watched);
            }
            seed += 1;
        }
        drop(over);
        watchdog.join().unwrap();
        *watched.0.lock().unwrap() = None;
        eprintln!("{} actions, seeds {first} to {}", progress.load(Ordering::Relaxed), seed - 1);
    });
}

#[test]
fn a_lost_wake_up_is_reported() {
    leak_check(|| {
        let (progress, watched) = (AtomicU64::new(0), Watched::default());
        let (over, is_over) = mpsc::channel::<()>();
        let (alarm, alarmed) = mpsc::channel();
        let mut event_loop = EventLoop::with_workers(2, ThreadPark::new);
        watched.set(2, 7, &event_loop.handle());
        event_loop
            .run_until_complete(async {
                // It is forgotten: its waker is dropped, and nobody else has one.
                let forgotten = spawn(pending::<()>());
                let stuck = forgotten.task_ref();
                thread::scope(|scope| {
                    let (progress, watched, stuck) = (&progress, &watched, &stuck);
                    scope.spawn(move || {
                        watch(progress, 3, Duration::from_millis(1), &is_over, || {
                            alarm.send(watched.report()).unwrap();
                            stuck.cancel();
                        });
                    });
                    block_in_place(|| block_until_ended(stuck));
                });
                assert!(forgotten.join().await.unwrap_err().is_cancelled());
            })
            .unwrap();
        drop(over);
        let report = alarmed.recv().unwrap();
        *watched.0.lock().unwrap() = None;
        assert!(report.starts_with("2 workers, AIO_STRESS_SEED=7:\nHandle {\n    tasks: 2,"), "{report}");
        assert_eq!(report.matches("state: ").count(), 2, "{report}");
    });
}

/// Keeps the thread, as a program does that hangs.
fn block_until_ended(task: &TaskRef) {
    while !task.is_finished() {
        thread::yield_now();
    }
}
