//! Where a scope keeps its cleanups.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use aio_base::Panics;

use super::cleanups::{Cleanup, Cleanups, Finalizer, Origin};
use super::orphans;
use crate::current;
use crate::task::{ToHandle, spawn_cleanup};

/// One word: nothing, or the cleanups.
///
/// While they are polled, they are taken out of the word; what is added meanwhile goes into the empty word and joins
/// them afterwards.
pub(crate) struct Finalizers(Cell<Option<NonNull<Cleanups>>>);

// SAFETY: the word owns the cleanups like a `Box`, and they are `Send`: asserted below.
unsafe impl Send for Finalizers {}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Cleanups>();
};

impl Finalizers {
    pub(crate) const fn new() -> Self {
        Self(Cell::new(None))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }

    /// Empties the word.
    pub(super) fn take(&self) -> Option<Box<Cleanups>> {
        // SAFETY: `put` made the pointer from a box, and nobody else has taken it since: the word is emptied.
        self.0.take().map(|cleanups| unsafe { Box::from_raw(cleanups.as_ptr()) })
    }

    /// Fills the word, which is empty.
    fn put(&self, cleanups: Box<Cleanups>) {
        debug_assert!(self.is_empty(), "cleanups would be lost");
        self.0.set(Some(NonNull::from(Box::leak(cleanups))));
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Cleanups) -> R) -> R {
        let mut cleanups = self.take().unwrap_or_default();
        let result = change(&mut cleanups);
        self.put(cleanups);
        result
    }

    /// Adds a cleanup. The scope will poll it: cleanups are only left while it polls or drops its future.
    pub(super) fn add(&self, cleanup: Cleanup) {
        self.with(|cleanups| cleanups.push(cleanup));
    }

    /// Keeps a panic, to be let out when the cleanups are done.
    pub(crate) fn keep_panic(&self, payload: Box<dyn Any + Send>) {
        self.with(|cleanups| cleanups.panics.keep(payload));
    }

    /// Runs the cleanups on. Ready when none is left; then, if `ended`, the first panic goes on.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, ended: bool) -> Poll<()> {
        let Some(mut cleanups) = self.take() else { return Poll::Ready(()) };
        let done = loop {
            let mut panics = Panics::new();
            let polled = current::enter_scope(self, || panics.catch(|| cleanups.poll(cx)));
            cleanups.panics.absorb(&mut panics);
            match (self.take(), polled) {
                (Some(more), _) => cleanups.push_beside(*more),
                (None, Some(poll)) => break poll.is_ready(),
                // Whatever has panicked is gone.
                (None, None) => {}
            }
        };
        if !done || (!ended && cleanups.panics.has_panicked()) {
            self.put(cleanups);
            return if done { Poll::Ready(()) } else { Poll::Pending };
        }
        let panics = std::mem::take(&mut cleanups.panics);
        drop(cleanups);
        panics.rethrow();
        Poll::Ready(())
    }

    /// Gives everything to the scope that is current now.
    #[inline]
    pub(crate) fn hand_over(&self) {
        if !self.is_empty() {
            hand_over(self);
        }
    }

    /// Drops what is left, unfinished and with all that this leaves in turn, and says what it was.
    #[cold]
    pub(crate) fn give_up(&self) -> Vec<Origin> {
        let mut origins = Vec::new();
        let mut panics = Panics::new();
        let mut left = self.take();
        if let Some(cleanups) = &mut left {
            cleanups.origins(&mut origins);
        }
        while let Some(cleanups) = left {
            current::enter_scope(self, || cleanups.give_up(&mut panics));
            left = self.take();
        }
        if let Some(payload) = panics.take() {
            self.keep_panic(payload);
        }
        origins
    }
}

impl Drop for Finalizers {
    #[inline]
    fn drop(&mut self) {
        self.hand_over();
    }
}

#[cold]
fn hand_over(finalizers: &Finalizers) {
    let Some(cleanups) = finalizers.take() else { return };
    current::with_scope(|scope| match scope {
        Some(scope) => scope.with(|all| all.push_scope(cleanups)),
        None => leave_outside(cleanups),
    });
}

/// Leaves a cleanup with the current scope; without one, outside.
pub(crate) fn leave(finalizer: Finalizer, origin: Origin) {
    let cleanup = Cleanup::new(finalizer, origin);
    current::with_scope(|scope| match scope {
        Some(scope) => scope.add(cleanup),
        None => {
            let mut cleanups = Box::<Cleanups>::default();
            cleanups.push(cleanup);
            leave_outside(cleanups);
        }
    });
}

/// Leaves cleanups where there is no scope: with the loop, as a task (so it is, for example, when the output of a
/// detached task is dropped); without a loop, with the process.
fn leave_outside(cleanups: Box<Cleanups>) {
    if let Err(finalizer) = spawn_cleanup(cleanups.into_finalizer(), ToHandle, Location::caller()) {
        orphans::adopt(finalizer);
    }
}

impl fmt::Debug for Finalizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finalizers").field("is_empty", &self.is_empty()).finish()
    }
}
