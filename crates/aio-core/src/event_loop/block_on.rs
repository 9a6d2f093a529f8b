//! Waiting for a future without a loop.

use std::cell::{OnceCell, RefCell};
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use aio_base::Parker;
use aio_base::host::{self, Through, WaitsFor};
use aio_base::waits::OwnPart;

use crate::scope::Scope;
use crate::task::{Outcome, step};

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
    host::assert_may_block("`block_on`");
    let waiting = Waiting::take();
    let outcome = {
        let mut scope = pin!(Scope::new(future));
        let part = OwnPart::new();
        let first = turn(scope.as_mut(), &part, &waiting.waker);
        match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => match Through::take() {
                None => wait(scope, &part, &waiting),
                Some(through) => wait_through(scope, &part, &through),
            },
        }
    };
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

#[inline]
fn turn<F: Future>(scope: Pin<&mut Scope<F>>, part: &OwnPart, waker: &Waker) -> Poll<Outcome<F::Output>> {
    let _entered = part.enter();
    step(scope, &mut Context::from_waker(waker))
}

fn wait<F: Future>(mut scope: Pin<&mut Scope<F>>, part: &OwnPart, waiting: &Waiting) -> Outcome<F::Output> {
    loop {
        // A token left by a former future ends one park early, which is harmless.
        waiting.parker.borrow_mut().park(None);
        if let Poll::Ready(outcome) = turn(scope.as_mut(), part, &waiting.waker) {
            return outcome;
        }
    }
}

/// The same in a job of a test.
#[cold]
fn wait_through<F: Future>(mut scope: Pin<&mut Scope<F>>, part: &OwnPart, through: &Through) -> Outcome<F::Output> {
    let waker = through.waker();
    loop {
        if let Poll::Ready(outcome) = turn(scope.as_mut(), part, &waker) {
            return outcome;
        }
        through.wait(WaitsFor::AFuture);
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use std::future::poll_fn;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc; // facade: a flag of the test
    use std::sync::atomic::{AtomicBool, Ordering}; // facade: as above

    use aio_base::live::leak_check;

    use super::*;

    fn waker() -> impl Future<Output = Waker> {
        poll_fn(|cx| Poll::Ready(cx.waker().clone()))
    }

    /// Is woken by another thread.
    async fn elsewhere() {
        let is_done = Arc::new(AtomicBool::new(false));
        let mut thread = None;
        poll_fn(|cx| {
            if is_done.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            let (is_done, waker) = (is_done.clone(), cx.waker().clone());
            thread.get_or_insert_with(|| {
                std::thread::spawn(move || {
                    is_done.store(true, Ordering::Release);
                    waker.wake();
                })
            });
            Poll::Pending
        })
        .await;
        thread.map(std::thread::JoinHandle::join);
    }

    #[test]
    fn a_call_inside_of_another_waits_with_a_waker_of_its_own() {
        leak_check(|| {
            block_on(async {
                let outer = waker().await;
                elsewhere().await;
                block_on(async {
                    assert!(!waker().await.will_wake(&outer));
                    elsewhere().await;
                });
                elsewhere().await;
            });
        });
    }

    #[test]
    fn the_next_call_waits_with_the_same_waker_also_after_a_panic() {
        leak_check(|| {
            let first = block_on(waker());
            catch_unwind(|| block_on(async { panic!("oh") })).unwrap_err();
            assert!(block_on(waker()).will_wake(&first));
            // A call inside of another has taken nothing away.
            let mut inner = None;
            catch_unwind(AssertUnwindSafe(|| block_on(async { inner = Some(block_on(waker())) }))).unwrap();
            assert!(!inner.unwrap().will_wake(&first));
            assert!(block_on(waker()).will_wake(&first));
        });
    }
}
