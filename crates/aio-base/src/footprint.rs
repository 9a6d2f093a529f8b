//! What a step of a task has touched of what tasks share: for an exploration that leaves out orders which cannot
//! matter.
//!
//! Two steps that have touched nothing in common may come in either order; the outcome is the same. So each primitive
//! [`touch`]es itself wherever what it does, or answers, depends on what others did to it, and a wake touches the task.
//! In builds with debug assertions, and while somebody [records](record) on that thread; else it costs nothing.

use std::cell::{Cell, RefCell};

/// Whether this build tells what is touched.
pub const ENABLED: bool = cfg!(all(debug_assertions, not(aio_loom)));

crate::thread_local! {
    static IS_ON: Cell<bool> = Cell::new(false);
    /// The addresses, each once, in the order in which they were first touched.
    static TOUCHED: RefCell<Vec<usize>> = RefCell::new(Vec::new());
    static GONE: RefCell<Vec<usize>> = RefCell::new(Vec::new());
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

/// `thing`, which may have been touched, is dropped: at its address there may be something else from now on.
#[inline]
pub fn gone<T: ?Sized>(thing: *const T) {
    if ENABLED && IS_ON.try_with(Cell::get).unwrap_or(false) {
        let _ = GONE.try_with(|gone| gone.borrow_mut().push(thing.cast::<()>().addr()));
    }
}

/// Begins to record what is touched on this thread, or ceases to; returns whether it did before.
pub fn record(is_on: bool) -> bool {
    IS_ON.with(|on| on.replace(is_on))
}

/// The addresses of what was touched since this was last called.
pub fn take() -> Vec<usize> {
    TOUCHED.with(RefCell::take)
}

/// The addresses of what is [gone] since this was last called.
pub fn take_gone() -> Vec<usize> {
    GONE.with(RefCell::take)
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
        assert!(record(false));
        touch(&one);
        assert!(take().is_empty());
    }

    #[test]
    fn what_is_gone_is_known_while_it_is_recorded() {
        let thing = 1;
        gone(&thing);
        assert!(take_gone().is_empty());
        record(true);
        gone(&thing);
        record(false);
        assert_eq!((take_gone().len(), take_gone().len()), (1, 0));
    }
}
