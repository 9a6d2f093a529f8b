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

/// How many pieces a thread keeps besides the first: as many are needed as readers are read through by one another.
const KEEP: usize = 3;

aio_base::thread_local! {
    static FIRST: Cell<Option<Box<[u8]>>> = Cell::new(None);
    static OTHERS: Cell<Vec<Box<[u8]>>> = Cell::new(Vec::new());
}

/// A piece of this thread's memory, taken out for one poll; a poll inside of that one gets another.
pub(crate) struct Scratch(Box<[u8]>);

impl Scratch {
    #[inline]
    pub(crate) fn take() -> Self {
        // While the thread ends, there is none.
        Self(FIRST.try_with(Cell::take).ok().flatten().unwrap_or_else(another))
    }
}

#[cold]
fn another() -> Box<[u8]> {
    let other = OTHERS.try_with(|others| with(others, Vec::pop)).ok().flatten();
    other.unwrap_or_else(|| vec![0; SCRATCH].into_boxed_slice())
}

impl Drop for Scratch {
    #[inline]
    fn drop(&mut self) {
        let piece = mem::take(&mut self.0);
        // It is freed while the thread ends.
        if let Ok(Some(other)) = FIRST.try_with(|first| first.replace(Some(piece))) {
            keep(other);
        }
    }
}

#[cold]
fn keep(piece: Box<[u8]>) {
    let keep = |others: &mut Vec<_>| {
        if others.len() < KEEP {
            others.push(piece);
        }
    };
    let _ = OTHERS.try_with(|others| with(others, keep));
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
