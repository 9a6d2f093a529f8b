//! What a step of a task has touched of what tasks share: for an exploration that leaves out orders which cannot
//! matter.
//!
//! Two steps that have touched nothing in common may come in either order; the outcome is the same. So each primitive
//! [`touch`]es itself wherever what it does, or answers, depends on what others did to it, and a wake touches the task.
//! In builds with debug assertions, and while somebody [records](record) on that thread; else it costs nothing.

use std::cell::{Cell, RefCell};
use std::ptr;

/// Whether this build tells what is touched.
pub const ENABLED: bool = cfg!(all(debug_assertions, not(aio_loom)));

/// Stands in a footprint for everything: see [`touch_everything`]. Nothing lies at this address.
pub const EVERYTHING: usize = usize::MAX;

crate::thread_local! {
    static IS_ON: Cell<bool> = Cell::new(false);
    /// The addresses, each once, in the order in which they were first touched.
    static TOUCHED: RefCell<Vec<usize>> = RefCell::new(Vec::new());
}

/// What runs here uses `thing`, which others may use as well.
#[inline]
pub fn touch<T: ?Sized>(thing: *const T) {
    #[cold]
    fn note(address: usize) {
        let _ = TOUCHED.try_with(|touched| {
            let mut touched = touched.borrow_mut();
            if !touched.contains(&address) {
                touched.push(address);
            }
        });
    }
    if ENABLED && IS_ON.try_with(Cell::get).unwrap_or(false) {
        note(thing.cast::<()>().addr());
    }
}

/// What runs here uses everything that others may use: it comes before or after any other step, and not beside it.
#[inline]
pub fn touch_everything() {
    touch(ptr::without_provenance::<()>(EVERYTHING));
}

/// What runs here uses what lies outside of this process, of which nobody knows what has to do with what: the two ends
/// of a socket are two objects.
#[inline]
pub fn touch_system() {
    static SYSTEM: u8 = 0;
    touch(&raw const SYSTEM);
}

/// Whether two steps with these footprints may come in either order.
#[must_use]
pub fn are_independent(one: &[usize], other: &[usize]) -> bool {
    let meets = |address: &usize| *address == EVERYTHING || other.contains(address);
    !other.contains(&EVERYTHING) && !one.iter().any(meets)
}

/// Begins to record what is touched on this thread, or ceases to; returns whether it did before.
pub fn record(is_on: bool) -> bool {
    IS_ON.with(|on| on.replace(is_on))
}

/// Runs `f`, which is no part of any step.
pub fn unseen<R>(f: impl FnOnce() -> R) -> R {
    let was_on = record(false);
    let result = f();
    record(was_on);
    result
}

/// The addresses of what was touched since this was last called.
pub fn take() -> Vec<usize> {
    TOUCHED.with(RefCell::take)
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_is_known_once_while_it_is_recorded() {
        let (one, two) = (1, 2);
        touch(&one);
        assert!(take().is_empty());
        assert!(!record(true));
        touch(&one);
        touch(&two);
        touch(&one);
        assert_eq!(take(), [(&raw const one).addr(), (&raw const two).addr()]);
        unseen(|| touch(&one));
        assert!(take().is_empty());
        assert!(record(false));
        touch(&one);
        assert!(take().is_empty());
    }

    #[test]
    fn what_touches_everything_is_independent_of_nothing() {
        assert!(are_independent(&[1, 2], &[3]));
        assert!(!are_independent(&[1, 2], &[3, 2]));
        assert!(are_independent(&[], &[]));
        record(true);
        touch_everything();
        let everything = take();
        touch_system();
        let system = take();
        record(false);
        assert!(!are_independent(&everything, &[]) && !are_independent(&[], &everything));
        assert!(!are_independent(&system, &system));
    }
}
