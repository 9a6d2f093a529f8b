//! Any sequence of operations on a read-write lock, beside a model that looks at everybody.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

use aio_base::Home;
use aio_sync::generic::RwLock;
use aio_sync::{
    RwLockReadFuture, RwLockReadGuard, RwLockUpgradableReadFuture, RwLockUpgradableReadGuard, RwLockUpgradeFuture,
    RwLockWriteFuture, RwLockWriteGuard,
};
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};

in_both_homes! {
    the_rwlock_behaves_like_its_model,
}

const TASKS: usize = 7;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Read,
    Upgradable,
    Write,
}

#[derive(Debug, Clone)]
enum Op {
    /// Begins to wait, in place of what the task did.
    Start(usize, Kind),
    Poll(usize),
    Drop(usize),
    /// Takes it now or not, in place of what the task did.
    Try(usize, Kind),
    /// Of a guard that can become another: begins to upgrade, or makes a writer upgradable.
    Upgrade(usize),
    /// The same at once or not; or makes a writer upgradable.
    TryUpgrade(usize),
    /// Of a guard that can: becomes a reader.
    Downgrade(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let task = || 0..TASKS;
    let kind = || prop_oneof![3 => Just(Kind::Read), 1 => Just(Kind::Upgradable), 2 => Just(Kind::Write)];
    prop_oneof![
        4 => (task(), kind()).prop_map(|(i, kind)| Op::Start(i, kind)),
        8 => task().prop_map(Op::Poll),
        4 => task().prop_map(Op::Drop),
        1 => (task(), kind()).prop_map(|(i, kind)| Op::Try(i, kind)),
        2 => task().prop_map(Op::Upgrade),
        1 => task().prop_map(Op::TryUpgrade),
        1 => task().prop_map(Op::Downgrade),
    ]
}

/// What a task does, as one would draw it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Nothing,
    New(Kind),
    Queued(Kind),
    /// Let in, and has not noticed.
    Woken(Kind),
    Has(Kind),
    /// Has the upgradable access, and will write.
    NewUpgrade,
    QueuedUpgrade,
    WokenUpgrade,
}

struct Model {
    stages: [Stage; TASKS],
    line: VecDeque<usize>,
    woken: Vec<usize>,
}

impl Model {
    fn count(&self, is: impl Fn(Stage) -> bool) -> usize {
        self.stages.iter().filter(|&&stage| is(stage)).count()
    }

    fn n_readers(&self) -> usize {
        self.count(|stage| matches!(stage, Stage::Woken(Kind::Read) | Stage::Has(Kind::Read)))
    }

    fn has_upgradable(&self) -> bool {
        self.count(|stage| match stage {
            Stage::Woken(kind) | Stage::Has(kind) => kind == Kind::Upgradable,
            Stage::NewUpgrade | Stage::QueuedUpgrade => true,
            _ => false,
        }) > 0
    }

    fn has_writer(&self) -> bool {
        self.count(|stage| matches!(stage, Stage::Woken(Kind::Write) | Stage::Has(Kind::Write) | Stage::WokenUpgrade))
            > 0
    }

    fn upgrader(&self) -> Option<usize> {
        self.stages.iter().position(|stage| *stage == Stage::QueuedUpgrade)
    }

    /// But for those who wait.
    fn may_pass(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => !self.has_writer(),
            Kind::Upgradable => !self.has_writer() && !self.has_upgradable(),
            Kind::Write => !self.has_writer() && !self.has_upgradable() && self.n_readers() == 0,
        }
    }

    fn may_pass_now(&self, kind: Kind) -> bool {
        self.line.is_empty() && self.upgrader().is_none() && self.may_pass(kind)
    }

    /// Lets in who may be let in.
    fn settle(&mut self) {
        if let Some(upgrader) = self.upgrader() {
            if self.n_readers() > 0 {
                return;
            }
            self.stages[upgrader] = Stage::WokenUpgrade;
            self.woken.push(upgrader);
        }
        while let Some(&next) = self.line.front() {
            let Stage::Queued(kind) = self.stages[next] else { panic!("it is in the line") };
            if !self.may_pass(kind) {
                return;
            }
            self.line.pop_front();
            self.stages[next] = Stage::Woken(kind);
            self.woken.push(next);
        }
    }

    fn set(&mut self, i: usize, stage: Stage) {
        self.line.retain(|&other| other != i);
        self.stages[i] = stage;
        self.settle();
    }

    /// Whether it is ready, and with what.
    fn poll(&mut self, i: usize) -> Option<Kind> {
        let has = match self.stages[i] {
            Stage::New(kind) if self.may_pass_now(kind) => Some(kind),
            Stage::New(kind) => {
                self.stages[i] = Stage::Queued(kind);
                self.line.push_back(i);
                None
            }
            Stage::Woken(kind) => Some(kind),
            Stage::NewUpgrade if self.n_readers() == 0 => Some(Kind::Write),
            Stage::NewUpgrade => {
                self.stages[i] = Stage::QueuedUpgrade;
                None
            }
            Stage::WokenUpgrade => Some(Kind::Write),
            Stage::Queued(_) | Stage::QueuedUpgrade | Stage::Nothing | Stage::Has(_) => None,
        };
        if let Some(kind) = has {
            self.stages[i] = Stage::Has(kind);
        }
        has
    }
}

/// What a task does.
enum Task<'a, H: Home> {
    Nothing,
    Reads(Pin<Box<RwLockReadFuture<'a, u32, H>>>),
    ReadsUpgradably(Pin<Box<RwLockUpgradableReadFuture<'a, u32, H>>>),
    Writes(Pin<Box<RwLockWriteFuture<'a, u32, H>>>),
    Upgrades(Pin<Box<RwLockUpgradeFuture<'a, u32, H>>>),
    Has(Guard<'a, H>),
}

enum Guard<'a, H: Home> {
    Read(RwLockReadGuard<'a, u32, H>),
    Upgradable(RwLockUpgradableReadGuard<'a, u32, H>),
    Write(RwLockWriteGuard<'a, u32, H>),
}

impl<H: Home> Guard<'_, H> {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(value) => {
                assert_eq!(**value, 0, "nobody writes another");
                Kind::Read
            }
            Self::Upgradable(_) => Kind::Upgradable,
            Self::Write(_) => Kind::Write,
        }
    }
}

impl<H: Home> Task<'_, H> {
    fn poll(&mut self, waker: &std::task::Waker) -> Option<Kind> {
        let guard = match self {
            Self::Reads(future) => poll(future, waker).map(Guard::Read),
            Self::ReadsUpgradably(future) => poll(future, waker).map(Guard::Upgradable),
            Self::Writes(future) => poll(future, waker).map(Guard::Write),
            Self::Upgrades(future) => poll(future, waker).map(Guard::Write),
            Self::Nothing | Self::Has(_) => Poll::Pending,
        };
        let Poll::Ready(guard) = guard else { return None };
        let kind = guard.kind();
        *self = Self::Has(guard);
        Some(kind)
    }
}

fn the_rwlock_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(op(), 0..100))| {
        let (lock, log) = (RwLock::<u32, H>::new(0), WakeLog::default());
        let mut model = Model { stages: [Stage::Nothing; TASKS], line: VecDeque::new(), woken: Vec::new() };
        let mut tasks: [Task<'_, H>; TASKS] = [const { Task::Nothing }; TASKS];
        for op in ops {
            match op {
                Op::Start(i, kind) => {
                    model.set(i, Stage::New(kind));
                    tasks[i] = match kind {
                        Kind::Read => Task::Reads(Box::pin(lock.read())),
                        Kind::Upgradable => Task::ReadsUpgradably(Box::pin(lock.upgradable_read())),
                        Kind::Write => Task::Writes(Box::pin(lock.write())),
                    };
                }
                Op::Poll(i) => prop_assert_eq!(tasks[i].poll(&log.waker(i)), model.poll(i)),
                Op::Drop(i) => {
                    model.set(i, Stage::Nothing);
                    tasks[i] = Task::Nothing;
                }
                Op::Try(i, kind) => {
                    model.set(i, Stage::Nothing);
                    tasks[i] = Task::Nothing;
                    let guard = match kind {
                        Kind::Read => lock.try_read().map(Guard::Read),
                        Kind::Upgradable => lock.try_upgradable_read().map(Guard::Upgradable),
                        Kind::Write => lock.try_write().map(Guard::Write),
                    };
                    prop_assert_eq!(guard.is_some(), model.may_pass_now(kind));
                    if let Some(guard) = guard {
                        model.set(i, Stage::Has(kind));
                        tasks[i] = Task::Has(guard);
                    }
                }
                Op::Upgrade(i) => {
                    tasks[i] = match std::mem::replace(&mut tasks[i], Task::Nothing) {
                        Task::Has(Guard::Upgradable(guard)) => {
                            model.set(i, Stage::NewUpgrade);
                            Task::Upgrades(Box::pin(RwLockUpgradableReadGuard::upgrade(guard)))
                        }
                        Task::Has(Guard::Write(guard)) => {
                            model.set(i, Stage::Has(Kind::Upgradable));
                            Task::Has(Guard::Upgradable(RwLockWriteGuard::downgrade_to_upgradable(guard)))
                        }
                        other => other,
                    };
                }
                Op::TryUpgrade(i) => {
                    tasks[i] = match std::mem::replace(&mut tasks[i], Task::Nothing) {
                        Task::Has(Guard::Upgradable(guard)) => {
                            let upgraded = RwLockUpgradableReadGuard::try_upgrade(guard);
                            prop_assert_eq!(upgraded.is_ok(), model.n_readers() == 0);
                            if upgraded.is_ok() {
                                model.set(i, Stage::Has(Kind::Write));
                            }
                            Task::Has(upgraded.map_or_else(Guard::Upgradable, Guard::Write))
                        }
                        other => other,
                    };
                }
                Op::Downgrade(i) => {
                    tasks[i] = match std::mem::replace(&mut tasks[i], Task::Nothing) {
                        Task::Has(Guard::Upgradable(guard)) => {
                            model.set(i, Stage::Has(Kind::Read));
                            Task::Has(Guard::Read(RwLockUpgradableReadGuard::downgrade(guard)))
                        }
                        Task::Has(Guard::Write(guard)) => {
                            model.set(i, Stage::Has(Kind::Read));
                            Task::Has(Guard::Read(RwLockWriteGuard::downgrade(guard)))
                        }
                        other => other,
                    };
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(lock.try_read().is_some(), model.may_pass_now(Kind::Read));
            prop_assert_eq!(lock.try_write().is_some(), model.may_pass_now(Kind::Write));
        }
        drop(tasks);
        prop_assert!(lock.try_write().is_some());
    });
}
