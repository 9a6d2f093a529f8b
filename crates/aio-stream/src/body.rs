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
        loop {
            match this.stage.as_mut().project() {
                StageProjection::Running { future } => {
                    if let Some(item) = visit.begin_turn(cx) {
                        return Poll::Ready(Step::Item(item));
                    }
                    let poll = future.poll(cx);
                    if let Poll::Ready(output) = poll {
                        this.stage.set(Stage::Ended { n_left: 0, output: Some(output) });
                        continue;
                    }
                    return match visit.take() {
                        Some(item) => Poll::Ready(Step::Item(item)),
                        None => Poll::Pending,
                    };
                }
                StageProjection::New { .. } => {
                    // Out of its place before it is called, so that a panic in it leaves an ended body.
                    let ended = Stage::Ended { n_left: 0, output: None };
                    if let StageReplaced::New { make } = this.stage.as_mut().project_replace(ended) {
                        let future = make(Emitter::new(this.slot.clone()));
                        this.stage.set(Stage::Running { future });
                    }
                }
                StageProjection::Ended { n_left, output } => {
                    // The item of the last poll, or one of those behind it.
                    let item = visit.take().or_else(|| visit.begin_turn(cx));
                    *n_left = visit.n_left();
                    return Poll::Ready(match item {
                        Some(item) => Step::Item(item),
                        None => output.take().map_or(Step::Nothing, Step::Output),
                    });
                }
            }
        }
    }

    /// How many items are left, if that is known, and whether an output is.
    pub(crate) fn left(&self) -> Option<(usize, bool)> {
        match &self.stage {
            Stage::Ended { n_left, output } => Some((*n_left, output.is_some())),
            _ => None,
        }
    }
}
