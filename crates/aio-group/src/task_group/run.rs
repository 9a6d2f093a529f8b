//! The future that runs a group.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_base::home::Exclusive;
use aio_base::{Panics, ReadySet};
use aio_core::{JoinError, Scope};
use pin_project_lite::pin_project;

use super::home::InPlacePin;
use super::tally::Failures;
use super::{GroupHome, Incoming, TaskGroup};
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
        ended: Option<Result<B::Output, JoinError>>,
        // Whether the children have been told that the group aborts.
        aborted: bool,
    }

    impl<E, H: GroupHome, B: Future> PinnedDrop for Run<'_, '_, E, H, B> {
        fn drop(this: Pin<&mut Self>) {
            let progress = &this.group.handle.tally.progress;
            if !progress.is_finished() {
                progress.abandon();
            }
        }
    }
}

impl<'a, 'env, E, H: GroupHome, B: Future> Run<'a, 'env, E, H, B> {
    pub(super) fn new(group: &'a TaskGroup<'env, E, H>, body: B) -> Self {
        Self { group, body: Scope::new(body), children: ReadySet::new(), ended: None, aborted: false }
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
        handle.incoming.with(|incoming| incoming.attended = true);
        loop {
            if progress.is_aborting() && !*this.aborted {
                *this.aborted = true;
                let mut panics = Panics::new();
                panics.catch(|| progress.cancel_tasks());
                panics.catch(|| this.body.as_mut().cancel());
                for (_, child) in this.children.iter_mut() {
                    panics.catch(|| child.cancel());
                }
                this.children.rouse();
                if let Some(payload) = panics.take() {
                    handle.tally.panicked(payload);
                }
            }
            if this.ended.is_none()
                && let Poll::Ready(outcome) = this.body.as_mut().poll_outcome(cx)
            {
                // If it was cut, the group aborts already.
                if !matches!(outcome, Ok(Ok(_))) {
                    progress.abort();
                }
                *this.ended = Some(outcome);
                continue;
            }
            loop {
                for mut child in handle.incoming.with(|incoming| std::mem::take(&mut incoming.children)) {
                    if *this.aborted {
                        child.cancel();
                    }
                    this.children.insert(child);
                }
                // A child's panic is an outcome, so none comes out of here.
                if !matches!(this.children.poll_next(cx), Poll::Ready(Some(_))) {
                    break;
                }
            }
            // What happened before this is seen below, what happens afterwards wakes the task.
            progress.register_run(cx.waker());
            let again = progress.is_aborting() && !*this.aborted;
            if !again && !handle.incoming.with(Incoming::leave) {
                return this.ended.is_some() && this.children.is_empty();
            }
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
        if !self.as_mut().poll_in_place(cx) || tally.progress.has_tasks() {
            return Poll::Pending;
        }
        tally.progress.finish();
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
        panics.resume();
        match output {
            Some(value) if errors.is_empty() => Poll::Ready(Ok(value)),
            _ => Poll::Ready(Err(GroupError::new(errors))),
        }
    }
}

impl<E, H: GroupHome, B: Future> fmt::Debug for Run<'_, '_, E, H, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("group", self.group).field("body_ended", &self.ended.is_some()).finish()
    }
}
