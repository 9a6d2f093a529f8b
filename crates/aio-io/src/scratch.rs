//! Memory to read into, shared by all readers of a thread.
//!
//! A reader does not know what comes before it asks, so whoever waits needs memory to be asked into: per connection,
//! that is what an idle one costs. One piece for each thread does instead, and what came is copied to where it belongs.
//! It is filled with zeros once, not before each read.

use std::cell::Cell;
use std::mem;
use std::ops::{Deref, DerefMut};

/// How much is read at once, at most.
pub(crate) const SCRATCH: usize = 16 * 1024;

/// How many pieces a thread keeps: as many are needed as readers are read through by one another.
const KEEP: usize = 4;

aio_base::thread_local! {
    static SPARE: Cell<Vec<Box<[u8]>>> = Cell::new(Vec::new());
}

/// A piece of this thread's memory, taken out for one poll; a poll inside of that one gets another.
pub(crate) struct Scratch(Box<[u8]>);

impl Scratch {
    pub(crate) fn take() -> Self {
        // While the thread ends, there is none.
        let spare = SPARE.try_with(|spare| with(spare, Vec::pop)).ok().flatten();
        Self(spare.unwrap_or_else(|| vec![0; SCRATCH].into_boxed_slice()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let piece = mem::take(&mut self.0);
        let keep = |spare: &mut Vec<_>| {
            if spare.len() < KEEP {
                spare.push(piece);
            }
        };
        // It is freed while the thread ends.
        let _ = SPARE.try_with(|spare| with(spare, keep));
    }
}

fn with<T: Default, R>(cell: &Cell<T>, f: impl FnOnce(&mut T) -> R) -> R {
    let mut value = cell.take();
    let result = f(&mut value);
    cell.set(value);
    result
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
