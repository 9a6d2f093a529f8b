//! Who directs a run: all that is decided in it, and not by the program, is decided here.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use aio_base::choice::{Choice, Decider};
use aio_base::footprint;
use aio_core::{Failure, ReadyTasks, TaskId, TaskRef, all_tasks};
use fastrand::Rng;

use crate::conduct::{Conduct, Next, Seeded};
use crate::faults::Faults;
use crate::numbers::{Number, Numbers};
use crate::run::RunSettings;
use crate::strategy::Fifo;
use crate::trace::{Event, Trace};
use crate::waiting::Things;

aio_base::thread_local! {
    static CURRENT: RefCell<Option<Rc<Director>>> = RefCell::new(None);
}

/// Why a run was ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It failed: why.
    Failed(String),
    /// Whoever conducts it has seen enough.
    Enough,
}

/// See the [module](self).
pub(crate) struct Director {
    /// When the loop was entered for the first time, by its clock.
    begin: OnceCell<Instant>,
    state: RefCell<State>,
    conduct: RefCell<Rc<RefCell<dyn Conduct>>>,
}

struct State {
    numbers: Numbers,
    trace: Trace,
    faults: Faults,
    /// For the faults, and for whatever else the run needs.
    rng: Rng,
    /// The task that has its turn.
    running: Option<Number>,
    /// The one that had it last.
    last: Option<Number>,
    /// How many of the tasks that are ready were seen.
    n_seen: usize,
    /// Whose wake has not got through, and until when.
    held: Vec<(TaskId, Instant)>,
    /// Until when the slow ones of the blocking functions take, before they begin.
    slow_jobs: Vec<Instant>,
    verdict: Option<Verdict>,
    /// How often all tasks were told to end.
    n_ends: usize,
    /// Who waits until no task can run, and what is set then.
    quiet: Option<(Waker, Rc<Cell<bool>>)>,
    /// Whether time is to pass although tasks are ready.
    is_waiting: bool,
    n_steps: usize,
    max_steps: usize,
    /// What was waited for, if that is written down.
    things: Option<Things>,
    is_preemptive: bool,
    /// Who has given way in its last turn.
    gave_way: Vec<Number>,
}

impl Director {
    pub(crate) fn new(settings: &RunSettings, conduct: Rc<RefCell<dyn Conduct>>) -> Rc<Self> {
        let state = State {
            numbers: Numbers::default(),
            trace: Trace::default(),
            faults: settings.faults,
            rng: Rng::with_seed(settings.seed),
            running: None,
            last: None,
            n_seen: 0,
            held: Vec::new(),
            slow_jobs: Vec::new(),
            verdict: None,
            n_ends: 0,
            quiet: None,
            is_waiting: false,
            n_steps: 0,
            max_steps: settings.max_steps,
            things: settings.is_detailed.then(Things::default),
            is_preemptive: settings.is_preemptive,
            gave_way: Vec::new(),
        };
        Rc::new(Self { begin: OnceCell::new(), state: RefCell::new(state), conduct: RefCell::new(conduct) })
    }

    /// The same, made the one of this thread; returns the former one.
    pub(crate) fn enter(this: Option<Rc<Self>>) -> Option<Rc<Self>> {
        CURRENT.with(|current| current.replace(this))
    }

    /// How long the run has lasted, by the clock of its loop, on which this is called.
    pub(crate) fn elapsed(&self) -> Duration {
        let now = aio_core::now();
        now.saturating_duration_since(*self.begin.get_or_init(|| now))
    }

    pub(crate) fn with_trace<R>(&self, read: impl FnOnce(&Trace, &Numbers) -> R) -> R {
        let state = self.state.borrow();
        read(&state.trace, &state.numbers)
    }

    /// How far it has come: who goes on for ever is the last one.
    pub(crate) fn last_step(&self) -> String {
        let state = self.state.borrow();
        let Some(last) = state.last else { return "it has made no step to its end".to_owned() };
        format!("its last step, number {}, was one of {}", state.n_steps, state.numbers.label(last))
    }

    pub(crate) fn n_steps(&self) -> usize {
        self.state.borrow().n_steps
    }

    pub(crate) fn take_verdict(&self) -> Option<Verdict> {
        self.state.borrow_mut().verdict.take()
    }

    /// Adds to the record of the run. What comes after its verdict is no part of it.
    fn push(&self, event: Event) {
        let at = self.elapsed();
        let mut state = self.state.borrow_mut();
        if state.n_ends == 0 {
            state.trace.push(at, event);
        }
    }

    /// Sees the tasks that have become ready, and delays the wakes of some.
    fn see(&self, ready: &ReadyTasks<'_>, parent: Option<Number>) {
        let now = aio_core::now();
        let at = self.elapsed();
        let state = &mut *self.state.borrow_mut();
        for place in state.n_seen.min(ready.len())..ready.len() {
            let task = ready.get(place);
            let known = state.numbers.len();
            let number = state.numbers.number(&task, parent);
            if state.numbers.len() > known {
                self.conduct.borrow().borrow_mut().seen(number, task.address());
                if parent.is_some() && state.n_ends == 0 {
                    state.trace.push(at, Event::Spawned(number));
                }
            }
            if state.rolls(state.faults.delayed) {
                let by = state.draw(state.faults.longest_delay);
                state.trace.push(at, Event::Delayed(number, by));
                state.held.push((task.id(), now + by));
            }
        }
        state.n_seen = ready.len();
    }

    /// Which task runs next: its place and its number. `None`, if time has to pass before.
    pub(crate) fn next(&self, ready: &ReadyTasks<'_>) -> Option<(usize, Number)> {
        self.wake_for_nothing();
        self.see(ready, None);
        let places = self.free_places(ready);
        let len = places.as_ref().map_or(ready.len(), Vec::len);
        if len == 0 {
            return None;
        }
        let at = |place: usize| places.as_ref().map_or(place, |places| places[place]);
        let mut number = |place| self.state.borrow_mut().numbers.number(&ready.get(at(place)), None);
        let conduct = self.conduct.borrow().clone();
        let next = conduct.borrow_mut().next(len, &mut number);
        let place = match next {
            Next::Run(place) => place,
            Next::Wait => {
                self.state.borrow_mut().is_waiting = true;
                return None;
            }
            Next::End => {
                self.end(Verdict::Enough);
                return self.next(ready);
            }
        };
        let number = number(place);
        self.push(if place == 0 { Event::Ran(number) } else { Event::Overtook(number) });
        let is_too_long = {
            let mut state = self.state.borrow_mut();
            state.n_steps += 1;
            state.n_steps == state.max_steps
        };
        if is_too_long {
            self.fail(format!("it has not ended after {} steps", self.n_steps()));
        }
        self.state.borrow_mut().running = Some(number);
        Some((at(place), number))
    }

    /// The places of those that are not held back; `None`, if nobody is.
    fn free_places(&self, ready: &ReadyTasks<'_>) -> Option<Vec<usize>> {
        let now = aio_core::now();
        let mut state = self.state.borrow_mut();
        state.held.retain(|(_, until)| *until > now);
        if state.held.is_empty() {
            return None;
        }
        let is_free = |place: &usize| {
            let id = ready.get(*place).id();
            state.held.iter().all(|(held, _)| *held != id)
        };
        Some((0..ready.len()).filter(is_free).collect())
    }

    /// Whether time is to pass although tasks are ready, this once; `has_timer` says whether there is one to wait for.
    pub(crate) fn waits(&self, has_timer: bool) -> bool {
        let waits = std::mem::take(&mut self.state.borrow_mut().is_waiting);
        if waits {
            self.conduct.borrow().borrow_mut().waited(has_timer);
            if has_timer {
                self.push(Event::Waited);
            }
        }
        waits
    }

    /// Until when all that is ready is held back, if anything is.
    pub(crate) fn held_until(&self) -> Option<Instant> {
        self.state.borrow().held.iter().map(|(_, until)| *until).min()
    }

    /// Until when blocking functions are slow, if any are.
    pub(crate) fn slow_until(&self) -> Option<Instant> {
        let now = aio_core::now();
        let mut state = self.state.borrow_mut();
        state.slow_jobs.retain(|until| *until > now);
        state.slow_jobs.iter().min().copied()
    }

    fn wake_for_nothing(&self) {
        let rolls = |state: &mut State| state.rolls(state.faults.spurious);
        let tasks = if rolls(&mut self.state.borrow_mut()) { all_tasks() } else { return };
        if tasks.is_empty() {
            return;
        }
        let task = &tasks[self.state.borrow_mut().rng.usize(..tasks.len())];
        let number = self.state.borrow_mut().numbers.number(task, None);
        self.push(Event::WokenForNothing(number));
        task.wake();
    }

    /// `task` had its turn.
    pub(crate) fn ran(&self, task: &TaskRef, ready: &ReadyTasks<'_>) {
        let number = {
            let mut state = self.state.borrow_mut();
            state.n_seen = state.n_seen.saturating_sub(1);
            if !state.held.is_empty() {
                let id = task.id();
                state.held.retain(|(held, _)| *held != id);
            }
            state.last = state.running;
            state.running.take().expect("a task runs when it was chosen")
        };
        self.see(ready, Some(number));
        if task.is_finished() {
            self.push(Event::Ended(number));
        } else if let Some(what) = self.what_it_waits_for(task) {
            self.push(Event::Waits(what));
        }
        let conduct = self.conduct.borrow().clone();
        conduct.borrow_mut().ran(number);
    }

    fn what_it_waits_for(&self, task: &TaskRef) -> Option<String> {
        let begin = *self.begin.get()?;
        let state = &mut *self.state.borrow_mut();
        state.things.as_mut()?.describe(task.id().get(), &state.numbers, begin)
    }

    /// How long the step takes that was just made.
    pub(crate) fn slowness(&self) -> Duration {
        let draw = |state: &mut State| state.rolls(state.faults.slow).then(|| state.draw(state.faults.longest_step));
        let by = draw(&mut self.state.borrow_mut());
        by.inspect(|by| self.push(Event::Slow(*by))).unwrap_or_default()
    }

    /// How long a blocking function takes before it begins.
    pub(crate) fn job_takes(&self) -> Duration {
        let state = &mut *self.state.borrow_mut();
        let (shortest, longest) = state.faults.job;
        let by = shortest + state.draw(longest.saturating_sub(shortest));
        if !by.is_zero() {
            state.slow_jobs.push(aio_core::now() + by);
        }
        by
    }

    /// How late timers fire this time.
    pub(crate) fn lateness(&self) -> Duration {
        let draw = |state: &mut State| state.draw(state.faults.jitter);
        let by = draw(&mut self.state.borrow_mut());
        if !by.is_zero() {
            self.push(Event::Late(by));
        }
        by
    }

    /// The run has failed; all its tasks are told to end.
    pub(crate) fn fail(&self, why: String) {
        self.end(Verdict::Failed(why));
    }

    /// Ends the run: the first verdict counts. From now on tasks run in the order in which they become ready.
    fn end(&self, verdict: Verdict) {
        if matches!(verdict, Verdict::Failed(_)) {
            self.push(Event::Failed);
        }
        let n_ends = {
            let mut state = self.state.borrow_mut();
            state.verdict.get_or_insert(verdict);
            state.faults = Faults::none();
            state.held.clear();
            state.n_ends += 1;
            state.n_ends
        };
        *self.conduct.borrow_mut() = Rc::new(RefCell::new(Seeded { strategy: Box::new(Fifo), rng: None }));
        for task in all_tasks() {
            if n_ends == 1 {
                task.cancel();
            } else {
                // Cleanups are stuck as well.
                task.give_up();
            }
        }
        if n_ends > 3 {
            let why = self.state.borrow().verdict.clone();
            eprintln!("aio: a test could not be ended, which has failed: {why:?}");
            std::process::abort();
        }
    }

    /// The running task, if it is to be asked whether it gives way: not where it just has.
    fn may_give_way(&self) -> Option<Number> {
        let state = &mut *self.state.borrow_mut();
        let running = state.running.filter(|_| state.is_preemptive && state.n_ends == 0)?;
        match state.gave_way.iter().position(|number| *number == running) {
            Some(place) => {
                state.gave_way.swap_remove(place);
                None
            }
            None => Some(running),
        }
    }

    /// Whether all tasks were told to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.state.borrow().n_ends > 0
    }

    /// Waits until no task can run any more, before time passes.
    pub(crate) async fn quiet(&self) {
        let is_quiet = Rc::new(Cell::new(false));
        poll_fn(|cx| {
            if is_quiet.get() {
                return Poll::Ready(());
            }
            self.state.borrow_mut().quiet = Some((cx.waker().clone(), is_quiet.clone()));
            Poll::Pending
        })
        .await;
    }

    /// No task can run; whether somebody had waited for that.
    pub(crate) fn note_quiet(&self) -> bool {
        let Some((waker, is_quiet)) = self.state.borrow_mut().quiet.take() else { return false };
        is_quiet.set(true);
        waker.wake();
        true
    }

    /// The number of a task, and that of its parent, if it is known.
    pub(crate) fn number_of(&self, task: &TaskRef) -> (usize, Option<usize>) {
        self.with_numbers(|numbers| {
            let number = numbers.number(task, None);
            (number.0, numbers.label(number).parent.map(|parent| parent.0))
        })
    }

    /// What the tasks are called, and whose children they are.
    pub(crate) fn with_numbers<R>(&self, read: impl FnOnce(&mut Numbers) -> R) -> R {
        read(&mut self.state.borrow_mut().numbers)
    }
}

impl State {
    /// Whether this is the one in `n`.
    fn rolls(&mut self, n: u32) -> bool {
        n > 0 && self.rng.u32(..n) == 0
    }

    /// Anything up to `longest`, in whole milliseconds if that is more than one: timers have that resolution.
    fn draw(&mut self, longest: Duration) -> Duration {
        if longest.is_zero() {
            return Duration::ZERO;
        }
        match u64::try_from(longest.as_millis()).unwrap_or(u64::MAX) {
            0 => Duration::from_nanos(self.rng.u64(..=u64::from(longest.subsec_nanos()))),
            ms => Duration::from_millis(self.rng.u64(..=ms)),
        }
    }
}

impl Decider for Director {
    fn choose(&self, choice: Choice, n: usize) -> usize {
        let chosen = || {
            let conduct = self.conduct.borrow().clone();
            conduct.borrow_mut().choose(choice, n)
        };
        if choice != Choice::GiveWay {
            return chosen();
        }
        let Some(running) = self.may_give_way() else { return 0 };
        let chosen = chosen();
        if chosen == 1 {
            self.state.borrow_mut().gave_way.push(running);
            self.push(Event::GaveWay(running));
        }
        chosen
    }
}

#[track_caller]
fn with_current<R>(what: &str, f: impl FnOnce(&Director) -> R) -> R {
    let current = CURRENT.with(|current| current.borrow().clone());
    match current {
        Some(director) => f(&director),
        None => panic!("{what} means nothing outside of a test of `aio_test`"),
    }
}

/// What there is to say of a failure that nobody waits for. The task has the number that it has in this run.
pub(crate) fn tell(failure: &Failure<'_>) -> String {
    let text = failure.to_string();
    let director = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    let number = |id: TaskId| director?.with_numbers(|numbers| numbers.of_id(id.get()));
    match failure.task_id().and_then(|id| Some((id, number(id)?))) {
        Some((id, number)) => text.replacen(&id.to_string(), &number, 1),
        None => text,
    }
}

/// How much time has passed since the test began: virtual time, and exact.
///
/// # Panics
/// Outside of a [`Test`](crate::Test).
#[track_caller]
pub fn elapsed() -> Duration {
    with_current("`elapsed`", Director::elapsed)
}

/// A number that the seed of this run gives, another one each time: for generators of a test's own. A run that is
/// repeated gives the same ones.
///
/// # Panics
/// Outside of a [`Test`](crate::Test).
#[track_caller]
pub fn random_seed() -> u64 {
    with_current("`random_seed`", |director| {
        // Who comes first gets another number.
        footprint::touch(director);
        director.state.borrow_mut().rng.u64(..)
    })
}

/// Puts a line into the record of the run, which is printed if it fails, between the steps of its tasks. Outside of a
/// [`Test`](crate::Test) nothing happens.
pub fn note(text: impl fmt::Display) {
    let current = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    if let Some(director) = current {
        director.push(Event::Note(text.to_string()));
    }
}
