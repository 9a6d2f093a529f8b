//! What an exploration has found.

use std::fmt;

use super::picks::Picks;
use crate::payload::Payload;

/// How many lines of a run that has failed are printed.
const PRINTED: usize = 200;

/// An exploration that has failed. As text, it is what [`Explore::run`](super::Explore::run) prints.
#[non_exhaustive]
pub struct ExploreFailure {
    /// The name of the exploration.
    pub name: String,
    /// What went wrong: the text of the panic, or a report.
    pub message: String,
    /// How many schedules were tried, the one that failed included.
    pub schedules: u64,
    /// The steps of the run that failed, a line for each.
    pub log: String,
    /// The schedule that failed; none, where it is no schedule that is wrong.
    pub(super) picks: Option<Picks>,
    /// Whether the same steps came again when it was tried a second time.
    pub is_repeatable: bool,
    pub(super) payload: Option<Payload>,
}

impl ExploreFailure {
    /// The schedule under which it failed, as `AIO_SCHEDULE` takes it: the number of the task that ran wherever there
    /// was a choice, up to where the order is that of production again; `fifo`, if it is from the beginning. None, if
    /// no schedule is to blame: the program behaves differently from run to run, or there are too many schedules.
    pub fn schedule(&self) -> Option<String> {
        self.picks.as_ref().map(Picks::to_string)
    }
}

impl fmt::Display for ExploreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, message, schedules, log, .. } = self;
        let lines: Vec<&str> = log.lines().collect();
        let skipped = lines.len().saturating_sub(PRINTED);
        write!(f, "aio: `{name}` has failed")?;
        if self.picks.is_some() {
            write!(f, " under a schedule (after {schedules} that were tried)")?;
        }
        writeln!(f, ": {message}")?;
        if !lines.is_empty() {
            writeln!(f, "steps (`*`: in production another task would have come):")?;
        }
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
        match &self.picks {
            Some(picks) => write!(f, "AIO_SCHEDULE={picks} cargo test {name}   repeats it"),
            None => write!(f, "cargo test {name}   repeats it"),
        }
    }
}

impl fmt::Debug for ExploreFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExploreFailure")
            .field("name", &self.name)
            .field("message", &self.message)
            .field("schedule", &self.schedule())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ExploreFailure {}
