//! What ends a piece: one byte string, or one of several.

#[cfg(all(test, not(aio_loom)))]
mod tests;

use memchr::{memchr, memmem};

/// What [`StreamReader::read_until`](crate::StreamReader::read_until) looks for: a byte, a byte string or text, or an
/// array or slice of byte strings or texts.
///
/// Of several, the one that ends first counts. None may be empty, and there must be one.
pub trait Separators: sealed::Sealed {}

mod sealed {
    pub trait Sealed {
        fn n(&self) -> usize;
        fn nth(&self, index: usize) -> &[u8];
    }
}
use sealed::Sealed;

impl<T: Sealed> Separators for T {}

impl Sealed for u8 {
    fn n(&self) -> usize {
        1
    }

    fn nth(&self, _index: usize) -> &[u8] {
        std::slice::from_ref(self)
    }
}

macro_rules! one {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> Sealed for $type {
            fn n(&self) -> usize {
                1
            }

            fn nth(&self, _index: usize) -> &[u8] {
                self.as_ref()
            }
        }
    )*};
}
one!([] &[u8], [const N: usize] &[u8; N], [] &str);

macro_rules! several {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> Sealed for $type {
            fn n(&self) -> usize {
                self.len()
            }

            fn nth(&self, index: usize) -> &[u8] {
                self[index].as_ref()
            }
        }
    )*};
}
several!(
    [] &[&[u8]],
    [] &[&str],
    [const N: usize] [&[u8]; N],
    [const N: usize] [&str; N],
    [const N: usize] &[&[u8]; N],
    [const N: usize] &[&str; N],
);

/// Where a separator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// How much is searched for each of several separators before the next one: doubled each time, so that a rare one is
/// not looked for in all that there is when another comes soon.
const WINDOW: usize = 256;

/// The first end of a separator in `bytes`, none of which starts before `from`. Of several with the same end, the
/// longest.
pub(crate) fn find(separators: &impl Separators, bytes: &[u8], from: usize) -> Option<Found> {
    if separators.n() == 1 {
        let separator = separators.nth(0);
        let start = from + find_one(separator, bytes.get(from..)?)?;
        return Some(Found { start, end: start + separator.len() });
    }
    let longest = longest(separators);
    let mut window = WINDOW.max(2 * longest);
    let mut from = from;
    while from < bytes.len() {
        let until = bytes.len().min(from + window);
        let mut first: Option<Found> = None;
        for separator in (0..separators.n()).map(|index| separators.nth(index)) {
            let until = first.map_or(until, |first| first.end);
            if let Some(start) = find_one(separator, &bytes[from..until]) {
                let found = Found { start: from + start, end: from + start + separator.len() };
                let is_better = |first: Found| (found.end, found.start) < (first.end, first.start);
                if first.is_none_or(is_better) {
                    first = Some(found);
                }
            }
        }
        if first.is_some() || until == bytes.len() {
            return first;
        }
        from = until + 1 - longest;
        window *= 2;
    }
    None
}

fn find_one(separator: &[u8], bytes: &[u8]) -> Option<usize> {
    match separator {
        [byte] => memchr(*byte, bytes),
        _ => memmem::find(bytes, separator),
    }
}

/// The length of the longest one.
///
/// # Panics
/// If there is none, or one is empty.
#[track_caller]
pub(crate) fn longest(separators: &impl Separators) -> usize {
    let lengths = || (0..separators.n()).map(|index| separators.nth(index).len());
    assert!(lengths().all(|len| len > 0), "a separator must not be empty");
    lengths().max().expect("there must be a separator")
}

/// How far a buffer has been searched, so that what comes slowly is searched once, also if each search is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Searched {
    /// No separator starts before this byte.
    until: usize,
    of: Key,
}

impl Searched {
    /// Where to begin. Zero, if it was other separators that were searched for.
    pub(crate) fn from(&self, separators: &impl Separators) -> usize {
        if self.of != Key::default() && self.of == Key::new(separators) { self.until } else { 0 }
    }

    /// No separator starts before the byte `until`.
    pub(crate) fn reach(&mut self, separators: &impl Separators, until: usize) {
        *self = Self { until, of: Key::new(separators) };
    }

    /// The first `n` bytes were taken out.
    pub(crate) fn consume(&mut self, n: usize) {
        self.until = self.until.saturating_sub(n);
    }
}

/// The separators themselves, if they are short: each with its length before it. Otherwise nothing, which is equal to
/// nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Key([u8; 16]);

impl Key {
    fn new(separators: &impl Separators) -> Self {
        let mut key = [0; 16];
        let mut rest = &mut key[..];
        for separator in (0..separators.n()).map(|index| separators.nth(index)) {
            if rest.len() <= separator.len() {
                return Self::default();
            }
            let (place, left) = rest.split_at_mut(separator.len() + 1);
            // Less than the length of the key.
            place[0] = separator.len() as u8;
            place[1..].copy_from_slice(separator);
            rest = left;
        }
        Self(key)
    }
}
