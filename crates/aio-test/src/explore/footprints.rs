//! What steps have touched, under names that hold from run to run.
//!
//! Addresses differ between runs. So tasks go by their numbers, and all other things by the order in which a run has
//! touched them first: where two runs have made the same steps, a number means the same thing. What a node does not
//! know yet may be any of them.

use std::collections::HashMap;

use aio_base::footprint;

use crate::numbers::Number;

/// How much is known at some point of a run: the numbers below are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Known {
    things: u32,
    tasks: usize,
}

/// What a step has touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Footprint {
    things: Vec<u32>,
    tasks: Vec<usize>,
    is_everything: bool,
}

impl Footprint {
    /// Of a step that must not change places with any other.
    pub(super) const EVERYTHING: Self = Self { things: Vec::new(), tasks: Vec::new(), is_everything: true };

    pub(super) fn add(&mut self, other: &Self) {
        self.things.extend_from_slice(&other.things);
        self.tasks.extend_from_slice(&other.tasks);
        self.is_everything |= other.is_everything;
        self.sort();
    }

    fn sort(&mut self) {
        self.things.sort_unstable();
        self.things.dedup();
        self.tasks.sort_unstable();
        self.tasks.dedup();
    }

    /// Whether this step, of one run, has anything in common with a `later` one of another run. Both runs have made the
    /// same steps up to where this one was made, where so much was `known`.
    ///
    /// A thing that was not known there may be any that the other run has touched since; and also one of those before,
    /// if what had been at its address in this run was dropped meanwhile. A task that was not known was spawned by its
    /// own step, and nobody else can have touched it.
    pub(super) fn meets(&self, later: &Self, known: Known) -> bool {
        let is_new = |thing: &u32| *thing >= known.things;
        self.is_everything
            || later.is_everything
            || self.tasks.iter().any(|task| *task <= known.tasks && later.tasks.contains(task))
            || self.things.iter().any(|thing| !is_new(thing) && later.things.contains(thing))
            || (self.things.iter().any(is_new) && !later.things.is_empty())
            || (!self.things.is_empty() && later.things.iter().any(is_new))
    }
}

/// The names of one run.
#[derive(Default)]
pub(super) struct Names {
    by_address: HashMap<usize, Name>,
    known: Known,
}

#[derive(Clone, Copy)]
enum Name {
    Thing(u32),
    Task(usize),
}

impl Names {
    /// Begins a run.
    pub(super) fn begin(&mut self) {
        self.by_address.clear();
        self.known = Known::default();
        drop(footprint::take());
    }

    pub(super) fn known(&self) -> Known {
        self.known
    }

    /// A task is at this address from now on.
    pub(super) fn meet(&mut self, task: Number, address: usize) {
        self.by_address.insert(address, Name::Task(task.0));
        self.known.tasks = self.known.tasks.max(task.0);
    }

    /// What was touched since this was last called.
    pub(super) fn take(&mut self) -> Footprint {
        let mut print = Footprint::default();
        for address in footprint::take() {
            if address == footprint::EVERYTHING {
                print.is_everything = true;
                continue;
            }
            let next = self.known.things;
            match *self.by_address.entry(address).or_insert(Name::Thing(next)) {
                Name::Task(task) => print.tasks.push(task),
                Name::Thing(thing) => {
                    self.known.things += u32::from(thing == next);
                    print.things.push(thing);
                }
            }
        }
        print.sort();
        print
    }

    /// The same, of a step of `task`, which it has touched itself.
    pub(super) fn take_of(&mut self, task: Number) -> Footprint {
        let mut print = self.take();
        print.tasks.push(task.0);
        print.sort();
        print
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn things(things: &[u32]) -> Footprint {
        Footprint { things: things.to_vec(), ..Footprint::default() }
    }

    fn tasks(tasks: &[usize]) -> Footprint {
        Footprint { tasks: tasks.to_vec(), ..Footprint::default() }
    }

    #[test]
    fn what_was_known_is_compared_and_what_was_not_is_one_thing() {
        let known = Known { things: 3, tasks: 2 };
        assert!(things(&[0, 2]).meets(&things(&[2]), known));
        assert!(!things(&[0, 2]).meets(&things(&[1]), known));
        // The fifth thing of the one run may be the fourth of the other, or be where the third one was.
        assert!(things(&[4]).meets(&things(&[3]), known));
        assert!(things(&[4]).meets(&things(&[2]), known) && things(&[2]).meets(&things(&[4]), known));
        assert!(!things(&[4]).meets(&things(&[]), known));
        assert!(tasks(&[1]).meets(&tasks(&[1, 2]), known));
        // Each has spawned a third task.
        assert!(!tasks(&[1, 3]).meets(&tasks(&[2, 3]), known));
        assert!(things(&[]).meets(&Footprint::EVERYTHING, known) && Footprint::EVERYTHING.meets(&things(&[]), known));
    }

    #[test]
    fn a_task_has_a_name_of_its_own() {
        if !footprint::ENABLED {
            return;
        }
        let (one, two) = (1, 2);
        let mut names = Names::default();
        names.begin();
        let was_on = footprint::record(true);
        footprint::touch(&two);
        footprint::touch(&one);
        assert_eq!(names.take(), things(&[0, 1]));
        names.meet(Number(1), (&raw const two).addr());
        footprint::touch(&one);
        footprint::touch(&two);
        assert_eq!(names.take(), Footprint { things: vec![1], tasks: vec![1], is_everything: false });
        footprint::touch_everything();
        assert_eq!(names.take(), Footprint::EVERYTHING);
        footprint::record(was_on);
    }
}
