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

impl<T, F, Fut> Body<T, F, Fut>
where
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future,
{
    pub(crate) fn new(make: F) -> Self {
        Self { backlog: Backlog::new(), stage: Stage::New { make } }
    }

    /// The next item. `None` at the end; then there may be an [output](Self::take_output).
    ///
    /// Always inlined, with the usual case in a straight line, and polls the body in one place only, so that it can be
    /// inlined as well: that is what makes an item cheap. The item is handed on in the option in which it is left.
    #[inline(always)]
    pub(crate) fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // The first poll, the last ones, and those after several emits at once.
        if !self.is_at_work()
            && let Some(item) = self.as_mut().next_without_poll()
        {
            return Poll::Ready(item);
        }
        let (item, has_ended) = self.as_mut().poll_future(cx);
        if has_ended {
            return Poll::Ready(self.project().backlog.pop());
        }
        if item.is_some() { Poll::Ready(item) } else { Poll::Pending }
    }

    /// `None` if the future must be polled, which then is there.
    #[cold]
    #[inline(never)]
    fn next_without_poll(mut self: Pin<&mut Self>) -> Option<Option<T>> {
        self.as_mut().begin();
        let this = self.project();
        let item = this.backlog.pop();
        (item.is_some() || matches!(*this.stage, Stage::Ended { .. })).then_some(item)
    }

    /// Whether the next item must come from the future.
    #[inline(always)]
    fn is_at_work(&self) -> bool {
        matches!(self.stage, Stage::Running { .. }) && !self.backlog.is_there()
    }

    /// An item, if there is one, and whether the future has returned; an item that came with that is in the backlog.
    #[inline(always)]
    fn poll_future(self: Pin<&mut Self>, cx: &mut Context<'_>) -> (Option<T>, bool) {
        let mut this = self.project();
        let StageProjection::Running { future } = this.stage.as_mut().project() else {
            unreachable!("it is at work, or was found to have nothing but the future")
        };
        let (polled, item) = slot::poll_body(this.backlog, cx, |cx| future.poll(cx));
        let Poll::Ready(output) = polled else { return (item, false) };
        item.into_iter().for_each(|item| this.backlog.push_first(item));
        this.stage.set(Stage::Ended { output: Some(output) });
        (None, true)
    }

    /// Calls the closure, unless that was done.
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Stage::New { .. } = *this.stage
            // The closure is out of its place when it is called, so that a panic in it leaves an ended body.
            && let StageReplaced::New { make } = this.stage.as_mut().project_replace(Stage::Ended { output: None })
        {
            let future = make(Emitter::new(this.backlog.id()));
            this.stage.set(Stage::Running { future });
        }
    }

    /// What the future has returned; once.
    pub(crate) fn take_output(self: Pin<&mut Self>) -> Option<Fut::Output> {
        match self.project().stage.project() {
            StageProjection::Ended { output } => output.take(),
            _ => None,
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
