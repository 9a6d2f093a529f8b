//! What a scope still has to do, and in which order.
//!
//! What one turn of a scope leaves is a [`Chain`]: it runs one after the other, in the order in which it was left, as
//! nested `finally` blocks do, so that the inner of two guards is done before the outer one begins. Chains of different
//! turns run side by side. A scope that is dropped leaves all that it has as one link in the chain of the scope around.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::{Context, Poll};

use aio_base::live::{Kind, Live};
use aio_base::{Panics, ReadySet};

use super::Scope;
use crate::current;
use crate::reason::{Reason, cancel_reason};
use crate::task::TaskRef;

/// The future of a cleanup. It is `Send`, since the scope it belongs to may move to another thread; one that is not
/// becomes a task of its loop, and the scope waits for that.
pub(crate) type Finalizer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// All that a scope still has to do.
#[derive(Default)]
pub(super) struct Cleanups {
    /// Of former turns, side by side.
    chains: ReadySet<Chain>,
    /// What this turn has left so far.
    open: Chain,
    /// The first panic of a cleanup, or one that the owner keeps here.
    pub(super) panics: Panics,
}

/// Links that run one after the other.
#[derive(Default)]
struct Chain {
    first: Option<Link>,
    rest: VecDeque<Link>,
    panics: Panics,
}

enum Link {
    Cleanup(Cleanup),
    /// Of a scope that was dropped.
    Scope(Box<Cleanups>),
}

/// One cleanup.
pub(crate) struct Cleanup {
    /// What the cleanup itself leaves behind is done before the next one begins.
    scope: Scope<Finalizer>,
    origin: Origin,
    /// Why that after which this cleans up was cut.
    reason: Option<Reason>,
    _live: Live,
}

/// Where a cleanup comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The line that called `defer` or `shield`.
    Line(&'static Location<'static>),
    /// It waits for the end of this task.
    Task(TaskRef),
    /// It waits for the ends of these tasks.
    Tasks(Arc<[TaskRef]>),
}

impl Cleanup {
    pub(crate) fn new(finalizer: Finalizer, origin: Origin) -> Self {
        let live = Live::new(Kind::Finalizer);
        Self { scope: Scope::new(finalizer), origin, reason: cancel_reason(), _live: live }
    }

    /// Polls it. A panic is kept in `panics`.
    fn poll(&mut self, cx: &mut Context<'_>, panics: &mut Panics) -> Poll<()> {
        let scope = Pin::new(&mut self.scope);
        let outcome = match &self.reason {
            Some(reason) => current::enter_reason(reason, || scope.poll_outcome(cx)),
            None => scope.poll_outcome(cx),
        };
        outcome.map(|outcome| {
            if let Err(Ok(payload)) = outcome.map_err(crate::JoinError::try_into_panic) {
                panics.keep(payload);
            }
        })
    }
}

impl Cleanups {
    pub(super) fn push(&mut self, cleanup: Cleanup) {
        self.open.push(Link::Cleanup(cleanup));
    }

    /// Adds what a scope has left that was dropped: done before what is left afterwards begins.
    pub(super) fn push_scope(&mut self, mut other: Box<Self>) {
        if !other.chains.is_empty() {
            self.open.push(Link::Scope(other));
            return;
        }
        // One chain in another is as good as one. Scopes that are nested deeply and dropped together stay flat by this.
        let Chain { first, rest, .. } = std::mem::take(&mut other.open);
        first.into_iter().chain(rest).for_each(|link| self.open.push(link));
        self.panics.absorb(&mut other.panics);
    }

    /// Adds what `other` has, to run beside what is here.
    pub(super) fn push_beside(&mut self, mut other: Self) {
        other.close_chain();
        other.chains.drain().for_each(|chain| _ = self.chains.insert(chain));
        self.panics.absorb(&mut other.panics);
    }

    /// The turn is over.
    fn close_chain(&mut self) {
        if self.open.first.is_some() {
            self.chains.insert(std::mem::take(&mut self.open));
        }
    }

    /// Runs on what is there. Ready when nothing is; panics are kept.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.close_chain();
        loop {
            match std::task::ready!(self.chains.poll_next(cx)) {
                Some((_, panic)) => panic.into_iter().for_each(|payload| self.panics.keep(payload)),
                None => return Poll::Ready(()),
            }
        }
    }

    /// Where the cleanups come from that are running or next.
    pub(super) fn origins(&mut self, origins: &mut Vec<Origin>) {
        self.close_chain();
        for (_, chain) in self.chains.iter_mut() {
            for link in chain.first.iter_mut().chain(&mut chain.rest) {
                match link {
                    Link::Cleanup(cleanup) => origins.push(cleanup.origin.clone()),
                    Link::Scope(cleanups) => cleanups.origins(origins),
                }
            }
        }
    }

    /// Drops all of it, unfinished. One after the other, since two destructors that panic in one unwinding abort the
    /// process; the first panic, also one that was kept here, is kept in `panics`.
    pub(super) fn give_up(mut self, panics: &mut Panics) {
        self.close_chain();
        panics.absorb(&mut self.panics);
        for Chain { first, rest, panics: mut kept } in self.chains.drain() {
            panics.absorb(&mut kept);
            for link in first.into_iter().chain(rest) {
                match link {
                    Link::Cleanup(cleanup) => _ = panics.catch(|| drop(cleanup)),
                    Link::Scope(cleanups) => cleanups.give_up(panics),
                }
            }
        }
    }

    /// All of it as one future, which lets the first panic out.
    pub(super) fn into_finalizer(mut self: Box<Self>) -> Finalizer {
        Box::pin(async move {
            std::future::poll_fn(|cx| self.poll(cx)).await;
            std::mem::take(&mut self.panics).rethrow();
        })
    }
}

impl Chain {
    fn push(&mut self, link: Link) {
        if self.first.is_none() {
            self.first = Some(link);
        } else {
            self.rest.push_back(link);
        }
    }
}

impl Future for Chain {
    /// The first panic of a link. The others run nevertheless.
    type Output = Option<Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some(link) = &mut this.first {
            match link {
                Link::Cleanup(cleanup) => std::task::ready!(cleanup.poll(cx, &mut this.panics)),
                Link::Scope(cleanups) => {
                    std::task::ready!(cleanups.poll(cx));
                    this.panics.absorb(&mut cleanups.panics);
                }
            }
            this.first = this.rest.pop_front();
        }
        Poll::Ready(this.panics.take())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(location) => write!(f, "the cleanup left at {location}"),
            Self::Task(task) => write!(f, "waiting for {task}"),
            Self::Tasks(tasks) => {
                let left: Vec<String> =
                    tasks.iter().filter(|task| !task.is_finished()).map(ToString::to_string).collect();
                write!(f, "waiting for {}", left.join(", "))
            }
        }
    }
}
