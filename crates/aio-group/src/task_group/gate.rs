//! A child that waits until there is room for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::GroupHome;
use super::progress::Progress;

pin_project! {
    /// A child that begins when the group's limit allows it. Who is told of its end makes room for the next, see
    /// [`Progress::leave`].
    pub(crate) struct Gated<F, H: GroupHome> {
        #[pin]
        child: F,
        progress: H::Ref<Progress<H>>,
        // Under which it waits; none once it may begin.
        number: Option<u64>,
    }
}

impl<F, H: GroupHome> Gated<F, H> {
    pub(crate) fn new(child: F, progress: &H::Ref<Progress<H>>, number: Option<u64>) -> Self {
        Self { child, progress: progress.clone(), number }
    }
}

impl<F: Future, H: GroupHome> Future for Gated<F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(number) = *this.number {
            if !this.progress.may_begin(number, cx.waker()) {
                return Poll::Pending;
            }
            *this.number = None;
        }
        this.child.poll(cx)
    }
}
