//! What is left of a runtime when everything is taken away that a sound one needs: the least that a scenario can cost.
//!
//! Tasks are futures of one type in memory from malloc or from a free list, with a queue around them. Whatever is
//! pending is polled again: a waker does nothing here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::harness::{Meter, Sample};

/// Where tasks are, and the queue of those to poll.
pub(crate) trait Tasks<F: Future + Unpin>: Default {
    type Handle;

    fn spawn(&mut self, future: F) -> Self::Handle;
    /// Polls all tasks until they have ended.
    fn run(&mut self);
    fn join(&mut self, handle: Self::Handle) -> F::Output;
}

#[derive(Debug)]
/// A future, and then its output.
pub(crate) enum Task<F: Future> {
    Running(F),
    Ended(Option<F::Output>),
}

impl<F: Future + Unpin> Task<F> {
    /// Whether it is to be polled again.
    fn poll(&mut self) -> bool {
        let Task::Running(future) = self else { panic!("it has ended") };
        match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => true,
            Poll::Ready(output) => {
                *self = Task::Ended(Some(output));
                false
            }
        }
    }

    fn take(&mut self) -> F::Output {
        let Task::Ended(output) = self else { panic!("it has not ended") };
        output.take().expect("it is joined once")
    }
}

/// Each in a block of malloc, with a count of references.
pub(crate) struct Boxed<F: Future>(VecDeque<Rc<RefCell<Task<F>>>>);

impl<F: Future> Default for Boxed<F> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<F: Future + Unpin> Tasks<F> for Boxed<F> {
    type Handle = Rc<RefCell<Task<F>>>;

    fn spawn(&mut self, future: F) -> Self::Handle {
        let task = Rc::new(RefCell::new(Task::Running(future)));
        self.0.push_back(task.clone());
        task
    }

    fn run(&mut self) {
        while let Some(task) = self.0.pop_front() {
            let again = task.borrow_mut().poll();
            if again {
                self.0.push_back(task);
            }
        }
    }

    fn join(&mut self, handle: Self::Handle) -> F::Output {
        handle.borrow_mut().take()
    }
}

/// All in one block, whose places are used again.
pub(crate) struct Slab<F: Future> {
    tasks: Vec<Task<F>>,
    free: Vec<usize>,
    queue: VecDeque<usize>,
}

impl<F: Future> Default for Slab<F> {
    fn default() -> Self {
        Self { tasks: Vec::new(), free: Vec::new(), queue: VecDeque::new() }
    }
}

impl<F: Future + Unpin> Tasks<F> for Slab<F> {
    type Handle = usize;

    fn spawn(&mut self, future: F) -> usize {
        let task = Task::Running(future);
        let index = if let Some(index) = self.free.pop() {
            self.tasks[index] = task;
            index
        } else {
            self.tasks.push(task);
            self.tasks.len() - 1
        };
        self.queue.push_back(index);
        index
    }

    fn run(&mut self) {
        while let Some(index) = self.queue.pop_front() {
            if self.tasks[index].poll() {
                self.queue.push_back(index);
            }
        }
    }

    fn join(&mut self, index: usize) -> F::Output {
        self.free.push(index);
        self.tasks[index].take()
    }
}

/// A task that yields some times and then returns a number.
#[derive(Debug)]
pub(crate) struct Yields {
    left: u64,
    output: u64,
}

impl Yields {
    pub(crate) fn new(times: u64, output: u64) -> Self {
        Self { left: times, output }
    }
}

impl Future for Yields {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        if self.left == 0 {
            return Poll::Ready(black_box(self.output));
        }
        self.left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// `repeat` times, `width` tasks that yield `times` times are started and then joined; an operation is a task, or a
/// yield if there are some.
pub(crate) fn spawn_join<S: Tasks<Yields>>(repeat: u64, width: u64, times: u64) -> Sample {
    let mut tasks = S::default();
    let mut handles = Vec::new();
    // The memory is there already when the measurement begins, as it is for others after their first round.
    round(&mut tasks, &mut handles, width, 0);
    let meter = Meter::start();
    for _ in 0..repeat {
        round(&mut tasks, &mut handles, width, times);
    }
    meter.stop(repeat * width * times.max(1))
}

fn round<S: Tasks<Yields>>(tasks: &mut S, handles: &mut Vec<S::Handle>, width: u64, times: u64) {
    handles.extend((0..width).map(|i| tasks.spawn(Yields::new(times, i))));
    tasks.run();
    for (i, handle) in (0..).zip(handles.drain(..)) {
        assert_eq!(tasks.join(handle), i);
    }
}

/// A thread for each half of the work, which have nothing to do with each other.
pub(crate) fn on_two_threads(n: u64, half: fn(u64) -> Sample) -> Sample {
    let meter = Meter::start_workers();
    thread::scope(|scope| {
        scope.spawn(|| half(n / 2));
        half(n - n / 2);
    });
    meter.stop(n)
}

/// Two threads that park until the other unparks them, in turns; an operation is a round trip.
pub(crate) fn park_ping_pong(n: u64) -> Sample {
    use std::sync::atomic::{AtomicU64, Ordering};

    let turn = AtomicU64::new(0);
    let wait_for = |wanted| {
        while turn.load(Ordering::Acquire) != wanted {
            thread::park();
        }
    };
    let main = thread::current();
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            for i in 0..n {
                wait_for(2 * i + 1);
                turn.store(2 * i + 2, Ordering::Release);
                main.unpark();
            }
        });
        let meter = Meter::start_wall();
        for i in 0..n {
            turn.store(2 * i + 1, Ordering::Release);
            other.thread().unpark();
            wait_for(2 * i + 2);
        }
        meter.stop(n)
    })
}

/// Jobs sent to a thread through std's channel, and their outputs sent back; `batch` at a time.
pub(crate) fn jobs_by_channel(n: u64, batch: u64) -> Sample {
    let (jobs, queue) = mpsc::channel::<Box<dyn FnOnce() -> u64 + Send>>();
    let (outputs, done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || queue.into_iter().try_for_each(|job| outputs.send(job())));
        let meter = Meter::start_wall();
        let mut sum = 0;
        for first in (0..n).step_by(usize::try_from(batch).expect("it fits")) {
            let some = first..n.min(first + batch);
            for i in some.clone() {
                assert!(jobs.send(Box::new(move || black_box(i))).is_ok(), "the thread is there");
            }
            sum += done.iter().take(some.count()).sum::<u64>();
        }
        let sample = meter.stop(n);
        assert_eq!(sum, n * (n - 1) / 2);
        drop(jobs);
        sample
    })
}
