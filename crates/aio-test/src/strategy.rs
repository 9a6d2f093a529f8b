//! How a seed chooses among the tasks that are ready.

mod pct;

use fastrand::Rng;

pub(crate) use self::pct::Pct;
use crate::numbers::Number;

/// How the next task is chosen among those that are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// In the order in which they became ready, as the loop does it in production. The seed changes nothing.
    Fifo,
    /// Any of them, each as likely as the others. Finds what goes wrong in many orders.
    #[default]
    Uniform,
    /// Probabilistic concurrency testing: each task has a random priority, and the ready one with the highest runs,
    /// but for `depth - 1` moments at which the one whose turn it is falls behind all others. Finds what goes wrong in
    /// few orders: a bug that takes `depth` steps in a certain order, in a run of `k` steps of `n` tasks, is hit with a
    /// probability of at least `1 / (n * k^(depth - 1))`, however many orders there are. Most bugs have a depth of one
    /// to three. (That is for a `k` that is known. Here it is drawn, so that the bound is lower: by a factor of
    /// `16 * 2^(depth - 1)`, for runs of up to 65,536 steps.)
    ///
    /// It is not fair: a task may have to wait for some thousands of steps of others, but not for ever.
    /// (S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte: *A randomized scheduler with probabilistic guarantees
    /// of finding bugs*, ASPLOS 2010.)
    Pct {
        /// How many steps of different tasks have to come in a certain order; at least one.
        depth: usize,
    },
}

/// Chooses among the tasks that are ready. (It is not given them all: there may be many, and few look at them.)
pub(crate) trait Choose {
    /// The place of one of `len`; `number` says which task is at a place.
    fn next(&mut self, len: usize, number: &mut dyn FnMut(usize) -> Number) -> usize;
}

impl Strategy {
    pub(crate) fn begin(self, seed: u64) -> Box<dyn Choose> {
        match self {
            Self::Fifo => Box::new(Fifo),
            Self::Uniform => Box::new(Uniform(Rng::with_seed(seed))),
            Self::Pct { depth } => Box::new(Pct::new(seed, depth)),
        }
    }
}

pub(crate) struct Fifo;

impl Choose for Fifo {
    fn next(&mut self, _: usize, _: &mut dyn FnMut(usize) -> Number) -> usize {
        0
    }
}

struct Uniform(Rng);

impl Choose for Uniform {
    fn next(&mut self, len: usize, _: &mut dyn FnMut(usize) -> Number) -> usize {
        self.0.usize(..len)
    }
}
