//! What all generators have in common: a body that is called at the first poll, and runs inside the polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::sync::Arc;
use pin_project_lite::pin_project;

use crate::Emitter;
use crate::slot::{Slot, Visit};

pin_project! {
    /// `F` makes the future `Fut`, which emits items of type `T`.
    pub(crate) struct Body<T, F, Fut: Future> {
        slot: Arc<Slot<T>>,
        #[pin]
        stage: Stage<F, Fut>,
    }
}

pin_project! {
    #[project = StageProjection]
    #[project_replace = StageReplaced]
    enum Stage<F, Fut: Future> {
        /// Nobody has polled.
        New { make: F },
        Running { #[pin] future: Fut },
        /// The future has returned, and was dropped; so many items are left, and then its output.
        Ended { n_left: usize, output: Option<Fut::Output> },
    }
}

/// What comes out of a body.
pub(crate) enum Step<T, O> {
    Item(T),
    /// The last thing to come, and it comes once.
    Output(O),
    Nothing,
}

impl<T, F, Fut> Body<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future,
{
    pub(crate) fn new(make: F) -> Self {
        Self { slot: Arc::new(Slot::new()), stage: Stage::New { make } }
    }

    #[inline]
    pub(crate) fn poll_step(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, Fut::Output>> {
        let mut this = self.project();
        let visit = Visit::begin(this.slot);
        if let Stage::New { .. } = *this.stage {
            start(this.stage.as_mut(), this.slot);
        }
        if let StageProjection::Running { future } = this.stage.as_mut().project() {
            if let Some(item) = visit.begin_turn(cx) {
                return Poll::Ready(Step::Item(item));
            }
            match future.poll(cx) {
                Poll::Pending => return visit.take().map_or(Poll::Pending, |item| Poll::Ready(Step::Item(item))),
                Poll::Ready(output) => this.stage.set(Stage::Ended { n_left: 0, output: Some(output) }),
            }
        }
        Poll::Ready(end(this.stage, &visit, cx))
    }

    /// How many items are left, if that is known, and whether an output is.
    pub(crate) fn left(&self) -> Option<(usize, bool)> {
        match &self.stage {
            Stage::Ended { n_left, output } => Some((*n_left, output.is_some())),
            _ => None,
        }
    }
}

/// Calls the closure. It is out of its place by then, so that a panic in it leaves an ended body.
#[cold]
fn start<T, F, Fut>(mut stage: Pin<&mut Stage<F, Fut>>, slot: &Arc<Slot<T>>)
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future,
{
    if let StageReplaced::New { make } = stage.as_mut().project_replace(Stage::Ended { n_left: 0, output: None }) {
        let future = make(Emitter::new(slot.clone()));
        stage.set(Stage::Running { future });
    }
}

/// What an ended body still has: items that nobody has taken, and then its output.
#[cold]
fn end<T, F, Fut: Future>(
    stage: Pin<&mut Stage<F, Fut>>,
    visit: &Visit<'_, T>,
    cx: &mut Context<'_>,
) -> Step<T, Fut::Output> {
    // The item of the last poll, or one of those behind it.
    let item = visit.take().or_else(|| visit.begin_turn(cx));
    let StageProjection::Ended { n_left, output } = stage.project() else {
        unreachable!("only an ended body is left over");
    };
    *n_left = visit.n_left();
    match item {
        Some(item) => Step::Item(item),
        None => output.take().map_or(Step::Nothing, Step::Output),
    }
}
