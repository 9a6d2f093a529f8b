//! What a program that runs is made of.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aio::TaskRef;

use super::super::{Barrier, Event, Lock, Ref, Semaphore, Task};
use super::queue::Queue;
use super::sync::Monitor;
use crate::on_aio::outcome::{Ending, Stop, show};
use crate::on_aio::record::Record;
use crate::on_aio::{Deviation, lock};
use crate::program::{self, Name};

/// A program that runs.
pub(super) struct World {
    pub(super) traced: bool,
    pub(super) deviation: Option<Deviation>,
    pub(super) record: Arc<Record>,
    pub(super) tasks: Mutex<HashMap<Name, Entry>>,
    flags: Named<Flag>,
    locks: Named<Lock<()>>,
    semaphores: Named<Semaphore>,
    monitors: Named<Monitor>,
    barriers: Named<Barrier>,
    queues: Named<Queue>,
}

/// What tasks use, made when it is first used.
type Named<T> = Mutex<HashMap<Name, Ref<T>>>;

fn get<T>(all: &Named<T>, name: &Name, make: impl FnOnce() -> T) -> Ref<T> {
    lock(all).entry(name.clone()).or_insert_with(|| Ref::new(make())).clone()
}

/// The number at the end of a name.
fn number_of(name: &Name) -> Option<usize> {
    name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()
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

impl World {
    pub(super) fn new(traced: bool, deviation: Option<Deviation>, record: Arc<Record>) -> Self {
        Self {
            traced,
            deviation,
            record,
            tasks: Mutex::default(),
            flags: Mutex::default(),
            locks: Mutex::default(),
            semaphores: Mutex::default(),
            monitors: Mutex::default(),
            barriers: Mutex::default(),
            queues: Mutex::default(),
        }
    }

    /// The main task begins.
    pub(super) fn begin(&self) {
        self.record.begin();
    }

    /// All tasks have ended; gives the log.
    pub(super) fn finish(&self) -> Vec<program::Event> {
        let ending = show(lock(&self.tasks).get("main").and_then(|entry| entry.ending.as_ref()));
        self.record.log_end("main", ending);
        self.record.take()
    }

    pub(super) fn log(&self, task: &str, text: impl Into<String>) {
        self.record.log(task, text);
    }

    /// Waits for something; or for the end of a program that is at a deadlock.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Stop> {
        self.record.wait(future).await
    }

    pub(super) fn flag(&self, name: &Name) -> Ref<Flag> {
        get(&self.flags, name, Flag::default)
    }

    pub(super) fn lock_named(&self, name: &Name) -> Ref<Lock<()>> {
        get(&self.locks, name, Lock::default)
    }

    pub(super) fn semaphore(&self, name: &Name) -> Ref<Semaphore> {
        get(&self.semaphores, name, || Semaphore::new(number_of(name).unwrap_or(1)))
    }

    pub(super) fn monitor(&self, name: &Name) -> Ref<Monitor> {
        get(&self.monitors, name, Monitor::default)
    }

    pub(super) fn barrier(&self, name: &Name) -> Ref<Barrier> {
        get(&self.barriers, name, || Barrier::new(number_of(name).unwrap_or(1)))
    }

    pub(super) fn queue(&self, name: &Name) -> Ref<Queue> {
        get(&self.queues, name, || Queue::new(name, number_of(name)))
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
}

/// An event.
#[derive(Default)]
pub(super) struct Flag {
    pub(super) event: Event,
    /// Who waits, in a program that wakes in the wrong order.
    pub(super) line: Mutex<Vec<Ref<Event>>>,
}
