//! How far a group is, which of its children have tasks, and who may begin.

use std::collections::VecDeque;
use std::fmt;
use std::task::Waker;

use aio_base::Panics;
use aio_base::home::Exclusive;
use aio_base::host::TaskLabel;
use aio_base::waits::{self, Note, Place as WaitPlace};
use aio_core::{Reason, Task, TaskRef, outlast};

use super::GroupHome;
use super::registry::Registry;

/// All groups have this part, whatever their errors are.
pub(crate) struct Progress<H: GroupHome>(H::Exclusive<Inner>);

struct Inner {
    phase: Phase,
    /// Whether `run` has been called.
    begun: bool,
    tasks: Registry,
    /// How many children in place have been admitted so far.
    in_place: usize,
    /// Numbers the children, and those who wait for room.
    next_number: u64,
    /// Who polls the group.
    run: Option<Waker>,
    /// Who waits for what an ending group does not give any more, to hear that nobody of the group is left.
    bereft: Vec<Waker>,
    /// How many more children may begin. If there are any, nobody waits.
    vacancies: usize,
    /// Children that may not begin yet, and those who wait to start one, in the order of their numbers.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    number: u64,
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Something failed, or the group was cancelled: what runs is being cancelled, what is started is refused.
    Aborting,
    /// The future that ran the group was dropped, or there never was one. As before; the tasks may still be ending.
    Abandoned,
    /// All have ended.
    Finished,
}

/// What a child has been given at its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) number: u64,
    /// Whether it has to wait until it may begin.
    pub(crate) waits: bool,
}

/// Where the group keeps a child's task.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(usize);

/// What somebody who wants to start a child hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Reserved,
    /// The waker is woken when there is more to say.
    Wait,
    /// The group has ended.
    Never,
}

/// Wakers to wake, and one to drop, outside of the group.
struct Left {
    next: Option<Waker>,
    _gone: Option<Waker>,
}

impl<H: GroupHome> Progress<H> {
    pub(crate) fn new() -> Self {
        Self(Exclusive::new(Inner {
            phase: Phase::Open,
            begun: false,
            tasks: Registry::new(),
            in_place: 0,
            next_number: 0,
            run: None,
            bereft: Vec::new(),
            vacancies: usize::MAX,
            waiting: VecDeque::new(),
        }))
    }

    /// How many children may run at a time.
    #[track_caller]
    pub(crate) fn set_limit(&self, limit: usize) {
        self.with_unused(|inner| inner.vacancies = limit);
    }

    /// Changes what cannot be changed any more when there are children.
    #[track_caller]
    pub(crate) fn expect_unused(&self) {
        self.with_unused(|_| ());
    }

    #[track_caller]
    fn with_unused(&self, change: impl FnOnce(&mut Inner)) {
        let unused = self.0.with(|inner| {
            let unused = inner.next_number == 0 && !inner.begun;
            if unused {
                change(inner);
            }
            unused
        });
        assert!(unused, "the options of a task group were changed after it had got children, or had been run");
    }

    /// Notes that the group is run.
    #[track_caller]
    pub(crate) fn begin(&self) {
        let begun = self.0.with(|inner| std::mem::replace(&mut inner.begun, true));
        assert!(!begun, "a task group was run twice: make a new one for each run");
    }

    /// A place for a child with a task, if children may be added. With `reserved`, it has room already.
    #[inline]
    #[track_caller]
    pub(crate) fn admit_task(&self, reserved: bool) -> Option<(Place, Turn)> {
        self.admit(|inner| {
            let turn = inner.turn(reserved);
            (Place(inner.tasks.insert(turn.number)), turn)
        })
    }

    /// A turn for a child in place, if children may be added; the group does not finish before it has received it.
    #[track_caller]
    pub(crate) fn admit_in_place(&self, reserved: bool) -> Option<Turn> {
        self.admit(|inner| {
            inner.in_place += 1;
            inner.turn(reserved)
        })
    }

    #[inline]
    #[track_caller]
    fn admit<R>(&self, note: impl FnOnce(&mut Inner) -> R) -> Option<R> {
        let (phase, noted) = self.0.with(|inner| (inner.phase, (inner.phase == Phase::Open).then(|| note(inner))));
        if phase == Phase::Finished {
            refuse();
        }
        noted
    }

    /// Fills the place; the child may have ended meanwhile, or the group may have aborted.
    #[inline]
    pub(crate) fn attach<T>(&self, place: Place, turn: Turn, task: &Task<T, H>) {
        let late = self.0.with(|inner| {
            inner.tasks.attach(place.0, turn.number, task);
            inner.phase != Phase::Open
        });
        if late {
            // If it has ended, this does nothing.
            task.cancel_with(Reason::Aborted);
        }
    }

    /// The child of this place has ended, and makes room for the next. The last one ends the group, if nothing else is
    /// left.
    #[inline]
    pub(crate) fn task_ended(&self, place: Place) {
        let changed = self.0.with(|inner| {
            let number = inner.tasks.remove(place.0);
            // Nearly always nobody is to be told.
            if inner.phase == Phase::Open && inner.waiting.is_empty() && !inner.tasks.is_empty() {
                inner.vacancies += 1;
                None
            } else {
                Some(number)
            }
        });
        if let Some(number) = changed {
            self.tell_of_end(number);
        }
    }

    /// Wakes who waits for the end of a child with a task.
    #[cold]
    fn tell_of_end(&self, number: u64) {
        let (left, run, bereft) = self.0.with(|inner| {
            let left = inner.leave(number);
            let run = if inner.tasks.is_empty() { inner.run.take() } else { None };
            (left, run, inner.take_bereft())
        });
        wake_all(left.next.into_iter().chain(run).chain(bereft));
    }

    /// Refuses what comes, and has the group cancel what runs, at its next turn: children that fail in the same turn
    /// all have their say, as in asyncio.
    pub(crate) fn abort(&self) {
        self.abort_here();
        self.wake_run();
    }

    /// [`abort`](Self::abort) by who polls the group, and need not be woken: its task would get a turn that it has no
    /// use for, before those whom it wakes or starts in this one.
    pub(crate) fn abort_here(&self) {
        self.0.with(|inner| {
            if inner.phase == Phase::Open {
                inner.phase = Phase::Aborting;
            }
        });
    }

    /// Cancels the children that have tasks, in the order of their spawns.
    pub(crate) fn cancel_tasks(&self, reason: &Reason) {
        for task in self.tasks() {
            task.cancel_with(reason.clone());
        }
    }

    /// Ends what runs when nobody polls the group any more: the current scope waits for the tasks. Once is enough.
    pub(crate) fn abandon(&self, reason: &Reason) {
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
        self.cancel_tasks(reason);
        outlast(self.tasks());
        wake_all(bereft);
    }

    /// The children that have tasks, in the order of their spawns.
    fn tasks(&self) -> Vec<TaskRef> {
        let mut tasks: Vec<TaskRef> = self.0.with(|inner| inner.tasks.tasks().cloned().collect());
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    /// Who runs here waits for what a child may give by its end.
    #[inline]
    pub(crate) fn note_wait(&self, place: WaitPlace, what: &'static str) {
        waits::poll_at(place, || Note::new(what).which(self).from_among(self.labels()));
    }

    /// Who runs here waits for the children that have tasks, or does not any more.
    #[inline]
    pub(crate) fn note_run(&self, waits: bool) {
        if !waits::HOLDERS || !waits::is_tracked() {
            return;
        }
        let place = WaitPlace::of(self);
        // Those in place say themselves what they wait for.
        let children = if waits { self.labels() } else { Vec::new() };
        if children.is_empty() {
            waits::end_at(place);
        } else {
            waits::poll_at(place, || Note::end_of(children));
        }
    }

    fn labels(&self) -> Vec<TaskLabel> {
        self.tasks().iter().map(TaskRef::label).collect()
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

    /// For those who await what an ending group does not give: whether they have to wait, since they may be about to be
    /// cancelled themselves. `waker` is woken when not.
    pub(crate) fn await_end(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let (waits, unused) = self.0.with(|inner| {
            let waits = inner.is_ending();
            if waits { (waits, inner.add_bereft(waker)) } else { (waits, Some(waker)) }
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

    /// Room for a child that is to be started, if there is some at once.
    pub(crate) fn try_reserve(&self) -> bool {
        self.0.with(|inner| {
            let room = inner.phase == Phase::Open && inner.vacancies > 0;
            if room {
                inner.next_number += 1;
                inner.vacancies -= 1;
            }
            room
        })
    }

    /// Room for a child that is to be started. Who has to wait gets a `number` in the queue.
    pub(crate) fn poll_reserve(&self, number: &mut Option<u64>, waker: &Waker) -> Room {
        if number.is_none() && self.try_reserve() {
            return Room::Reserved;
        }
        let waker = waker.clone();
        let (room, unused) = self.0.with(|inner| inner.reserve(number, waker));
        drop(unused);
        room
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

    /// Who has this number does not want to begin any more, or, if he could begin, makes room for the next.
    pub(crate) fn leave(&self, number: u64) {
        let left = self.0.with(|inner| inner.leave(number));
        wake(left.next);
    }

    /// Room that was reserved is not needed.
    pub(crate) fn give_back(&self) {
        wake(self.0.with(Inner::give_back));
    }
}

impl Inner {
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    #[inline]
    fn turn(&mut self, reserved: bool) -> Turn {
        let number = self.number();
        let waits = !reserved && self.vacancies == 0;
        if waits {
            self.waiting.push_back(Waiting { number, waker: None });
        } else if !reserved {
            self.vacancies -= 1;
        }
        Turn { number, waits }
    }

    /// The answer, and a waker that is not needed.
    fn reserve(&mut self, number: &mut Option<u64>, waker: Waker) -> (Room, Option<Waker>) {
        match (self.phase, *number) {
            (Phase::Open, None) if self.vacancies > 0 => {
                self.vacancies -= 1;
                (Room::Reserved, Some(waker))
            }
            (Phase::Open, None) => {
                let new = self.number();
                *number = Some(new);
                self.waiting.push_back(Waiting { number: new, waker: Some(waker) });
                (Room::Wait, None)
            }
            (Phase::Open, Some(number)) => match self.find_waiting(number) {
                Some(index) => (Room::Wait, self.waiting[index].waker.replace(waker)),
                None => (Room::Reserved, Some(waker)),
            },
            // Children are not started any more. Those of the group who wait for it are being cancelled.
            _ if self.is_over() => (Room::Never, Some(waker)),
            _ => (Room::Wait, self.add_bereft(waker)),
        }
    }

    #[inline]
    fn leave(&mut self, number: u64) -> Left {
        match self.find_waiting(number) {
            Some(index) => Left { next: None, _gone: self.waiting.remove(index).and_then(|gone| gone.waker) },
            None => Left { next: self.give_back(), _gone: None },
        }
    }

    /// Who has room now is to be woken.
    #[inline]
    fn give_back(&mut self) -> Option<Waker> {
        // While the group aborts, nobody begins: those who wait are being cancelled.
        if self.phase == Phase::Open
            && let Some(next) = self.waiting.pop_front()
        {
            return next.waker;
        }
        self.vacancies += 1;
        None
    }

    /// Whether some of those who have been cancelled, or will be, may not know yet.
    fn is_ending(&self) -> bool {
        match self.phase {
            Phase::Aborting => true,
            Phase::Abandoned => !self.tasks.is_empty(),
            Phase::Open | Phase::Finished => false,
        }
    }

    fn is_over(&self) -> bool {
        self.phase != Phase::Open && !self.is_ending()
    }

    /// The waker, if it is there already.
    fn add_bereft(&mut self, waker: Waker) -> Option<Waker> {
        if self.bereft.iter().any(|other| other.will_wake(&waker)) {
            return Some(waker);
        }
        self.bereft.push(waker);
        None
    }

    /// Who waits for the end of the group, if this is it. Those who wait for room are among them.
    #[inline]
    fn take_bereft(&mut self) -> Vec<Waker> {
        if !self.is_over() {
            return Vec::new();
        }
        let mut bereft = std::mem::take(&mut self.bereft);
        bereft.extend(self.waiting.iter_mut().filter_map(|waiting| waiting.waker.take()));
        bereft
    }

    #[inline]
    fn find_waiting(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }
}

/// Children cannot be added to a group that has finished.
#[cold]
#[track_caller]
pub(super) fn refuse() -> ! {
    panic!("a child was added to a task group that has finished")
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
