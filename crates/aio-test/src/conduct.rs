//! Who decides what happens next.

use aio_base::choice::Choice;
use fastrand::Rng;

use crate::numbers::Number;
use crate::strategy::Choose;

/// Who decides what happens next: a seed, or an exploration.
pub(crate) trait Conduct {
    /// What comes next, where `len` tasks are ready; `number` says who is at a place.
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next;

    /// It had its turn.
    fn ran(&mut self, task: Number);

    /// A choice of the library, see [`aio_base::choice`].
    fn choose(&mut self, choice: Choice, n: usize) -> usize;

    /// A task was seen for the first time; [footprints](aio_base::footprint) know it by its address.
    fn seen(&mut self, _task: Number, _address: usize) {}

    /// After [`Next::Wait`]: whether there was a timer, so that time has passed.
    fn waited(&mut self, _has_timer: bool) {}
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The task at that place has a turn.
    Run(usize),
    /// Time passes until the next timer is due, as if no task could run.
    Wait,
    /// The run is over.
    End,
}

/// By a strategy and a generator.
pub(crate) struct Seeded {
    pub(crate) strategy: Box<dyn Choose>,
    /// For the choices of the library; without one, they are as ever.
    pub(crate) rng: Option<Rng>,
}

impl Conduct for Seeded {
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> Next {
        Next::Run(self.strategy.next(len, number))
    }

    fn ran(&mut self, _: Number) {}

    fn choose(&mut self, _: Choice, n: usize) -> usize {
        self.rng.as_mut().map_or(0, |rng| rng.usize(..n))
    }
}
