//! Whatever is done to a task is in the [footprint](aio_base::footprint) of who does it, in both homes. (That it is
//! enough, `aio-test` checks: `tests/footprints`.)
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::footprint::{self, EVERYTHING};
use aio_base::{Deadline, Local, Shared};
use aio_core::{
    Driver, EventLoop, ReadyTasks, Reason, Schedule, Task, TaskHome, TaskId, TaskRef, ThreadPark, all_tasks, local,
    loop_local, yield_now,
};

/// A home of which tests spawn tasks.
trait Spawns: TaskHome {
    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Task<F::Output, Self>;
}

impl Spawns for Shared {
    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Task<F::Output> {
        aio_core::spawn(future)
    }
}

impl Spawns for Local {
    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Task<F::Output, Self> {
        local::spawn(future)
    }
}

fn footprint_of<R>(f: impl FnOnce() -> R) -> (Vec<usize>, R) {
    footprint::record(true);
    let result = f();
    footprint::record(false);
    (footprint::take(), result)
}

/// What all that is done to this task has in common.
fn place_of(task: &TaskRef) -> usize {
    let (footprint, _) = footprint_of(|| task.is_finished());
    assert_eq!(footprint.len(), 1);
    footprint[0]
}

/// A call of the method of that name for a task that waits or has ended; `place` is that of the task.
type Row<H> = (&'static str, fn(Task<u8, H>));

#[track_caller]
fn touches<R>(task: &TaskRef, f: impl FnOnce() -> R) -> R {
    let place = place_of(task);
    let (footprint, result) = footprint_of(f);
    assert!(footprint.contains(&place), "the task is not touched");
    result
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn rows<H: Spawns>() -> Vec<Row<H>> {
    vec![
        ("cancel", |task| touches(&task.task_ref(), || task.cancel())),
        ("cancel_with", |task| touches(&task.task_ref(), || task.cancel_with(Reason::from("why")))),
        ("is_finished", |task| _ = touches(&task.task_ref(), || task.is_finished())),
        ("detach", |task| touches(&task.task_ref(), || task.detach())),
        ("drop", |task| touches(&task.task_ref(), || drop(task))),
        ("join", |task| _ = touches(&task.task_ref(), || poll(task.join()))),
        ("poll_join", |mut task| {
            let mut cx = Context::from_waker(Waker::noop());
            _ = touches(&task.task_ref(), || task.poll_join(&mut cx));
        }),
        ("poll_finished", |mut task| {
            let mut cx = Context::from_waker(Waker::noop());
            _ = touches(&task.task_ref(), || task.poll_finished(&mut cx));
        }),
        ("failed", |mut task| _ = touches(&task.task_ref(), || task.failed(|outcome| outcome.is_err()))),
        ("debug", |task| _ = touches(&task.task_ref(), || format!("{task:?}"))),
        ("ref cancel", |task| touches(&task.task_ref(), || task.task_ref().cancel())),
        ("ref cancel_with", |task| touches(&task.task_ref(), || task.task_ref().cancel_with(Reason::Requested))),
        ("ref wake", |task| touches(&task.task_ref(), || task.task_ref().wake())),
        ("ref give_up", |task| touches(&task.task_ref(), || task.task_ref().give_up())),
        ("ref is_finished", |task| _ = touches(&task.task_ref(), || task.task_ref().is_finished())),
        ("ref is_cancelled", |task| _ = touches(&task.task_ref(), || task.task_ref().is_cancelled())),
        ("ref ended", |task| {
            let mut ended = Box::pin(task.task_ref().ended());
            let mut cx = Context::from_waker(Waker::noop());
            if touches(&task.task_ref(), || ended.as_mut().poll(&mut cx)).is_pending() {
                touches(&task.task_ref(), || drop(ended));
            }
        }),
        ("ref debug", |task| _ = touches(&task.task_ref(), || format!("{:?}", task.task_ref()))),
    ]
}

/// Those that never change, or change nothing; and `try_detach`, which is `detach`.
const WITHOUT: &[&str] = &["address", "id", "label", "name", "spawned_at", "task_ref", "try_detach"];

#[test]
fn every_public_method_of_tasks_is_in_the_table() {
    let known: BTreeSet<_> = rows::<Local>().into_iter().map(|(name, _)| name).collect();
    for (source, prefix) in [(include_str!("../src/task.rs"), ""), (include_str!("../src/task/task_ref.rs"), "ref ")] {
        let methods = source.lines().filter_map(|line| {
            let line = line.strip_prefix("    pub ")?;
            line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split(['(', '<']).next()
        });
        for method in methods.filter(|method| !WITHOUT.contains(method)) {
            assert!(known.contains(format!("{prefix}{method}").as_str()), "{prefix}{method} has no row");
        }
    }
}

fn every_method_touches_the_task<H: Spawns>() {
    if !footprint::ENABLED {
        return;
    }
    EventLoop::new(ThreadPark::new()).run(async {
        for (name, call) in rows::<H>() {
            println!("{name}");
            let waits = H::spawn(pending());
            yield_now().await;
            call(waits);
            let ended = H::spawn(async { 1 });
            yield_now().await;
            call(ended);
            if name != "detach" {
                yield_now().await;
            }
        }
        all_tasks().iter().for_each(TaskRef::give_up);
    });
}

#[test]
fn every_method_of_shared_tasks_touches_the_task() {
    every_method_touches_the_task::<Shared>();
}

#[test]
fn every_method_of_local_tasks_touches_the_task() {
    every_method_touches_the_task::<Local>();
}

#[test]
fn a_wake_touches_the_task_also_if_it_was_woken_before() {
    fn of<H: Spawns>() {
        EventLoop::new(ThreadPark::new()).run(async {
            let (give, take) = std::sync::mpsc::channel::<Waker>();
            let task = H::spawn(poll_fn(move |cx| {
                give.send(cx.waker().clone()).unwrap();
                Poll::<u8>::Pending
            }));
            yield_now().await;
            let waker = take.recv().unwrap();
            touches(&task.task_ref(), || waker.wake_by_ref());
            touches(&task.task_ref(), || waker.wake_by_ref());
            touches(&task.task_ref(), || waker.wake());
        });
    }
    if footprint::ENABLED {
        of::<Shared>();
        of::<Local>();
    }
}

#[test]
fn a_list_of_all_tasks_touches_everything_and_spawns_have_something_in_common() {
    fn spawned<H: Spawns>() -> Vec<usize> {
        footprint_of(|| H::spawn(async {}).detach()).0
    }
    if footprint::ENABLED {
        EventLoop::new(ThreadPark::new()).run(async {
            assert!(footprint_of(all_tasks).0.contains(&EVERYTHING));
            assert!(!footprint::are_independent(&spawned::<Shared>(), &spawned::<Local>()));
            let known = || footprint_of(|| loop_local(|| 1)).0;
            assert!(!footprint::are_independent(&known(), &known()));
        });
    }
}

/// Whose it was, and what it has touched.
type Step = (TaskId, Vec<usize>);

/// The first who is ready runs next; what each has touched in its turn.
struct Stepwise {
    inner: ThreadPark,
    steps: Rc<RefCell<Vec<Step>>>,
}

impl Schedule for Stepwise {
    fn next(&mut self, _: &ReadyTasks<'_>) -> Option<usize> {
        footprint::record(true);
        Some(0)
    }

    fn ran(&mut self, task: &TaskRef, _: &ReadyTasks<'_>) {
        footprint::record(false);
        self.steps.borrow_mut().push((task.id(), footprint::take()));
    }
}

impl Driver for Stepwise {
    fn enter(&mut self) {
        self.inner.enter();
    }

    fn leave(&mut self) {
        self.inner.leave();
    }

    fn turn(&mut self) {
        self.inner.turn();
    }

    fn park(&mut self, deadline: Deadline) {
        self.inner.park(deadline);
    }

    fn unparker(&self) -> Waker {
        self.inner.unparker()
    }

    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        Some(self)
    }
}

#[test]
fn a_turn_touches_its_task_and_whoever_is_woken_by_its_end_and_the_last_one_everything() {
    fn of<H: Spawns>() {
        let steps = Rc::new(RefCell::new(Vec::new()));
        let event_loop = EventLoop::new(Stepwise { inner: ThreadPark::new(), steps: steps.clone() });
        let (main, (task, place)) = event_loop.run(async {
            let task = H::spawn(async { yield_now().await });
            let main = aio_core::current_task().unwrap();
            // This step is not looked at.
            footprint::take();
            let places = (place_of(&main), place_of(&task.task_ref()));
            footprint::record(true);
            let id = task.id();
            task.await;
            ((main.id(), places.0), (id, places.1))
        });
        let steps = steps.take();
        let footprints = |id: TaskId| -> Vec<_> {
            steps.iter().filter(move |(task, _)| *task == id).map(|(_, footprint)| footprint).collect()
        };
        let [first, last] = footprints(task)[..] else { panic!("it has two turns: {steps:?}") };
        assert!(first.contains(&place) && !first.contains(&main.1), "{first:?} {place} {main:?}");
        assert!(last.contains(&place) && last.contains(&main.1), "its end wakes who waits for it");
        let of_main = footprints(main.0);
        assert!(of_main.iter().skip(1).all(|footprint| footprint.contains(&main.1)));
        assert!(of_main.last().unwrap().contains(&EVERYTHING), "the loop ends: {steps:?}");
    }
    if footprint::ENABLED {
        of::<Shared>();
        of::<Local>();
    }
}
