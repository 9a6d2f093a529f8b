//! What a task waits for, after a step of it.

use std::fmt::Write;
use std::time::{Duration, Instant};

use aio_base::waits::{Wait, waits};

use crate::numbers::Numbers;
use crate::trace::seconds;

/// The things that were waited for in a run: a number for each, by what it is.
#[derive(Default)]
pub(crate) struct Things(Vec<(&'static str, usize)>);

impl Things {
    /// Which of its kind it is, from 1.
    fn number(&mut self, wait: &Wait) -> usize {
        let thing = (wait.what, wait.thing);
        let is_of_kind = |other: &&(&str, usize)| other.0 == wait.what;
        if !self.0.contains(&thing) {
            self.0.push(thing);
        }
        1 + self.0.iter().filter(is_of_kind).position(|other| *other == thing).unwrap_or_default()
    }

    /// What the task with that id waits for, in words; nothing, if that is not known. The run began at `begin`.
    pub(crate) fn describe(&mut self, id: u64, numbers: &Numbers, begin: Instant) -> Option<String> {
        let all = waits();
        let mut text = String::new();
        for wait in all.of_task(id) {
            text.push_str(if text.is_empty() { "  waits " } else { ", and " });
            self.describe_one(&mut text, wait, numbers, begin);
        }
        (!text.is_empty()).then_some(text)
    }

    fn describe_one(&mut self, text: &mut String, wait: &Wait, numbers: &Numbers, begin: Instant) {
        // (Writing to a string does not fail.)
        if let Some(until) = wait.until {
            let until = until.checked_duration_since(begin).unwrap_or(Duration::ZERO);
            let _ = write!(text, "until {}", seconds(until));
            return;
        }
        let holders: Vec<String> = wait.holders.iter().filter_map(|who| numbers.of_id(who.task_id()?)).collect();
        if wait.is_join() {
            let _ = write!(text, "for the end of {}", holders.join(" and "));
            return;
        }
        text.push_str("for ");
        text.push_str(wait.what);
        if wait.thing != 0 {
            let _ = write!(text, " {}", self.number(wait));
        }
        if !wait.detail.is_empty() {
            let _ = write!(text, " {}", wait.detail);
        }
        if !holders.is_empty() {
            let _ = write!(text, ", held by {}", holders.join(" and "));
        }
    }
}
