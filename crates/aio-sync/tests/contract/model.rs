//! Any sequence of operations, beside a model made of a `VecDeque`.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::Poll;

use aio_base::Home;
use aio_sync::generic::{Condition, Event, Fifo, Lifo, Lock, Order, Queue, Semaphore, Smallest};
use aio_sync::{
    AcquireFuture, ConditionFuture, EventFuture, GetFuture, LockFuture, LockGuard, Permit, PutFuture, QueueJoinFuture,
};
use proptest::prelude::*;

use crate::common::{WakeLog, in_both_homes, poll};

in_both_homes! {
    the_lock_behaves_like_its_model,
    the_event_behaves_like_its_model,
    the_queue_behaves_like_its_model,
    the_lifo_queue_behaves_like_its_model,
    the_priority_queue_behaves_like_its_model,
    the_semaphore_behaves_like_its_model,
    the_condition_behaves_like_its_model,
}

pub(crate) const WAITERS: usize = 6;

pub(crate) type Waiters<F> = [Option<Pin<Box<F>>>; WAITERS];

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Stage {
    New,
    Queued,
    Woken,
}

pub(crate) fn waiter() -> impl Strategy<Value = usize> {
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

#[derive(Debug, Clone)]
enum QueueOp {
    /// Calls `get`, `put` or `join`, in place of the waiter there.
    Start(Side, usize),
    Poll(Side, usize),
    Drop(Side, usize),
    TryGet,
    TryPut,
    TaskDone,
    Close,
    CloseNow,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Get,
    Put,
    Join,
}

fn queue_op() -> impl Strategy<Value = QueueOp> {
    let side = || prop_oneof![4 => Just(Side::Get), 4 => Just(Side::Put), 1 => Just(Side::Join)];
    prop_oneof![
        20 => (side(), waiter()).prop_map(|(side, i)| QueueOp::Start(side, i)),
        40 => (side(), waiter()).prop_map(|(side, i)| QueueOp::Poll(side, i)),
        10 => (side(), waiter()).prop_map(|(side, i)| QueueOp::Drop(side, i)),
        8 => Just(QueueOp::TryGet),
        8 => Just(QueueOp::TryPut),
        8 => Just(QueueOp::TaskDone),
        1 => Just(QueueOp::Close),
        1 => Just(QueueOp::CloseNow),
    ]
}

/// One side of the queue as one would draw it: who is there, who is in the line, who was given something.
#[derive(Default)]
pub(crate) struct SideModel {
    stages: [Option<Stage>; WAITERS],
    line: VecDeque<usize>,
    /// Of those in stage `Woken`, the ones to whom nothing was given.
    dismissed: [bool; WAITERS],
}

impl SideModel {
    pub(crate) fn start(&mut self, i: usize) {
        self.stages[i] = Some(Stage::New);
        self.dismissed[i] = false;
    }

    /// It waits on, or from now on.
    fn stay(&mut self, i: usize) {
        if self.stages[i].replace(Stage::Queued) == Some(Stage::New) {
            self.line.push_back(i);
        }
    }

    /// Ends it. Whether it had been given something.
    fn end(&mut self, i: usize) -> bool {
        self.line.retain(|&other| other != i);
        self.stages[i].take() == Some(Stage::Woken) && !self.dismissed[i]
    }

    pub(crate) fn n_given(&self) -> usize {
        (0..WAITERS).filter(|&i| self.stages[i] == Some(Stage::Woken) && !self.dismissed[i]).count()
    }

    fn wake_first(&mut self) -> Option<usize> {
        let next = self.line.pop_front()?;
        self.stages[next] = Some(Stage::Woken);
        Some(next)
    }

    fn dismiss_all(&mut self) -> Vec<usize> {
        let all: Vec<_> = std::iter::from_fn(|| self.wake_first()).collect();
        all.iter().for_each(|&i| self.dismissed[i] = true);
        all
    }
}

/// Where in the row is the item that comes out next, in front of which so many belong to others.
pub(crate) type Next = fn(&VecDeque<u32>, usize) -> usize;

pub(crate) fn oldest(_: &VecDeque<u32>, n_others: usize) -> usize {
    n_others
}

/// (Who was woken takes what is the newest when it comes.)
fn newest(items: &VecDeque<u32>, _: usize) -> usize {
    items.len() - 1
}

/// (As above.)
fn smallest(items: &VecDeque<u32>, _: usize) -> usize {
    (0..items.len()).min_by_key(|&i| rank(items[i])).expect("there is one")
}

/// By what a priority queue orders items, whose numbers count up: so there are equal ones.
fn rank(item: u32) -> u32 {
    item * 7 % 5
}

#[derive(Debug, PartialEq, Eq)]
struct Item(u32);

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        rank(self.0).cmp(&rank(other.0))
    }
}
impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All items in one row, in order of arrival. First in, first out, the first so many belong to the getters that were
/// woken.
pub(crate) struct QueueModel {
    next: Next,
    pub(crate) items: VecDeque<u32>,
    capacity: usize,
    /// By permits.
    n_reserved: usize,
    pub(crate) is_closed: bool,
    unfinished: usize,
    pub(crate) get: SideModel,
    pub(crate) put: SideModel,
    join: SideModel,
    pub(crate) woken: Vec<usize>,
}

impl QueueModel {
    pub(crate) fn new(capacity: usize, next: Next) -> Self {
        Self {
            next,
            items: VecDeque::new(),
            capacity,
            n_reserved: 0,
            is_closed: false,
            unfinished: 0,
            get: SideModel::default(),
            put: SideModel::default(),
            join: SideModel::default(),
            woken: Vec::new(),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.items.len() + self.put.n_given() + self.n_reserved >= self.capacity
    }

    fn add(&mut self, item: u32) {
        self.items.push_back(item);
        self.unfinished += 1;
        self.settle();
    }

    /// Gives what is nobody's to those who wait for it.
    fn settle(&mut self) {
        while self.items.len() > self.get.n_given() {
            let Some(next) = self.get.wake_first() else { break };
            self.woken.push(name(Side::Get, next));
        }
        while !self.is_full() {
            let Some(next) = self.put.wake_first() else { break };
            self.woken.push(name(Side::Put, next));
        }
        if self.unfinished == 0 {
            self.woken.extend(self.join.dismiss_all().iter().map(|&i| name(Side::Join, i)));
        }
    }

    pub(crate) fn try_put(&mut self, item: u32) -> bool {
        let may = !self.is_closed && !self.is_full();
        if may {
            self.add(item);
        }
        may
    }

    fn take(&mut self, n_others: usize) -> Option<u32> {
        if self.items.len() <= n_others {
            return None;
        }
        self.items.remove((self.next)(&self.items, n_others))
    }

    pub(crate) fn try_get(&mut self) -> Option<u32> {
        let item = self.take(self.get.n_given());
        self.settle();
        item
    }

    /// `None` if it waits, `Some(None)` if it is refused.
    pub(crate) fn poll_get(&mut self, i: usize) -> Option<Option<u32>> {
        let outcome = match self.get.stages[i].expect("it is there") {
            Stage::New => self.try_get().map(Some).or(self.is_closed.then_some(None)),
            Stage::Queued => None,
            Stage::Woken if self.get.dismissed[i] => Some(self.try_get()),
            Stage::Woken => Some(self.take(0)),
        };
        match outcome {
            Some(_) => _ = self.get.end(i),
            None => self.get.stay(i),
        }
        self.settle();
        outcome
    }

    /// `None` if it waits, otherwise whether the item was accepted.
    pub(crate) fn poll_put(&mut self, i: usize, item: u32) -> Option<bool> {
        let outcome = match self.put.stages[i].expect("it is there") {
            Stage::New if self.is_closed => Some(false),
            Stage::New => self.try_put(item).then_some(true),
            Stage::Queued => None,
            Stage::Woken => Some(!self.is_closed && !self.put.dismissed[i]),
        };
        match outcome {
            Some(accepted) => {
                if self.put.end(i) && accepted {
                    self.add(item);
                }
            }
            None => self.put.stay(i),
        }
        self.settle();
        outcome
    }

    /// `None` if it waits, otherwise whether room was reserved.
    pub(crate) fn poll_reserve(&mut self, i: usize) -> Option<bool> {
        let outcome = match self.put.stages[i].expect("it is there") {
            Stage::New if self.is_closed => Some(false),
            Stage::New => (!self.is_full()).then_some(true),
            Stage::Queued => None,
            Stage::Woken => Some(!self.is_closed && !self.put.dismissed[i]),
        };
        match outcome {
            Some(accepted) => {
                self.put.end(i);
                self.n_reserved += usize::from(accepted);
            }
            None => self.put.stay(i),
        }
        self.settle();
        outcome
    }

    /// Puts `item` into reserved room, unless it is closed.
    pub(crate) fn use_reserved(&mut self, item: u32) {
        self.n_reserved -= 1;
        if !self.is_closed {
            self.add(item);
        }
    }

    pub(crate) fn unreserve(&mut self) {
        self.n_reserved -= 1;
        self.settle();
    }

    fn poll_join(&mut self, i: usize) -> bool {
        let is_ready = match self.join.stages[i].expect("it is there") {
            Stage::New => self.unfinished == 0,
            Stage::Queued => false,
            Stage::Woken => true,
        };
        if is_ready {
            self.join.end(i);
        } else {
            self.join.stay(i);
        }
        is_ready
    }

    pub(crate) fn drop(&mut self, side: Side, i: usize) {
        match side {
            Side::Get => self.get.end(i),
            Side::Put => self.put.end(i),
            Side::Join => self.join.end(i),
        };
        self.settle();
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.woken.extend(self.get.dismiss_all().iter().map(|&i| name(Side::Get, i)));
        self.woken.extend(self.put.dismiss_all().iter().map(|&i| name(Side::Put, i)));
    }

    pub(crate) fn close_now(&mut self) -> Vec<u32> {
        self.close();
        let n_given = self.get.n_given();
        // Those who were woken get theirs as if they came now.
        let mut row = self.items.clone();
        let kept: Vec<_> = (0..n_given).filter_map(|_| self.take(0)).collect();
        let items: Vec<_> = std::iter::from_fn(|| self.take(0)).collect();
        row.retain(|item| kept.contains(item));
        self.items = row;
        self.unfinished = self.unfinished.saturating_sub(items.len());
        self.settle();
        items
    }
}

/// Of a waiter's waker in the log.
pub(crate) fn name(side: Side, i: usize) -> usize {
    side as usize * WAITERS + i
}

fn the_queue_behaves_like_its_model<H: Home>() {
    a_queue_behaves_like_its_model::<H, Fifo>(oldest);
}

fn the_lifo_queue_behaves_like_its_model<H: Home>() {
    a_queue_behaves_like_its_model::<H, Lifo>(newest);
}

fn the_priority_queue_behaves_like_its_model<H: Home>() {
    a_queue_behaves_like_its_model::<H, Smallest>(smallest);
}

fn a_queue_behaves_like_its_model<H: Home, O: Order<Item>>(next: Next) {
    proptest!(|(capacity in 1..4_usize, ops in prop::collection::vec(queue_op(), 0..120))| {
        let (queue, log) = (Queue::<Item, H, O>::bounded(capacity), WakeLog::default());
        let mut model = QueueModel::new(capacity, next);
        let mut getters: Waiters<GetFuture<'_, Item, H, O>> = Default::default();
        let mut putters: Waiters<PutFuture<'_, Item, H, O>> = Default::default();
        let mut items_to_put = [0; WAITERS];
        let mut joiners: Waiters<QueueJoinFuture<'_, Item, H, O>> = Default::default();
        for (item, op) in (0..).zip(ops) {
            match op {
                QueueOp::Start(side, i) => {
                    model.drop(side, i);
                    match side {
                        Side::Get => {
                            getters[i] = Some(Box::pin(queue.get()));
                            model.get.start(i);
                        }
                        Side::Put => {
                            items_to_put[i] = item;
                            putters[i] = Some(Box::pin(queue.put(Item(item))));
                            model.put.start(i);
                        }
                        Side::Join => {
                            joiners[i] = Some(Box::pin(queue.join()));
                            model.join.start(i);
                        }
                    }
                }
                QueueOp::Poll(Side::Get, i) => {
                    let Some(getter) = &mut getters[i] else { continue };
                    let polled = poll(getter, &log.waker(name(Side::Get, i))).map(|got| got.ok().map(|item| item.0));
                    prop_assert_eq!(polled, model.poll_get(i).map_or(Poll::Pending, Poll::Ready));
                    if polled.is_ready() {
                        getters[i] = None;
                    }
                }
                QueueOp::Poll(Side::Put, i) => {
                    let Some(putter) = &mut putters[i] else { continue };
                    let item = items_to_put[i];
                    let polled = poll(putter, &log.waker(name(Side::Put, i)));
                    let accepted = model.poll_put(i, item).map_or(Poll::Pending, Poll::Ready);
                    prop_assert_eq!(
                        polled.map_err(|error| {
                            assert!(error.is_closed());
                            assert_eq!(error.into_item().0, item);
                        }),
                        accepted.map(|accepted| accepted.then_some(()).ok_or(()))
                    );
                    if accepted.is_ready() {
                        putters[i] = None;
                    }
                }
                QueueOp::Poll(Side::Join, i) => {
                    let Some(joiner) = &mut joiners[i] else { continue };
                    let is_ready = poll(joiner, &log.waker(name(Side::Join, i))).is_ready();
                    prop_assert_eq!(is_ready, model.poll_join(i));
                    if is_ready {
                        joiners[i] = None;
                    }
                }
                QueueOp::Drop(side, i) => {
                    model.drop(side, i);
                    match side {
                        Side::Get => getters[i] = None,
                        Side::Put => putters[i] = None,
                        Side::Join => joiners[i] = None,
                    }
                }
                QueueOp::TryGet => {
                    let got = queue.try_get().map(|item| item.0);
                    prop_assert_eq!(got.ok(), model.try_get());
                    prop_assert!(got.is_ok() || got.unwrap_err().is_closed() == model.is_closed);
                }
                QueueOp::TryPut => {
                    let put = queue.try_put(Item(item));
                    prop_assert_eq!(put.is_ok(), model.try_put(item));
                    prop_assert!(put.is_ok() || put.unwrap_err().is_closed() == model.is_closed);
                }
                QueueOp::TaskDone => {
                    if model.unfinished > 0 {
                        model.unfinished -= 1;
                        model.settle();
                        queue.task_done();
                    }
                }
                QueueOp::Close => {
                    model.close();
                    queue.close();
                }
                QueueOp::CloseNow => {
                    let items: Vec<_> = queue.close_now().iter().map(|item| item.0).collect();
                    prop_assert_eq!(items, model.close_now());
                },
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(queue.len(), model.items.len());
            prop_assert_eq!(queue.is_full(), model.is_full());
            prop_assert_eq!(queue.is_closed(), model.is_closed);
        }
        drop((getters, putters, joiners));
        let left: Vec<_> = std::iter::from_fn(|| Some(queue.try_get().ok()?.0)).collect();
        let expected: Vec<_> = std::iter::from_fn(|| model.take(0)).collect();
        prop_assert_eq!(left, expected);
        prop_assert!(!queue.is_full());
    });
}

#[derive(Debug, Clone)]
enum SemaphoreOp {
    /// Asks for so many, in place of the waiter there.
    Start(usize, usize),
    Poll(usize),
    Drop(usize),
    /// The first of the permits taken so far.
    Release,
    Forget,
    /// Moves so many from the first of the permits to the last.
    Move(usize),
    TryAcquire(usize),
    Add(usize),
    /// Takes up to so many away.
    Remove(usize),
}

fn semaphore_op() -> impl Strategy<Value = SemaphoreOp> {
    prop_oneof![
        4 => (waiter(), 0..4_usize).prop_map(|(i, n)| SemaphoreOp::Start(i, n)),
        8 => waiter().prop_map(SemaphoreOp::Poll),
        2 => waiter().prop_map(SemaphoreOp::Drop),
        4 => Just(SemaphoreOp::Release),
        1 => Just(SemaphoreOp::Forget),
        1 => (0..4_usize).prop_map(SemaphoreOp::Move),
        2 => (0..4_usize).prop_map(SemaphoreOp::TryAcquire),
        2 => (0..4_usize).prop_map(SemaphoreOp::Add),
        1 => (0..3_usize).prop_map(SemaphoreOp::Remove),
    ]
}

/// The semaphore as one would draw it: how many are free, and who asks for how many.
#[derive(Default)]
struct SemaphoreModel {
    stages: [Option<Stage>; WAITERS],
    asked: [usize; WAITERS],
    line: VecDeque<usize>,
    /// Those kept for the first in the line among them.
    free: usize,
    woken: Vec<usize>,
}

impl SemaphoreModel {
    fn available(&self) -> usize {
        if self.line.is_empty() { self.free } else { 0 }
    }

    fn try_acquire(&mut self, n: usize) -> bool {
        let may = self.line.is_empty() && n <= self.free;
        self.free -= if may { n } else { 0 };
        may
    }

    fn poll(&mut self, i: usize) -> bool {
        let is_ready = match self.stages[i].expect("it is there") {
            Stage::New => self.try_acquire(self.asked[i]),
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
        self.line.retain(|&other| other != i);
        let given = if self.stages[i].take() == Some(Stage::Woken) { self.asked[i] } else { 0 };
        self.add(given);
    }

    fn add(&mut self, n: usize) {
        self.free += n;
        while let Some(&next) = self.line.front().filter(|next| self.asked[**next] <= self.free) {
            self.free -= self.asked[next];
            self.line.pop_front();
            self.stages[next] = Some(Stage::Woken);
            self.woken.push(next);
        }
    }
}

fn the_semaphore_behaves_like_its_model<H: Home>() {
    proptest!(|(free in 0..4_usize, ops in prop::collection::vec(semaphore_op(), 0..80))| {
        let (semaphore, log) = (Semaphore::<H>::new(free), WakeLog::default());
        let mut model = SemaphoreModel { free, ..SemaphoreModel::default() };
        let mut waiters: Waiters<AcquireFuture<'_, H>> = Default::default();
        let mut permits: VecDeque<Permit<'_, H>> = VecDeque::new();
        let mut total = free;
        for op in ops {
            match op {
                SemaphoreOp::Start(i, n) => {
                    model.drop(i);
                    (model.stages[i], model.asked[i]) = (Some(Stage::New), n);
                    waiters[i] = Some(Box::pin(semaphore.acquire_many(n)));
                }
                SemaphoreOp::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let polled = poll(waiter, &log.waker(i));
                    prop_assert_eq!(polled.is_ready(), model.poll(i));
                    if let Poll::Ready(permit) = polled {
                        prop_assert_eq!(permit.n_permits(), model.asked[i]);
                        permits.push_back(permit);
                        waiters[i] = None;
                    }
                }
                SemaphoreOp::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                SemaphoreOp::Release => {
                    let Some(permit) = permits.pop_front() else { continue };
                    model.add(permit.n_permits());
                }
                SemaphoreOp::Forget => {
                    let Some(permit) = permits.pop_front() else { continue };
                    total -= permit.n_permits();
                    permit.forget();
                }
                SemaphoreOp::Move(n) => {
                    let Some(part) = permits.front_mut().and_then(|permit| permit.split(n)) else { continue };
                    permits.back_mut().expect("there is one").merge(part);
                }
                SemaphoreOp::Remove(n) => {
                    let removed = n.min(model.free);
                    model.free -= removed;
                    total -= removed;
                    prop_assert_eq!(semaphore.forget_permits(n), removed);
                }
                SemaphoreOp::TryAcquire(n) => {
                    let permit = semaphore.try_acquire_many(n);
                    prop_assert_eq!(permit.is_some(), model.try_acquire(n));
                    permits.extend(permit);
                }
                SemaphoreOp::Add(n) => {
                    total += n;
                    model.add(n);
                    semaphore.add_permits(n);
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(semaphore.available_permits(), model.available());
        }
        drop((waiters, permits));
        prop_assert_eq!(semaphore.available_permits(), total);
    });
}

#[derive(Debug, Clone)]
enum ConditionOp {
    /// Takes the lock, if it is free, and begins to wait, in place of the waiter there.
    Start(usize),
    Poll(usize),
    Drop(usize),
    /// Takes the lock, if it is free.
    Lock,
    Unlock,
    NotifyOne,
    Notify(usize),
    NotifyAll,
}

fn condition_op() -> impl Strategy<Value = ConditionOp> {
    prop_oneof![
        8 => waiter().prop_map(ConditionOp::Start),
        10 => waiter().prop_map(ConditionOp::Poll),
        4 => waiter().prop_map(ConditionOp::Drop),
        2 => Just(ConditionOp::Lock),
        6 => Just(ConditionOp::Unlock),
        3 => Just(ConditionOp::NotifyOne),
        1 => (0..3_usize).prop_map(ConditionOp::Notify),
        1 => Just(ConditionOp::NotifyAll),
    ]
}

/// A waiter has the lock, then waits to be told, then for the lock.
#[derive(Default)]
struct ConditionModel {
    lock: LockModel,
    holds: [bool; WAITERS],
    waits: VecDeque<usize>,
    /// Told, by a notification that is not for all: it must not be lost.
    told: [bool; WAITERS],
    woken: Vec<usize>,
}

impl ConditionModel {
    fn poll(&mut self, i: usize) -> bool {
        if std::mem::take(&mut self.holds[i]) {
            self.waits.push_back(i);
            self.release();
        }
        if self.waits.contains(&i) {
            return false;
        }
        self.lock.stages[i].get_or_insert(Stage::New);
        let is_ready = self.lock.poll(i);
        if is_ready {
            self.told[i] = false;
        }
        is_ready
    }

    fn drop(&mut self, i: usize) {
        if std::mem::take(&mut self.holds[i]) {
            self.release();
        }
        self.waits.retain(|&other| other != i);
        self.lock.drop(i);
        self.woken.append(&mut self.lock.woken);
        if std::mem::take(&mut self.told[i]) {
            self.notify(1);
        }
    }

    fn notify(&mut self, n: usize) {
        for next in self.waits.drain(..n.min(self.waits.len())) {
            self.told[next] = true;
            self.woken.push(next);
        }
    }

    fn notify_all(&mut self) {
        self.woken.extend(self.waits.drain(..));
    }

    fn release(&mut self) {
        self.lock.release();
        self.woken.append(&mut self.lock.woken);
    }
}

fn the_condition_behaves_like_its_model<H: Home>() {
    proptest!(|(ops in prop::collection::vec(condition_op(), 0..100))| {
        let (condition, lock, log) = (Condition::<H>::new(), Lock::<u32, H>::new(0), WakeLog::default());
        let mut model = ConditionModel::default();
        let mut waiters: Waiters<ConditionFuture<'_, u32, H>> = Default::default();
        let mut guard: Option<LockGuard<'_, u32, H>> = None;
        for op in ops {
            match op {
                ConditionOp::Start(i) => {
                    model.drop(i);
                    waiters[i] = None;
                    // The one that has it begins to wait, otherwise who comes.
                    let Some(held) = guard.take().or_else(|| lock.try_lock()) else { continue };
                    model.lock.is_locked = true;
                    model.holds[i] = true;
                    waiters[i] = Some(Box::pin(condition.wait(held)));
                }
                ConditionOp::Poll(i) => {
                    let Some(waiter) = &mut waiters[i] else { continue };
                    let polled = poll(waiter, &log.waker(i));
                    prop_assert_eq!(polled.is_ready(), model.poll(i));
                    if let Poll::Ready(new) = polled {
                        prop_assert!(guard.replace(new).is_none(), "two guards at once");
                        waiters[i] = None;
                    }
                }
                ConditionOp::Drop(i) => {
                    model.drop(i);
                    waiters[i] = None;
                }
                ConditionOp::Lock => {
                    let new = lock.try_lock();
                    prop_assert_eq!(new.is_some(), !model.lock.is_locked);
                    model.lock.is_locked = true;
                    guard = guard.or(new);
                }
                ConditionOp::Unlock => {
                    if guard.take().is_some() {
                        model.release();
                    }
                }
                ConditionOp::NotifyOne => {
                    model.notify(1);
                    condition.notify_one();
                }
                ConditionOp::Notify(n) => {
                    model.notify(n);
                    condition.notify(n);
                }
                ConditionOp::NotifyAll => {
                    model.notify_all();
                    condition.notify_all();
                }
            }
            prop_assert_eq!(log.take(), std::mem::take(&mut model.woken));
            prop_assert_eq!(lock.is_locked(), model.lock.is_locked);
        }
        drop((waiters, guard));
        prop_assert!(!lock.is_locked());
    });
}
