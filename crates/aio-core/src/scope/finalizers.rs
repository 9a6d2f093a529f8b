//! The cleanups that a scope still has to run.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use aio_base::live::{Kind, Live};
use aio_base::sync::{Arc, Mutex};
use aio_base::{Panics, ReadySet};

use super::orphans;
use crate::current;
use crate::task::{JoinError, OnExit, ToHandle, spawn_cleanup};

/// A cleanup. It is `Send`, since the scope it belongs to may move to another thread; one that is not becomes a task of
/// its loop, and the scope waits for that.
pub(crate) type Finalizer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One word: nothing, or the cleanups.
///
/// While they are polled, they are taken out of the word; what is added meanwhile (a cleanup may leave a cleanup, and
/// drop any guard) goes into the empty word and joins them afterwards.
pub(crate) struct Finalizers(Cell<Option<NonNull<Set>>>);

// SAFETY: the word owns the set like a `Box`, and the set is `Send`: asserted below.
unsafe impl Send for Finalizers {}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Set>();
};

#[derive(Default)]
struct Set {
    running: ReadySet<Counted>,
    /// The first panic of a cleanup, or one that the owner keeps here.
    panics: Panics,
}

struct Counted {
    finalizer: Finalizer,
    _live: Live,
}

impl Finalizers {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }

    /// Empties the word.
    fn take(&self) -> Option<Box<Set>> {
        // SAFETY: `put` made the pointer from a box, and nobody else has taken it since: the word is emptied.
        self.0.take().map(|set| unsafe { Box::from_raw(set.as_ptr()) })
    }

    /// Fills the word, which is empty.
    fn put(&self, set: Box<Set>) {
        debug_assert!(self.is_empty(), "a set of cleanups would be lost");
        self.0.set(Some(NonNull::from(Box::leak(set))));
    }

    /// Adds a cleanup. The scope will poll it: cleanups are only left while it polls or drops its future.
    pub(crate) fn add(&self, finalizer: Finalizer) {
        self.with(|set| set.running.insert(Counted { finalizer, _live: Live::new(Kind::Finalizer) }));
    }

    /// Keeps a panic, to be let out when the cleanups are done.
    pub(crate) fn keep_panic(&self, payload: Box<dyn Any + Send>) {
        self.with(|set| set.panics.keep(payload));
    }

    /// Runs the cleanups on. Ready when none is left; then, if `ended`, the first panic goes on.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, ended: bool) -> Poll<()> {
        let Some(mut set) = self.take() else { return Poll::Ready(()) };
        let done = loop {
            let next = current::enter_scope(self, || set.panics.catch(|| set.running.poll_next(cx)));
            match next {
                // One is done, or has panicked and is gone.
                Some(Poll::Ready(Some(_))) | None => {}
                Some(Poll::Ready(None)) if self.is_empty() => break true,
                Some(Poll::Pending) if self.is_empty() => break false,
                Some(_) => {}
            }
            if let Some(more) = self.take() {
                set.join(*more);
            }
        };
        if !done || (!ended && set.panics.has_panicked()) {
            self.put(set);
            return if done { Poll::Ready(()) } else { Poll::Pending };
        }
        let Set { panics, .. } = *set;
        panics.resume();
        Poll::Ready(())
    }

    /// Gives everything to the scope that is current now.
    #[inline]
    pub(crate) fn hand_over(&self) {
        let Some(set) = self.take() else { return };
        Self::hand_over_set(set);
    }

    #[cold]
    fn hand_over_set(mut set: Box<Set>) {
        current::with_scope(|scope| match scope {
            Some(scope) => scope.with(|all| all.join(*set)),
            None => {
                set.running.drain().for_each(|counted| leave_outside(counted.finalizer));
                if let Some(payload) = set.panics.take() {
                    leave_outside(Box::pin(async move { std::panic::resume_unwind(payload) }));
                }
            }
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut Set) -> R) -> R {
        let mut set = self.take().unwrap_or_default();
        let result = change(&mut set);
        self.put(set);
        result
    }
}

impl Set {
    fn join(&mut self, mut other: Set) {
        for counted in other.running.drain() {
            self.running.insert(counted);
        }
        if let Some(payload) = other.panics.take() {
            self.panics.keep(payload);
        }
    }
}

impl Future for Counted {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.finalizer.as_mut().poll(cx)
    }
}

impl Drop for Finalizers {
    #[inline]
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Leaves a cleanup with the current scope; without one, outside.
pub(crate) fn leave(finalizer: Finalizer) {
    current::with_scope(|scope| match scope {
        Some(scope) => scope.add(finalizer),
        None => leave_outside(finalizer),
    });
}

/// Leaves a cleanup where there is no scope: with the loop, as a task (so it is, for example, when the output of a
/// detached task is dropped); without a loop, with the process.
fn leave_outside(finalizer: Finalizer) {
    if let Err(finalizer) = spawn_cleanup(finalizer, ToHandle) {
        orphans::adopt(finalizer);
    }
}

/// Leaves a cleanup that must stay on this thread: as a task of its loop, for which the current scope waits. Without a
/// loop there is nobody to run it later, so it is run to its end at once, and the thread blocks.
pub(crate) fn leave_local(finalizer: Pin<Box<dyn Future<Output = ()>>>) {
    let left = current::with_scope(|scope| match scope {
        Some(scope) => {
            let panics = Arc::new(Mutex::new(Panics::new()));
            let ended = spawn_cleanup(finalizer, ToScope(panics.clone()))?;
            scope.add(Box::pin(async move {
                ended.await;
                let panics = std::mem::take(&mut *panics.lock());
                panics.resume();
            }));
            Ok(())
        }
        // The loop waits for its tasks anyway.
        None => spawn_cleanup(finalizer, ToHandle).map(drop),
    });
    if let Err(finalizer) = left {
        crate::block_on(finalizer);
    }
}

/// A panic of a cleanup that runs as a task goes to the scope that waits for it.
struct ToScope(Arc<Mutex<Panics>>);

impl OnExit<()> for ToScope {
    type Output = ();

    fn on_exit(self, outcome: Result<(), JoinError>) -> Result<(), JoinError> {
        outcome.or_else(|error| {
            self.0.lock().keep(error.try_into_panic()?);
            Err(JoinError::handled())
        })
    }
}

impl fmt::Debug for Finalizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finalizers").field("is_empty", &self.is_empty()).finish()
    }
}
