//! Probabilistic concurrency testing.
//!
//! The paper draws the moments at which priorities change from the length of the run, which it has measured before. A
//! seed has to say all by itself, so here the length is drawn as well: a power of two, each as likely as the others.
//! That costs a factor of their number, and of two for each moment, since the power may be nearly twice the length.
//!
//! The paper's programs end whatever their threads are let do. Tasks may wait for others by yielding, or have each
//! other go on for ever; so who keeps others from running for too long falls behind them.

use std::collections::HashMap;

use fastrand::Rng;

use super::Choose;
use crate::numbers::Number;

/// The longest run, in steps, that is thought of: two to this power.
const LONGEST: u32 = 16;

/// After so many steps in a row a task falls behind all others: it may wait for them by yielding.
const PATIENCE: usize = 100;

/// After so many steps in which the one that is ready for longest did not run, the same happens: the others may keep
/// each other going.
const LONGEST_WAIT: usize = 2000;

pub(crate) struct Pct {
    rng: Rng,
    /// Of each task that was seen; the highest runs. Those of new tasks are above all that have fallen behind.
    priorities: HashMap<Number, u64>,
    /// The steps, from 1, before which the task that would make them falls behind, and to which priority; the next one
    /// last.
    changes: Vec<(usize, u64)>,
    /// The priority of the next one that has run for too long: below all others.
    lowest: u64,
    steps: usize,
    last: Option<Number>,
    in_a_row: usize,
    /// Who is ready for longest, and how many steps others have made meanwhile.
    first: Option<Number>,
    passed_over: usize,
}

/// From here on are the priorities of those that fell at a moment that was drawn; below, of those that ran too long.
const FALLEN: u64 = u64::MAX / 4;

/// From here on are those that tasks begin with.
const DRAWN: u64 = u64::MAX / 2;

impl Pct {
    pub(crate) fn new(seed: u64, depth: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let length = 1_usize << rng.u32(1..=LONGEST);
        // Below all that were drawn, and in no order with the moments: any of them may fall deepest.
        let mut changes: Vec<(usize, u64)> =
            (FALLEN..).zip(1..depth).map(|(to, _)| (rng.usize(1..=length), to)).collect();
        changes.sort_unstable_by(|a, b| b.cmp(a));
        Self {
            rng,
            priorities: HashMap::new(),
            changes,
            lowest: FALLEN - 1,
            steps: 0,
            last: None,
            in_a_row: 0,
            first: None,
            passed_over: 0,
        }
    }

    fn priority(&mut self, task: Number) -> u64 {
        *self.priorities.entry(task).or_insert_with(|| self.rng.u64(DRAWN..))
    }

    /// The place of the one with the highest priority. Of equal ones, of which there are none but by accident, the
    /// first.
    fn highest(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> usize {
        (0..len).rev().max_by_key(|place| self.priority(number(*place))).unwrap_or(0)
    }

    /// Whether the one that ran last has kept others from running for too long.
    fn is_enough(&mut self, len: usize, first: Number) -> bool {
        if self.first != Some(first) {
            (self.first, self.passed_over) = (Some(first), 0);
        }
        self.passed_over += 1;
        (self.in_a_row >= PATIENCE && len > 1) || self.passed_over > LONGEST_WAIT
    }
}

impl Choose for Pct {
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> usize {
        self.steps += 1;
        if self.is_enough(len, number(0))
            && let Some(last) = self.last
        {
            self.priorities.insert(last, self.lowest);
            self.lowest -= 1;
            (self.in_a_row, self.passed_over) = (0, 0);
        }
        let mut place = self.highest(len, number);
        while let Some((_, priority)) = self.changes.pop_if(|(step, _)| *step <= self.steps) {
            self.priorities.insert(number(place), priority);
            place = self.highest(len, number);
        }
        let next = Some(number(place));
        self.in_a_row = if next == self.last { self.in_a_row + 1 } else { 0 };
        if place == 0 {
            self.first = None;
        }
        self.last = next;
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Who runs, a name for each stretch, of three tasks of that many steps: in the order in which they came first.
    fn stretches(seed: u64, depth: usize, steps: usize) -> (String, usize) {
        let mut pct = Pct::new(seed, depth);
        let mut left = [steps; 3];
        let mut ran = Vec::new();
        while left.iter().any(|left| *left > 0) {
            let ready: Vec<usize> = (0..3).filter(|task| left[*task] > 0).collect();
            let task = ready[pct.next(ready.len(), &mut |place| Number(ready[place] + 1))];
            left[task] -= 1;
            ran.push(task);
        }
        let first_steps = ran.iter().take_while(|task| **task == ran[0]).count();
        ran.dedup();
        let mut names = Vec::new();
        for task in &ran {
            if !names.contains(task) {
                names.push(*task);
            }
        }
        let name = |task: &usize| "abc".chars().nth(names.iter().position(|name| name == task)?);
        (ran.iter().filter_map(name).collect(), first_steps)
    }

    #[test]
    fn priorities_change_so_many_times_and_any_of_the_fallen_may_be_the_last() {
        let seen = |depth: usize| (0..5000).map(|seed| stretches(seed, depth, 9).0).collect::<BTreeSet<_>>();
        assert_eq!(seen(1), BTreeSet::from(["abc".to_owned()]));
        assert_eq!(seen(2), BTreeSet::from(["abc", "abca", "abcb"].map(str::to_owned)));
        let deep = seen(3);
        assert!(deep.contains("abcab") && deep.contains("abcba"), "{deep:?}");
    }

    /// The bound of the paper, for this length: one of the moments is hit exactly.
    #[test]
    fn each_moment_is_as_likely_as_the_others() {
        let n_seeds = 20_000;
        let mut hits = [0_u32; 10];
        for seed in 0..n_seeds {
            let (ran, first_steps) = stretches(seed, 2, 9);
            if ran == "abca" {
                hits[first_steps] += 1;
            }
        }
        // One in sixteen lengths is 32, and one in 32 moments this one; shorter ones come to that.
        let least = u32::try_from(n_seeds / (16 * 32)).unwrap();
        assert!(hits[1..9].iter().all(|n| *n > least), "{hits:?}");
    }
}
