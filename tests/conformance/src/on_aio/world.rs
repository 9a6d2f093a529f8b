//! What a program that runs is made of.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Instant;

use aio::{Task, TaskRef};

use super::Deviation;
use crate::program::{Event, Name};

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that runs.
pub(super) struct World {
    pub(super) traced: bool,
    pub(super) deviation: Option<Deviation>,
    begin: Mutex<Option<Instant>>,
    /// It was at a deadlock: nothing more is logged, and nothing waits.
    over: AtomicBool,
    waits: Mutex<Vec<Waker>>,
    events: Mutex<Vec<Event>>,
    pub(super) tasks: Mutex<HashMap<Name, Entry>>,
    flags: Mutex<HashMap<Name, Arc<Flag>>>,
    locks: Mutex<HashMap<Name, Arc<aio::Lock<()>>>>,
    queues: Mutex<HashMap<Name, Arc<aio::Queue<String>>>>,
}

/// A task that was started.
#[derive(Default)]
pub(super) struct Entry {
    /// None if it was refused.
    pub(super) task: Option<TaskRef>,
    pub(super) owner: Option<Task<Result<(), ()>>>,
    pub(super) begun: bool,
    /// Whether the program cancelled it.
    pub(super) cancelled: bool,
    /// How its program ended; nothing if it was cut off.
    pub(super) ending: Option<Ending>,
}

#[derive(Debug, Clone)]
pub(super) enum Ending {
    Done(Option<String>),
    Failed(Failure),
}

/// An error of a program.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Raised(String),
    Timeout,
    Group(Vec<Failure>),
}

/// Why a block ends before its end.
pub(super) enum Stop {
    Return(String),
    Failed(Failure),
    Deadlock,
}

pub(super) type Flow = Result<(), Stop>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(error) => f.write_str(error),
            Self::Timeout => f.write_str("timeout"),
            Self::Group(errors) => {
                let errors: Vec<String> = errors.iter().map(Self::to_string).collect();
                write!(f, "group({})", errors.join(", "))
            }
        }
    }
}

pub(super) fn show(ending: Option<&Ending>) -> String {
    match ending {
        None => "was cancelled".to_owned(),
        Some(Ending::Done(None)) => "ended".to_owned(),
        Some(Ending::Done(Some(value))) => format!("gave {value}"),
        Some(Ending::Failed(failure)) => format!("failed: {failure}"),
    }
}

impl World {
    pub(super) fn new(traced: bool, deviation: Option<Deviation>) -> Self {
        Self {
            traced,
            deviation,
            begin: Mutex::new(None),
            over: AtomicBool::new(false),
            waits: Mutex::default(),
            events: Mutex::default(),
            tasks: Mutex::default(),
            flags: Mutex::default(),
            locks: Mutex::default(),
            queues: Mutex::default(),
        }
    }

    /// The main task begins.
    pub(super) fn begin(&self) {
        *lock(&self.begin) = Some(aio::now());
    }

    /// All tasks have ended; gives the log.
    pub(super) fn finish(&self) -> Vec<Event> {
        let ending = show(lock(&self.tasks).get("main").and_then(|entry| entry.ending.as_ref()));
        self.log_end("main", ending);
        std::mem::take(&mut *lock(&self.events))
    }

    pub(super) fn log(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let begin = lock(&self.begin).expect("the main task has begun");
            let at = (aio::now() - begin).as_millis().try_into().expect("a program is short");
            lock(&self.events).push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Ends all waits.
    pub(super) fn stop(&self) {
        self.log_end("-", "deadlock");
        self.over.store(true, Ordering::Relaxed);
        let waits = std::mem::take(&mut *lock(&self.waits));
        waits.into_iter().for_each(Waker::wake);
    }

    /// Waits for something; or for the end of a program that is at a deadlock.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Stop> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.is_over() {
                return Poll::Ready(Err(Stop::Deadlock));
            }
            let poll = future.as_mut().poll(cx);
            if poll.is_pending() {
                let mut waits = lock(&self.waits);
                if !waits.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waits.push(cx.waker().clone());
                }
            }
            poll.map(Ok)
        })
        .await
    }

    pub(super) fn flag(&self, name: &Name) -> Arc<Flag> {
        lock(&self.flags).entry(name.clone()).or_default().clone()
    }

    pub(super) fn lock_named(&self, name: &Name) -> Arc<aio::Lock<()>> {
        lock(&self.locks).entry(name.clone()).or_default().clone()
    }

    pub(super) fn queue(&self, name: &Name) -> Arc<aio::Queue<String>> {
        let capacity = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse();
        let new = || Arc::new(capacity.map_or_else(|_| aio::Queue::unbounded(), aio::Queue::bounded));
        lock(&self.queues).entry(name.clone()).or_insert_with(new).clone()
    }

    pub(super) fn with_task<R>(&self, name: &Name, change: impl FnOnce(&mut Entry) -> R) -> R {
        change(lock(&self.tasks).entry(name.clone()).or_default())
    }

    pub(super) fn end(&self, name: &Name, ending: Ending) {
        self.with_task(name, |entry| entry.ending = Some(ending));
    }

    pub(super) fn was_cancelled(&self, name: &str) -> bool {
        lock(&self.tasks).get(name).is_some_and(|entry| entry.cancelled)
    }

    pub(super) fn task_ref(&self, name: &Name) -> Option<TaskRef> {
        lock(&self.tasks).get(name)?.task.clone()
    }

    /// Logs how `name` has ended, for the task `me`.
    pub(super) fn log_ending(&self, me: &Name, name: &Name) {
        let ending = show(lock(&self.tasks).get(name).and_then(|entry| entry.ending.as_ref()));
        self.log(me, format!("{name} {ending}"));
    }

    /// The last event. It is at the time of the one before, since how long nothing happened after that cannot be told.
    fn log_end(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let mut events = lock(&self.events);
            let at = events.last().map_or(0, |event| event.at);
            events.push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }
}

/// An event.
#[derive(Default)]
pub(super) struct Flag {
    pub(super) event: aio::Event,
    /// Who waits, in a program that wakes in the wrong order.
    pub(super) line: Mutex<Vec<Arc<aio::Event>>>,
}
