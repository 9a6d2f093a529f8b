//! A child that waits until there is room for it.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::GroupHome;
use super::progress::{Progress, Turn};

pin_project! {
    /// A child that begins when the group's limit allows it. Who is told of its end makes room for the next, see
    /// [`Progress::leave`].
    pub(crate) struct Gated<F, H: GroupHome> {
        #[pin]
        child: F,
        // Where it waits; none once it may begin. In a box, since few children wait.
        gate: Option<Box<Gate<H>>>,
    }
}

struct Gate<H: GroupHome> {
    progress: H::Ref<Progress<H>>,
    number: u64,
}

impl<F, H: GroupHome> Gated<F, H> {
    pub(crate) fn new(child: F, progress: &H::Ref<Progress<H>>, turn: Turn) -> Self {
        Self { child, gate: turn.waits.then(|| Box::new(Gate { progress: progress.clone(), number: turn.number })) }
    }
}

impl<F: Future, H: GroupHome> Future for Gated<F, H> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(gate) = this.gate {
            if !gate.progress.may_begin(gate.number, cx.waker()) {
                return Poll::Pending;
            }
            *this.gate = None;
        }
        this.child.poll(cx)
    }
}
