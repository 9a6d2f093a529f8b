//! Every order of the steps of a small program.
//!
//! A step is what a task does between two of its awaits. Wherever several tasks are ready, any of them may be next; so
//! the schedules form a tree, and an exploration walks it depth first. It keeps nothing of the program but the path:
//! for each schedule the program runs anew, along the path to where it is to turn off.
//!
//! # The reduction
//! Two steps are *independent* if nothing that the one has touched was touched by the other. Independent steps that
//! stand side by side may change places: the schedule that results does the same. *Sleep sets* (P. Godefroid:
//! *Partial-Order Methods for the Verification of Concurrent Systems*, 1996) see to it that of the schedules that
//! follow from each other like this one is run to its end: when all schedules that begin with the step of `t` at some
//! node have been seen, `t` falls asleep there, and is not picked in what follows the other tasks at this node until a
//! step comes that depends on that of `t`. Where all ready tasks sleep, the run is cut short: what would come was
//! seen.
//!
//! Why none of the outcomes is lost (a failure, a deadlock, a result):
//! - A sleeper stays ready, and its step stays the same one, until something comes that depends on it. A step touches
//!   its own task, and who wakes a task, cancels it or waits for its end touches it as well; so what makes a task
//!   ready, takes its turn away or changes what it sees depends on its step.
//! - In which order tasks stand in the run queue means nothing, since any of them may be next.
//! - Time passes only where nobody is ready, hence nobody sleeps: all orders of the same steps come to these points,
//!   with the same timers. Where it passes while tasks are ready ([`late_steps`](Explore::late_steps)), that is a step
//!   which depends on all others, and is tried even where all tasks sleep. What timers wake at once, without time
//!   passing, belongs to the step before.
//! - The end of the main task, with which the loop ends, depends on everything. What comes after it is explored as
//!   well.
//! - A step counts as all that it has touched in any run, whatever the library chose in it.
//! - Things go by the order in which a run has touched them ([`footprints`]). If that is another one when the same
//!   steps are made again, all that sleeps from there on is woken.
//! - Schedules of one class have one length, so a bound of steps finds the same with and without reduction. One of
//!   deviations does not, so it is refused.
//!
//! What it takes on trust: that tasks share nothing but what is touched; and that a thing which was touched stays
//! where it is. Where one is dropped and another one made in its place, a thing that has a name in one run may have
//! none in the other, so those without one count as the same as any. Only if memory was given back twice before the
//! steps in question, was taken again for things that nobody had touched until then, and each for the other in another
//! run, they would be mistaken for each other.

mod explored;
mod failure;
mod footprints;
mod picks;
mod replay;
mod touch;
mod walk;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use aio_base::footprint;

pub use self::explored::{Bound, Explored};
pub use self::failure::ExploreFailure;
use self::picks::Picks;
use self::replay::Replay;
use self::touch::Recording;
pub use self::touch::touch;
use self::walk::{Bounds, Stop, Walk};
use crate::conduct::Conduct;
use crate::outcome::{TestOutcome, judge};
use crate::payload::Payload;
use crate::run::{End, RunSettings, run};
use crate::test::Leaks;

/// Runs `test` under every schedule; see [`Explore`].
///
/// ```
/// use aio_core::{local, yield_now};
///
/// let explored = aio_test::explore(async || {
///     for _ in 0..2 {
///         local::spawn(async { yield_now().await }).detach();
///     }
/// });
/// // Two tasks of two steps each.
/// assert_eq!(explored.schedules(), 6);
/// ```
///
/// # Panics
/// If it fails under one of them, after it has been printed how. If there are more than a million.
#[track_caller]
pub fn explore<R: TestOutcome>(test: impl AsyncFn() -> R) -> Explored {
    Explore::here().run(test)
}

/// Runs `test` under every schedule; returns what came of it, and under how many of them.
///
/// ```
/// use aio_core::{local, yield_now};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let outcomes = aio_test::explore_outcomes(async || {
///     let n = Rc::new(Cell::new(0));
///     let tasks = [1, 2].map(|_| {
///         let n = n.clone();
///         local::spawn(async move {
///             let seen = n.get();
///             yield_now().await;
///             n.set(seen + 1);
///         })
///     });
///     for task in tasks {
///         task.await;
///     }
///     n.get()
/// });
/// // An addition may be lost.
/// assert_eq!(outcomes.into_keys().collect::<Vec<_>>(), [1, 2]);
/// ```
///
/// # Panics
/// As [`explore`].
#[track_caller]
pub fn explore_outcomes<T: Ord>(test: impl AsyncFn() -> T) -> BTreeMap<T, u64> {
    let explore = Explore::here();
    let outcomes = match explore.asked_for(&async || Ok(test().await)) {
        Some(replayed) => replayed.map(|outcome| BTreeMap::from([(outcome, 1)])),
        None => explore.outcomes(test).map(|(outcomes, _)| outcomes),
    };
    outcomes.unwrap_or_else(|failure| failure.raise())
}

/// An exploration of all schedules of a small program, and its bounds.
///
/// Each run is one of a [`Test`](crate::Test), in virtual time, and fails for the same reasons. Wherever several tasks
/// are ready, the main task among them, each of them is tried: so many schedules does a program have that this is for
/// programs of a few tasks and a dozen steps. The first one tried is that of production.
///
/// ```should_panic
/// use aio_core::{local, yield_now};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// aio_test::Explore::new("tests::withdrawal").run(async || {
///     let balance = Rc::new(Cell::new(100));
///     for _ in 0..2 {
///         let balance = balance.clone();
///         local::spawn(async move {
///             if balance.get() >= 70 {
///                 yield_now().await; // asks the bank
///                 balance.set(balance.get() - 70);
///                 assert!(balance.get() >= 0, "overdrawn");
///             }
///         })
///         .detach();
///     }
/// });
/// ```
///
/// # A failure
/// It is printed with the steps of the schedule, and with the schedule itself: `AIO_SCHEDULE=2.1.3 cargo test name`
/// runs that one alone. The numbers are those of the tasks that ran where there was a choice. Once a schedule has
/// failed, one is looked for that fails as well and differs from production in fewer places, and this one is printed.
///
/// # What is not explored
/// - *When* time passes: the clock moves when nobody can run; [`late_steps`](Self::late_steps) tries more.
/// - The order in which timers of one deadline fire: all fire before anybody runs, and then any task may be next. It
///   matters within one task that waits for several; [`timer_orders`](Self::timer_orders) tries them all.
/// - What threads do: the program has one.
#[must_use = "an exploration does nothing before `run`"]
#[derive(Debug, Clone)]
pub struct Explore {
    name: String,
    bounds: Bounds,
    max_schedules: Option<u64>,
    max_steps: usize,
    is_preemptive: bool,
    timeout: Option<Duration>,
    leaks: Leaks,
}

/// How many schedules there may be where nothing is said.
const MOST_SCHEDULES: u64 = 1_000_000;

/// How many more are tried to find one that fails as well, and is simpler: so many at least, and as many as it took to
/// find the first one.
const MORE_SCHEDULES: u64 = 1000;

impl Explore {
    /// An exploration of that name, by which `cargo test` finds it: the path of the test function, without the crate.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bounds: Bounds::default(),
            max_schedules: None,
            max_steps: 10_000,
            is_preemptive: false,
            timeout: Some(Duration::from_secs(60)),
            leaks: Leaks::Fail,
        }
    }

    /// By the name of this thread, which is that of the test.
    #[track_caller]
    fn here() -> Self {
        let thread = std::thread::current(); // facade: its name only
        match thread.name() {
            Some(name) if name != "main" => Self::new(name),
            _ => Self::new(Location::caller().to_string()),
        }
    }

    /// Ends the exploration after so many schedules, those that were cut short included. (Without this, one with more
    /// than a million fails.)
    pub fn max_schedules(mut self, most: u64) -> Self {
        self.max_schedules = Some(most);
        self
    }

    /// How many steps a run may have: more are a failure. 10,000 by default.
    pub fn max_steps(mut self, most: usize) -> Self {
        self.max_steps = most;
        self
    }

    /// Tries those schedules only that differ from production at up to so many steps: delay-bounded scheduling, whose
    /// number of schedules grows with a power of the steps, and not exponentially. Most bugs need one or two. (M. Emmi,
    /// S. Qadeer, Z. Rakamarić: *Delay-bounded scheduling*, POPL 2011.)
    pub fn max_deviations(mut self, most: usize) -> Self {
        self.bounds.deviations = Some(most);
        self
    }

    /// Leaves out schedules that differ in the order of steps only which have nothing to do with each other. What
    /// the program does, and whether it fails, is the same in one of those that are left.
    ///
    /// That holds if tasks share nothing but the primitives of `aio`, or tell of all else by [`touch`](touch()):
    /// each step that reads or writes an `Rc<Cell<_>>`, a `static`, or a channel of another crate. Builds without debug
    /// assertions do not know what is touched: they try all schedules.
    pub fn reduced(mut self) -> Self {
        self.bounds.is_reduced = true;
        self
    }

    /// Up to `n` times in a run, time may pass although tasks are ready, as if they had been so slow that the next
    /// timer was due before: this finds what a timeout races with.
    pub fn late_steps(mut self, n: usize) -> Self {
        self.bounds.late = n;
        self
    }

    /// Tries every order in which timers of one deadline may fire, and whether they do at once or one after the other.
    pub fn timer_orders(mut self) -> Self {
        self.bounds.timer_orders = true;
        self
    }

    /// Whether others may get in wherever something that may cross threads is used; see
    /// [`Test::preemptive`](crate::Test::preemptive).
    pub fn preemptive(mut self, is_preemptive: bool) -> Self {
        self.is_preemptive = is_preemptive;
        self
    }

    /// How long each run may take, in real time; see [`Test::timeout`](crate::Test::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = (!timeout.is_zero()).then_some(timeout);
        self
    }

    /// What becomes of a run that leaves something behind; see [`Test::leaks`](crate::Test::leaks). With
    /// [`Leaks::Allow`] the run ends with the main task, while others may be ready.
    pub fn leaks(mut self, leaks: Leaks) -> Self {
        self.leaks = leaks;
        self
    }

    /// Runs `test` under every schedule; or under that of `AIO_SCHEDULE` alone, if that is set.
    ///
    /// # Panics
    /// If it fails under one of them, after it has been printed how; with the panic of the test, if that was it. If
    /// there are more than a million, and no [bound](Self::max_schedules) was set.
    #[track_caller]
    pub fn run<R: TestOutcome>(self, test: impl AsyncFn() -> R) -> Explored {
        let result = match self.asked_for(&async || judge(test().await)) {
            Some(replayed) => {
                replayed.map(|_| Explored { schedules: 1, cut_short: 0, stopped_by: Some(Bound::Replay) })
            }
            None => self.try_run(test),
        };
        match result {
            Ok(explored) => explored,
            Err(failure) => failure.raise(),
        }
    }

    /// What comes of the schedule that `AIO_SCHEDULE` asks for, if it does.
    #[track_caller]
    fn asked_for<R>(&self, test: &impl AsyncFn() -> Result<R, String>) -> Option<Result<R, Box<ExploreFailure>>> {
        let schedule = std::env::var("AIO_SCHEDULE").ok().filter(|text| !text.is_empty())?;
        Some(self.replay_one(&schedule, test).map(|(output, log)| {
            eprintln!("aio: the steps of `{}` under {schedule}:\n{log}", self.name);
            output
        }))
    }

    /// [`run`](Self::run) that returns the failure. It does not look at the environment.
    ///
    /// # Errors
    /// The first failure.
    ///
    /// # Panics
    /// If both a [reduction](Self::reduced) and a bound of [deviations](Self::max_deviations) are asked for: one of two
    /// schedules that do the same may be within the bound, and the other not.
    #[track_caller]
    pub fn try_run<R: TestOutcome>(&self, test: impl AsyncFn() -> R) -> Result<Explored, Box<ExploreFailure>> {
        self.find(&async || judge(test().await), |_| {})
    }

    /// Runs `test` under every schedule; returns what came of it, and under how many of them.
    ///
    /// # Errors
    /// The first failure.
    ///
    /// # Panics
    /// As [`try_run`](Self::try_run).
    #[track_caller]
    pub fn outcomes<T: Ord>(
        &self,
        test: impl AsyncFn() -> T,
    ) -> Result<(BTreeMap<T, u64>, Explored), Box<ExploreFailure>> {
        let mut outcomes = BTreeMap::new();
        let explored = self.find(&async || Ok(test().await), |outcome| *outcomes.entry(outcome).or_insert(0) += 1)?;
        Ok((outcomes, explored))
    }

    /// Runs `test` under this schedule alone; the steps.
    ///
    /// # Errors
    /// As it fails. If the schedule is none, or none of this program.
    #[track_caller]
    pub fn replay<R: TestOutcome>(
        &self,
        schedule: &str,
        test: impl AsyncFn() -> R,
    ) -> Result<String, Box<ExploreFailure>> {
        self.replay_one(schedule, &async || judge(test().await)).map(|(_, log)| log)
    }

    #[track_caller]
    fn replay_one<R>(
        &self,
        schedule: &str,
        test: &impl AsyncFn() -> Result<R, String>,
    ) -> Result<(R, String), Box<ExploreFailure>> {
        let fail = |message, log, picks, payload| {
            let name = self.name.clone();
            Err(Box::new(ExploreFailure { name, message, schedules: 1, log, picks, is_repeatable: true, payload }))
        };
        let picks = match schedule.parse::<Picks>() {
            Ok(picks) => picks,
            Err(message) => return fail(message, String::new(), None, None),
        };
        let (end, [_, log]) = self.run_picks(picks.clone(), test);
        match end {
            Err(misfit) => fail(format!("the schedule {schedule}: {misfit}"), log, None, None),
            Ok(End::Returned(output)) => Ok((output, log)),
            Ok(end) => match fault(end) {
                Some((message, payload)) => fail(message, log, Some(picks), payload),
                None => unreachable!("only a misfit ends a replay early"),
            },
        }
    }

    /// Walks, and looks for a simpler failure if there is one.
    #[track_caller]
    fn find<R>(
        &self,
        test: &impl AsyncFn() -> Result<R, String>,
        mut see: impl FnMut(R),
    ) -> Result<Explored, Box<ExploreFailure>> {
        let is_contradiction = self.bounds.is_reduced && self.bounds.deviations.is_some();
        assert!(!is_contradiction, "a reduction may leave out the schedules that are within a bound of deviations");
        let mut failure = match self.walk(self.bounds, self.max_schedules, test, &mut see) {
            Ok(explored) => return Ok(explored),
            Err(failure) => failure,
        };
        let Some(picks) = &failure.picks else { return Err(failure) };
        let mut budget = failure.schedules.max(MORE_SCHEDULES);
        for deviations in 0..picks.0.len() {
            let bounds = Bounds { deviations: Some(deviations), is_reduced: false, ..self.bounds };
            match self.walk(bounds, Some(budget), test, &mut see) {
                Ok(explored) => budget -= explored.schedules.min(budget),
                Err(simpler) if simpler.picks.is_some() => {
                    failure = Box::new(ExploreFailure { schedules: failure.schedules, ..*simpler });
                    break;
                }
                Err(_) => break,
            }
            if budget == 0 {
                break;
            }
        }
        if let Some(picks) = &failure.picks {
            let (_, [log, detailed]) = self.run_picks(picks.clone(), test);
            failure.is_repeatable = log == failure.log;
            if failure.is_repeatable {
                failure.log = detailed;
            }
        }
        Err(failure)
    }

    #[track_caller]
    fn walk<R>(
        &self,
        bounds: Bounds,
        max_schedules: Option<u64>,
        test: &impl AsyncFn() -> Result<R, String>,
        see: &mut impl FnMut(R),
    ) -> Result<Explored, Box<ExploreFailure>> {
        let walk = Rc::new(RefCell::new(Walk::new(bounds)));
        let mut explored = Explored { schedules: 0, cut_short: 0, stopped_by: None };
        let most = max_schedules.unwrap_or(MOST_SCHEDULES);
        let is_recorded = bounds.is_reduced && footprint::ENABLED;
        let mut n_runs = 0;
        loop {
            walk.borrow_mut().begin();
            let ran = {
                let _recording = is_recorded.then(Recording::begin);
                run(self.settings(), walk.clone(), test())
            };
            n_runs += 1;
            let stop = walk.borrow().stop.clone();
            let fail = |message, picks, payload| {
                let log = ran.director.with_trace(|trace, numbers| trace.text(numbers, false));
                let name = self.name.clone();
                Box::new(ExploreFailure { name, message, schedules: n_runs, log, picks, is_repeatable: true, payload })
            };
            if let Some(overrun) = ran.overruns.first() {
                return Err(fail(overrun.to_string(), None, None));
            }
            let fault = match (ran.end, stop) {
                (_, Some(Stop::Differs(how))) => {
                    let message = format!(
                        "the program is not the same in each run, so that its schedules cannot be explored: after the \
                         same steps {how}. Something has its part in it that the test does not control (real time, a \
                         thread, the order of a `HashMap`), or that outlives the run"
                    );
                    return Err(fail(message, None, None));
                }
                (End::Returned(output), _) => {
                    explored.schedules += 1;
                    see(output);
                    None
                }
                (End::Enough, stop) => {
                    explored.cut_short += u64::from(stop == Some(Stop::Asleep));
                    None
                }
                (end, _) => fault(end),
            };
            if let Some((message, payload)) = fault {
                let picks = walk.borrow().picks();
                return Err(fail(message, Some(picks), payload));
            }
            if !walk.borrow_mut().advance() {
                break;
            }
            if explored.schedules + explored.cut_short >= most {
                if max_schedules.is_none() {
                    let message = format!("there are more than {most} schedules: `Explore::max_schedules` bounds them");
                    return Err(fail(message, None, None));
                }
                explored.stopped_by = Some(Bound::Schedules);
                return Ok(explored);
            }
        }
        explored.stopped_by = walk.borrow().is_bounded().then_some(Bound::Deviations);
        Ok(explored)
    }

    #[track_caller]
    fn run_picks<R>(
        &self,
        picks: Picks,
        test: &impl AsyncFn() -> Result<R, String>,
    ) -> (Result<End<R>, String>, [String; 2]) {
        let replay = Rc::new(RefCell::new(Replay::new(self.bounds, picks)));
        let conduct: Rc<RefCell<dyn Conduct>> = replay.clone();
        let settings = RunSettings { is_detailed: true, ..self.settings() };
        let ran = run(settings, conduct, test());
        let log = |is_detailed| ran.director.with_trace(|trace, numbers| trace.text(numbers, is_detailed));
        let logs = [log(false), log(true)];
        let misfit = replay.borrow().misfit.clone();
        (misfit.map_or(Ok(ran.end), Err), logs)
    }

    fn settings(&self) -> RunSettings {
        RunSettings {
            is_preemptive: self.is_preemptive,
            timeout: self.timeout,
            // A job that takes longer is an error here, so there is no hurry.
            patience: Duration::from_secs(10),
            max_steps: self.max_steps,
            may_leave_tasks: self.leaks == Leaks::Allow,
            ..RunSettings::new(format!("`{}`", self.name))
        }
    }
}

impl ExploreFailure {
    #[track_caller]
    fn raise(self) -> ! {
        eprintln!("{self}");
        match self.payload {
            Some(payload) => payload.resume(),
            None => panic!("{}", self.message),
        }
    }
}

/// What is wrong with a run that has not returned.
fn fault<R>(end: End<R>) -> Option<(String, Option<Payload>)> {
    match end {
        End::Returned(_) | End::Enough => None,
        End::Panicked(payload) => Some((payload.message(), Some(payload))),
        End::Failed(why) => Some((why, None)),
    }
}
