//! Choices that the contract of an operation leaves open, made by a test.
//!
//! Where several outcomes are right (which of two racers that are ready wins, which of several timers of one deadline
//! fires first), the library takes the one that costs least. A test that wants to see the others [`decide`]s: as long
//! as that lasts, it is asked each time on that thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Context;

use crate::Home;

crate::thread_local! {
    static DECIDER: RefCell<Option<Rc<dyn Decider>>> = RefCell::new(None);
    /// Whether there is one: quicker to look at, since nearly never there is.
    static IS_DECIDED: Cell<bool> = Cell::new(false);
}

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Choice {
    /// Which of several timers of one deadline fires next.
    NextTimer,
    /// Whether those that are due as well fire at once (0), or only after the next turn of a task (1).
    HoldTimers,
    /// Whether an operation that may be ready goes on (0), or lets others go first (1): see [`gives_way`].
    GiveWay,
}

/// Makes the choices of a thread.
pub trait Decider {
    /// One of `0..n`; there are two at least. Zero stands for what the library would do.
    fn choose(&self, choice: Choice, n: usize) -> usize;
}

/// Makes the choices of this thread from now on; returns who did before.
pub fn decide(decider: Option<Rc<dyn Decider>>) -> Option<Rc<dyn Decider>> {
    IS_DECIDED.with(|is_decided| is_decided.set(decider.is_some()));
    DECIDER.with(|current| current.replace(decider))
}

/// Whether somebody makes the choices of this thread.
#[inline]
pub fn is_decided() -> bool {
    IS_DECIDED.try_with(Cell::get).unwrap_or(false)
}

/// One of `0..n`; zero, where nobody decides.
///
/// # Panics
/// If the decider says anything else.
pub fn choose(choice: Choice, n: usize) -> usize {
    let decider = DECIDER.try_with(|current| current.borrow().clone()).ok().flatten();
    match decider {
        Some(decider) if n > 1 => {
            let chosen = decider.choose(choice, n);
            assert!(chosen < n, "{choice:?}: of {n}, number {chosen} was chosen");
            chosen
        }
        _ => 0,
    }
}

/// Whether a poll is to let others go first, as if they ran at the same time on another worker: then the task was
/// woken, and the operation returns `Pending` before it has done anything. In builds with debug assertions, and in the
/// home of what may cross threads; else never.
#[inline]
pub fn gives_way<H: Home>(cx: &Context<'_>) -> bool {
    #[cold]
    fn ask(cx: &Context<'_>) -> bool {
        let gives_way = choose(Choice::GiveWay, 2) == 1;
        if gives_way {
            cx.waker().wake_by_ref();
        }
        gives_way
    }
    cfg!(all(debug_assertions, not(aio_loom))) && H::CROSSES_THREADS && is_decided() && ask(cx)
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    struct Last;

    impl Decider for Last {
        fn choose(&self, _: Choice, n: usize) -> usize {
            n - 1
        }
    }

    #[test]
    fn a_decider_decides_until_it_is_replaced() {
        assert_eq!((is_decided(), choose(Choice::NextTimer, 3)), (false, 0));
        let former = decide(Some(Rc::new(Last)));
        assert!(is_decided());
        assert_eq!((choose(Choice::NextTimer, 3), choose(Choice::HoldTimers, 1)), (2, 0));
        decide(former);
        assert_eq!((is_decided(), choose(Choice::NextTimer, 3)), (false, 0));
    }
}
