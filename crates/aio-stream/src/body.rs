//! What all generators have in common: a body that is called at the first poll, and runs inside the polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Emitter;
use crate::slot::{self, Backlog};

pin_project! {
    /// `F` makes the future `Fut`, which emits items of type `T`.
    pub(crate) struct Body<T, F, Fut: Future> {
        backlog: Backlog<T>,
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
        /// The future has returned, and was dropped; what is left is the backlog, and then this.
        Ended { output: Option<Fut::Output> },
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
        Self { backlog: Backlog::new(), stage: Stage::New { make } }
    }

    /// Always inlined, and with the usual case in a straight line: that is what makes an item cheap.
    #[inline(always)]
    pub(crate) fn poll_step(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, Fut::Output>> {
        if !slot::is_nested()
            && let Some(polled) = self.as_mut().poll_running(cx)
        {
            return polled;
        }
        self.poll_step_rarely(cx)
    }

    /// `None` if the future cannot be polled, or has just returned.
    #[inline(always)]
    fn poll_running(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Poll<Step<T, Fut::Output>>> {
        let mut this = self.project();
        if let StageProjection::Running { future } = this.stage.as_mut().project()
            && !this.backlog.is_there()
        {
            match slot::poll_body(this.backlog, cx, |cx| future.poll(cx)) {
                (Poll::Pending, item) => return Some(item.map_or(Poll::Pending, |item| Poll::Ready(Step::Item(item)))),
                (Poll::Ready(output), item) => {
                    item.into_iter().for_each(|item| this.backlog.push_first(item));
                    this.stage.set(Stage::Ended { output: Some(output) });
                }
            }
        }
        None
    }

    /// The first poll, the last ones, those of a generator inside another, and those after several emits at once. Has
    /// the body in it a second time: if the usual case went on behind a branch back, each item would cost more.
    #[cold]
    #[inline(never)]
    fn poll_step_rarely(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, Fut::Output>> {
        slot::put_aside(|| {
            loop {
                if let Some(step) = self.as_mut().step_without_body() {
                    return Poll::Ready(step);
                }
                if let Some(polled) = self.as_mut().poll_running(cx) {
                    return polled;
                }
            }
        })
    }

    /// `None` if the body must be polled.
    fn step_without_body(self: Pin<&mut Self>) -> Option<Step<T, Fut::Output>> {
        let mut this = self.project();
        if let Stage::New { .. } = *this.stage
            // The closure is out of its place when it is called, so that a panic in it leaves an ended body.
            && let StageReplaced::New { make } = this.stage.as_mut().project_replace(Stage::Ended { output: None })
        {
            let future = make(Emitter::new(this.backlog.id()));
            this.stage.set(Stage::Running { future });
        }
        let item = this.backlog.pop().map(Step::Item);
        match this.stage.project() {
            StageProjection::Ended { output } => {
                item.or_else(|| output.take().map(Step::Output)).or(Some(Step::Nothing))
            }
            _ => item,
        }
    }

    /// How many items are left, if that is known, and whether an output is.
    pub(crate) fn left(&self) -> Option<(usize, bool)> {
        match &self.stage {
            Stage::Ended { output } => Some((self.backlog.n_items(), output.is_some())),
            _ => None,
        }
    }
}
