//! Any sequence of operations on a cell whose value is made once, beside a model made of two lines.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

use aio_base::Home;
use aio_sync::OnceCellFuture;
use aio_sync::generic::OnceCell;
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};

in_both_homes! {
    the_cell_behaves_like_its_model,
}

const TASKS: usize = 6;

#[derive(Debug, Clone)]
enum Op {
    /// Calls `get_or_try_init`, in place of what the task did; its function ends at the second poll in this way.
    Init(usize, Result<u32, ()>),
    /// Calls `wait`.
    Wait(usize),
    Poll(usize),
    Drop(usize),
    Set,
    Take,
}

fn op() -> impl Strategy<Value = Op> {
    let task = || 0..TASKS;
    prop_oneof![
        3 => (task(), prop_oneof![Just(Ok(7)), Just(Err(()))]).prop_map(|(i, end)| Op::Init(i, end)),
        2 => task().prop_map(Op::Wait),
        8 => task().prop_map(Op::Poll),
        2 => task().prop_map(Op::Drop),
        1 => Just(Op::Set),
        1 => Just(Op::Take),
    ]
}

/// What a task does, as one would draw it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Nothing,
    NewInit,
    QueuedInit,
    /// Has the turn, and has not noticed.
    Next,
    Making,
    NewWait,
    QueuedWait,
    /// There is a value.
    Dismissed,
}

struct Model {
    stages: [Stage; TASKS],
    initializers: VecDeque<usize>,
    observers: VecDeque<usize>,
    value: Option<u32>,
    woken: Vec<usize>,
}

impl Model {
    fn is_made(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Next | Stage::Making))
    }

    fn set(&mut self, value: u32) {
        self.value = Some(value);
        for next in self.initializers.drain(..).chain(self.observers.drain(..)) {
            self.stages[next] = Stage::Dismissed;
            self.woken.push(next);
        }
    }

    fn end(&mut self, i: usize) {
        let had_turn = matches!(self.stages[i], Stage::Next | Stage::Making);
        self.stages[i] = Stage::Nothing;
        self.initializers.retain(|&other| other != i);
        self.observers.retain(|&other| other != i);
        if had_turn && let Some(next) = self.initializers.pop_front() {
            self.stages[next] = Stage::Next;
            self.woken.push(next);
        }
    }

    /// What comes of it, if it is ready.
    fn poll(&mut self, i: usize, end: Result<u32, ()>) -> Option<Result<u32, ()>> {
        match self.stages[i] {
            Stage::Nothing | Stage::QueuedInit | Stage::QueuedWait => return None,
            Stage::NewInit | Stage::NewWait | Stage::Dismissed if self.value.is_some() => {
                self.stages[i] = Stage::Nothing;
                return Some(Ok(self.value.unwrap()));
            }
            Stage::NewInit if self.is_made() => {
                self.stages[i] = Stage::QueuedInit;
                self.initializers.push_back(i);
            }
            Stage::NewInit | Stage::Next => self.stages[i] = Stage::Making,
            Stage::Making => {
                if let Ok(value) = end {
                    self.stages[i] = Stage::Nothing;
                    self.set(value);
                } else {
                    self.end(i);
                }
                return Some(end);
            }
            Stage::NewWait => {
                self.stages[i] = Stage::QueuedWait;
                self.observers.push_back(i);
            }
            Stage::Dismissed => panic!("there is a value"),
        }
        None
    }
}

type Init<'a> = Pin<Box<dyn Future<Output = Result<&'a u32, ()>> + 'a>>;

/// What a task does.
enum Task<'a, H: Home> {
    Nothing,
    Inits(Init<'a>),
    Waits(Pin<Box<OnceCellFuture<'a, u32, H>>>),
}

/// Ends at the second poll.
async fn end_later(end: Result<u32, ()>) -> Result<u32, ()> {
    let mut n_polls = 0;
    std::future::poll_fn(|_| {
        n_polls += 1;
        if n_polls == 1 { Poll::Pending } else { Poll::Ready(end) }
    })
    .await
}

/// Runs the operations up to the next that takes the value out; what is left of them.
fn run<H: Home>(cell: &OnceCell<u32, H>, ops: &mut impl Iterator<Item = Op>) -> Result<bool, TestCaseError> {
    let log = WakeLog::default();
    let mut model = Model {
        stages: [Stage::Nothing; TASKS],
        initializers: VecDeque::new(),
        observers: VecDeque::new(),
        value: cell.get().copied(),
        woken: Vec::new(),
    };
    let mut ends = [Ok(0); TASKS];
    let mut tasks: [Task<'_, H>; TASKS] = [const { Task::Nothing }; TASKS];
    for op in ops {
        match op {
            Op::Init(i, end) => {
                model.end(i);
                model.stages[i] = Stage::NewInit;
                ends[i] = end;
                tasks[i] = Task::Inits(Box::pin(cell.get_or_try_init(async move || end_later(end).await)));
            }
            Op::Wait(i) => {
                model.end(i);
                model.stages[i] = Stage::NewWait;
                tasks[i] = Task::Waits(Box::pin(cell.wait()));
            }
            Op::Poll(i) => {
                let polled = match &mut tasks[i] {
                    Task::Nothing => Poll::Pending,
                    Task::Inits(future) => poll(future, &log.waker(i)).map(|end| end.copied()),
                    Task::Waits(future) => poll(future, &log.waker(i)).map(|value| Ok(*value)),
                };
                let expected = model.poll(i, ends[i]);
                prop_assert_eq!(polled, expected.map_or(Poll::Pending, Poll::Ready));
                if polled.is_ready() {
                    tasks[i] = Task::Nothing;
                }
            }
            Op::Drop(i) => {
                model.end(i);
                tasks[i] = Task::Nothing;
            }
            Op::Set => {
                let may = model.value.is_none() && !model.is_made();
                let is_set = model.value.is_some();
                if may {
                    model.set(9);
                }
                let refused = cell.set(9).err();
                prop_assert_eq!(refused.is_none(), may);
                prop_assert!(refused.is_none_or(|error| error.is_set() == is_set));
            }
            Op::Take => return Ok(true),
        }
        prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
        prop_assert_eq!(cell.get().copied(), model.value);
    }
    Ok(false)
}

fn the_cell_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(op(), 0..100))| {
        let mut cell = OnceCell::<u32, H>::new();
        let mut ops = ops.into_iter();
        while run(&cell, &mut ops)? {
            let before = cell.get().copied();
            prop_assert_eq!(cell.take(), before);
            prop_assert!(!cell.is_set());
        }
    });
}
