//! Calling the wakers that came out of a line.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use aio_base::{Panics, WakeList};

/// Calls a waker that came out of a line, the lock having been released. If it panics while the thread is unwinding
/// already, that first panic goes on instead of an abort.
#[inline]
pub(crate) fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker
        && let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake()))
    {
        let_out(payload);
    }
}

#[cold]
#[inline(never)]
fn let_out(payload: Box<dyn Any + Send>) {
    let mut panics = Panics::new();
    panics.keep(payload);
    panics.resume();
}

/// [`wake`], for where it is compiled into what is polled.
#[inline(never)]
pub(crate) fn wake_apart(waker: Waker) {
    wake(Some(waker));
}

/// Calls wakers in batches: `take` fills one under the lock, and says whether there may be more. A panic of one goes on
/// after all have been called.
pub(crate) fn wake_batches(mut take: impl FnMut(&mut WakeList) -> bool) {
    let mut wakers = WakeList::new();
    let mut panics = Panics::new();
    loop {
        let has_more = take(&mut wakers);
        panics.catch(|| wakers.wake_all());
        if !has_more {
            return panics.resume();
        }
    }
}
