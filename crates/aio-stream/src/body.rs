//! What all generators have in common: a body that is called at the first poll, and runs inside the polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Emitter;
use crate::slot::{Around, Slot};

pin_project! {
    /// `F` makes the future `Fut`, which emits items of type `T`.
    ///
    /// `repr(C)`: what is used for each item lies together.
    #[repr(C)]
    pub(crate) struct Body<T, F, Fut: Future> {
        slot: Slot<T>,
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
        Self { slot: Slot::new(), stage: Stage::New { make } }
    }

    /// The next item. `None` at the end; then there may be an [output](Self::take_output).
    ///
    /// Always inlined, with the usual case in a straight line, and polls the body in one place only, so that it can be
    /// inlined as well: that is what makes an item cheap. What is rare gives its item through a reference: returned, it
    /// would be merged with that of the usual case before the caller can tell that there is one.
    #[inline(always)]
    pub(crate) fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let around = Around::new(cx);
        // The first poll, the last ones, those after several emits at once, and those from elsewhere.
        if !self.slot.is_ready(around) {
            let mut item = None;
            if self.as_mut().next_without_poll(&mut item) {
                return Poll::Ready(item);
            }
            self.as_mut().project().slot.make_ready(around);
        }
        let this = self.as_mut().project();
        let StageProjection::Running { future } = this.stage.project() else {
            // SAFETY: a slot is ready only for `Stage::Running`: it was when `next_without_poll` gave `false`, and
            // `end`, the only one to change that, closes the slot.
            unsafe { std::hint::unreachable_unchecked() }
        };
        match this.slot.poll(around, cx, |cx| future.poll(cx)) {
            (Poll::Pending, item @ Some(_)) => Poll::Ready(item),
            (Poll::Pending, None) if self.slot.has_backlog() => {
                let mut item = None;
                self.next_without_poll(&mut item);
                Poll::Ready(item)
            }
            (Poll::Pending, None) => Poll::Pending,
            (Poll::Ready(output), mut item) => {
                self.end(output, &mut item);
                Poll::Ready(item)
            }
        }
    }

    /// Gives the first item of the backlog, if there is any. `false` if the future must be polled, which then is there.
    #[cold]
    #[inline(never)]
    fn next_without_poll(mut self: Pin<&mut Self>, item: &mut Option<T>) -> bool {
        self.as_mut().begin();
        let this = self.project();
        *item = this.slot.pop();
        item.is_some() || matches!(*this.stage, Stage::Ended { .. })
    }

    /// The future has returned `output` and may have emitted `item` before; that, or what it has emitted else, is put
    /// there.
    #[cold]
    #[inline(never)]
    fn end(self: Pin<&mut Self>, output: Fut::Output, item: &mut Option<T>) {
        let mut this = self.project();
        this.slot.close();
        // Not lost if the destructor of the future panics.
        item.take().into_iter().for_each(|item| this.slot.push_first(item));
        this.stage.set(Stage::Ended { output: Some(output) });
        *item = this.slot.pop();
    }

    /// Calls the closure, unless that was done.
    fn begin(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Stage::New { .. } = *this.stage
            // The closure is out of its place when it is called, so that a panic in it leaves an ended body.
            && let StageReplaced::New { make } = this.stage.as_mut().project_replace(Stage::Ended { output: None })
        {
            let future = make(Emitter::new(this.slot.id()));
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
            Stage::Ended { output } => Some((self.slot.n_items(), output.is_some())),
            _ => None,
        }
    }
}
