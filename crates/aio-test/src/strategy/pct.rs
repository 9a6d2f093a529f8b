//! Probabilistic concurrency testing.
//!
//! The paper draws the moments at which priorities change from the length of the run, which it has measured before. A
//! seed has to say all by itself, so here the length is drawn as well: a power of two, each as likely as the others.
//! That costs a factor of their number at most.

use std::collections::HashMap;

use fastrand::Rng;

use super::Choose;
use crate::numbers::Number;

/// The longest run, in steps, that is thought of: two to this power.
const LONGEST: u32 = 16;

/// After so many steps in a row a task falls behind all others: it may wait for them by yielding.
const PATIENCE: usize = 100;

pub(crate) struct Pct {
    rng: Rng,
    /// Of each task that was seen; the highest runs. Those of new tasks are above all that have fallen behind.
    priorities: HashMap<Number, u64>,
    /// The steps after which the running task falls behind, the next one last.
    changes: Vec<usize>,
    /// The priority of the next one that falls behind: below all others.
    lowest: u64,
    steps: usize,
    last: Option<Number>,
    in_a_row: usize,
}

/// Above it are the priorities that were drawn.
const FALLEN: u64 = u64::MAX / 2;

impl Pct {
    pub(crate) fn new(seed: u64, depth: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let length = 1_usize << rng.u32(1..=LONGEST);
        let mut changes: Vec<usize> = (1..depth).map(|_| rng.usize(1..=length)).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Self { rng, priorities: HashMap::new(), changes, lowest: FALLEN, steps: 0, last: None, in_a_row: 0 }
    }

    fn priority(&mut self, task: Number) -> u64 {
        *self.priorities.entry(task).or_insert_with(|| self.rng.u64(FALLEN + 1..))
    }

    fn let_fall(&mut self, task: Number) {
        self.priorities.insert(task, self.lowest);
        self.lowest -= 1;
    }
}

impl Choose for Pct {
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> usize {
        if let Some(last) = self.last {
            let mut falls = self.in_a_row >= PATIENCE && len > 1;
            while self.changes.pop_if(|change| *change <= self.steps).is_some() {
                falls = true;
            }
            if falls {
                self.let_fall(last);
                self.in_a_row = 0;
            }
        }
        // Of equal ones, of which there are none but by accident, the first.
        let place = (0..len).rev().max_by_key(|place| self.priority(number(*place))).unwrap_or(0);
        let next = Some(number(place));
        self.in_a_row = if next == self.last { self.in_a_row + 1 } else { 0 };
        self.last = next;
        self.steps += 1;
        place
    }
}
