//! Counters of one test.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering}; // facade: statistics of test builds

use super::{ENABLED, KINDS, Kind};

/// So many accounts there are, with the one that means none; for builds that count.
pub(super) const SLOTS: usize = if ENABLED { 512 } else { 1 };

static TABLE: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

crate::thread_local! {
    /// Of this thread.
    static CURRENT: Cell<Number> = Cell::new(Number::NONE);
}

struct Slot {
    is_open: AtomicBool,
    counts: [AtomicIsize; KINDS.len()],
}

/// Of an account. What is counted carries it, so it is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(u16);

impl Slot {
    const fn new() -> Self {
        Self { is_open: AtomicBool::new(false), counts: [const { AtomicIsize::new(0) }; KINDS.len()] }
    }

    fn left(&self) -> impl Iterator<Item = (Kind, isize)> {
        // Relaxed: as the counts of the process.
        let counts = KINDS.iter().map(|kind| (*kind, self.counts[*kind as usize].load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count != 0)
    }

    fn try_open(&self) -> bool {
        // What is left by the former test still counts here.
        if self.left().next().is_some() {
            return false;
        }
        // Acquire pairs with the Release of who closes it.
        !self.is_open.swap(true, Ordering::Acquire)
    }
}

impl Number {
    /// Nobody's: nothing is counted there.
    const NONE: Self = Self(0);

    fn slot(self) -> Option<&'static Slot> {
        (self != Self::NONE).then(|| &TABLE[usize::from(self.0)])
    }

    /// One more of `kind`, on the account of this thread.
    #[cfg(all(debug_assertions, not(aio_loom)))]
    pub(super) fn charge(kind: Kind) -> Self {
        // A thread that is too far gone has none.
        let number = CURRENT.try_with(Cell::get).unwrap_or(Self::NONE);
        if let Some(slot) = number.slot() {
            slot.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        }
        number
    }

    /// One less.
    #[cfg(all(debug_assertions, not(aio_loom)))]
    pub(super) fn discharge(self, kind: Kind) {
        if let Some(slot) = self.slot() {
            slot.counts[kind as usize].fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The counters of one test, which is told what it left behind while others run in the same process.
///
/// A thread that has [entered](Self::enter) an account charges it with everything that it makes and that is counted;
/// who drops that, wherever, takes it off again. Threads that it starts have to enter by themselves.
///
/// There are some hundreds of accounts. One that is closed, by dropping this, while something is left on it is given to
/// nobody before that is gone.
///
/// ```
/// use aio_base::live::{Account, ENABLED, Kind, Live};
///
/// let account = Account::open();
/// let charged = account.enter();
/// let task = Live::new(Kind::Task);
/// drop(charged);
/// assert_eq!(account.left(), if ENABLED { vec![(Kind::Task, 1)] } else { vec![] });
/// drop(task);
/// assert_eq!(account.left(), []);
/// ```
#[must_use = "it counts what is made while it is entered"]
pub struct Account(Number);

impl Account {
    /// A new one. If there is none left, or this build does not count, it [knows](Self::is_known) nothing.
    pub fn open() -> Self {
        let free = TABLE.iter().enumerate().skip(1).find(|(_, slot)| slot.try_open());
        let number = free.and_then(|(number, _)| u16::try_from(number).ok());
        Self(number.map_or(Number::NONE, Number))
    }

    /// Whether it counts.
    pub fn is_known(&self) -> bool {
        self.0 != Number::NONE
    }

    /// Makes it the account of this thread, as long as the result exists.
    pub fn enter(&self) -> Charged<'_> {
        let former = CURRENT.try_with(|current| current.replace(self.0)).unwrap_or(Number::NONE);
        Charged { former, _account: PhantomData }
    }

    /// How many of each kind there are, but for those of which there are none. What other threads are about to drop is
    /// still there.
    pub fn left(&self) -> Vec<(Kind, isize)> {
        self.0.slot().into_iter().flat_map(Slot::left).collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(slot) = self.0.slot() {
            slot.is_open.store(false, Ordering::Release);
        }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("is_known", &self.is_known()).field("left", &self.left()).finish()
    }
}

/// This thread charges an account, until this is dropped.
#[derive(Debug)]
#[must_use = "the account is charged as long as it exists"]
pub struct Charged<'a> {
    former: Number,
    /// It stays on its thread.
    _account: PhantomData<(&'a Account, *const ())>,
}

impl Drop for Charged<'_> {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.former));
    }
}
