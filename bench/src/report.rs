//! The results, for people, for machines, and for the page that shows them.

pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod text;

use crate::harness::{Measurement, Note, Role, best};

/// The ratios of a row: to the best of the peers, and to the best of the floors; below 1.00 is ahead.
fn ratios(row: &Measurement, all: &[Measurement]) -> [Option<f64>; 2] {
    [Role::Peer, Role::Floor].map(|role| best(all, role).map(|best| row.ns_min / best.ns_min))
}

/// A number with as many places as are worth reading; nothing, if there is none.
fn shown(number: impl Into<Option<f64>>, places: usize) -> String {
    number.into().map_or_else(String::new, |number| format!("{number:.places$}"))
}

fn shown_note(note: Option<Note>) -> String {
    match note {
        None => String::new(),
        Some(Note::Late { median, p99 }) => {
            format!("late {:.2} ms, p99 {:.2}", median.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3)
        }
        Some(Note::Waited { polls }) => format!("waited {polls} polls"),
    }
}
