//! A `Test` that runs its body as often as there are schedules, and tells it the settings.

use std::cell::Cell;
use std::fmt::Debug;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

thread_local!(static CURRENT: Cell<Option<Settings>> = const { Cell::new(None) });

/// The settings of the test that this thread is running.
pub(crate) fn settings() -> Settings {
    CURRENT.get().expect("a test runs")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    Uniform,
    Pct { depth: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Virtual,
    Real,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaks {
    Allow,
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) name: &'static str,
    /// Which one this is.
    pub(crate) run: u64,
    pub(crate) seed: Option<u64>,
    pub(crate) schedules: Option<u64>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) clock: Option<Clock>,
    pub(crate) timeout_ms: Option<u128>,
    pub(crate) leaks: Option<Leaks>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "",
            run: 1,
            seed: None,
            schedules: None,
            strategy: None,
            clock: None,
            timeout_ms: None,
            leaks: None,
        }
    }
}

/// What a test may return.
pub(crate) trait Outcome {
    fn failed(&self) -> bool;
}

impl Outcome for () {
    fn failed(&self) -> bool {
        false
    }
}

impl<E: Debug> Outcome for Result<(), E> {
    fn failed(&self) -> bool {
        self.is_err()
    }
}

pub(crate) struct Test(Settings);

impl Test {
    pub(crate) fn new(name: &'static str) -> Self {
        // Where the harness runs tests on threads of their own, it calls these what it calls the tests.
        let thread = std::thread::current();
        assert!(matches!(thread.name(), Some(known) if known == name || known == "main"), "{thread:?} is not {name}");
        Self(Settings { name, ..Settings::default() })
    }

    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.0.seed = Some(seed);
        self
    }

    pub(crate) fn schedules(mut self, schedules: u64) -> Self {
        self.0.schedules = Some(schedules);
        self
    }

    pub(crate) fn strategy(mut self, strategy: Strategy) -> Self {
        self.0.strategy = Some(strategy);
        self
    }

    pub(crate) fn clock(mut self, clock: Clock) -> Self {
        self.0.clock = Some(clock);
        self
    }

    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout_ms = Some(timeout.as_millis());
        self
    }

    pub(crate) fn leaks(mut self, leaks: Leaks) -> Self {
        self.0.leaks = Some(leaks);
        self
    }

    pub(crate) fn run<R: Outcome>(self, body: impl AsyncFn() -> R) -> R {
        let mut run = 1;
        loop {
            CURRENT.set(Some(Settings { run, ..self.0 }));
            let future = pin!(body());
            let Poll::Ready(outcome) = future.poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("the mock does not wait");
            };
            if outcome.failed() || run >= self.0.schedules.unwrap_or(1) {
                return outcome;
            }
            run += 1;
        }
    }
}
