//! A child that waits until there is room for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::GroupHome;
use super::progress::Progress;

pin_project! {
    /// A child that begins when the group's limit allows it, and makes room for the next when it is finished or dropped.
    pub(crate) struct Gated<F, H: GroupHome> {
        // First, so that it is gone when the gate opens for the next.
        #[pin]
        child: F,
        gate: Gate<H>,
    }
}

struct Gate<H: GroupHome> {
    progress: H::Ref<Progress<H>>,
    /// Under which it waits; none once it may begin.
    number: Option<u64>,
}

impl<F, H: GroupHome> Gated<F, H> {
    pub(crate) fn new(child: F, progress: &H::Ref<Progress<H>>) -> Self {
        Self { child, gate: Gate { progress: progress.clone(), number: progress.queue_up() } }
    }
}

impl<F: Future, H: GroupHome> Future for Gated<F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(number) = this.gate.number {
            if !this.gate.progress.may_begin(number, cx.waker()) {
                return Poll::Pending;
            }
            this.gate.number = None;
        }
        this.child.poll(cx)
    }
}

impl<H: GroupHome> Drop for Gate<H> {
    fn drop(&mut self) {
        self.progress.leave(self.number);
    }
}
