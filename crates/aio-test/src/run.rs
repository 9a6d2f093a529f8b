//! One run of a test.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError}; // facade: what a handler of failures writes down
use std::time::Duration;

use aio_base::live::{Account, Kind};
use aio_base::waits::Tracking;
use aio_core::{Driver, EventLoop, Failure, Scope, TaskRef, ThreadPark, all_tasks};
use aio_reactor::Reactor;
use aio_timer::Timers;

use crate::conduct::{Conduct, Seeded};
use crate::control::Control;
use crate::director::{self, Director, Verdict};
use crate::faults::Faults;
use crate::guard::Watch;
use crate::jobs::{Jobs, Overrun};
use crate::payload::Payload;
use crate::strategy::Strategy;

/// Who is told of failures that nobody waits for.
pub(crate) type OnFailure = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

/// How to make a run.
#[derive(Clone)]
pub(crate) struct RunSettings {
    /// What the run is called where it is in the way.
    pub(crate) what: String,
    /// Of what goes wrong, and of what the test draws.
    pub(crate) seed: u64,
    pub(crate) faults: Faults,
    pub(crate) is_virtual: bool,
    /// In real time.
    pub(crate) timeout: Option<Duration>,
    /// How long a blocking function is waited for, in real time. A thread on a busy machine may take long to begin.
    pub(crate) patience: Duration,
    pub(crate) max_steps: usize,
    /// Whether operations of what may cross threads give way.
    pub(crate) is_preemptive: bool,
    pub(crate) may_leave_tasks: bool,
    /// Whether it is written down what tasks wait for.
    pub(crate) is_detailed: bool,
    pub(crate) on_failure: Option<OnFailure>,
}

impl RunSettings {
    /// Those of a test that asks for nothing.
    pub(crate) fn new(what: String) -> Self {
        Self {
            what,
            seed: 1,
            faults: Faults::none(),
            is_virtual: true,
            timeout: Some(Duration::from_secs(60)),
            patience: Duration::from_secs(1),
            max_steps: usize::MAX,
            is_preemptive: false,
            may_leave_tasks: false,
            is_detailed: false,
            on_failure: None,
        }
    }
}

/// What came of a run.
pub(crate) struct Ran<T> {
    pub(crate) end: End<T>,
    pub(crate) director: Rc<Director>,
    /// The blocking functions that were not waited for.
    pub(crate) overruns: Vec<Overrun>,
}

pub(crate) enum End<T> {
    Returned(T),
    /// The test itself, or one of its cleanups.
    Panicked(Payload),
    /// What else is wrong.
    Failed(String),
    /// Whoever conducted it has seen enough.
    Enough,
}

impl<T> From<Verdict> for End<T> {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Failed(why) => Self::Failed(why),
            Verdict::Enough => Self::Enough,
        }
    }
}

/// [`run`] in the order of production.
#[track_caller]
pub(crate) fn run_in_order<F: Future>(settings: RunSettings, main: F) -> End<F::Output> {
    let conduct = Seeded { strategy: Strategy::Fifo.begin(0), rng: None };
    run(settings, Rc::new(RefCell::new(conduct)), async { Ok(main.await) }).end
}

/// Runs `main` on a loop of its own, as `conduct` says. If it gives an error, that is why the run has failed.
#[track_caller]
pub(crate) fn run<T, F: Future<Output = Result<T, String>>>(
    settings: RunSettings,
    conduct: Rc<RefCell<dyn Conduct>>,
    main: F,
) -> Ran<T> {
    let _tracking = Tracking::begin();
    let account = Account::open();
    let charged = account.enter();
    let director = Director::new(&settings, conduct);
    let jobs = Jobs::new().patience(settings.patience).delay({
        let director = director.clone();
        move || director.job_takes()
    });
    let _entered = settings.is_virtual.then(|| jobs.enter());
    let reactor = Reactor::new(ThreadPark::new());
    let guard = settings.timeout.map(|time| Watch::new(time, reactor.unparker(), settings.what));
    let control = Control::new(reactor, settings.is_virtual, director.clone(), guard);
    let failures = Arc::new(Mutex::new(Vec::new()));
    let on_failure = settings.on_failure.unwrap_or_else(|| {
        let failures = failures.clone();
        Arc::new(move |failure| failures.lock().unwrap_or_else(PoisonError::into_inner).push(director::tell(failure)))
    });
    let mut event_loop = EventLoop::new(Timers::new(control)).on_failure(move |failure| on_failure(failure));
    let outcome = event_loop.run_until_complete(async {
        // With its cleanups: these end by themselves, though time may have to pass.
        let output = Scope::new(main).await;
        let output = output.unwrap_or_else(|| unreachable!("nobody cuts it"));
        // What an error has left undone is no news.
        let is_looked_for = output.is_ok() && !settings.may_leave_tasks;
        let left = if is_looked_for { left_behind(&director, &account).await } else { None };
        (output, left)
    });
    // What comes first counts: who fails may leave others stuck.
    let first = director.take_verdict();
    let closed = catch_unwind(AssertUnwindSafe(|| event_loop.close())).map_err(Payload::new);
    drop(charged);
    let failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    let outcome = match (first, outcome) {
        (Some(verdict), _) => Err(verdict.into()),
        (None, Ok((Ok(output), left))) => Ok((output, left)),
        (None, Ok((Err(error), _))) => Err(End::Failed(error)),
        (None, Err(error)) => Err(match error.try_into_panic() {
            Ok(payload) => End::Panicked(Payload::new(payload)),
            Err(error) => End::Failed(format!("the test itself {error}")),
        }),
    };
    let end = match (outcome, director.take_verdict()) {
        (Err(end), _) => end,
        (Ok(_), Some(verdict)) => verdict.into(),
        (Ok((output, left)), None) => match closed {
            Err(payload) => End::Panicked(payload),
            Ok(()) if !failures.is_empty() => End::Failed(failures.join("\n")),
            Ok(()) if settings.may_leave_tasks => End::Returned(output),
            Ok(()) => match left.or_else(|| still_alive(&account)) {
                None => End::Returned(output),
                Some(left) => End::Failed(left),
            },
        },
    };
    Ran { end, director, overruns: jobs.overruns() }
}

/// What is left of the test when it has ended: tasks that neither end by themselves without time passing, nor were told
/// to; and if there are no tasks any more, timers.
async fn left_behind(director: &Director, account: &Account) -> Option<String> {
    director.quiet().await;
    let own = aio_core::current_task().map(|task| task.id());
    let others: Vec<TaskRef> = all_tasks().into_iter().filter(|task| Some(task.id()) != own).collect();
    let left = others.iter().filter(|task| !task.is_cancelled());
    let left: Vec<String> = director.with_numbers(|numbers| {
        left.map(|task| {
            let number = numbers.number(task, None);
            numbers.label(number).to_string()
        })
        .collect()
    });
    if !left.is_empty() {
        return Some(format!(
            "when the test had ended, these tasks had not, and nobody had told them to (`Leaks::Allow` lets \
             them):\n  {}",
            left.join("\n  ")
        ));
    }
    // (The end of the loop would take them out of its queue.)
    let is_timer = |(kind, n): &(Kind, isize)| (*kind == Kind::Timer && others.is_empty()).then_some(*n);
    let n_timers = account.left().iter().find_map(is_timer)?;
    Some(format!("when the test had ended, timers had not that nobody waits for: {n_timers}"))
}

/// What was made in the run and is still there. What another thread is about to drop gets half a second.
fn still_alive(account: &Account) -> Option<String> {
    for _ in 0..50 {
        if account.left().is_empty() {
            return None;
        }
        // clock: the threads looked for are real ones
        std::thread::sleep(Duration::from_millis(10)); // facade: as above
    }
    let left: Vec<String> = account.left().iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    Some(format!("after the end of the loop there still is: {}", left.join(", ")))
}
