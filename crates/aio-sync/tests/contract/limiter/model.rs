//! Any sequence of operations, beside a model made of a `VecDeque`.

use std::collections::VecDeque;
use std::task::Poll;

use aio_base::Home;
use aio_sync::generic::CapacityLimiter;
use aio_sync::{LimiterFuture, LimiterPermit};
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};
use crate::model::{Stage, WAITERS, Waiters, waiter};

in_both_homes! {
    the_limiter_behaves_like_its_model,
}

#[derive(Debug, Clone)]
enum Op {
    /// Asks for so many, in place of the waiter there.
    Start(usize, usize),
    Poll(usize),
    Drop(usize),
    /// The first of the permits taken so far.
    Release,
    TryAcquire(usize),
    SetTotal(usize),
    Close,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        16 => (waiter(), 0..4_usize).prop_map(|(i, n)| Op::Start(i, n)),
        32 => waiter().prop_map(Op::Poll),
        8 => waiter().prop_map(Op::Drop),
        16 => Just(Op::Release),
        8 => (0..4_usize).prop_map(Op::TryAcquire),
        8 => (0..6_usize).prop_map(Op::SetTotal),
        1 => Just(Op::Close),
    ]
}

/// The limiter as one would draw it.
#[derive(Default)]
struct Model {
    stages: [Option<Stage>; WAITERS],
    asked: [usize; WAITERS],
    /// Of those in stage `Woken`, the ones that were sent away.
    refused: [bool; WAITERS],
    line: VecDeque<usize>,
    total: usize,
    borrowed: usize,
    most_borrowed: usize,
    is_closed: bool,
    woken: Vec<usize>,
}

impl Model {
    /// Whether so many are borrowed, `None` if one must wait.
    fn acquire(&mut self, n: usize) -> Option<bool> {
        if self.is_closed {
            return Some(false);
        }
        (self.line.is_empty() && (n == 0 || self.borrowed + n <= self.total)).then(|| self.borrow(n))
    }

    fn borrow(&mut self, n: usize) -> bool {
        self.borrowed += n;
        self.most_borrowed = self.most_borrowed.max(self.borrowed);
        true
    }

    fn poll(&mut self, i: usize) -> Option<bool> {
        let outcome = match self.stages[i].expect("it is there") {
            Stage::New => self.acquire(self.asked[i]),
            Stage::Queued => None,
            Stage::Woken => Some(!self.refused[i]),
        };
        if outcome.is_some() {
            self.stages[i] = None;
        } else if self.stages[i].replace(Stage::Queued) == Some(Stage::New) {
            self.line.push_back(i);
        }
        outcome
    }

    fn drop(&mut self, i: usize) {
        self.line.retain(|&other| other != i);
        if self.stages[i].take() == Some(Stage::Woken) && !self.refused[i] {
            self.borrowed -= self.asked[i];
        }
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(&next) = self.line.front() {
            let n = self.asked[next];
            if n > 0 && self.borrowed + n > self.total {
                break;
            }
            self.borrow(n);
            self.line.pop_front();
            self.stages[next] = Some(Stage::Woken);
            self.woken.push(next);
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        for i in self.line.drain(..) {
            self.stages[i] = Some(Stage::Woken);
            self.refused[i] = true;
            self.woken.push(i);
        }
    }
}

fn the_limiter_behaves_like_its_model<H: Home>() {
    proptest!(|(total in 0..4_usize, ops in prop::collection::vec(op(), 0..100))| {
        let (limiter, log) = (CapacityLimiter::<H>::new(total), WakeLog::default());
        let mut model = Model { total, ..Model::default() };
        let mut waiters: Waiters<LimiterFuture<'_, H>> = Default::default();
        let mut permits: VecDeque<LimiterPermit<'_, H>> = VecDeque::new();
        for op in ops {
            match op {
                Op::Start(i, n) => {
                    model.drop(i);
                    (model.stages[i], model.asked[i], model.refused[i]) = (Some(Stage::New), n, false);
                    waiters[i] = Some(Box::pin(limiter.acquire_many(n)));
                }
                Op::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let outcome = poll(waiter, &log.waker(i));
                    let expected = model.poll(i);
                    match outcome {
                        Poll::Ready(outcome) => {
                            prop_assert_eq!(Some(outcome.is_ok()), expected);
                            permits.extend(outcome);
                            waiters[i] = None;
                        }
                        Poll::Pending => prop_assert_eq!(None, expected),
                    }
                }
                Op::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                Op::Release => {
                    let Some(permit) = permits.pop_front() else { continue };
                    model.borrowed -= permit.n_tokens();
                    model.settle();
                }
                Op::TryAcquire(n) => {
                    let outcome = limiter.try_acquire_many(n);
                    let expected = match &outcome {
                        Ok(_) => Some(true),
                        Err(error) if error.is_closed() => Some(false),
                        Err(_) => None,
                    };
                    prop_assert_eq!(expected, model.acquire(n));
                    permits.extend(outcome);
                }
                Op::SetTotal(total) => {
                    model.total = total;
                    model.settle();
                    limiter.set_total(total);
                }
                Op::Close => {
                    model.close();
                    limiter.close();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            let statistics = limiter.statistics();
            prop_assert_eq!(
                (statistics.total, statistics.borrowed, statistics.most_borrowed, statistics.waiting),
                (model.total, model.borrowed, model.most_borrowed, model.line.len())
            );
        }
        drop((waiters, permits));
        prop_assert_eq!(limiter.borrowed(), 0);
    });
}
