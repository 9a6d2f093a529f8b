//! Values that are counted, so that none is lost and none comes twice.

use std::cmp::Ordering;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

use aio_base::sync::{Arc, Mutex};

/// Counts values on their way: [`track`](Self::track) them where they go in, [`take`](Self::take) them where they come
/// out, and see that nothing was lost between. Clones are the same ledger.
///
/// ```
/// use aio_sync::Queue;
/// use aio_test::{Ledger, step};
///
/// let ledger = Ledger::new();
/// let queue = Queue::unbounded();
/// for n in 0..3 {
///     queue.try_put(ledger.track(n)).unwrap();
/// }
/// drop(step(queue.get())); // a future that is dropped did not happen
/// while let Ok(item) = queue.try_get() {
///     ledger.take(item);
/// }
/// ledger.assert_all_taken();
/// ```
#[derive(Clone, Default)]
pub struct Ledger(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    entries: Vec<Entry>,
    dropped_twice: Vec<usize>,
}

struct Entry {
    made_at: &'static Location<'static>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Live,
    Taken,
    Dropped,
}

impl Ledger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `value` from now on. It is one of its kind: its clones are counted as others.
    #[track_caller]
    pub fn track<T>(&self, value: T) -> Tracked<T> {
        let mut book = self.0.lock();
        book.entries.push(Entry { made_at: Location::caller(), state: State::Live });
        let number = book.entries.len() - 1;
        Tracked { value: ManuallyDrop::new(value), number, ledger: ManuallyDrop::new(self.clone()) }
    }

    /// Takes a value out: it has arrived.
    ///
    /// # Panics
    /// If it is counted in another ledger.
    #[track_caller]
    pub fn take<T>(&self, item: Tracked<T>) -> T {
        assert!(Arc::ptr_eq(&self.0, &item.ledger.0), "the value is counted in another ledger");
        let mut item = ManuallyDrop::new(item);
        let is_first = item.leave(State::Taken);
        // SAFETY: `item` itself is never dropped, and nobody looks at its value again.
        let value = unsafe { ManuallyDrop::take(&mut item.value) };
        if is_first {
            // SAFETY: the same of its reference to the ledger.
            drop(unsafe { ManuallyDrop::take(&mut item.ledger) });
        }
        value
    }

    /// How many there have been.
    pub fn n_made(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// How many were taken out.
    pub fn n_taken(&self) -> usize {
        self.count(State::Taken)
    }

    /// How many were dropped, and not taken out before.
    pub fn n_dropped(&self) -> usize {
        self.count(State::Dropped)
    }

    /// How many exist.
    pub fn n_live(&self) -> usize {
        self.count(State::Live)
    }

    fn count(&self, state: State) -> usize {
        self.0.lock().entries.iter().filter(|entry| entry.state == state).count()
    }

    /// Asserts that every value has arrived: none is on its way, none was dropped.
    ///
    /// # Panics
    /// If that is not so; the message has the values' numbers, and the lines that tracked them.
    #[track_caller]
    pub fn assert_all_taken(&self) {
        self.check(&[(State::Dropped, "was lost"), (State::Live, "has not arrived")]);
    }

    /// Asserts that no value exists any more, be it taken out or dropped.
    ///
    /// # Panics
    /// As [`assert_all_taken`](Self::assert_all_taken).
    #[track_caller]
    pub fn assert_none_live(&self) {
        self.check(&[(State::Live, "still exists")]);
    }

    /// Asserts that no value was dropped: each was taken out, or exists.
    ///
    /// # Panics
    /// As [`assert_all_taken`](Self::assert_all_taken).
    #[track_caller]
    pub fn assert_none_lost(&self) {
        self.check(&[(State::Dropped, "was lost")]);
    }

    #[track_caller]
    fn check(&self, wrong: &[(State, &str)]) {
        let mut faults = String::new();
        {
            let book = self.0.lock();
            let mut fault = |number: usize, what: &str| {
                faults += &format!("\n  #{number}, made at {}, {what}", book.entries[number].made_at);
            };
            for (number, entry) in book.entries.iter().enumerate() {
                wrong.iter().filter(|(state, _)| *state == entry.state).for_each(|(_, what)| fault(number, what));
            }
            book.dropped_twice.iter().for_each(|&number| fault(number, "was dropped again"));
        }
        assert!(faults.is_empty(), "{self:?}:{faults}");
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("made", &self.n_made())
            .field("taken", &self.n_taken())
            .field("dropped", &self.n_dropped())
            .field("live", &self.n_live())
            .finish()
    }
}

/// A value that a [`Ledger`] counts. It derefs to the value, and compares like it.
pub struct Tracked<T> {
    /// Not dropped by whoever drops it a second time.
    value: ManuallyDrop<T>,
    number: usize,
    ledger: ManuallyDrop<Ledger>,
}

impl<T> Tracked<T> {
    /// Its number in the ledger, from 0 in the order in which they were made.
    pub fn number(this: &Self) -> usize {
        this.number
    }

    /// Notes what became of it; whether nothing has before.
    fn leave(&self, state: State) -> bool {
        let mut book = self.ledger.0.lock();
        let is_first = book.entries[self.number].state == State::Live;
        if is_first {
            book.entries[self.number].state = state;
        } else {
            book.dropped_twice.push(self.number);
        }
        is_first
    }
}

impl<T> Drop for Tracked<T> {
    fn drop(&mut self) {
        if self.leave(State::Dropped) {
            // SAFETY: for the first time, and after this nobody looks at them.
            unsafe {
                ManuallyDrop::drop(&mut self.value);
                ManuallyDrop::drop(&mut self.ledger);
            }
        }
    }
}

impl<T: Clone> Clone for Tracked<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        let value = T::clone(self);
        self.ledger.track(value)
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Tracked<T> {}

impl<T: PartialOrd> PartialOrd for Tracked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        T::partial_cmp(self, other)
    }
}

impl<T: Ord> Ord for Tracked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        T::cmp(self, other)
    }
}

impl<T: fmt::Debug> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
