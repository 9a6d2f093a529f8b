//! Work that ends only when everything begun inside it has ended.

mod cleanups;
mod defer;
mod finalizers;
mod local_cleanup;
mod orphans;
mod shield;
mod side_by_side;

pub(crate) use cleanups::Origin;
pub use defer::{Deferred, defer, local_defer};
pub(crate) use finalizers::{Finalizers, leave};
pub use shield::{Shield, local_shield, shield};
pub use side_by_side::SideBySide;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::current;
use crate::reason::Reason;
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
    /// This is the mechanism under timeouts, cancel scopes, races and groups, and for building more such; programs
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
            // Nearly never: it has ended.
            if !matches!(*this.state, State::Spent) {
                drop_unfinished(this.finalizers, this.state);
            }
        }
    }
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateEnd]
    enum State<F: Future> {
        Running { #[pin] future: F },
        /// The future is finished.
        Ended { output: F::Output },
        /// The future was dropped before it was finished.
        Cut { reason: Reason },
        /// There is nothing left: the output was taken, or dropped because of a panic.
        Spent,
    }
}

/// Drops the future, if it is still there, so that what its destructors leave lands in `finalizers`.
fn drop_inside<F: Future>(finalizers: &Finalizers, mut state: Pin<&mut State<F>>, next: State<F>) {
    current::enter_scope(finalizers, || state.set(next));
}

/// What it has left is handed over when the finalizers are dropped, also if the destructor of the future panics.
#[inline(never)]
fn drop_unfinished<F: Future>(finalizers: &Finalizers, state: Pin<&mut State<F>>) {
    drop_inside(finalizers, state, State::Spent);
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
        self.cancel_with(Reason::Requested);
    }

    /// [`cancel`](Self::cancel), and says why: see [`cancel_reason`](crate::cancel_reason).
    pub fn cancel_with(self: Pin<&mut Self>, reason: Reason) {
        let this = self.project();
        if matches!(*this.state, State::Running { .. }) {
            let told = reason.clone();
            current::enter_reason(&told, || drop_inside(this.finalizers, this.state, State::Cut { reason }));
        }
    }

    /// [Cuts](Self::cancel_with) the future off, and leaves the finalizers with the current scope now, as dropping this
    /// one would do later.
    pub fn release(mut self: Pin<&mut Self>, reason: Reason) {
        self.as_mut().cancel_with(reason);
        self.project().finalizers.hand_over();
    }

    /// Drops the finalizers, unfinished, and all that these leave in turn; returns a line for each that says where it
    /// comes from. For whoever bounds how long it waits for them. If the future has ended, so has the scope then. (What
    /// a cleanup leaves that stays on its loop and has begun goes on as a task.)
    pub fn give_up(self: Pin<&mut Self>) -> Vec<String> {
        self.project().finalizers.give_up().iter().map(ToString::to_string).collect()
    }

    /// Polls the scope; a panic, wherever in it, is an outcome like others and comes when the cleanups are done. For
    /// those who have to tell others how something ended: tasks and groups.
    ///
    /// # Errors
    /// [`JoinError`], if the future was cut, or if it or one of its cleanups has panicked.
    #[inline]
    pub fn poll_outcome(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, JoinError>> {
        step(self, cx)
    }

    /// Polls a scope whose future is finished or was cut: what [`poll`](Future::poll) does then, without the code that
    /// polls the future.
    pub fn poll_ended(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        poll_rest(this.finalizers, this.state, None, cx).map(Result::ok)
    }

    /// Whether the future is still there: neither finished nor cut.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Drops what is there, the future or its output, inside the scope: somewhere in it was a panic, which is how it
    /// ends.
    pub(crate) fn abandon(self: Pin<&mut Self>) {
        let this = self.project();
        drop_inside(this.finalizers, this.state, State::Spent);
    }

    /// Whether nothing is left in it that would have to be dropped.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.state, State::Spent) && self.finalizers.is_empty()
    }

    /// Whether there is no future, no output, no cleanup and no panic to let out.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(self.state, State::Cut { .. } | State::Spent) && self.finalizers.is_empty()
    }

    /// Keeps a panic, to be let out when the scope ends.
    pub(crate) fn keep_panic(&self, payload: Box<dyn std::any::Any + Send>) {
        self.finalizers.keep_panic(payload);
    }
}

impl<F: Future> Scope<F> {
    /// Polls it to its end: the output, or why the future was cut.
    #[inline]
    pub(crate) fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Reason>> {
        let mut this = self.project();
        let finalizers: &Finalizers = this.finalizers;
        let output = current::enter_scope(finalizers, || {
            let StateProj::Running { future } = this.state.as_mut().project() else { return None };
            let Poll::Ready(output) = future.poll(cx) else { return None };
            // The future is dropped inside as well.
            this.state.set(State::Spent);
            Some(output)
        });
        match output {
            // Nearly always: nothing was left, and the output need not wait.
            Some(output) if finalizers.is_empty() => Poll::Ready(Ok(output)),
            None if finalizers.is_empty() && is_running(this.state.as_mut()) => Poll::Pending,
            output => poll_rest(finalizers, this.state, output, cx),
        }
    }
}

/// The rest of a poll that has found cleanups, or that the future was cut.
#[cold]
#[inline(never)]
fn poll_rest<F: Future>(
    finalizers: &Finalizers,
    mut state: Pin<&mut State<F>>,
    output: Option<F::Output>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Reason>> {
    if let Some(output) = output {
        state.set(State::Ended { output });
    }
    ready!(finalizers.poll(cx, !is_running(state.as_mut())));
    if is_running(state.as_mut()) { Poll::Pending } else { Poll::Ready(take_end(state)) }
}

/// By a reference that says that the future may refer to itself.
#[inline]
fn is_running<F: Future>(state: Pin<&mut State<F>>) -> bool {
    matches!(state.project(), StateProj::Running { .. })
}

/// The output, or why the future was cut; there is nothing left afterwards.
fn take_end<F: Future>(state: Pin<&mut State<F>>) -> Result<F::Output, Reason> {
    match state.project_replace(State::Spent) {
        StateEnd::Ended { output } => Ok(output),
        StateEnd::Cut { reason } => Err(reason),
        StateEnd::Running { .. } | StateEnd::Spent => panic!("a scope was polled after it had ended"),
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = Option<F::Output>;

    /// # Panics
    /// If the future does; and, once all finalizers are done, if one of them did.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_end(cx).map(Result::ok)
    }
}

impl<F: Future> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running { .. } => "Running",
            State::Ended { .. } => "Ended",
            State::Cut { .. } => "Cut",
            State::Spent => "Spent",
        };
        f.debug_struct("Scope").field("state", &state).field("finalizers", &self.finalizers).finish()
    }
}
