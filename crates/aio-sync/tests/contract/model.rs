//! Any sequence of operations, beside a model made of a `VecDeque`.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

use aio_base::Home;
use aio_sync::generic::{Event, Lock};
use aio_sync::{EventFuture, LockFuture, LockGuard};
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};

in_both_homes! {
    the_lock_behaves_like_its_model,
    the_event_behaves_like_its_model,
}

const WAITERS: usize = 6;

type Waiters<F> = [Option<Pin<Box<F>>>; WAITERS];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    New,
    Queued,
    Woken,
}

fn waiter() -> impl Strategy<Value = usize> {
    0..WAITERS
}

#[derive(Debug, Clone)]
enum LockOp {
    /// Calls `lock`, in place of the waiter there.
    Start(usize),
    Poll(usize),
    Drop(usize),
    Release,
    TryLock,
}

fn lock_op() -> impl Strategy<Value = LockOp> {
    prop_oneof![
        2 => waiter().prop_map(LockOp::Start),
        4 => waiter().prop_map(LockOp::Poll),
        1 => waiter().prop_map(LockOp::Drop),
        3 => Just(LockOp::Release),
        1 => Just(LockOp::TryLock),
    ]
}

/// The lock as one would draw it: who is in the line, whether somebody has it.
#[derive(Default)]
struct LockModel {
    stages: [Option<Stage>; WAITERS],
    line: VecDeque<usize>,
    /// By a guard, or by a waiter in stage `Woken`.
    is_locked: bool,
    woken: Vec<usize>,
}

impl LockModel {
    fn poll(&mut self, i: usize) -> bool {
        let is_ready = match self.stages[i].expect("it is there") {
            Stage::New => !std::mem::replace(&mut self.is_locked, true),
            Stage::Queued => false,
            Stage::Woken => true,
        };
        if is_ready {
            self.stages[i] = None;
        } else if self.stages[i].replace(Stage::Queued) == Some(Stage::New) {
            self.line.push_back(i);
        }
        is_ready
    }

    fn drop(&mut self, i: usize) {
        let stage = self.stages[i].take();
        self.line.retain(|&other| other != i);
        if stage == Some(Stage::Woken) {
            self.release();
        }
    }

    fn release(&mut self) {
        match self.line.pop_front() {
            Some(next) => {
                self.stages[next] = Some(Stage::Woken);
                self.woken.push(next);
            }
            None => self.is_locked = false,
        }
    }
}

fn the_lock_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(lock_op(), 0..60))| {
        let (lock, log) = (Lock::<u32, H>::new(0), WakeLog::default());
        let mut model = LockModel::default();
        let mut waiters: Waiters<LockFuture<'_, u32, H>> = Default::default();
        let mut guard: Option<LockGuard<'_, u32, H>> = None;
        for op in ops {
            match op {
                LockOp::Start(i) => {
                    model.drop(i);
                    model.stages[i] = Some(Stage::New);
                    waiters[i] = Some(Box::pin(lock.lock()));
                }
                LockOp::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let polled = poll(waiter, &log.waker(i));
                    prop_assert_eq!(polled.is_ready(), model.poll(i));
                    if let Poll::Ready(new) = polled {
                        prop_assert!(guard.replace(new).is_none(), "two guards at once");
                        waiters[i] = None;
                    }
                }
                LockOp::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                LockOp::Release => {
                    if guard.take().is_some() {
                        model.release();
                    }
                }
                LockOp::TryLock => {
                    let new = lock.try_lock();
                    prop_assert_eq!(new.is_some(), !model.is_locked);
                    model.is_locked = true;
                    guard = guard.or(new);
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(lock.is_locked(), model.is_locked);
        }
        drop((waiters, guard));
        prop_assert!(!lock.is_locked());
    });
}

#[derive(Debug, Clone)]
enum EventOp {
    /// Calls `wait`, in place of the waiter there.
    Start(usize),
    Poll(usize),
    Drop(usize),
    Set,
    Clear,
}

fn event_op() -> impl Strategy<Value = EventOp> {
    prop_oneof![
        2 => waiter().prop_map(EventOp::Start),
        4 => waiter().prop_map(EventOp::Poll),
        1 => waiter().prop_map(EventOp::Drop),
        1 => Just(EventOp::Set),
        1 => Just(EventOp::Clear),
    ]
}

/// The event as one would draw it.
#[derive(Default)]
struct EventModel {
    stages: [Option<Stage>; WAITERS],
    line: VecDeque<usize>,
    is_set: bool,
    woken: Vec<usize>,
}

impl EventModel {
    fn poll(&mut self, i: usize) -> bool {
        let is_ready = match self.stages[i].expect("it is there") {
            Stage::New => self.is_set,
            Stage::Queued => false,
            Stage::Woken => true,
        };
        if is_ready {
            self.stages[i] = None;
        } else if self.stages[i].replace(Stage::Queued) == Some(Stage::New) {
            self.line.push_back(i);
        }
        is_ready
    }

    fn drop(&mut self, i: usize) {
        self.stages[i] = None;
        self.line.retain(|&other| other != i);
    }

    fn set(&mut self) {
        self.is_set = true;
        for next in self.line.drain(..) {
            self.stages[next] = Some(Stage::Woken);
            self.woken.push(next);
        }
    }
}

fn the_event_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(event_op(), 0..60))| {
        let (event, log) = (Event::<H>::new(), WakeLog::default());
        let mut model = EventModel::default();
        let mut waiters: Waiters<EventFuture<'_, H>> = Default::default();
        for op in ops {
            match op {
                EventOp::Start(i) => {
                    model.drop(i);
                    model.stages[i] = Some(Stage::New);
                    waiters[i] = Some(Box::pin(event.wait()));
                }
                EventOp::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let is_ready = poll(waiter, &log.waker(i)).is_ready();
                    prop_assert_eq!(is_ready, model.poll(i));
                    if is_ready {
                        waiters[i] = None;
                    }
                }
                EventOp::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                EventOp::Set => {
                    model.set();
                    event.set();
                }
                EventOp::Clear => {
                    model.is_set = false;
                    event.clear();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(event.is_set(), model.is_set);
        }
    });
}
