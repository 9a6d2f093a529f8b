//! Waiting for a future without a loop.

use std::cell::{OnceCell, RefCell};
use std::panic::{Location, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::Parker;

use crate::current;
use crate::scope::Scope;
use crate::task::step;

aio_base::thread_local! {
    /// What the calls of this thread wait with: making one costs more than most futures, and so does moving it.
    static KEPT: OnceCell<Rc<Waiting>> = OnceCell::new();
}

struct Waiting {
    parker: RefCell<Parker>,
    waker: Waker,
}

impl Waiting {
    #[cold]
    fn new() -> Rc<Self> {
        let parker = Parker::new();
        let waker = Waker::from(parker.unparker());
        Rc::new(Self { parker: RefCell::new(parker), waker })
    }

    /// Nobody else's: a future may block on another one, and each needs a token of its own.
    #[inline]
    fn take() -> Rc<Self> {
        let kept = KEPT.try_with(|kept| kept.get_or_init(Self::new).clone());
        // The thread may be too far gone to keep anything.
        kept.ok().filter(|kept| Rc::strong_count(kept) == 2).unwrap_or_else(Self::new)
    }
}

/// Blocks the thread until `future` is finished and its cleanups are done. There is no loop: nothing can be spawned,
/// and timers are driven by a thread of the process.
///
/// ```
/// assert_eq!(aio_core::block_on(async { 1 + 1 }), 2);
/// ```
///
/// # Panics
/// If `future` does. On the thread of a loop, which would stand still: await the future there instead.
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    let caller = Location::caller();
    current::with_loop(|core| {
        panic!(
            "`block_on` at {caller} would block the loop that was started at {}: await the future instead",
            core.started_at.get()
        )
    });
    let waiting = Waiting::take();
    let mut cx = Context::from_waker(&waiting.waker);
    let outcome = {
        let mut scope = pin!(Scope::new(future));
        loop {
            match step(scope.as_mut(), &mut cx) {
                Poll::Ready(outcome) => break outcome,
                // A token left by a former future ends one park early, which is harmless.
                Poll::Pending => waiting.parker.borrow_mut().park(None),
            }
        }
    };
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}
