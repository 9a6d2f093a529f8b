//! How far a group is, which of its children have tasks, and who may begin.

use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;

use aio_base::Panics;
use aio_base::home::Exclusive;
use aio_base::live::{Kind, Live};
use aio_core::TaskRef;
use slab::Slab;

use super::GroupHome;

/// All groups have this part, whatever their errors are.
pub(crate) struct Progress<H: GroupHome>(H::Exclusive<Inner>);

struct Inner {
    phase: Phase,
    /// Whether `run` has been called.
    begun: bool,
    tasks: Slab<TaskEntry>,
    /// Numbers the children, also those that only wait to begin.
    next_number: u64,
    /// Who polls the group.
    run: Option<Waker>,
    /// Who waits for a child that has no output, to hear that the group has finished.
    bereft: Vec<Waker>,
    /// How many more children may begin.
    vacancies: usize,
    /// Children that may not begin yet, in the order of their numbers.
    waiting: VecDeque<Waiting>,
}

struct TaskEntry {
    number: u64,
    /// Absent for a moment, while the task is being spawned.
    task: Option<TaskRef>,
    _live: Live,
}

struct Waiting {
    number: u64,
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Something failed: what runs is being cancelled, what is started is refused.
    Aborting,
    /// All have ended.
    Finished,
}

/// Where the group keeps a child's task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    key: usize,
    number: u64,
}

impl<H: GroupHome> Progress<H> {
    pub(crate) fn new(limit: usize) -> Self {
        Self(Exclusive::new(Inner {
            phase: Phase::Open,
            begun: false,
            tasks: Slab::new(),
            next_number: 0,
            run: None,
            bereft: Vec::new(),
            vacancies: limit,
            waiting: VecDeque::new(),
        }))
    }

    /// Notes that the group is run.
    #[track_caller]
    pub(crate) fn begin(&self) {
        let begun = self.0.with(|inner| std::mem::replace(&mut inner.begun, true));
        assert!(!begun, "a task group was run twice: make a new one for each run");
    }

    /// Whether a child may be added.
    #[track_caller]
    pub(crate) fn admits(&self) -> bool {
        let phase = self.0.with(|inner| inner.phase);
        assert!(phase != Phase::Finished, "a child was added to a task group that has finished");
        phase == Phase::Open
    }

    /// A place for a child with a task, if children may be added.
    #[track_caller]
    pub(crate) fn admit_task(&self) -> Option<Place> {
        if !self.admits() {
            return None;
        }
        Some(self.0.with(|inner| {
            let number = inner.number();
            let entry = TaskEntry { number, task: None, _live: Live::new(Kind::Registration) };
            Place { key: inner.tasks.insert(entry), number }
        }))
    }

    /// Fills the place; the child may have ended meanwhile, or the group may have aborted.
    pub(crate) fn attach(&self, place: Place, task: TaskRef) {
        let mut task = Some(task);
        let late = self.0.with(|inner| {
            let entry = inner.tasks.get_mut(place.key).filter(|entry| entry.number == place.number);
            if let Some(entry) = entry {
                entry.task.clone_from(&task);
            } else {
                return None;
            }
            if inner.phase == Phase::Open { None } else { task.take() }
        });
        if let Some(task) = late {
            task.cancel();
        }
    }

    /// The child of this place has ended. The last one ends the group, if nothing else is left.
    pub(crate) fn task_ended(&self, place: Place) {
        let (entry, run) = self.0.with(|inner| {
            let entry = inner.tasks.remove(place.key);
            (entry, if inner.tasks.is_empty() { inner.run.take() } else { None })
        });
        drop(entry);
        wake(run);
    }

    /// Refuses what comes, and has the group cancel what runs, at its next turn: children that fail in the same turn all
    /// have their say, as in asyncio.
    pub(crate) fn abort(&self) {
        let run = self.0.with(|inner| {
            if inner.phase == Phase::Open {
                inner.phase = Phase::Aborting;
            }
            inner.run.take()
        });
        wake(run);
    }

    /// Cancels the children that have tasks, in the order of their spawns.
    pub(crate) fn cancel_tasks(&self) {
        for task in self.tasks() {
            task.cancel();
        }
    }

    /// Ends what runs when nobody polls the group any more: the current scope waits for the tasks.
    pub(crate) fn abandon(&self) {
        self.abort();
        self.cancel_tasks();
        let tasks = self.tasks();
        if !tasks.is_empty() {
            drop(aio_core::defer(tasks, async |tasks| {
                for task in tasks {
                    task.ended().await;
                }
            }));
        }
    }

    /// The children that have tasks, in the order of their spawns.
    fn tasks(&self) -> Vec<TaskRef> {
        let mut tasks: Vec<TaskRef> =
            self.0.with(|inner| inner.tasks.iter().filter_map(|(_, entry)| entry.task.clone()).collect());
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    pub(crate) fn has_tasks(&self) -> bool {
        self.0.with(|inner| !inner.tasks.is_empty())
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.with(|inner| inner.phase == Phase::Aborting)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.with(|inner| inner.phase == Phase::Finished)
    }

    /// All have ended.
    pub(crate) fn finish(&self) {
        let bereft = self.0.with(|inner| {
            inner.phase = Phase::Finished;
            std::mem::take(&mut inner.bereft)
        });
        let mut panics = Panics::new();
        for waker in bereft {
            panics.catch(|| waker.wake());
        }
        panics.resume();
    }

    /// Wakes `waker` when the group has finished. False if it has.
    pub(crate) fn await_finish(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        self.0.with(|inner| {
            let open = inner.phase != Phase::Finished;
            if open && !inner.bereft.iter().any(|other| other.will_wake(&waker)) {
                inner.bereft.push(waker);
                None
            } else {
                Some(waker)
            }
        });
        !self.is_finished()
    }

    /// Registers who polls the group; before the poll looks at anything.
    pub(crate) fn register_run(&self, waker: &Waker) {
        if self.0.with(|inner| inner.run.as_ref().is_some_and(|run| run.will_wake(waker))) {
            return;
        }
        let waker = waker.clone();
        let former = self.0.with(|inner| inner.run.replace(waker));
        drop(former);
    }

    pub(crate) fn wake_run(&self) {
        wake(self.0.with(|inner| inner.run.take()));
    }

    /// A child's number if it has to wait until it may begin; none if it may begin now.
    pub(crate) fn queue_up(&self) -> Option<u64> {
        self.0.with(|inner| {
            if inner.vacancies > 0 {
                inner.vacancies -= 1;
                return None;
            }
            let number = inner.number();
            inner.waiting.push_back(Waiting { number, waker: None });
            Some(number)
        })
    }

    /// Whether the child may begin now; if not, `waker` is woken when it may.
    pub(crate) fn may_begin(&self, number: u64, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (waits, former) = self.0.with(|inner| match inner.find_waiting(number) {
            Some(index) => (true, inner.waiting[index].waker.replace(waker)),
            None => (false, Some(waker)),
        });
        drop(former);
        !waits
    }

    /// A child does not want to begin any more, or, if it could begin, makes room for the next.
    pub(crate) fn leave(&self, number: Option<u64>) {
        let waiting = self.0.with(|inner| match number.and_then(|number| inner.find_waiting(number)) {
            Some(index) => inner.waiting.remove(index).map(|gone| (false, gone)),
            None => {
                // While the group aborts, nobody begins: those who wait are being cancelled.
                let next = if inner.phase == Phase::Open { inner.waiting.pop_front() } else { None };
                if next.is_none() {
                    inner.vacancies += 1;
                }
                next.map(|next| (true, next))
            }
        });
        if let Some((true, next)) = waiting {
            wake(next.waker);
        }
    }
}

impl Inner {
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn find_waiting(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl<H: GroupHome> fmt::Debug for Progress<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, tasks, waiting) = self.0.with(|inner| (inner.phase, inner.tasks.len(), inner.waiting.len()));
        f.debug_struct("Progress").field("phase", &phase).field("tasks", &tasks).field("waiting", &waiting).finish()
    }
}
