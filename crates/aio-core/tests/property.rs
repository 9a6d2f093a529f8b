//! Any program of tasks, scopes and cleanups: every cleanup runs once and to its end, nothing ends before what was
//! begun inside it, and nothing runs after the loop.

#![cfg(not(aio_loom))]

mod common;

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use aio_core::{Builder, JoinError, OnExit, Scope, Task, TaskRef, all_tasks, current_task, local, run, yield_now};
use common::check;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Home {
    Shared,
    Local,
}

#[derive(Debug, Clone)]
enum Step {
    Yield,
    /// Waits for ever; where that must not be, once.
    Never,
    Panic,
    /// Starts a task; its handle is kept until the end of the body.
    Spawn(Home, Vec<Step>),
    /// What is done to the handle that was kept last.
    Await,
    Cancel,
    Drop,
    Detach,
    CancelSelf,
    /// Cancels a task of the loop, whichever that is.
    CancelSome(usize),
    /// Leaves a cleanup now.
    Defer(Home, Vec<Step>),
    /// Leaves a cleanup at the end of the body.
    Guard(Home, Vec<Step>),
    Shield(Home, Vec<Step>),
    /// In a scope of its own.
    Nest(Vec<Step>),
    /// In a scope that is cut after some turns.
    Cut(usize, Vec<Step>),
    /// Polled some times and dropped.
    Abandon(usize, Vec<Step>),
}

/// Steps that are nested at most so deep.
fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let home = || prop_oneof![Just(Home::Shared), Just(Home::Local)];
    let leaf = prop_oneof![
        5 => Just(Step::Yield),
        1 => Just(Step::Never),
        1 => Just(Step::Panic),
        2 => Just(Step::Await),
        1 => Just(Step::Cancel),
        2 => Just(Step::Drop),
        2 => Just(Step::Detach),
        1 => Just(Step::CancelSelf),
        1 => (0..8_usize).prop_map(Step::CancelSome),
    ];
    if depth == 0 {
        return prop::collection::vec(leaf, 0..4).boxed();
    }
    let inner = steps(depth - 1);
    let nested = prop_oneof![
        4 => (home(), inner.clone()).prop_map(|(home, steps)| Step::Spawn(home, steps)),
        2 => (home(), inner.clone()).prop_map(|(home, steps)| Step::Defer(home, steps)),
        3 => (home(), inner.clone()).prop_map(|(home, steps)| Step::Guard(home, steps)),
        1 => (home(), inner.clone()).prop_map(|(home, steps)| Step::Shield(home, steps)),
        1 => inner.clone().prop_map(Step::Nest),
        2 => (0..4_usize, inner.clone()).prop_map(|(turns, steps)| Step::Cut(turns, steps)),
        2 => (0..4_usize, inner).prop_map(|(turns, steps)| Step::Abandon(turns, steps)),
    ];
    prop::collection::vec(prop_oneof![3 => leaf, 2 => nested], 0..7).boxed()
}

/// What the whole program has done.
#[derive(Default)]
struct World {
    over: AtomicBool,
    /// What must not be. (A panic would be the outcome of the task that finds it.)
    wrong: Mutex<Option<&'static str>>,
    /// Cleanups promised, begun, and run to their end.
    promised: AtomicUsize,
    begun: AtomicUsize,
    done: AtomicUsize,
}

/// What a task owes before it may end.
#[derive(Default)]
struct Debts {
    /// Cleanups that were promised inside it and have not ended.
    cleanups: AtomicUsize,
    /// Tasks that were dropped inside it.
    dropped: Mutex<Vec<TaskRef>>,
}

impl World {
    fn expect(&self, right: bool, wrong: &'static str) {
        if !right {
            *self.wrong.lock().unwrap() = Some(wrong);
        }
    }
}

#[derive(Clone)]
struct Place {
    world: Arc<World>,
    debts: Arc<Debts>,
    /// The loop cannot cut this: it must come to an end by itself.
    must_end: bool,
}

impl Place {
    fn step(&self) {
        self.world.expect(!self.world.over.load(Ordering::Relaxed), "something runs after the loop");
    }

    /// The task, or the loop, has ended.
    fn end(&self) {
        self.step();
        let cleanups = self.debts.cleanups.load(Ordering::Relaxed);
        self.world.expect(cleanups == 0, "a task ended before its cleanups");
        let dropped = self.debts.dropped.lock().unwrap();
        let ended = dropped.iter().all(TaskRef::is_finished);
        self.world.expect(ended, "a task ended before one that it had dropped");
    }

    fn must_end(&self) -> Self {
        Self { must_end: true, ..self.clone() }
    }
}

/// A promise of a cleanup, which is broken if this is dropped before the cleanup was done.
struct Promise(Place, Vec<Step>);

impl Promise {
    fn new(place: &Place, steps: Vec<Step>) -> Self {
        place.world.promised.fetch_add(1, Ordering::Relaxed);
        place.debts.cleanups.fetch_add(1, Ordering::Relaxed);
        Self(place.must_end(), steps)
    }

    async fn keep(self) {
        /// A cleanup that panics is over, too.
        struct Done(Place);
        impl Drop for Done {
            fn drop(&mut self) {
                self.0.world.done.fetch_add(1, Ordering::Relaxed);
                self.0.debts.cleanups.fetch_sub(1, Ordering::Relaxed);
            }
        }
        let Self(place, steps) = self;
        place.world.begun.fetch_add(1, Ordering::Relaxed);
        let mut body = body(steps, place.clone());
        // Not dropped half-way: only its end, or a panic, gets here.
        let end = poll_fn(|cx| {
            let poll = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body.as_mut().poll(cx)));
            match poll {
                Ok(Poll::Pending) => Poll::Pending,
                Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
                Err(payload) => Poll::Ready(Err(payload)),
            }
        });
        let end = end.await;
        let done = Done(place);
        drop(body);
        drop(done);
        if let Err(payload) = end {
            resume_unwind(payload);
        }
    }
}

/// Told of the end of a task, after its cleanups.
struct CheckDebts(Place);

impl OnExit<()> for CheckDebts {
    type Output = ();

    fn on_exit(self, outcome: Result<(), JoinError>) -> Result<(), JoinError> {
        self.0.end();
        outcome
    }
}

/// A handle, in either home, that a body may keep while it is `Send`.
enum Handle {
    Shared(Task<()>),
    Local(LocalHandle),
}

struct LocalHandle(u64);

thread_local! {
    static LOCAL_TASKS: RefCell<HashMap<u64, local::Task<()>>> = RefCell::default();
}

impl LocalHandle {
    fn new(task: local::Task<()>) -> Self {
        let id = task.id().get();
        LOCAL_TASKS.with_borrow_mut(|tasks| tasks.insert(id, task));
        Self(id)
    }
}

impl Drop for LocalHandle {
    fn drop(&mut self) {
        let task = LOCAL_TASKS.with_borrow_mut(|tasks| tasks.remove(&self.0));
        drop(task);
    }
}

impl Handle {
    fn task_ref(&self) -> TaskRef {
        match self {
            Self::Shared(task) => task.task_ref(),
            Self::Local(task) => LOCAL_TASKS.with_borrow(|tasks| tasks[&task.0].task_ref()),
        }
    }

    fn detach(self) {
        match self {
            Self::Shared(task) => task.detach(),
            Self::Local(task) => LOCAL_TASKS.with_borrow_mut(|tasks| tasks.remove(&task.0)).unwrap().detach(),
        }
    }
}

/// The handles of a body, and what its task owes for them when they are dropped.
struct Handles(Vec<Handle>, Arc<Debts>);

impl Handles {
    fn pop_dropped(&mut self) -> Option<Handle> {
        let handle = self.0.pop()?;
        let mut dropped = self.1.dropped.lock().unwrap();
        dropped.push(handle.task_ref());
        Some(handle)
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        while let Some(handle) = self.pop_dropped() {
            drop(handle);
        }
    }
}

fn body(steps: Vec<Step>, place: Place) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let mut guards = Vec::new();
        let mut handles = Handles(Vec::new(), place.debts.clone());
        for step in steps {
            place.step();
            match step {
                Step::Yield => yield_now().await,
                Step::Never if place.must_end => yield_now().await,
                Step::Never => pending().await,
                Step::Panic if is_main() => {}
                // Not `panic`, which writes.
                Step::Panic => resume_unwind(Box::new("step")),
                Step::Spawn(home, steps) => {
                    let place = Place { debts: Arc::default(), must_end: false, ..place.clone() };
                    let (exit, body) = (CheckDebts(place.clone()), body(steps, place));
                    handles.0.push(match home {
                        Home::Shared => Handle::Shared(Builder::new().spawn_with_exit(body, exit)),
                        Home::Local => {
                            Handle::Local(LocalHandle::new(Builder::new().spawn_local_with_exit(body, exit)))
                        }
                    });
                }
                Step::Await => {
                    if let Some(handle) = handles.0.last() {
                        let task = handle.task_ref();
                        if place.must_end {
                            task.cancel();
                        }
                        task.ended().await;
                        place.world.expect(task.is_finished(), "`ended` came before the end");
                    }
                }
                Step::Cancel => handles.0.last().into_iter().for_each(|handle| handle.task_ref().cancel()),
                Step::Drop => drop(handles.pop_dropped()),
                Step::Detach => handles.0.pop().into_iter().for_each(Handle::detach),
                Step::CancelSelf if is_main() => {}
                Step::CancelSelf => current_task().unwrap().cancel(),
                Step::CancelSome(index) => {
                    let tasks = all_tasks();
                    if let Some(task) = tasks[1..].get(index) {
                        task.cancel();
                    }
                }
                Step::Defer(home, steps) => drop(guard(home, Promise::new(&place, steps))),
                Step::Guard(home, steps) => guards.push(guard(home, Promise::new(&place, steps))),
                Step::Shield(home, steps) => {
                    let work = Promise::new(&place, steps).keep();
                    match home {
                        Home::Shared => aio_core::shield(work).await,
                        Home::Local => local::shield(work).await,
                    }
                }
                Step::Nest(steps) => _ = Scope::new(body(steps, place.clone())).await,
                Step::Cut(turns, steps) => {
                    let mut scope = Box::pin(Scope::new(body(steps, Place { must_end: false, ..place.clone() })));
                    let ended = poll_some(scope.as_mut(), turns).await;
                    if !ended {
                        scope.as_mut().cancel();
                        scope.await;
                    }
                }
                Step::Abandon(turns, steps) => {
                    let mut work = body(steps, Place { must_end: false, ..place.clone() });
                    poll_some(work.as_mut(), turns).await;
                }
            }
        }
    })
}

type Guard = Box<dyn Send>;

fn guard(home: Home, promise: Promise) -> Guard {
    match home {
        Home::Shared => Box::new(aio_core::defer(promise, Promise::keep)),
        Home::Local => Box::new(local::defer(promise, Promise::keep)),
    }
}

fn is_main() -> bool {
    current_task().unwrap().name() == Some("main")
}

/// Polls `future` in some turns. Whether it has ended.
async fn poll_some<F: Future + ?Sized>(mut future: Pin<&mut F>, turns: usize) -> bool {
    for _ in 0..turns {
        if poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await {
            return true;
        }
        yield_now().await;
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1000 } else { 10_000 }))]

    #[test]
    fn any_program_cleans_up_and_ends(steps in steps(4)) {
        check(|| {
            let world = Arc::new(World::default());
            let place = Place { world: world.clone(), debts: Arc::default(), must_end: true };
            let main = place.clone();
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(body(steps, place))));
            main.end();
            world.over.store(true, Ordering::Relaxed);
            if let Err(payload) = outcome {
                // A panic of a cleanup or a child; anything else is one of ours.
                assert_eq!(payload.downcast_ref(), Some(&"step"));
            }
            assert_eq!(*world.wrong.lock().unwrap(), None);
            let [promised, begun, done] =
                [&world.promised, &world.begun, &world.done].map(|count| count.load(Ordering::Relaxed));
            assert_eq!((begun, done), (promised, promised), "cleanups begun, done and promised");
            LOCAL_TASKS.with_borrow(|tasks| assert!(tasks.is_empty()));
        });
    }
}
