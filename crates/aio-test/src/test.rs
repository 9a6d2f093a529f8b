//! A test, and what it is run under.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_core::Failure as TaskFailure;
use fastrand::Rng;

use crate::conduct::Seeded;
use crate::environment::Environment;
use crate::faults::Faults;
use crate::jobs::Overrun;
use crate::outcome::{TestOutcome, judge};
use crate::payload::Payload;
use crate::run::{End, OnFailure, Ran, RunSettings, run};
use crate::strategy::Strategy;

/// Whose time a test has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Clock {
    /// The clock jumps to the next deadline when no task can run and nothing goes on outside of the loop. See
    /// [`VirtualTime`](aio_core::VirtualTime).
    #[default]
    Virtual,
    /// The time of the system.
    Real,
}

/// What becomes of a test that leaves something behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Leaks {
    /// It fails.
    #[default]
    Fail,
    /// Nothing: tasks are cancelled at the end, as `run` does it.
    Allow,
}

/// An async test, and what it is run under: what is behind `#[aio::test]`.
///
/// Without further settings it runs once, under virtual time, its tasks in the order of production. With
/// [`schedules`](Self::schedules), or a [`seed`](Self::seed), any task that is ready may run next.
///
/// ```
/// use aio_test::{Strategy, Test};
/// use std::time::Duration;
///
/// let test = Test::new("example").schedules(100).strategy(Strategy::Pct { depth: 3 });
/// test.run(async || {
///     let task = aio_core::spawn(async { 1 });
///     assert_eq!(task.await, 1);
/// });
/// ```
///
/// # What makes it fail
/// - A panic of the test, or an `Err` that it returns.
/// - A failure that nobody waits for, such as a panic of a detached task; see [`on_failure`](Self::on_failure).
/// - A deadlock: no task can run, no timer is set, and nothing goes on [outside](aio_core::outside()).
/// - [More time](Self::timeout) than it may take, in real time.
/// - Something left behind; see [`leaks`](Self::leaks).
///
/// What happened before, step by step, is printed then, and the seed, which repeats it exactly:
/// `AIO_SEED=17 cargo test name` runs that one alone. `AIO_SCHEDULES=10000` tries more seeds than the test says,
/// beginning with `AIO_SEED`; both work for tests that ask for no schedules as well. `AIO_TRACE=1` prints the steps in
/// any case.
#[must_use = "a test does nothing before `run`"]
#[derive(Clone)]
pub struct Test {
    name: String,
    seed: Option<u64>,
    schedules: u64,
    strategy: Option<Strategy>,
    clock: Clock,
    faults: Faults,
    is_preemptive: bool,
    timeout: Option<Duration>,
    leaks: Leaks,
    on_failure: Option<OnFailure>,
}

/// The first seed of those who name none.
const FIRST_SEED: u64 = 1;

/// How many lines of a run that has failed are printed.
const PRINTED: usize = 100;

impl Test {
    /// A test of that name, by which `cargo test` finds it: the path of the function, without the crate.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            seed: None,
            schedules: 1,
            strategy: None,
            clock: Clock::Virtual,
            faults: Faults::none(),
            is_preemptive: false,
            timeout: Some(Duration::from_secs(60)),
            leaks: Leaks::Fail,
            on_failure: None,
        }
    }

    /// The (first) seed. A test with a seed has its tasks in the order that this gives.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How many seeds are tried, one after the other: from [`seed`](Self::seed) on, or from 1.
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn schedules(mut self, schedules: u64) -> Self {
        assert!(schedules > 0, "a test under no schedule tests nothing");
        self.schedules = schedules;
        self
    }

    /// How a seed chooses among the tasks that are ready. The default is [`Strategy::Fifo`] for a test that asks for
    /// neither a seed nor schedules, and [`Strategy::Uniform`] for others.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Whose time it has; virtual, by default. In real time no order repeats exactly.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What goes wrong on the way; nothing, by default.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Whether others may get in wherever the program uses something that may cross threads: as if other workers ran at
    /// the same time.
    ///
    /// Without it tasks take turns, as on a loop with one worker: what needs no wait (a lock that is free, an item that
    /// is there) is had at once, and nobody gets in between. With it, taking a lock or a permit, putting and getting
    /// may let others go first. The first poll of such a future may then return `Pending` before it has taken its place
    /// in the line. What is in `aio::local` goes on as ever. In builds with debug assertions only, and not in the order
    /// of production, [`Strategy::Fifo`].
    pub fn preemptive(mut self, is_preemptive: bool) -> Self {
        self.is_preemptive = is_preemptive;
        self
    }

    /// How long each run may take, in real time: a minute by default. A run that takes longer fails, and says which
    /// tasks it has; if one of them does not give the thread back, the process is aborted. Zero stands for no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = (!timeout.is_zero()).then_some(timeout);
        self
    }

    /// What becomes of a test that leaves something behind: a task that was not told to end, and does not end by itself
    /// before time passes; and in builds with debug assertions whatever is still there after the end of the loop, such
    /// as a timer, or the place of a waiter.
    pub fn leaks(mut self, leaks: Leaks) -> Self {
        self.leaks = leaks;
        self
    }

    /// Tells `handler` of failures that nobody waits for, as
    /// [`EventLoop::on_failure`](aio_core::EventLoop::on_failure) does. By default they fail the test.
    pub fn on_failure(mut self, handler: impl Fn(&TaskFailure<'_>) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Arc::new(handler));
        self
    }

    /// Runs `test` under all of its schedules; returns what it has returned under the last one.
    ///
    /// # Panics
    /// If it fails, after it has been printed how. With the panic of the test, if that was it.
    #[track_caller]
    pub fn run<R: TestOutcome>(self, test: impl AsyncFn() -> R) -> R {
        let environment = Environment::read();
        match self.try_run_in(&environment, test) {
            Ok(passed) => {
                if environment.trace {
                    eprintln!("aio: the steps of `{}`:\n{}", self.name, passed.log);
                }
                passed.output
            }
            Err(mut failure) => match failure.payload.take() {
                Some(payload) => {
                    eprintln!("{failure}");
                    payload.resume()
                }
                None => panic!("{failure}"),
            },
        }
    }

    /// [`run`](Self::run) that returns the failure. It does not look at the environment.
    ///
    /// # Errors
    /// The first [`Failure`].
    #[track_caller]
    pub fn try_run<R: TestOutcome>(self, test: impl AsyncFn() -> R) -> Result<Passed<R>, Box<Failure>> {
        self.try_run_in(&Environment::default(), test)
    }

    #[track_caller]
    fn try_run_in<R: TestOutcome>(
        &self,
        environment: &Environment,
        test: impl AsyncFn() -> R,
    ) -> Result<Passed<R>, Box<Failure>> {
        let first = environment.seed.or(self.seed);
        let schedules = match (environment.schedules, environment.seed) {
            (Some(schedules), _) => schedules,
            (None, Some(_)) => 1,
            (None, None) => self.schedules,
        };
        let strategy = match self.strategy {
            Some(strategy) => strategy,
            None if first.is_some() || schedules > 1 => Strategy::Uniform,
            None => Strategy::Fifo,
        };
        // Where nothing asks for a seed, one that is named asks for other orders.
        let has_seed = match strategy {
            Strategy::Fifo => self.strategy.is_some() && self.faults != Faults::none(),
            _ => true,
        };
        let first = first.unwrap_or(FIRST_SEED);
        let mut number = 0;
        loop {
            let seed = first.wrapping_add(number);
            number += 1;
            let ran = self.run_once(seed, strategy, false, &test);
            let log = ran.log(false);
            let overruns = ran.overruns.clone();
            match ran.passed() {
                Ok(output) if number == schedules => return Ok(Passed { output, schedules, log }),
                Ok(_) => {}
                Err(fault) => {
                    eprintln!("aio: `{}` has failed, and is run again, to see whether that repeats", self.name);
                    let again = self.run_once(seed, strategy, true, &test);
                    let is_repeatable = self.clock == Clock::Virtual && again.log(false) == log;
                    let log = if is_repeatable { again.log(true) } else { log };
                    return Err(Box::new(Failure {
                        name: self.name.clone(),
                        seed: has_seed.then_some(seed),
                        number,
                        schedules,
                        strategy,
                        message: fault.message,
                        payload: fault.payload,
                        log,
                        is_repeatable,
                        overruns,
                    }));
                }
            }
        }
    }

    #[track_caller]
    fn run_once<R: TestOutcome>(
        &self,
        seed: u64,
        strategy: Strategy,
        is_detailed: bool,
        test: &impl AsyncFn() -> R,
    ) -> Ran<R> {
        // One generator for each thing that draws, so that what one draws changes nothing for the others.
        let mut root = Rng::with_seed(seed);
        let rng = root.fork();
        let rng = (strategy != Strategy::Fifo).then_some(rng);
        let conduct = Rc::new(RefCell::new(Seeded { strategy: strategy.begin(root.u64(..)), rng }));
        let settings = RunSettings {
            seed: root.u64(..),
            faults: self.faults,
            is_virtual: self.clock == Clock::Virtual,
            timeout: self.timeout,
            is_preemptive: self.is_preemptive && strategy != Strategy::Fifo,
            may_leave_tasks: self.leaks == Leaks::Allow,
            on_failure: self.on_failure.clone(),
            is_detailed,
            ..RunSettings::new(format!("`{}` (seed {seed})", self.name))
        };
        run(settings, conduct, async { judge(test().await) })
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").field("name", &self.name).finish_non_exhaustive()
    }
}

struct Fault {
    message: String,
    payload: Option<Payload>,
}

impl<R> Ran<R> {
    /// The steps of the run, a line for each, and what tasks wait for, if that was written down. The same for the same
    /// seed, byte by byte.
    fn log(&self, is_detailed: bool) -> String {
        self.director.with_trace(|trace, numbers| trace.text(numbers, is_detailed))
    }

    fn passed(self) -> Result<R, Fault> {
        let message = match self.end {
            End::Returned(output) => return Ok(output),
            End::Panicked(payload) => {
                return Err(Fault { message: payload.message(), payload: Some(payload) });
            }
            End::Failed(why) => why,
            End::Enough => unreachable!("a seed never has enough"),
        };
        Err(Fault { message, payload: None })
    }
}

/// A test that has passed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Passed<R> {
    /// What it has returned under the last schedule.
    pub output: R,
    /// How many there were.
    pub schedules: u64,
    /// The steps of the last one, a line for each. They are the same whenever the seed is.
    pub log: String,
}

/// A test that has failed. As text, it is what [`Test::run`] prints.
#[non_exhaustive]
pub struct Failure {
    /// The name of the test.
    pub name: String,
    /// The seed under which it failed; `None`, if it had none.
    pub seed: Option<u64>,
    /// How many seeds it took, this one included.
    pub number: u64,
    /// How many there were to be.
    pub schedules: u64,
    /// How the seed chose.
    pub strategy: Strategy,
    /// What went wrong: the text of the panic, or a report.
    pub message: String,
    /// The steps until then, a line for each, and what tasks waited for after them.
    pub log: String,
    /// Whether the same steps came again when it was tried a second time. If not, something that the test does not
    /// control had its part: real time, a thread, the order of a `HashMap`.
    pub is_repeatable: bool,
    /// The blocking functions that were still running when the loop went on.
    pub overruns: Vec<Overrun>,
    payload: Option<Payload>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, number, schedules, strategy, message, .. } = self;
        write!(f, "aio: `{name}` has failed")?;
        if let Some(seed) = self.seed {
            write!(f, " under seed {seed}")?;
            if *schedules > 1 {
                write!(f, " ({number} of {schedules}, {strategy:?})")?;
            }
        }
        let lines: Vec<&str> = self.log.lines().collect();
        let skipped = lines.len().saturating_sub(PRINTED);
        writeln!(f, ": {message}\nsteps (`*`: in production another task would have come):")?;
        if skipped > 0 {
            writeln!(f, "... {skipped} lines before")?;
        }
        for line in &lines[skipped..] {
            writeln!(f, "{line}")?;
        }
        if !self.is_repeatable {
            f.write_str(
                "The steps were others when it was run again: something has its part in it that the test does not \
                 control (real time, a thread, the order of a `HashMap`).\n",
            )?;
        }
        for overrun in &self.overruns {
            writeln!(f, "{overrun}")?;
        }
        match self.seed {
            Some(seed) => write!(f, "AIO_SEED={seed} cargo test {name}   repeats it"),
            None => write!(f, "cargo test {name}   repeats it"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("name", &self.name)
            .field("message", &self.message)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Failure {}
