//! Cleanups that stay on their loop.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::{Arc, Mutex};
use aio_base::{Panics, WakerSlot};

use super::cleanups::{Cleanup, Origin};
use crate::current;
use crate::reason::{Reason, cancel_reason};
use crate::task::{JoinError, OnExit, ToHandle, spawn_cleanup};

/// Leaves a cleanup that must stay on this thread: as a task of its loop, for which the current scope waits. Without a
/// loop there is nobody to run it later, so it is run to its end at once, and the thread blocks.
pub(super) fn leave_local(finalizer: Pin<Box<dyn Future<Output = ()>>>, left_at: &'static Location<'static>) {
    let left = current::with_scope(|scope| match scope {
        Some(scope) => {
            let link = Arc::new(LocalLink::default());
            let gated = Gated { finalizer: Some(finalizer), reason: cancel_reason(), link: link.clone() };
            let ended = match spawn_cleanup(gated, ToScope(link.clone()), left_at) {
                Ok(ended) => ended,
                Err(mut gated) => return Err(gated.finalizer.take()),
            };
            let turn = Turn(link);
            let finalizer = async move {
                turn.0.say(Signal::Begin);
                ended.await;
                let panics = std::mem::take(&mut *turn.0.panics.lock());
                panics.rethrow();
            };
            scope.add(Cleanup::new(Box::pin(finalizer), Origin::Line(left_at)));
            Ok(())
        }
        // The loop waits for its tasks anyway.
        None => spawn_cleanup(finalizer, ToHandle, left_at).map(drop).map_err(Some),
    });
    if let Err(Some(finalizer)) = left {
        crate::block_on(finalizer);
    }
}

/// Between a local cleanup, which is a task, and the scope that waits for it.
#[derive(Default)]
struct LocalLink {
    signal: Mutex<Option<Signal>>,
    heard: WakerSlot,
    panics: Mutex<Panics>,
}

#[derive(Clone, Copy)]
enum Signal {
    /// The cleanups before it are done.
    Begin,
    /// Nobody waits for it any more.
    GiveUp,
}

impl LocalLink {
    fn say(&self, signal: Signal) {
        *self.signal.lock() = Some(signal);
        self.heard.wake();
    }
}

/// The scope's end: dropped, it tells the task that nobody waits any more.
struct Turn(Arc<LocalLink>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.say(Signal::GiveUp);
    }
}

/// The task's end: a local cleanup that begins when the scope comes to it.
struct Gated {
    /// Until it is done, or given up.
    finalizer: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Why that after which this cleans up was cut.
    reason: Option<Reason>,
    link: Arc<LocalLink>,
}

impl Future for Gated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { finalizer, reason, link } = &mut *self;
        link.heard.register(cx.waker());
        let signal = *link.signal.lock();
        match (signal, finalizer.as_mut()) {
            (None, _) => Poll::Pending,
            (Some(Signal::Begin), Some(finalizer)) => match reason {
                Some(reason) => current::enter_reason(reason, || finalizer.as_mut().poll(cx)),
                None => finalizer.as_mut().poll(cx),
            },
            _ => {
                *finalizer = None;
                Poll::Ready(())
            }
        }
    }
}

/// A panic of a cleanup that runs as a task goes to the scope that waits for it.
struct ToScope(Arc<LocalLink>);

impl OnExit<()> for ToScope {
    type Output = ();

    fn on_exit(self, outcome: Result<(), JoinError>) -> Result<(), JoinError> {
        outcome.or_else(|error| {
            self.0.panics.lock().keep(error.try_into_panic()?);
            Err(JoinError::handled())
        })
    }
}
