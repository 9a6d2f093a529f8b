//! A loop under a schedule: the order of the turns is somebody else's.

#![cfg(not(aio_loom))]

mod common;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use aio_base::Deadline;
use aio_core::{
    Driver, EventLoop, ReadyTasks, Schedule, TaskRef, ThreadPark, VirtualTime, all_tasks, current_task, local, outside,
    spawn, yield_now,
};
use aio_timer::{Timers, sleep};
use common::check;

/// Takes the places that it is told, then the first; `None` once where it is told so.
#[derive(Default)]
struct Script {
    places: RefCell<VecDeque<Option<usize>>>,
    /// What it was shown before each turn, and how many were ready after it.
    shown: RefCell<Vec<(usize, usize)>>,
}

struct Scripted<D> {
    inner: D,
    script: Rc<Script>,
}

impl<D: Driver> Schedule for Scripted<D> {
    fn next(&mut self, ready: &ReadyTasks<'_>) -> Option<usize> {
        assert!(!ready.is_empty());
        self.script.shown.borrow_mut().push((ready.len(), 0));
        self.script.places.borrow_mut().pop_front().unwrap_or(Some(0)).map(|place| place.min(ready.len() - 1))
    }

    fn ran(&mut self, _: &TaskRef, ready: &ReadyTasks<'_>) {
        self.script.shown.borrow_mut().last_mut().expect("it was shown something before").1 = ready.len();
        for place in 0..ready.len() {
            assert!(!ready.get(place).is_finished(), "nobody is ready who has ended");
        }
    }
}

impl<D: Driver> Driver for Scripted<D> {
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

fn run<F: Future>(places: &[Option<usize>], main: F) -> (F::Output, Rc<Script>) {
    let script = Rc::new(Script { places: RefCell::new(places.iter().copied().collect()), ..Script::default() });
    let driver = Scripted { inner: VirtualTime::new(ThreadPark::new()), script: script.clone() };
    (EventLoop::new(Timers::new(driver)).run(main), script)
}

/// Three tasks, one of them for all threads; the order in which they ran.
async fn three() -> String {
    let order = Arc::new(Mutex::new(String::new()));
    let note = |name: &'static str| {
        let order = order.clone();
        async move { order.lock().unwrap().push_str(name) }
    };
    let (a, b, c) = (local::spawn(note("a")), spawn(note("b")), local::spawn(note("c")));
    b.await;
    a.await;
    c.await;
    order.lock().unwrap().clone()
}

#[test]
fn any_task_that_is_ready_may_run_next() {
    check(|| {
        // The main task alone; then `a`, `b`, `c` in the order that the places say.
        assert_eq!(run(&[], three()).0, "abc");
        let (order, script) = run(&[Some(0), Some(2), Some(0)], three());
        assert_eq!(order, "cab");
        assert_eq!(script.shown.borrow()[..3], [(1, 3), (3, 2), (2, 1)]);
    });
}

#[test]
fn when_all_are_held_back_time_passes() {
    check(|| {
        let passed = Rc::new(Cell::new(Duration::ZERO));
        // The main task, the sleeper, and the main task not before the timer has fired.
        run(&[Some(0), Some(0), None], async {
            let begin = aio_core::now();
            let _sleeper = local::spawn(sleep(Duration::from_secs(1)));
            yield_now().await;
            passed.set(aio_core::now() - begin);
        });
        assert_eq!(passed.get(), Duration::from_secs(1));
    });
}

#[test]
fn a_task_that_wakes_itself_in_its_last_turn_is_not_ready_afterwards() {
    check(|| {
        run(&[], async {
            local::spawn(poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            }))
            .await;
            spawn(poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::Ready(())
            }))
            .await;
        });
    });
}

#[test]
fn wakes_from_other_threads_come_through() {
    check(|| {
        run(&[], async {
            let mut thread = None;
            poll_fn(|cx| match &thread {
                None => {
                    let (waker, outside) = (cx.waker().clone(), outside());
                    thread = Some(thread::spawn(move || {
                        waker.wake();
                        drop(outside);
                    }));
                    Poll::Pending
                }
                Some(_) => Poll::Ready(()),
            })
            .await;
            thread.unwrap().join().unwrap();
        });
    });
}

#[test]
fn what_is_left_is_cancelled_and_cleaned_up_as_ever() {
    check(|| {
        let cleaned = Rc::new(Cell::new(0));
        run(&[], async {
            for _ in 0..3 {
                let cleaned = cleaned.clone();
                let task = local::spawn(async move {
                    let _guard = local::defer((), |()| async move {
                        yield_now().await;
                        cleaned.set(cleaned.get() + 1);
                    });
                    pending::<()>().await;
                });
                task.detach();
            }
            yield_now().await;
        });
        assert_eq!(cleaned.get(), 3);
    });
}

#[test]
#[should_panic(expected = "cannot be told which task is next")]
fn a_loop_with_several_workers_is_refused() {
    let scripted = || Scripted { inner: ThreadPark::new(), script: Rc::default() };
    EventLoop::with_workers(2, scripted);
}

/// Polls until it is told that it was polled twice.
async fn polled_twice(polls: Rc<Cell<u32>>) {
    poll_fn(|_| {
        polls.set(polls.get() + 1);
        if polls.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn a_wake_gives_a_task_a_turn_for_nothing() {
    check(|| {
        run(&[], async {
            let polls = Rc::new(Cell::new(0));
            let task = local::spawn(polled_twice(polls.clone()));
            yield_now().await;
            task.task_ref().wake();
            task.task_ref().wake();
            task.await;
            assert_eq!(polls.get(), 2);

            let (sender, receiver) = mpsc::channel();
            let task = spawn(async move {
                let mut polls = 0;
                poll_fn(move |_| {
                    polls += 1;
                    sender.send(polls).unwrap();
                    if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            });
            yield_now().await;
            let reference = task.task_ref();
            thread::spawn(move || reference.wake()).join().unwrap();
            task.await;
            assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2]);
            current_task().unwrap().wake();
        });
    });
}

#[test]
fn who_was_cancelled_says_so_and_who_is_given_up_drops_its_cleanups() {
    check(|| {
        let reports = Arc::new(AtomicUsize::new(0));
        let counted = reports.clone();
        let event_loop = EventLoop::new(VirtualTime::new(ThreadPark::new())).on_failure(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        event_loop.run(async {
            let task = local::spawn(async {
                let _guard = local::defer((), |()| pending::<()>());
                pending::<()>().await;
            });
            yield_now().await;
            let reference = task.task_ref();
            assert!(!reference.is_cancelled());
            task.cancel();
            assert!(reference.is_cancelled());
            yield_now().await;
            assert!(!reference.is_finished());
            reference.give_up();
            assert!(task.join().await.is_err());
            assert_eq!(all_tasks().len(), 1);
        });
        assert_eq!(reports.load(Ordering::Relaxed), 1);
    });
}

/// Who is stuck twice, with a cleanup that is not; whether that was run.
async fn stuck_with_a_cleanup(cleaned: Rc<Cell<u32>>) {
    let _guard = local::defer((), |()| async move {
        yield_now().await;
        cleaned.set(cleaned.get() + 1);
    });
    pending::<()>().await;
}

#[test]
fn each_task_has_its_cleanups_before_it_is_given_up_at_a_deadlock() {
    check(|| {
        let cleaned = Rc::new(Cell::new(0));
        let mut event_loop = EventLoop::new(VirtualTime::new(ThreadPark::new()));
        for run in 1..=2 {
            assert!(event_loop.run_until_complete(stuck_with_a_cleanup(cleaned.clone())).unwrap_err().is_cancelled());
            assert_eq!(cleaned.get(), run);
        }
        // Cleanups that are stuck themselves are given up.
        let stuck = async {
            let _guard = local::defer((), |()| pending::<()>());
            pending::<()>().await;
        };
        assert!(event_loop.run_until_complete(stuck).is_err());
    });
}

#[test]
fn a_clock_that_is_nobodys_does_not_change_that_of_the_thread() {
    let mut time = VirtualTime::new(ThreadPark::new());
    let hour = Duration::from_secs(3600);
    let then = time.now() + hour;
    time.advance_to(then);
    assert_eq!(time.now(), then);
    assert!(aio_core::now() < then);
    time.enter();
    assert_eq!(aio_core::now(), then);
    time.leave();
    assert!(aio_core::now() < then);
}

#[test]
fn what_is_due_is_not_kept_by_what_goes_on_outside() {
    check(|| {
        let mut time = VirtualTime::new(ThreadPark::new());
        time.enter();
        let outside = outside();
        time.park(Deadline::at(time.now()));
        drop(outside);
        time.leave();
    });
}

/// Brings something, but is slower than anybody's patience.
struct Late(ThreadPark, Rc<RefCell<Option<Waker>>>);

impl Driver for Late {
    fn enter(&mut self) {}

    fn leave(&mut self) {}

    fn turn(&mut self) {}

    fn park(&mut self, deadline: Deadline) {
        let Some(waker) = self.1.take() else { return self.0.park(deadline) };
        thread::sleep(Duration::from_millis(5)); // clock: longer than the patience
        waker.wake();
    }

    fn unparker(&self) -> Waker {
        self.0.unparker()
    }

    fn waits_for_events(&self) -> bool {
        true
    }
}

#[test]
fn what_comes_when_the_patience_is_over_still_comes_before_the_time() {
    check(|| {
        let waits = Rc::new(RefCell::new(None));
        let time = VirtualTime::new(Late(ThreadPark::new(), waits.clone())).patience(Duration::from_millis(1));
        EventLoop::new(Timers::new(time)).run(async {
            let begin = aio_core::now();
            let sleeper = local::spawn(sleep(Duration::from_secs(1)));
            let mut is_told = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut is_told, true) {
                    return Poll::Ready(());
                }
                waits.replace(Some(cx.waker().clone()));
                Poll::Pending
            })
            .await;
            assert_eq!(aio_core::now(), begin);
            sleeper.await;
            assert_eq!(aio_core::now() - begin, Duration::from_secs(1));
        });
    });
}
