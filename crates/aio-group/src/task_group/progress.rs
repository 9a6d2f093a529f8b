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
    /// How many children in place have been admitted so far.
    in_place: usize,
    /// Numbers the children, also those that only wait to begin.
    next_number: u64,
    /// Who polls the group.
    run: Option<Waker>,
    /// Who waits for a child that has no output, to hear that nobody of the group is left.
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
    /// The future that ran the group was dropped, or there never was one. As before; the tasks may still be ending.
    Abandoned,
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
            in_place: 0,
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

    /// A place for a child with a task, if children may be added.
    #[track_caller]
    pub(crate) fn admit_task(&self) -> Option<Place> {
        self.admit(|inner| {
            let number = inner.number();
            let entry = TaskEntry { number, task: None, _live: Live::new(Kind::Registration) };
            Place { key: inner.tasks.insert(entry), number }
        })
    }

    /// Whether a child in place may be added; the group does not finish before it has received it.
    #[track_caller]
    pub(crate) fn admit_in_place(&self) -> bool {
        self.admit(|inner| inner.in_place += 1).is_some()
    }

    #[track_caller]
    fn admit<R>(&self, note: impl FnOnce(&mut Inner) -> R) -> Option<R> {
        let (phase, noted) = self.0.with(|inner| (inner.phase, (inner.phase == Phase::Open).then(|| note(inner))));
        assert!(phase != Phase::Finished, "a child was added to a task group that has finished");
        noted
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
        let (entry, run, bereft) = self.0.with(|inner| {
            let entry = inner.tasks.remove(place.key);
            let run = if inner.tasks.is_empty() { inner.run.take() } else { None };
            (entry, run, inner.take_bereft())
        });
        drop(entry);
        wake_all(run.into_iter().chain(bereft));
    }

    /// Refuses what comes, and has the group cancel what runs, at its next turn: children that fail in the same turn
    /// all have their say, as in asyncio.
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

    /// Ends what runs when nobody polls the group any more: the current scope waits for the tasks. Once is enough.
    pub(crate) fn abandon(&self) {
        let Some((run, bereft)) = self.0.with(|inner| {
            if matches!(inner.phase, Phase::Abandoned | Phase::Finished) {
                return None;
            }
            inner.phase = Phase::Abandoned;
            Some((inner.run.take(), inner.take_bereft()))
        }) else {
            return;
        };
        drop(run);
        self.cancel_tasks();
        // A child may be the last owner of its group; it does not wait for itself.
        let own = aio_core::current_task().map(|task| task.id());
        let mut tasks = self.tasks();
        tasks.retain(|task| Some(task.id()) != own);
        if !tasks.is_empty() {
            drop(aio_core::defer(tasks, async |tasks| {
                for task in tasks {
                    task.ended().await;
                }
            }));
        }
        wake_all(bereft);
    }

    /// The children that have tasks, in the order of their spawns.
    fn tasks(&self) -> Vec<TaskRef> {
        let mut tasks: Vec<TaskRef> =
            self.0.with(|inner| inner.tasks.iter().filter_map(|(_, entry)| entry.task.clone()).collect());
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.with(|inner| inner.phase == Phase::Aborting)
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.with(|inner| inner.phase == Phase::Abandoned)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.with(|inner| inner.phase == Phase::Finished)
    }

    /// The group has finished if nobody is left: no task, and no child in place but those `received`, which have ended.
    pub(crate) fn try_finish(&self, received: usize) -> bool {
        let bereft = self.0.with(|inner| {
            if !inner.tasks.is_empty() || inner.in_place != received {
                return None;
            }
            inner.phase = Phase::Finished;
            Some(inner.take_bereft())
        });
        let finished = bereft.is_some();
        wake_all(bereft.into_iter().flatten());
        finished
    }

    /// For those who await a child that has no output: whether they have to wait, since they may be about to be
    /// cancelled themselves. `waker` is woken when not.
    pub(crate) fn await_end(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (waits, unused) = self.0.with(|inner| {
            let waits = inner.is_ending();
            if waits && !inner.bereft.iter().any(|other| other.will_wake(&waker)) {
                inner.bereft.push(waker);
                (waits, None)
            } else {
                (waits, Some(waker))
            }
        });
        drop(unused);
        waits
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

    /// Whether some of those who have been cancelled, or will be, may not know yet.
    fn is_ending(&self) -> bool {
        match self.phase {
            Phase::Aborting => true,
            Phase::Abandoned => !self.tasks.is_empty(),
            Phase::Open | Phase::Finished => false,
        }
    }

    /// Who waits for the end of the group, if this is it.
    fn take_bereft(&mut self) -> Vec<Waker> {
        if self.is_ending() { Vec::new() } else { std::mem::take(&mut self.bereft) }
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

/// Wakes all, also after one has panicked.
fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut panics = Panics::new();
    for waker in wakers {
        panics.catch(|| waker.wake());
    }
    panics.resume();
}

impl<H: GroupHome> fmt::Debug for Progress<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, tasks, waiting) = self.0.with(|inner| (inner.phase, inner.tasks.len(), inner.waiting.len()));
        f.debug_struct("Progress").field("phase", &phase).field("tasks", &tasks).field("waiting", &waiting).finish()
    }
}
