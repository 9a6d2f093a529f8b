//! Choices that the contract of an operation leaves open, made by a test.
//!
//! Where several outcomes are right (which of two racers that are ready wins, which of several timers of one deadline
//! fires first), the library takes the one that costs least. A test that wants to see the others [`decide`]s: as long
//! as that lasts, it is asked each time on that thread.

use std::cell::RefCell;
use std::rc::Rc;

crate::thread_local! {
    static DECIDER: RefCell<Option<Rc<dyn Decider>>> = RefCell::new(None);
}

/// Makes the choices of a thread.
pub trait Decider {
    /// One of `0..n`; there are two at least. Zero stands for what the library would do.
    fn choose(&self, n: usize) -> usize;
}

/// Makes the choices of this thread from now on; returns who did before.
pub fn decide(decider: Option<Rc<dyn Decider>>) -> Option<Rc<dyn Decider>> {
    DECIDER.with(|current| current.replace(decider))
}

/// Whether somebody makes the choices of this thread.
pub fn is_decided() -> bool {
    DECIDER.try_with(|current| current.borrow().is_some()).unwrap_or(false)
}

/// One of `0..n`; zero, where nobody decides.
///
/// # Panics
/// If the decider says anything else.
pub fn choose(n: usize) -> usize {
    let decider = DECIDER.try_with(|current| current.borrow().clone()).ok().flatten();
    match decider {
        Some(decider) if n > 1 => {
            let choice = decider.choose(n);
            assert!(choice < n, "of {n}, number {choice} was chosen");
            choice
        }
        _ => 0,
    }
}

/// Puts `items` into an order; as they are, where nobody decides.
pub fn shuffle<T>(items: &mut [T]) {
    if is_decided() {
        for first in 0..items.len() {
            let next = first + choose(items.len() - first);
            // What stands before it keeps its order.
            items[first..=next].rotate_right(1);
        }
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    struct Last;

    impl Decider for Last {
        fn choose(&self, n: usize) -> usize {
            n - 1
        }
    }

    #[test]
    fn without_a_decider_it_is_the_first() {
        assert_eq!(choose(3), 0);
        let mut items = [1, 2, 3];
        shuffle(&mut items);
        assert_eq!(items, [1, 2, 3]);
    }

    #[test]
    fn a_decider_decides_until_it_is_replaced() {
        let former = decide(Some(Rc::new(Last)));
        assert_eq!((choose(3), choose(1)), (2, 0));
        let mut items = [1, 2, 3];
        shuffle(&mut items);
        assert_eq!(items, [3, 2, 1]);
        decide(former);
        assert_eq!(choose(3), 0);
    }
}
