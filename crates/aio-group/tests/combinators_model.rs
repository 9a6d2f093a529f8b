//! `race`, `first_ok`, `as_completed` and `wait` against obvious models: children woken, finished and cancelled in any
//! order, polls and drops at any point.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_core::{Task, TaskHome, TaskId, TaskRef, run, yield_now};
use aio_group::{Until, as_completed, first_ok, race, try_wait};
use futures_core::Stream;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Up to so many children of a race, or of `first_ok`, are all polled at each wake-up.
const FEW: usize = 32;

#[derive(Default)]
struct Parent(AtomicUsize);

impl Wake for Parent {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Parent {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is done with a race or a stream.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// Polls it, whether or not somebody asked for it.
    Poll,
    /// Wakes a child by the waker it has left, on this thread or another.
    Wake(Index),
    WakeFromAfar(Index),
    /// Lets a child be ready at its next poll, fail, or panic, and wakes it.
    Finish(Index),
    Fail(Index),
    Explode(Index),
    /// Forgets the waker that a child has left.
    Forget(Index),
    /// Drops it. Later wakes must be harmless.
    Drop,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        20 => Just(Op::Poll),
        15 => any::<Index>().prop_map(Op::Wake),
        1 => any::<Index>().prop_map(Op::WakeFromAfar),
        15 => any::<Index>().prop_map(Op::Finish),
        8 => any::<Index>().prop_map(Op::Fail),
        2 => any::<Index>().prop_map(Op::Explode),
        3 => any::<Index>().prop_map(Op::Forget),
        1 => Just(Op::Drop),
    ];
    vec(op, 0..200)
}

/// How often each child wakes itself before it looks whether it is to be ready.
fn naps(n: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<usize>> {
    vec(0usize..3, n)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    None,
    Ready,
    /// Ready, with an error where that makes a difference.
    Error,
    Panic,
}

/// What the children and the test share.
struct World {
    polled: RefCell<Vec<usize>>,
    wakers: RefCell<Vec<Option<Waker>>>,
    fates: RefCell<Vec<Fate>>,
    futures_dropped: Vec<Cell<usize>>,
    outputs_dropped: Vec<Cell<usize>>,
}

struct Child {
    index: usize,
    naps: usize,
    world: Rc<World>,
}

struct Output {
    index: usize,
    world: Rc<World>,
}

impl Future for Child {
    type Output = Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output> {
        let index = self.index;
        self.world.polled.borrow_mut().push(index);
        self.world.wakers.borrow_mut()[index] = Some(cx.waker().clone());
        if self.naps > 0 {
            self.naps -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let fate = self.world.fates.borrow()[index];
        match fate {
            Fate::None => Poll::Pending,
            Fate::Ready | Fate::Error => Poll::Ready(Output { index, world: self.world.clone() }),
            Fate::Panic => std::panic::resume_unwind(Box::new("exploded")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let count = &self.world.futures_dropped[self.index];
        count.set(count.get() + 1);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let count = &self.world.outputs_dropped[self.index];
        count.set(count.get() + 1);
    }
}

/// A child whose output is a `Result`.
struct Fallible(Child);

impl Future for Fallible {
    type Output = Result<Output, Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|output| {
            let fate = output.world.fates.borrow()[output.index];
            if fate == Fate::Error { Err(output) } else { Ok(output) }
        })
    }
}

impl World {
    fn new(n: usize) -> Rc<Self> {
        let counters = || (0..n).map(|_| Cell::new(0)).collect();
        Rc::new(Self {
            polled: RefCell::default(),
            wakers: RefCell::new(vec![None; n]),
            fates: RefCell::new(vec![Fate::None; n]),
            futures_dropped: counters(),
            outputs_dropped: counters(),
        })
    }

    fn children(self: &Rc<Self>, naps: &[usize]) -> Vec<Child> {
        naps.iter().enumerate().map(|(index, &naps)| Child { index, naps, world: self.clone() }).collect()
    }
}

/// What a poll gives.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    Pending,
    Output(usize),
    Panic,
    End,
}

/// What ought to happen.
struct Model {
    kind: Kind,
    naps: Vec<usize>,
    fates: Vec<Fate>,
    running: Vec<bool>,
    produced: Vec<bool>,
    has_waker: Vec<bool>,
    /// Who has been woken since the last poll, and whom a panic has left unpolled.
    woken: BTreeSet<usize>,
    left: BTreeSet<usize>,
    /// Outputs that are there.
    ended: VecDeque<usize>,
    begun: bool,
    /// Dropped, or won: there is nobody to be woken any more.
    gone: bool,
    parent_wakes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Race,
    FirstOk,
    AsCompleted,
}

impl Model {
    fn n(&self) -> usize {
        self.naps.len()
    }

    /// Whether the children have the caller's own waker, and are all polled each time.
    fn is_few(&self) -> bool {
        self.kind != Kind::AsCompleted && self.n() <= FEW
    }

    fn wake(&mut self, child: usize) {
        if self.is_few() {
            self.parent_wakes += usize::from(self.has_waker[child]);
        } else if self.has_waker[child] && !self.gone && !self.woken.contains(&child) {
            self.parent_wakes += usize::from(self.woken.is_empty());
            self.woken.insert(child);
        }
    }

    /// What a poll gives, and whom it polls.
    fn poll(&mut self) -> (Given, Vec<usize>) {
        let mut polled = vec![];
        if self.ended.is_empty() && self.running.contains(&true) {
            let all = !std::mem::replace(&mut self.begun, true) || self.is_few();
            let mut batch: BTreeSet<usize> =
                if all { (0..self.n()).collect() } else { std::mem::take(&mut self.woken) };
            batch.append(&mut self.left);
            while let Some(child) = batch.pop_first() {
                if !self.running[child] {
                    continue;
                }
                polled.push(child);
                self.has_waker[child] = true;
                if self.naps[child] > 0 {
                    self.naps[child] -= 1;
                    self.wake(child);
                    continue;
                }
                match self.fates[child] {
                    Fate::None => continue,
                    // Kept until all have failed, or one has not.
                    Fate::Error if self.kind == Kind::FirstOk => {
                        self.produced[child] = true;
                        self.running[child] = false;
                        continue;
                    }
                    Fate::Ready | Fate::Error => {
                        self.produced[child] = true;
                        self.ended.push_back(child);
                    }
                    Fate::Panic => {
                        self.running[child] = false;
                        self.left = batch;
                        return (Given::Panic, polled);
                    }
                }
                self.running[child] = false;
                if self.kind != Kind::AsCompleted {
                    break;
                }
            }
        }
        let given = match self.ended.pop_front() {
            Some(child) => Given::Output(child),
            None if self.running.contains(&true) => Given::Pending,
            None => Given::End,
        };
        (given, polled)
    }
}

/// What is being tested, behind one face: it gives an output, or says that there will be none.
type Subject = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Output>>>;

fn check(kind: Kind, naps: Vec<usize>, ops: Vec<Op>) {
    let (n, parent) = (naps.len(), Arc::new(Parent::default()));
    let world = World::new(n);
    let children = world.children(&naps);
    let mut subject: Option<Subject> = Some(match kind {
        Kind::Race => {
            let mut race = Box::pin(race(children));
            Box::new(move |cx| race.as_mut().poll(cx).map(Some))
        }
        Kind::FirstOk => {
            let mut first = Box::pin(first_ok(children.into_iter().map(Fallible).collect::<Vec<_>>()));
            Box::new(move |cx| {
                first.as_mut().poll(cx).map(|outcome| match outcome {
                    Ok(output) => Some(output),
                    Err(errors) => {
                        assert!(errors.iter().map(|error| error.index).eq(0..n));
                        None
                    }
                })
            })
        }
        Kind::AsCompleted => {
            let mut outputs = as_completed(children);
            Box::new(move |cx| Pin::new(&mut outputs).poll_next(cx))
        }
    });
    let mut model = Model {
        kind,
        naps,
        fates: vec![Fate::None; n],
        running: vec![true; n],
        produced: vec![false; n],
        has_waker: vec![false; n],
        woken: BTreeSet::new(),
        left: BTreeSet::new(),
        ended: VecDeque::new(),
        begun: false,
        gone: false,
        parent_wakes: 0,
    };
    let mut taken = vec![];
    let waker = Waker::from(parent.clone());
    for op in ops {
        let child = match op {
            Op::Wake(child)
            | Op::WakeFromAfar(child)
            | Op::Finish(child)
            | Op::Fail(child)
            | Op::Explode(child)
            | Op::Forget(child)
                if n > 0 =>
            {
                Some(child.index(n))
            }
            _ => None,
        };
        if let (Op::Finish(_) | Op::Fail(_) | Op::Explode(_), Some(child)) = (op, child) {
            let fate = match op {
                Op::Finish(_) => Fate::Ready,
                Op::Fail(_) => Fate::Error,
                _ => Fate::Panic,
            };
            world.fates.borrow_mut()[child] = fate;
            model.fates[child] = fate;
        }
        match (op, child) {
            (Op::Poll, _) => {
                let Some(poll) = &mut subject else { continue };
                let given = catch_unwind(AssertUnwindSafe(|| poll(&mut Context::from_waker(&waker))));
                let given = match given {
                    Err(_) => Given::Panic,
                    Ok(Poll::Pending) => Given::Pending,
                    Ok(Poll::Ready(None)) => Given::End,
                    Ok(Poll::Ready(Some(output))) => {
                        let index = output.index;
                        taken.push(output);
                        Given::Output(index)
                    }
                };
                assert_eq!((given, world.polled.take()), model.poll());
                if kind != Kind::AsCompleted && given != Given::Pending {
                    // It ends at its first output, and after a panic it is dropped.
                    subject = None;
                    model.gone = true;
                }
            }
            (Op::Wake(_) | Op::Finish(_) | Op::Fail(_) | Op::Explode(_), Some(child)) => {
                let waker = world.wakers.borrow()[child].clone();
                if let Some(waker) = waker {
                    waker.wake();
                }
                model.wake(child);
            }
            (Op::WakeFromAfar(_), Some(child)) => {
                let waker = world.wakers.borrow()[child].clone();
                if let Some(waker) = waker {
                    std::thread::spawn(move || waker.wake()).join().unwrap();
                }
                model.wake(child);
            }
            (Op::Forget(_), Some(child)) => {
                world.wakers.borrow_mut()[child] = None;
                model.has_waker[child] = false;
            }
            (Op::Drop, _) => {
                subject = None;
                model.gone = true;
            }
            _ => {}
        }
        assert_eq!(parent.wakes(), model.parent_wakes);
        let is_taken = |child| taken.iter().any(|output| output.index == child);
        for child in 0..n {
            let future_gone = !model.running[child] || model.gone;
            assert_eq!(world.futures_dropped[child].get(), usize::from(future_gone), "future {child}");
            let output_gone = model.gone && model.produced[child] && !is_taken(child);
            assert_eq!(world.outputs_dropped[child].get(), usize::from(output_gone), "output {child}");
        }
    }
    drop((subject, taken));
    assert!(world.futures_dropped.iter().all(|count| count.get() == 1));
    for child in 0..n {
        assert_eq!(world.outputs_dropped[child].get(), usize::from(model.produced[child]), "output {child}");
    }
    // Wakers are all that is left.
    world.wakers.borrow_mut().clear();
    assert_eq!((Rc::strong_count(&world), Arc::strong_count(&parent)), (1, 2));
}

/// What is done with tasks and with waits for them.
#[derive(Debug, Clone, Copy)]
enum TaskOp {
    /// Lets a task end at the next turn, in some way.
    Finish(Index, Ending),
    Cancel(Index),
    /// Gives every task that is ready a turn.
    Turn,
    Poll,
    /// Drops the wait, and begins another.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Success,
    Error,
    Panic,
    Cancelled,
}

fn task_ops() -> impl Strategy<Value = Vec<TaskOp>> {
    let ending = prop_oneof![4 => Just(Ending::Success), 1 => Just(Ending::Error), 1 => Just(Ending::Panic)];
    let op = prop_oneof![
        6 => (any::<Index>(), ending).prop_map(|(task, ending)| TaskOp::Finish(task, ending)),
        1 => any::<Index>().prop_map(TaskOp::Cancel),
        5 => Just(TaskOp::Turn),
        5 => Just(TaskOp::Poll),
        1 => Just(TaskOp::Drop),
    ];
    vec(op, 0..60)
}

fn untils() -> impl Strategy<Value = Vec<Until>> {
    vec(prop_oneof![Just(Until::AllCompleted), Just(Until::FirstCompleted), Just(Until::FirstFailed)], 1..4)
}

/// Tells a task how to end.
#[derive(Default)]
struct Bell(Mutex<(Option<Ending>, Option<Waker>)>);

impl Bell {
    fn ring(&self, ending: Ending) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = state.0.or(Some(ending));
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn obey(self: Arc<Self>) -> Result<(), ()> {
        let ending = poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            state.1 = Some(cx.waker().clone());
            state.0.map_or(Poll::Pending, Poll::Ready)
        });
        match ending.await {
            Ending::Success => Ok(()),
            Ending::Error => Err(()),
            // Not `panic!`, which would tell on stderr of each.
            Ending::Panic | Ending::Cancelled => std::panic::resume_unwind(Box::new("told to")),
        }
    }
}

/// What ought to become of tasks, which are known by their numbers here.
#[derive(Default)]
struct TaskModel {
    /// Those that will end at the next turn, in the order in which they were woken.
    asked: Vec<usize>,
    endings: Vec<Option<Ending>>,
    ended: Vec<usize>,
    /// What is in the vector.
    tasks: Vec<usize>,
    /// Of the wait: whether it has registered, and whom it has noted; those that ended since.
    registered: bool,
    noted: Vec<usize>,
    unseen: Vec<usize>,
    parent_wakes: usize,
}

impl TaskModel {
    fn ask(&mut self, task: usize, ending: Ending) {
        if self.ended.contains(&task) {
            return;
        }
        if !self.asked.contains(&task) {
            self.asked.push(task);
        }
        // Who is cancelled before it has ended is cancelled; otherwise the first word counts.
        if ending == Ending::Cancelled || self.endings[task].is_none() {
            self.endings[task] = Some(ending);
        }
    }

    fn turn(&mut self) {
        for task in std::mem::take(&mut self.asked) {
            self.ended.push(task);
            if self.registered && self.tasks.contains(&task) {
                self.parent_wakes += usize::from(self.unseen.is_empty());
                self.unseen.push(task);
            }
        }
    }

    /// What the wait returns.
    fn poll(&mut self, until: Until) -> Option<Vec<usize>> {
        if self.registered {
            self.noted.append(&mut self.unseen);
        } else {
            self.noted = self.tasks.iter().copied().filter(|task| self.ended.contains(task)).collect();
        }
        let failed = |task: &usize| matches!(self.endings[*task], Some(Ending::Error | Ending::Panic));
        let enough = match until {
            Until::AllCompleted => false,
            Until::FirstCompleted => !self.noted.is_empty(),
            Until::FirstFailed => self.noted.iter().any(failed),
        };
        self.registered = true;
        if !enough && self.noted.len() < self.tasks.len() {
            return None;
        }
        let ended = std::mem::take(&mut self.noted);
        self.tasks.retain(|task| !ended.contains(task));
        self.forget();
        Some(ended)
    }

    fn forget(&mut self) {
        self.registered = false;
        self.noted.clear();
        self.unseen.clear();
    }
}

async fn check_wait<H: TaskHome>(
    n: usize,
    ops: Vec<TaskOp>,
    untils: Vec<Until>,
    spawn: impl Fn(Arc<Bell>) -> Task<Result<(), ()>, H>,
) {
    let parent = Arc::new(Parent::default());
    let waker = Waker::from(parent.clone());
    let bells: Vec<_> = (0..n).map(|_| Arc::new(Bell::default())).collect();
    let mut tasks: Vec<_> = bells.iter().cloned().map(spawn).collect();
    let refs: Vec<TaskRef> = tasks.iter().map(Task::task_ref).collect();
    let number = |id: TaskId| refs.iter().position(|task| task.id() == id).unwrap();
    let mut model = TaskModel { endings: vec![None; n], tasks: (0..n).collect(), ..TaskModel::default() };
    yield_now().await;

    let (mut ops, mut untils) = (ops.into_iter().peekable(), untils.into_iter().cycle());
    while ops.peek().is_some() {
        let until = untils.next().unwrap();
        let mut wait = Some(try_wait(&mut tasks, until));
        let mut ended = vec![];
        while let Some(waiting) = &mut wait
            && let Some(op) = ops.next()
        {
            match op {
                TaskOp::Finish(task, ending) if n > 0 => {
                    bells[task.index(n)].ring(ending);
                    model.ask(task.index(n), ending);
                }
                TaskOp::Cancel(task) if n > 0 => {
                    refs[task.index(n)].cancel();
                    model.ask(task.index(n), Ending::Cancelled);
                }
                TaskOp::Turn => {
                    yield_now().await;
                    model.turn();
                }
                TaskOp::Poll => {
                    let expected = model.poll(until);
                    let given = match Pin::new(waiting).poll(&mut Context::from_waker(&waker)) {
                        Poll::Pending => None,
                        Poll::Ready(tasks) => {
                            ended = tasks;
                            wait = None;
                            Some(ended.iter().map(|task| number(task.id())).collect())
                        }
                    };
                    assert_eq!(given, expected);
                }
                TaskOp::Drop => {
                    wait = None;
                    model.forget();
                }
                TaskOp::Finish(..) | TaskOp::Cancel(_) => {}
            }
            assert_eq!(parent.wakes(), model.parent_wakes);
        }
        drop(wait);
        model.forget();
        assert!(tasks.iter().map(|task| number(task.id())).eq(model.tasks.iter().copied()));
        for task in ended {
            let number = number(task.id());
            let ending = match task.join().await {
                Ok(Ok(())) => Ending::Success,
                Ok(Err(())) => Ending::Error,
                Err(error) if error.is_cancelled() => Ending::Cancelled,
                Err(_) => Ending::Panic,
            };
            assert_eq!(Some(ending), model.endings[number], "task {number}");
        }
    }
    // A panic that nobody takes would be reported on stderr.
    for task in tasks {
        task.cancel();
        drop(task.join().await);
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&parent), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_race_of_a_few_does_as_the_model_says(naps in naps(1..6), ops in ops()) {
        leak_check(|| check(Kind::Race, naps, ops));
    }

    #[test]
    fn a_race_of_many_does_as_the_model_says(naps in naps(30..45), ops in ops()) {
        leak_check(|| check(Kind::Race, naps, ops));
    }

    #[test]
    fn a_few_attempts_do_as_the_model_says(naps in naps(0..6), ops in ops()) {
        leak_check(|| check(Kind::FirstOk, naps, ops));
    }

    #[test]
    fn many_attempts_do_as_the_model_says(naps in naps(30..45), ops in ops()) {
        leak_check(|| check(Kind::FirstOk, naps, ops));
    }

    #[test]
    fn few_outputs_come_as_the_model_says(naps in naps(0..6), ops in ops()) {
        leak_check(|| check(Kind::AsCompleted, naps, ops));
    }

    #[test]
    fn many_outputs_come_as_the_model_says(naps in naps(30..45), ops in ops()) {
        leak_check(|| check(Kind::AsCompleted, naps, ops));
    }

    #[test]
    fn a_wait_for_tasks_does_as_the_model_says(n in 0usize..12, ops in task_ops(), untils in untils()) {
        leak_check(|| run(check_wait(n, ops, untils, |bell| aio_core::spawn(bell.obey()))));
    }

    #[test]
    fn a_wait_for_local_tasks_does_as_the_model_says(n in 0usize..12, ops in task_ops(), untils in untils()) {
        leak_check(|| run(check_wait(n, ops, untils, |bell| aio_core::local::spawn(bell.obey()))));
    }
}
