//! The future that runs a group.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::{Panics, ReadySet};
use aio_core::{JoinError, Reason, Scope, SideBySide, cancel_reason};
use pin_project_lite::pin_project;

use super::home::InPlacePin;
use super::tally::Failures;
use super::{GroupHome, TaskGroup};
use crate::GroupError;

pin_project! {
    /// The future of [`TaskGroup::run`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Run<'a, 'env, E, H: GroupHome, B: Future> {
        group: &'a TaskGroup<'env, E, H>,
        // Body and children are dropped in this order.
        #[pin]
        body: Scope<B>,
        children: ReadySet<H::InPlace<'env>>,
        // Room for those that come in; empty between.
        incoming: Vec<H::InPlace<'env>>,
        // How many of them there have been.
        received: usize,
        ended: Option<Result<B::Output, JoinError>>,
        // Whether the children have been told that the group aborts.
        aborted: bool,
    }

    impl<E, H: GroupHome, B: Future> PinnedDrop for Run<'_, '_, E, H, B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.group.handle.tally.progress.note_run(false);
            if this.group.handle.tally.progress.is_finished() {
                return;
            }
            let handle = &this.group.handle;
            // What has panicked goes on; errors go with the run that was to return them.
            let Failures { errors: _errors, panic } = handle.tally.take_failures();
            let ended = this.ended.take().and_then(|outcome| outcome.err()?.try_into_panic().ok());
            let mut panics = Panics::new();
            panic.into_iter().chain(ended).for_each(|payload| panics.keep(payload));
            let reason = cancel_reason().unwrap_or(Reason::Dropped);
            // One after the other, since two destructors that panic in one unwinding abort the process; their cleanups
            // run side by side.
            let parts = SideBySide::new();
            panics.catch(|| parts.run(|| handle.tally.progress.abandon(&reason)));
            panics.catch(|| parts.run(|| this.body.release(reason.clone())));
            for (_, child) in this.children.iter_mut() {
                panics.catch(|| parts.run(|| child.release(reason.clone())));
            }
            parts.run(|| handle.close(&reason, &mut panics));
            drop(parts);
            panics.resume();
        }
    }
}

impl<'a, 'env, E, H: GroupHome, B: Future> Run<'a, 'env, E, H, B> {
    pub(super) fn new(group: &'a TaskGroup<'env, E, H>, body: B) -> Self {
        Self {
            group,
            body: Scope::new(body),
            children: ReadySet::new(),
            incoming: Vec::new(),
            received: 0,
            ended: None,
            aborted: false,
        }
    }
}

impl<E, H: GroupHome, B, R> Run<'_, '_, E, H, B>
where
    B: Future<Output = Result<R, E>>,
{
    /// Polls the body and the children that are ready, until nothing is left to do now. Whether all in here have ended.
    fn poll_in_place(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let handle = &this.group.handle;
        let progress = &handle.tally.progress;
        // Of destructors: those of what is cut, and of outputs that nobody takes.
        let mut panics = Panics::new();
        handle.attend();
        loop {
            if progress.is_aborting() && !*this.aborted {
                *this.aborted = true;
                panics.catch(|| progress.cancel_tasks(&Reason::Aborted));
                panics.catch(|| this.body.as_mut().cancel_with(Reason::Aborted));
                for (_, child) in this.children.iter_mut() {
                    panics.catch(|| child.cancel(Reason::Aborted));
                }
                this.children.rouse();
            }
            if this.ended.is_none()
                && let Poll::Ready(outcome) = this.body.as_mut().poll_outcome(cx)
            {
                let failed = !matches!(outcome, Ok(Ok(_)));
                *this.ended = Some(outcome);
                if failed {
                    // If it was cut, the group aborts already.
                    progress.abort_here();
                    continue;
                }
            }
            let aborting = progress.is_aborting();
            handle.take_incoming(this.incoming);
            for mut child in this.incoming.drain(..) {
                if aborting {
                    panics.catch(|| child.cancel(Reason::Aborted));
                }
                this.children.insert(child);
                *this.received += 1;
            }
            while !matches!(panics.catch(|| this.children.poll_next(cx)), Some(Poll::Pending | Poll::Ready(None))) {}
            if let Some(payload) = panics.take() {
                handle.tally.panicked(payload);
            }
            // What happened before this is seen below, what happens afterwards wakes the task.
            progress.register_run(cx.waker());
            if progress.is_aborting() && !*this.aborted {
                continue;
            }
            if handle.rest() {
                return this.ended.is_some() && this.children.is_empty();
            }
            // Who has come in meanwhile has his turn after those who were here before, as everywhere.
            cx.waker().wake_by_ref();
            return false;
        }
    }
}

impl<E, H: GroupHome, B, R> Future for Run<'_, '_, E, H, B>
where
    B: Future<Output = Result<R, E>>,
{
    type Output = Result<R, GroupError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let group = self.group;
        let tally = &group.handle.tally;
        assert!(!tally.progress.is_finished(), "the future of a task group was polled after it had ended");
        if !self.as_mut().poll_in_place(cx) {
            tally.progress.note_run(true);
            return Poll::Pending;
        }
        let mut waking = Panics::new();
        if waking.catch(|| tally.progress.try_finish(self.received)) == Some(false) {
            tally.progress.note_run(true);
            return Poll::Pending;
        }
        let Failures { mut errors, panic } = tally.take_failures();
        let mut panics = Panics::new();
        panic.into_iter().for_each(|payload| panics.keep(payload));
        let mut output = None;
        match self.project().ended.take() {
            Some(Ok(Ok(value))) => output = Some(value),
            Some(Ok(Err(error))) => errors.push(error),
            Some(Err(error)) => error.try_into_panic().into_iter().for_each(|payload| panics.keep(payload)),
            None => unreachable!("the body has ended"),
        }
        panics.absorb(&mut waking);
        panics.rethrow();
        match output {
            Some(value) if errors.is_empty() => Poll::Ready(Ok(value)),
            // If there is none, `cancel` cut the body.
            _ => Poll::Ready(Err(GroupError::from(errors))),
        }
    }
}

impl<E, H: GroupHome, B: Future> fmt::Debug for Run<'_, '_, E, H, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("group", self.group).field("body_ended", &self.ended.is_some()).finish()
    }
}
