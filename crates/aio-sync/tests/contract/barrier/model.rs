//! Any sequence of operations, beside a model made of a `Vec`.

use std::task::Poll;

use aio_base::Home;
use aio_sync::BarrierFuture;
use aio_sync::generic::Barrier;
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};
use crate::model::{WAITERS, Waiters, waiter};

in_both_homes! {
    the_barrier_behaves_like_its_model,
}

#[derive(Debug, Clone)]
enum Op {
    /// Calls `wait`, in place of the waiter there.
    Start(usize),
    Poll(usize),
    Drop(usize),
    Reset,
    Abort,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => waiter().prop_map(Op::Start),
        24 => waiter().prop_map(Op::Poll),
        4 => waiter().prop_map(Op::Drop),
        1 => Just(Op::Reset),
        1 => Just(Op::Abort),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    New,
    Waits,
    /// With its index; `None` if it was sent away.
    Woken(Option<usize>),
}

/// The barrier as one would draw it.
#[derive(Default)]
struct Model {
    parties: usize,
    stages: [Option<Stage>; WAITERS],
    waiting: Vec<usize>,
    is_broken: bool,
    woken: Vec<usize>,
}

impl Model {
    /// `None` if it waits.
    fn poll(&mut self, i: usize) -> Option<Option<usize>> {
        match self.stages[i].expect("it is there") {
            Stage::New if self.is_broken => self.end(i, None),
            Stage::New if self.waiting.len() + 1 == self.parties => {
                self.wake_all(Some);
                self.end(i, Some(self.parties - 1))
            }
            Stage::New => {
                self.stages[i] = Some(Stage::Waits);
                self.waiting.push(i);
                None
            }
            Stage::Waits => None,
            Stage::Woken(outcome) => self.end(i, outcome),
        }
    }

    fn end(&mut self, i: usize, outcome: Option<usize>) -> Option<Option<usize>> {
        self.stages[i] = None;
        Some(outcome)
    }

    fn wake_all(&mut self, outcome: impl Fn(usize) -> Option<usize>) {
        for (index, i) in self.waiting.drain(..).enumerate() {
            self.stages[i] = Some(Stage::Woken(outcome(index)));
            self.woken.push(i);
        }
    }

    fn drop(&mut self, i: usize) {
        self.stages[i] = None;
        self.waiting.retain(|&other| other != i);
    }
}

fn the_barrier_behaves_like_its_model<H: Home>() {
    proptest!(|(parties in 1..5_usize, ops in prop::collection::vec(op(), 0..100))| {
        let (barrier, log) = (Barrier::<H>::new(parties), WakeLog::default());
        let mut model = Model { parties, ..Model::default() };
        let mut waiters: Waiters<BarrierFuture<'_, H>> = Default::default();
        for op in ops {
            match op {
                Op::Start(i) => {
                    model.drop(i);
                    model.stages[i] = Some(Stage::New);
                    waiters[i] = Some(Box::pin(barrier.wait()));
                }
                Op::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let polled = poll(waiter, &log.waker(i)).map(|turn| {
                        turn.ok().map(|turn| {
                            assert_eq!(turn.is_leader(), turn.index() == parties - 1);
                            turn.index()
                        })
                    });
                    prop_assert_eq!(polled, model.poll(i).map_or(Poll::Pending, Poll::Ready));
                    if polled.is_ready() {
                        waiters[i] = None;
                    }
                }
                Op::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                Op::Reset => {
                    model.is_broken = false;
                    model.wake_all(|_| None);
                    barrier.reset();
                }
                Op::Abort => {
                    model.is_broken = true;
                    model.wake_all(|_| None);
                    barrier.abort();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!((barrier.n_waiting(), barrier.is_broken()), (model.waiting.len(), model.is_broken));
        }
        drop(waiters);
        prop_assert_eq!(barrier.n_waiting(), 0);
    });
}
