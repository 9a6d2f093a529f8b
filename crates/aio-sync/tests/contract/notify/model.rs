//! Any sequence of operations, beside a model made of a `VecDeque`.

use std::collections::VecDeque;

use aio_base::Home;
use aio_sync::NotifiedFuture;
use aio_sync::generic::Notify;
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};
use crate::model::{WAITERS, Waiters, waiter};

in_both_homes! {
    the_notification_behaves_like_its_model,
}

#[derive(Debug, Clone)]
enum Op {
    /// Calls `notified`, in place of the waiter there.
    Start(usize),
    Enable(usize),
    Poll(usize),
    Drop(usize),
    One,
    All,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => waiter().prop_map(Op::Start),
        2 => waiter().prop_map(Op::Enable),
        8 => waiter().prop_map(Op::Poll),
        2 => waiter().prop_map(Op::Drop),
        4 => Just(Op::One),
        1 => Just(Op::All),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    New,
    /// Whether with a waker that is seen.
    Waits(bool),
    /// By `notify_one`: to be passed on.
    ByOne,
    ByAll,
}

/// The notification as one would draw it.
#[derive(Default)]
struct Model {
    stages: [Option<Stage>; WAITERS],
    line: VecDeque<usize>,
    is_kept: bool,
    woken: Vec<usize>,
}

impl Model {
    /// Gets what is there, or joins the line.
    fn begin(&mut self, i: usize) {
        if self.stages[i] == Some(Stage::New) {
            if std::mem::take(&mut self.is_kept) {
                self.stages[i] = Some(Stage::ByOne);
            } else {
                self.stages[i] = Some(Stage::Waits(false));
                self.line.push_back(i);
            }
        }
    }

    fn poll(&mut self, i: usize) -> bool {
        self.begin(i);
        let is_ready = !matches!(self.stages[i], Some(Stage::Waits(_)));
        self.stages[i] = if is_ready { None } else { Some(Stage::Waits(true)) };
        is_ready
    }

    fn drop(&mut self, i: usize) {
        self.line.retain(|&other| other != i);
        if self.stages[i].take() == Some(Stage::ByOne) {
            self.one();
        }
    }

    fn one(&mut self) {
        match self.line.pop_front() {
            Some(next) => self.wake(next, Stage::ByOne),
            None => self.is_kept = true,
        }
    }

    fn all(&mut self) {
        for next in std::mem::take(&mut self.line) {
            self.wake(next, Stage::ByAll);
        }
        for stage in self.stages.iter_mut().flatten() {
            if *stage == Stage::New {
                *stage = Stage::ByAll;
            }
        }
    }

    fn wake(&mut self, i: usize, by: Stage) {
        if self.stages[i].replace(by) == Some(Stage::Waits(true)) {
            self.woken.push(i);
        }
    }
}

fn the_notification_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(op(), 0..80))| {
        let (notify, log) = (Notify::<H>::new(), WakeLog::default());
        let mut model = Model::default();
        let mut waiters: Waiters<NotifiedFuture<'_, H>> = Default::default();
        for op in ops {
            match op {
                Op::Start(i) => {
                    model.drop(i);
                    waiters[i] = None;
                    model.stages[i] = Some(Stage::New);
                    waiters[i] = Some(Box::pin(notify.notified()));
                }
                Op::Enable(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    model.begin(i);
                    waiter.as_mut().enable();
                }
                Op::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let is_ready = poll(waiter, &log.waker(i)).is_ready();
                    prop_assert_eq!(is_ready, model.poll(i));
                    if is_ready {
                        waiters[i] = None;
                    }
                }
                Op::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                Op::One => {
                    model.one();
                    notify.notify_one();
                }
                Op::All => {
                    model.all();
                    notify.notify_all();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(format!("{notify:?}"), format!("Notify {{ is_kept: {} }}", model.is_kept));
        }
    });
}
