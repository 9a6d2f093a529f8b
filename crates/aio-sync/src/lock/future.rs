//! Waiting for a lock.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use aio_base::choice;
use aio_base::{Home, Shared};

use super::{Lock, LockGuard, OwnedLockGuard};
use crate::wait_queue::{Line, Wait, Waiter};

/// Waits for a [`Lock`]: made by [`Lock::lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct LockFuture<'a, T: ?Sized, H: Home = Shared> {
    wait: Wait<H, Borrowed<'a, T, H>>,
}

/// Waits for a [`Lock`] that it keeps a reference to: made by [`Lock::lock_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct OwnedLockFuture<T: ?Sized, H: Home = Shared> {
    wait: Wait<H, Counted<T, H>>,
}

impl<'a, T: ?Sized, H: Home> LockFuture<'a, T, H> {
    #[inline]
    pub(super) fn new(lock: &'a Lock<T, H>) -> Self {
        Self { wait: LockWaiter::wait(lock) }
    }
}

impl<T: ?Sized, H: Home> OwnedLockFuture<T, H> {
    #[cfg(not(aio_loom))]
    #[inline]
    pub(super) fn new(lock: H::Ref<Lock<T, H>>) -> Self {
        Self { wait: LockWaiter::wait(lock) }
    }
}

impl<'a, T: ?Sized, H: Home> Future for LockFuture<'a, T, H> {
    type Output = LockGuard<'a, T, H>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        let lock = self.wait.waiter.0;
        // SAFETY: `wait` is pinned when `self` is: this type has no `Drop`, moves it nowhere, and is `!Unpin` since
        // `Wait` is.
        let wait = unsafe { self.map_unchecked_mut(|this| &mut this.wait) };
        ready!(poll_lock(wait, cx));
        Poll::Ready(LockGuard::new(lock))
    }
}

impl<T: ?Sized, H: Home> Future for OwnedLockFuture<T, H> {
    type Output = OwnedLockGuard<T, H>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if choice::gives_way::<H>(cx) {
            return Poll::Pending;
        }
        // SAFETY: as above.
        let wait = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.wait) };
        ready!(poll_lock(wait, cx));
        Poll::Ready(OwnedLockGuard::new(self.wait.waiter.0.clone()))
    }
}

#[inline]
fn poll_lock<T: ?Sized, H: Home, R>(wait: Pin<&mut Wait<H, LockWaiter<T, H, R>>>, cx: &mut Context<'_>) -> Poll<()>
where
    R: Deref<Target = Lock<T, H>>,
{
    wait.poll(cx, |waiter| waiter.0.gate.try_pass(), |waiter, _line| (!waiter.0.gate.enter()).then_some(())).map(|_| ())
}

/// Of a borrowed or a counted reference.
struct LockWaiter<T: ?Sized, H: Home, R>(R, PhantomData<fn(&Lock<T, H>)>);

type Borrowed<'a, T, H> = LockWaiter<T, H, &'a Lock<T, H>>;
type Counted<T, H> = LockWaiter<T, H, <H as Home>::Ref<Lock<T, H>>>;

impl<T: ?Sized, H: Home, R> LockWaiter<T, H, R> {
    #[inline]
    fn wait(lock: R) -> Wait<H, Self>
    where
        R: Deref<Target = Lock<T, H>>,
    {
        Wait::new(Self(lock, PhantomData))
    }
}

// SAFETY: the reference is one of the two above: it leads to the same lock as long as it exists, and that has one line,
// which has one lock.
unsafe impl<T: ?Sized, H: Home, R: Deref<Target = Lock<T, H>>> Waiter<H> for LockWaiter<T, H, R> {
    type Guarded = Line<H, ()>;
    type Note = ();
    const WHAT: &'static str = "Lock";

    #[inline]
    fn guarded(&self) -> &H::Exclusive<Line<H, ()>> {
        &self.0.gate.line
    }

    #[inline]
    fn line(line: &mut Line<H, ()>) -> &mut Line<H, ()> {
        line
    }

    fn pass_on(&self) {
        self.0.gate.open();
    }
}

impl<T: ?Sized, H: Home> fmt::Debug for LockFuture<'_, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockFuture").field(&self.wait).finish()
    }
}

impl<T: ?Sized, H: Home> fmt::Debug for OwnedLockFuture<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedLockFuture").field(&self.wait).finish()
    }
}
