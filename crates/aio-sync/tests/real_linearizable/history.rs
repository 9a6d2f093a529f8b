//! Histories: random operations of three threads, and when each began and ended.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::checker::{Call, Operation, Outcome};
use crate::targets::Target;

const THREADS: usize = 3;
const STEPS: usize = 5;
/// How often one that waits looks whether it was woken, before it gives up.
const PATIENCE: usize = 20;

/// What the threads do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mix {
    /// Whether there are operations that wait, and are given up.
    pub(crate) cancels: bool,
    pub(crate) closes: bool,
}

/// One history for each of the targets, which are new.
pub(crate) fn record<T: Target>(targets: Vec<T>, seed: u64, mix: Mix) -> Vec<Vec<Operation>> {
    let rounds: Vec<_> = targets.into_iter().map(Round::new).collect();
    let barrier = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (rounds, barrier) = (&rounds, &barrier);
            scope.spawn(move || {
                let mut random = Random(seed * 1_000 + thread as u64);
                for round in rounds {
                    barrier.wait();
                    round.run(thread as u32, &mut random, mix);
                }
            });
        }
    });
    rounds.into_iter().map(Round::finish).collect()
}

struct Round<T> {
    target: T,
    clock: AtomicUsize,
    operations: Mutex<Vec<Operation>>,
    /// Of all that waited and were ready at last.
    woken: Mutex<Vec<Arc<Flag>>>,
}

impl<T: Target> Round<T> {
    fn new(target: T) -> Self {
        Self { target, clock: AtomicUsize::new(0), operations: Mutex::default(), woken: Mutex::default() }
    }

    fn now(&self) -> usize {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn run(&self, thread: u32, random: &mut Random, mix: Mix) {
        let mut operations = Vec::new();
        for step in 0..STEPS as u32 {
            let item = thread * STEPS as u32 + step;
            let call = match random.below(if mix.closes { 33 } else { 32 }) {
                0..8 if mix.cancels => Call::Put(item),
                0..16 => Call::TryPut(item),
                16..24 if mix.cancels => Call::Get,
                16..32 => Call::TryGet,
                _ => Call::Close,
            };
            operations.push(self.perform(call, random.below(PATIENCE)));
        }
        self.operations.lock().unwrap().extend(operations);
    }

    fn perform(&self, call: Call, patience: usize) -> Operation {
        let from = self.now();
        let outcome = match call {
            Call::Put(item) => self.wait(self.target.put(item), patience),
            Call::Get => self.wait(self.target.get(), patience),
            Call::TryPut(item) => self.target.try_put(item),
            Call::TryGet => self.target.try_get(),
            Call::Close => {
                self.target.close();
                Outcome::Done
            }
        };
        Operation { from, to: self.now(), call, outcome }
    }

    /// Polls when it is woken, until it is ready or the patience is at its end.
    fn wait(&self, mut future: Pin<Box<dyn Future<Output = Outcome> + '_>>, patience: usize) -> Outcome {
        let flag = Arc::new(Flag::default());
        let waker = Waker::from(flag.clone());
        let mut cx = Context::from_waker(&waker);
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut cx) {
            return outcome;
        }
        for _ in 0..patience {
            if flag.is_set() {
                break;
            }
            std::thread::yield_now();
        }
        // Dropped wherever it is: woken, it passes on what it was given.
        if patience.is_multiple_of(2) {
            return Outcome::Cancelled;
        }
        // Perhaps it is about to be woken, and has what it waits for: then it must be, or who is not polled meanwhile
        // would sleep on.
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(outcome) => {
                self.woken.lock().unwrap().push(flag);
                outcome
            }
            Poll::Pending => Outcome::Cancelled,
        }
    }

    /// The history, with what is left in the end.
    fn finish(self) -> Vec<Operation> {
        assert!(self.woken.lock().unwrap().iter().all(|flag| flag.is_set()), "a lost wake-up");
        let mut operations = self.operations.lock().unwrap().clone();
        loop {
            let last = self.perform(Call::TryGet, 0);
            operations.push(last);
            if !matches!(last.outcome, Outcome::Got(_)) {
                return operations;
            }
        }
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Flag {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Random(u64);

impl Random {
    /// Knuth's; the upper bits are good enough.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}
