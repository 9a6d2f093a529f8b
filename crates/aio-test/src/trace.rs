//! What has happened in a run, step by step.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::time::Duration;

use crate::numbers::{Number, Numbers};

/// How many lines are kept: the last ones.
const KEPT: usize = 20_000;

/// The steps of a run.
#[derive(Default)]
pub(crate) struct Trace {
    lines: VecDeque<(Duration, Event)>,
    forgotten: usize,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// It had a turn.
    Ran(Number),
    /// The same, although others had become ready before.
    Overtook(Number),
    /// Time passes until the next timer is due, although tasks are ready.
    Waited,
    /// It has ended, in the turn before.
    Ended(Number),
    /// What the task of the step before waits for. Told only where somebody will read it.
    Waits(String),
    /// It was seen for the first time, because of the turn before.
    Spawned(Number),
    /// It lets others go first, see [`aio_base::choice::gives_way`].
    GaveWay(Number),
    /// It is given a turn although nothing has happened.
    WokenForNothing(Number),
    /// Its wake takes so long.
    Delayed(Number, Duration),
    /// The step took so long.
    Slow(Duration),
    /// Timers fire so late.
    Late(Duration),
    /// The run has failed here, and all tasks are told to end.
    Failed,
    /// What the program has noted.
    Note(String),
}

impl Trace {
    pub(crate) fn push(&mut self, at: Duration, event: Event) {
        if self.lines.len() == KEPT {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back((at, event));
    }

    /// All of it, a line for each event; without what tasks wait for, unless `is_detailed`. A star marks the step of a
    /// task that was not the first in the run queue: in production, another one would have come then.
    pub(crate) fn text(&self, numbers: &Numbers, is_detailed: bool) -> String {
        let mut text = String::new();
        if self.forgotten > 0 {
            let _ = writeln!(text, "... {} lines before", self.forgotten);
        }
        for (at, event) in &self.lines {
            if !is_detailed && matches!(event, Event::Waits(_)) {
                continue;
            }
            let mark = if matches!(event, Event::Overtook(_) | Event::Waited) { '*' } else { ' ' };
            let _ = writeln!(text, "{:>12}{mark}{}", seconds(*at), Line { event, numbers });
        }
        text
    }
}

/// In seconds, to the nanosecond where it matters.
pub(crate) fn seconds(at: Duration) -> String {
    match at.subsec_nanos() % 1_000_000 {
        0 => format!("{}.{:03} s", at.as_secs(), at.subsec_millis()),
        _ => format!("{}.{:09} s", at.as_secs(), at.subsec_nanos()),
    }
}

struct Line<'a> {
    event: &'a Event,
    numbers: &'a Numbers,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = |number: &Number| self.numbers.label(*number);
        match self.event {
            Event::Ran(number) | Event::Overtook(number) => write!(f, "{} runs", label(number)),
            Event::Waited => f.write_str("the next timer is due before anybody runs"),
            Event::Ended(number) => write!(f, "  {} has ended", number),
            Event::Waits(what) => f.write_str(what),
            Event::Spawned(number) => write!(f, "  spawns {}", label(number)),
            Event::GaveWay(number) => write!(f, "  {number} lets others go first"),
            Event::WokenForNothing(number) => write!(f, "{number} is woken, though nothing has happened"),
            Event::Delayed(number, by) => write!(f, "  the wake of {number} takes {by:?}"),
            Event::Slow(by) => write!(f, "the step takes {by:?}"),
            Event::Late(by) => write!(f, "timers fire {by:?} late"),
            Event::Failed => f.write_str("it has failed, and ends"),
            Event::Note(text) => write!(f, "  {text}"),
        }
    }
}
