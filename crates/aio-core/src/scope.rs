//! Work that ends only when everything begun inside it has ended.

mod cancel_scope;
mod defer;
mod finalizers;
mod orphans;
mod shield;

pub use cancel_scope::{CancelScope, Cancellable, Cancelled};
pub use defer::{Deferred, defer, local_defer};
pub(crate) use finalizers::{Finalizers, leave};
pub use shield::{Shield, local_shield, shield};

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::current;
use crate::task::{JoinError, step};

pin_project! {
    /// A future that ends only when the cleanups begun inside it have ended.
    ///
    /// While a scope polls or drops its future, it is the *current scope* of the thread: what [`defer`] and [`shield`]
    /// leave behind goes to the innermost one. The scope polls these *finalizers* alongside its future, and is finished
    /// when the future is and they are. Its output is the future's, or `None` if it was [cut](Self::cancel).
    ///
    /// A scope that is itself dropped half-way drops its future, as a scope does, and hands its finalizers to the scope
    /// that is current at that moment. Every task is a scope, so they run in any case. Where there is no scope at all
    /// (a future of this library, dropped by a foreign executor), a thread of the process called `aio-cleanup` runs
    /// them.
    ///
    /// This is the mechanism under [`CancelScope`], timeouts, races and groups, and for building more such; programs
    /// rarely need it by name.
    ///
    /// A scope that nobody leaves anything with costs one word, and a thread-local store for each poll.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Scope<F: Future> {
        finalizers: Finalizers,
        #[pin]
        state: State<F>,
    }

    impl<F: Future> PinnedDrop for Scope<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let finalizers: &Finalizers = this.finalizers;
            // Also if the destructor of the future panics: what it left until then must not be lost.
            let _hand_over = HandOver(finalizers);
            drop_inside(finalizers, this.state, None);
        }
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F: Future> {
        Running { #[pin] future: F },
        /// The future is gone, with its output or, if it was cut, without.
        Ended { output: Option<F::Output> },
        Taken,
    }
}

struct HandOver<'a>(&'a Finalizers);

impl Drop for HandOver<'_> {
    fn drop(&mut self) {
        self.0.hand_over();
    }
}

/// Drops the future, if it is still there, so that what its destructors leave lands in `finalizers`.
fn drop_inside<F: Future>(finalizers: &Finalizers, mut state: Pin<&mut State<F>>, output: Option<F::Output>) {
    current::enter_scope(finalizers, || state.set(State::Ended { output }));
}

impl<F: Future> Scope<F> {
    /// A scope around `future`.
    pub const fn new(future: F) -> Self {
        Self { finalizers: Finalizers::new(), state: State::Running { future } }
    }

    /// Cuts the future off: drops it, inside the scope, unless it is finished. The scope itself goes on until its
    /// finalizers are done; poll it, and it will give `None`. If the future was finished already, nothing happens: a
    /// value that exists is never thrown away.
    pub fn cancel(self: Pin<&mut Self>) {
        let this = self.project();
        if matches!(*this.state, State::Running { .. }) {
            drop_inside(this.finalizers, this.state, None);
        }
    }

    /// Polls the scope; a panic, wherever in it, is an outcome like others and comes when the cleanups are done. For
    /// those who have to tell others how something ended: tasks and groups.
    ///
    /// # Errors
    /// [`JoinError`], if the future was cut, or if it or one of its cleanups has panicked.
    #[inline]
    pub fn poll_outcome(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, JoinError>> {
        step(self, cx, false)
    }

    /// Whether the future is still there: neither finished nor cut.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Drops what is there, the future or its output, inside the scope: somewhere in it was a panic, which is how it
    /// ends.
    pub(crate) fn abandon(self: Pin<&mut Self>) {
        let this = self.project();
        drop_inside(this.finalizers, this.state, None);
    }

    /// Whether there is nothing left in it: no future, no output, no cleanup, no panic to let out.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(self.state, State::Ended { output: None } | State::Taken) && self.finalizers.is_empty()
    }

    /// Keeps a panic, to be let out when the scope ends.
    pub(crate) fn keep_panic(&self, payload: Box<dyn std::any::Any + Send>) {
        self.finalizers.keep_panic(payload);
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = Option<F::Output>;

    /// # Panics
    /// If the future does; and, once all finalizers are done, if one of them did.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let finalizers: &Finalizers = this.finalizers;
        current::enter_scope(finalizers, || {
            if let StateProj::Running { future } = this.state.as_mut().project()
                && let Poll::Ready(output) = future.poll(cx)
            {
                this.state.set(State::Ended { output: Some(output) });
            }
        });
        if !finalizers.is_empty() {
            ready!(finalizers.poll(cx, !matches!(*this.state, State::Running { .. })));
        }
        match this.state.as_mut().project() {
            StateProj::Running { .. } => Poll::Pending,
            StateProj::Ended { output } => {
                let output = output.take();
                this.state.set(State::Taken);
                Poll::Ready(output)
            }
            StateProj::Taken => panic!("a scope was polled after it had ended"),
        }
    }
}

impl<F: Future> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running { .. } => "Running",
            State::Ended { .. } => "Ended",
            State::Taken => "Taken",
        };
        f.debug_struct("Scope").field("state", &state).field("finalizers", &self.finalizers).finish()
    }
}
