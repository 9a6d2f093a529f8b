//! Every program of the asyncio reference sheet, in Rust: the same lines at the same times.
//!
//! `cargo run --release -p aio-rt --example tour`
//!
//! Times are shown in units of 0.1 s; `AIO_TOUR_UNIT_MS` sets another unit. The Python original stands in
//! `tests/reference/sheet.py`.

use std::cell::Cell;
use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use aio::{GroupError, Lock, Stream, StreamExt, TaskGroup, gather, generate, local, now, ready, run, sleep, to_thread};

fn main() {
    run(async {
        run_and_sleep().await;
        completed_tasks().await;
        blocking_beside_async().await;
        gather_in_order().await;
        gather_outcomes().await;
        group().await;
        failing_group().await;
        locking().await;
        all_at_once().await;
        one_by_one().await;
    });
}

async fn run_and_sleep() {
    begin("run and sleep");
    show(m1(1).await);
}

async fn completed_tasks() {
    begin("completed tasks");
    let (completed, from_result) = (ready(None::<()>), ready(100));
    show(format_args!("{:?} {}", completed.await, from_result.await));
}

async fn blocking_beside_async() {
    begin("to_thread: a blocking function beside a coroutine");
    let (a, b) = gather((to_thread(|| blocking(2)), m1(2))).await;
    show(format_args!("{a} {b}"));
}

async fn gather_in_order() {
    begin("gather: results in the order given");
    let [a, b, c] = gather([m1(3), m1(1), m1(2)]).await;
    show(format_args!("{a} {b} {c}"));
}

async fn gather_outcomes() {
    begin("gather(return_exceptions=True)");
    let (a, b, c) = gather((m1(2), fail(1), m1(3))).await;
    show(a);
    show(format_args!("{b:?}"));
    show(c);
}

async fn group() {
    begin("TaskGroup: results after the block");
    let group = TaskGroup::new();
    let (task1, task2) = group.join(async { (group.spawn(m1(1)), group.spawn(m1(2))) }).await;
    show(format_args!("{} {}", task1.await, task2.await));
}

async fn failing_group() {
    begin("TaskGroup: the first failure cancels the others, and the error arrives");
    let group = TaskGroup::new();
    let outcome: Result<(), GroupError<Failed>> = group
        .run(async {
            drop(group.spawn(m1(9)));
            drop(group.try_spawn(fail(1)));
            Ok(())
        })
        .await;
    if let Err(error) = outcome {
        show(format_args!("{:?}", error.errors()));
    }
}

async fn locking() {
    begin("Lock: one at a time, in order, while the loop goes on");
    let lock = Lock::new(());
    let locked = async |name| {
        let _guard = lock.lock().await;
        sleep(unit()).await;
        show(name);
    };
    let group = local::TaskGroup::new();
    group
        .join(async {
            for name in ["a", "b", "c"] {
                drop(group.spawn_scoped(locked(name)));
            }
        })
        .await;
}

async fn all_at_once() {
    begin("async for over a finished list: waits for all, in order");
    let group = TaskGroup::new();
    let tasks: Vec<_> = group.join(async { (1..=5).map(|x| group.spawn(m1(x))).collect() }).await;
    for task in tasks {
        show(task.await);
    }
}

async fn one_by_one() {
    begin("async for over a generator: each as soon as it is there");
    let mut numbers = std::pin::pin!(numbers());
    while let Some(x) = numbers.next().await {
        show(x);
    }
}

fn numbers() -> impl Stream<Item = u64> {
    generate(async |out| {
        let group = TaskGroup::new();
        group
            .join(async {
                let tasks: Vec<_> = (1..=5).map(|x| group.spawn(m1(x))).collect();
                for task in tasks {
                    out.emit(task.await).await;
                }
            })
            .await;
    })
}

async fn m1(x: u64) -> u64 {
    sleep(unit() * x as u32).await;
    x
}

fn blocking(x: u64) -> u64 {
    std::thread::sleep(unit() * x as u32);
    x
}

struct Failed(u64);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed(\"failed after {}\")", self.0)
    }
}

async fn fail(x: u64) -> Result<u64, Failed> {
    m1(x).await;
    Err(Failed(x))
}

thread_local! {
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

fn begin(title: &str) {
    STARTED.set(Some(now()));
    println!("# {title}");
}

fn show(what: impl Display) {
    let elapsed = STARTED.get().map_or(Duration::ZERO, |started| now() - started);
    println!("{what} @{:.0}", elapsed.as_secs_f64() / unit().as_secs_f64());
}

fn unit() -> Duration {
    let ms = std::env::var("AIO_TOUR_UNIT_MS").ok().and_then(|ms| ms.parse().ok()).unwrap_or(100);
    Duration::from_millis(ms)
}
