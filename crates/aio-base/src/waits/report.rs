//! Who waits for what, in names that somebody else gives.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use super::{Wait, Waits, Who};

/// What [`Waits::report`] returns. Printed, it has a line for each who waits, and one for each [cycle](Self::cycles).
///
/// A thing has the same number wherever one report names it.
pub struct Report<'a> {
    waits: &'a Waits,
    name: &'a dyn Fn(&Who) -> String,
    things: RefCell<Things>,
}

/// The numbers of the things.
#[derive(Default)]
struct Things {
    numbers: HashMap<(&'static str, usize), usize>,
    /// How many of a kind have one.
    counts: HashMap<&'static str, usize>,
}

impl<'a> Report<'a> {
    pub(super) fn new(waits: &'a Waits, name: &'a dyn Fn(&Who) -> String) -> Self {
        Self { waits, name, things: RefCell::default() }
    }

    /// What one of them waits for: "waits for Lock 1, which is held by task 3".
    pub fn describe(&self, wait: &Wait) -> String {
        format!("waits {}", Described { wait, number: self.number(wait), name: self.name })
    }

    /// A line for each ring of those who wait for each other, without the word "cycle". That they do is known, if
    /// `are_stuck`: see [`Waits::rings_of_the_stuck`]. `again` is for one that has been named in the line before.
    pub fn cycles(&self, are_stuck: bool, again: &dyn Fn(&Who) -> String) -> Vec<String> {
        let rings = if are_stuck { self.waits.rings_of_the_stuck() } else { self.waits.deadlocks() };
        rings.iter().map(|ring| self.cycle(ring, again)).collect()
    }

    fn cycle(&self, ring: &[&Wait], again: &dyn Fn(&Who) -> String) -> String {
        let mut line = (self.name)(&ring[0].who);
        for (i, wait) in ring.iter().enumerate() {
            let holder = ring.get(i + 1).map_or_else(|| again(&ring[0].who), |next| (self.name)(&next.who));
            line += if i == 0 { " waits for " } else { ", which waits for " };
            line += &if wait.is_join() {
                format!("the end of {holder}")
            } else {
                format!("{}{}, held by {holder}", wait.what, self.number(wait))
            };
        }
        line
    }

    /// With a space before it; nothing, if it has none.
    fn number(&self, wait: &Wait) -> String {
        if wait.thing == 0 {
            return String::new();
        }
        let Things { numbers, counts } = &mut *self.things.borrow_mut();
        let number = numbers.entry((wait.what, wait.thing)).or_insert_with(|| {
            let count = counts.entry(wait.what).or_default();
            *count += 1;
            *count
        });
        format!(" {number}")
    }
}

struct Described<'a> {
    wait: &'a Wait,
    number: String,
    name: &'a dyn Fn(&Who) -> String,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.describe(f, &self.number, self.name)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wait in self.waits.iter() {
            writeln!(f, "{} {}", (self.name)(&wait.who), self.describe(wait))?;
        }
        for cycle in self.cycles(false, self.name) {
            writeln!(f, "cycle: {cycle}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("waits", self.waits).finish_non_exhaustive()
    }
}
