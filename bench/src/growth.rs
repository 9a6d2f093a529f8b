//! `--growth`: what an operation costs when there are 10 to 10^6 of the things it is about.
//!
//! Small numbers of them are started again and again, so that every measurement is of some 100k operations. Whatever
//! grows does so because of memory (what no longer fits into a cache) or because of a structure that searches.

mod plot;

use crate::channels as c;
use crate::harness::{Measurement, Scenario};
use crate::runtimes::{Aio, Smol, Tokio, rows};
use crate::scenarios::gather::{self, ready, yielding};
use crate::scenarios::{events, groups, locks, queues, semaphores, spawn, timers, yields};

pub(crate) use plot::draw;

const SIZES: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// One subject: a row for each size, with the same rows in each.
#[derive(Debug)]
pub(crate) struct Curves {
    pub(crate) subject: &'static str,
    pub(crate) sizes: Vec<u64>,
    /// Of each row, the name, and the ns for each operation at each of the sizes.
    pub(crate) rows: Vec<(&'static str, Vec<f64>)>,
}

impl Curves {
    /// How often the cost at 1,000 is that at the largest size.
    pub(crate) fn growth(&self, ns: &[f64]) -> f64 {
        let at = self.sizes.iter().position(|&size| size == 1_000).expect("it is one of the sizes");
        ns[ns.len() - 1] / ns[at]
    }
}

/// Measures all subjects whose names contain `only`.
pub(crate) fn measure(only: &str, quick: bool) -> Vec<Curves> {
    let sizes = if quick { &SIZES[..5] } else { &SIZES[..] };
    let chosen = subjects().into_iter().filter(|subject| subject.name.contains(only));
    chosen
        .map(|subject| {
            let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
            for &size in sizes {
                // The first to need so much memory pays for it: not in both.
                let rounds = if quick { 2 } else { 5 };
                let measured: Vec<Measurement> = subject.measure_at(size, rounds);
                if rows.is_empty() {
                    rows.extend(measured.iter().map(|row| (row.row, Vec::new())));
                }
                for ((_, ns), row) in rows.iter_mut().zip(measured) {
                    ns.push(row.ns_min);
                }
            }
            Curves { subject: subject.name, sizes: sizes.to_vec(), rows }
        })
        .collect()
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    subjects().into_iter().map(|subject| subject.name)
}

/// How often `width` things are started, for some 100k operations.
fn times(width: u64) -> u64 {
    (100_000 / width).max(1)
}

/// Operations on timers, beside as many pending ones as the size says.
const N_TIMERS: u64 = 100_000;
/// How often each of the tasks yields.
const N_YIELDS: u64 = 10;

fn subjects() -> Vec<Scenario> {
    let subject = |name| Scenario::new(name, 0, 0);
    let spawn_local = subject("spawn+join local").aio("aio::local", |n| spawn::local::spawn_join::<Aio>(times(n), n));
    let spawn_shared = subject("spawn+join Send").aio("aio", |n| spawn::shared::spawn_join::<Aio>(times(n), n));
    let timer = subject("timers pending").aio("aio", |n| timers::register_cancel::<Aio>(n, N_TIMERS));
    let yielding_tasks =
        subject("tasks that yield").aio("aio::local", |n| yields::local::yields::<Aio>(times(n), n, N_YIELDS));
    vec![
        rows!(spawn_local, |n, R| spawn::local::spawn_join::<R>(times(n), n);
            "tokio" Tokio, "smol" Smol, "futures" Futures, #[cfg(unix)] "monoio" Monoio,),
        rows!(spawn_shared, |n, R| spawn::shared::spawn_join::<R>(times(n), n);
            "tokio" Tokio, "smol" Smol, "async-executor, static" StaticExecutor,),
        rows!(timer, |n, R| timers::register_cancel::<R>(n, N_TIMERS);
            "tokio" Tokio, "smol" Smol, #[cfg(unix)] "monoio" Monoio,),
        subject("children of a group")
            .aio("aio::local", |n| groups::local::group(times(n), n, ready))
            .peer("tokio", |n| groups::local::join_set(times(n), n, ready))
            .peer("FuturesUnordered", |n| groups::local::unordered(times(n), n, ready)),
        subject("gather, yielding")
            .aio("aio", |n| gather::by_aio(times(n), n, yielding))
            .peer("tokio", |n| gather::by_join_set(times(n), n, yielding))
            .peer("FuturesUnordered", |n| gather::by_unordered(times(n), n, yielding))
            .peer("futures-concurrency", |n| gather::by_concurrency(times(n), n, yielding)),
        subject("waiters of a lock")
            .aio("aio::local", |n| locks::contended::<Aio, aio::local::Lock<u64>>(times(n), n, 1))
            .aio("aio", |n| locks::contended::<Aio, aio::Lock<u64>>(times(n), n, 1))
            .peer("tokio", |n| locks::contended::<Tokio, tokio::sync::Mutex<u64>>(times(n), n, 1))
            .peer("smol", |n| locks::contended::<Smol, smol::lock::Mutex<u64>>(times(n), n, 1)),
        subject("waiters of a semaphore")
            .aio("aio::local", |n| semaphores::contended::<Aio, aio::local::Semaphore>(times(n), n, 1))
            .aio("aio", |n| semaphores::contended::<Aio, aio::Semaphore>(times(n), n, 1))
            .peer("tokio", |n| semaphores::contended::<Tokio, tokio::sync::Semaphore>(times(n), n, 1))
            .peer("smol", |n| semaphores::contended::<Smol, smol::lock::Semaphore>(times(n), n, 1)),
        subject("waiters of an event")
            .aio("aio::local", |n| events::waits::<Aio, aio::local::Event>(times(n), n, 1))
            .aio("aio", |n| events::waits::<Aio, aio::Event>(times(n), n, 1))
            .peer("tokio", |n| events::waits::<Tokio, tokio::sync::Notify>(times(n), n, 1))
            .peer("smol", |n| events::waits::<Smol, event_listener::Event>(times(n), n, 1)),
        subject("getters of a queue")
            .aio("aio::local", |n| queues::getters::<Aio, c::AioLocal>(times(n), n))
            .aio("aio", |n| queues::getters::<Aio, c::Aio>(times(n), n))
            .peer("smol", |n| queues::getters::<Smol, c::AsyncChannel>(times(n), n))
            .peer("flume", |n| queues::getters::<Tokio, c::Flume>(times(n), n)),
        rows!(yielding_tasks, |n, R| yields::local::yields::<R>(times(n), n, N_YIELDS);
            "tokio" Tokio, "smol" Smol, "futures" Futures, #[cfg(unix)] "monoio" Monoio,),
    ]
}
