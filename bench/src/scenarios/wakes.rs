//! Wakes from elsewhere: a turn that goes to and fro between two loops on two threads, between two tasks on workers,
//! and between a thread and a future under `block_on`. The operation is a round trip. Most of it is the system's:
//! whether it keeps both threads on one core decides, and the minimum is the case in which it did.

use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Wake};
use std::thread;

use futures::task::AtomicWaker;
use tokio::runtime::Builder;

use crate::floors;
use crate::harness::{Meter, Sample, Scenario};
use crate::runtimes::{Aio, AioWorkers, Local, Shared, local_peers, worker_peers};

pub(super) fn scenarios() -> Vec<Scenario> {
    let loops = Scenario::new("wake, two loops", 5_000, 1_000).aio("aio", two_loops::<Aio>);
    let tasks = Scenario::new("wake, two tasks, 2 workers", 50_000, 5_000).aio("aio", two_tasks::<AioWorkers>);
    vec![
        local_peers!(loops, |n, R| two_loops::<R>(n))
            .python("wake_two_loops")
            .floor("park, unpark", floors::park_ping_pong),
        worker_peers!(tasks, |n, R| two_tasks::<R>(n)),
        Scenario::new("block_on(woken)", 5_000, 1_000)
            .aio("aio", |n| from_thread(n, |future| aio::block_on(future)))
            .peer("tokio", |n| {
                let runtime = Builder::new_current_thread().build().expect("it needs nothing");
                from_thread(n, |future| runtime.block_on(future))
            })
            .peer("smol", |n| from_thread(n, |future| smol::block_on(future)))
            .peer("futures", |n| from_thread(n, |future| futures::executor::block_on(future)))
            .floor("park, unpark", floors::park_ping_pong),
    ]
}

/// Whose turn it is, of two.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How many have been taken: the first has the even ones.
    taken: AtomicU64,
    wakers: [AtomicWaker; 2],
}

impl Turns {
    fn is(&self, turn: u64) -> bool {
        self.taken.load(Ordering::Acquire) == turn
    }

    fn take(&self, turn: u64) {
        assert_eq!(self.taken.swap(turn + 1, Ordering::AcqRel), turn);
        self.wakers[usize::from(turn.is_multiple_of(2))].wake();
    }

    /// Takes every other turn of `turns`, from the first one on, and calls `first` before each.
    pub(super) async fn play(&self, turns: Range<u64>, mut first: impl FnMut()) {
        for turn in turns.step_by(2) {
            poll_fn(|cx| {
                if self.is(turn) {
                    return Poll::Ready(());
                }
                self.wakers[usize::from(!turn.is_multiple_of(2))].register(cx.waker());
                if self.is(turn) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            first();
            self.take(turn);
        }
    }
}

fn two_loops<R: Local>(n: u64) -> Sample {
    let turns = Arc::new(Turns::default());
    thread::scope(|scope| {
        let theirs = turns.clone();
        scope.spawn(move || R::run(async move { theirs.play(1..2 * n + 4, || ()).await }));
        R::run(async move {
            // In the first turns the other loop is made.
            turns.play(0..4, || ()).await;
            let meter = Meter::start_wall();
            turns.play(4..2 * n + 4, || ()).await;
            meter.stop(n)
        })
    })
}

fn two_tasks<R: Shared>(n: u64) -> Sample {
    R::run(async move {
        let turns = Arc::new(Turns::default());
        let meter = R::meter();
        let players = [0, 1].map(|first| {
            let turns = turns.clone();
            R::spawn(async move { turns.play(first..2 * n, || ()).await })
        });
        for player in players {
            player.await;
        }
        assert!(turns.is(2 * n));
        meter.stop(n)
    })
}

/// The other one is a thread that parks.
fn from_thread(n: u64, block_on: impl FnOnce(futures::future::BoxFuture<'_, ()>)) -> Sample {
    let turns = Turns::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let parker = Arc::new(ParkedThread(thread::current()));
            for turn in (1..2 * n).step_by(2) {
                turns.wakers[1].register(&parker.clone().into());
                while !turns.is(turn) {
                    thread::park();
                }
                turns.take(turn);
            }
        });
        let meter = Meter::start_wall();
        block_on(Box::pin(turns.play(0..2 * n, || ())));
        let sample = meter.stop(n);
        assert!(turns.taken.load(Ordering::Acquire) >= 2 * n - 1);
        sample
    })
}

struct ParkedThread(thread::Thread);

impl Wake for ParkedThread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
