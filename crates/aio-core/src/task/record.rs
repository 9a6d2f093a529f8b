//! Tasks that may cross threads: async-task's cell, and a record of ours beside it.
//!
//! async-task has the part that is hard between threads: scheduling, running, wakers, and freeing the future. It runs
//! [`Body`] always to its end and never cancels; how the task ends, who waits for that and who may cancel stands in the
//! [`Record`], under a lock of its own. This is the only file that knows async-task.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be
use std::task::{Context, Poll, Waker, ready};

use aio_base::live::{Kind, Live};
use aio_base::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use aio_base::{BriefGuard, BriefLock};
use pin_project_lite::pin_project;

use super::home::{Handle, Report, discard, tell};
use super::step::{cut, step};
use super::{Identity, JoinError, Meta, OnExit, Outcome, TaskRef};
use crate::context::ContextSlot;
use crate::current;
use crate::event_loop::{Mail, Shared};
use crate::failure::{self, Failure, FailureKind};
use crate::reason::Reason;
use crate::scope::Scope;

/// A task to be given its turn.
pub(crate) type Runnable = async_task::Runnable<Arc<Shared>>;

/// Nobody wants it to stop.
const WANTED: u8 = 0;
/// Its future is to be dropped at the next turn; [`State::reason`] says why.
const CANCELLED: u8 = 1;
/// Its cleanups are to be dropped as well.
const GIVEN_UP: u8 = 2;

/// What everybody may know of a task.
struct Record<T> {
    meta: Meta,
    owner: Arc<Shared>,
    /// Where the loop keeps the record.
    place: usize,
    /// It grows only.
    stop: AtomicU8,
    /// Set under the lock of `state`.
    ended: AtomicBool,
    state: BriefLock<State<T>>,
    _live: Live,
}

struct State<T> {
    /// Gives the task a turn, so that it sees that it was cancelled. Until it has ended.
    rouse: Option<Waker>,
    /// Who awaits the handle.
    awaiter: Option<Waker>,
    watchers: Vec<Watcher>,
    handle: bool,
    /// What to report of the output, if there is no handle to take it.
    report: Option<Report<T>>,
    /// The first counts.
    reason: Option<Reason>,
    outcome: Option<Outcome<T>>,
}

struct Watcher {
    key: u64,
    waker: Waker,
    _live: Live,
}

/// A record, whatever its task's output.
pub(crate) trait AnyRecord: Send + Sync {
    fn meta(&self) -> &Meta;
    fn cancel(&self, reason: Reason);
    /// Has it end at its next turn, whatever it still has to do.
    fn give_up(&self);
    fn is_finished(&self) -> bool;
    /// Wakes `waker` when the task ends; no other has this key. False if it has ended.
    fn watch(&self, key: u64, waker: &Waker) -> bool;
    fn unwatch(&self, key: u64);
}

pin_project! {
    /// What async-task runs.
    struct Body<F: Future, E: OnExit<F::Output>> {
        myself: Myself<E::Output>,
        #[pin]
        scope: Scope<F>,
        exit: Option<E>,
    }
}

/// Who is running.
struct Myself<T> {
    record: Arc<Record<T>>,
    context: ContextSlot,
}

/// Makes a task, and has `begin` give it its first turn. If that refuses, since the loop has ended, the task has ended
/// with it.
pub(super) fn spawn<F, E>(
    owner: &Arc<Shared>,
    future: F,
    exit: E,
    meta: Meta,
    context: crate::Context,
    begin: impl FnOnce(Runnable) -> Result<(), Runnable>,
) -> RecordHandle<E::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
    E: OnExit<F::Output> + Send + 'static,
    E::Output: Send + 'static,
{
    let state = State {
        rouse: None,
        awaiter: None,
        watchers: Vec::new(),
        handle: true,
        report: None,
        reason: None,
        outcome: None,
    };
    let record = {
        let mut tasks = owner.tasks.lock();
        let entry = tasks.vacant_entry();
        let record = Arc::new(Record {
            meta,
            owner: owner.clone(),
            place: entry.key(),
            stop: AtomicU8::new(WANTED),
            ended: AtomicBool::new(false),
            state: BriefLock::new(state),
            _live: Live::new(Kind::Task),
        });
        entry.insert(record.clone());
        record
    };
    let body = Body {
        myself: Myself { record: record.clone(), context: ContextSlot::new(context) },
        scope: Scope::new(future),
        exit: Some(exit),
    };
    let (runnable, task) = async_task::Builder::new().metadata(owner.clone()).spawn(move |_| body, schedule);
    task.detach();
    let rouse = runnable.waker();
    record.state.lock().rouse = Some(rouse);
    if let Err(runnable) = begin(runnable) {
        let during = "was spawned after the end of its loop, and panicked in dropping its future";
        failure::contain(owner, &record.meta, during, || drop(runnable));
        record.end(Err(JoinError::cancelled_by(Reason::Shutdown)));
    }
    RecordHandle { record, awaited: false, taken: false, erase: |record| record.clone() }
}

/// A function, not a closure with captures: async-task makes a temporary waker around those.
fn schedule(runnable: Runnable) {
    let owner = Arc::as_ptr(runnable.metadata());
    if current::is_loop(owner) {
        current::with_loop(|core| core.push_shared(runnable));
    } else {
        let owner = runnable.metadata().clone();
        // A loop that has ended has no task left to run.
        drop(owner.send(Mail::Run(runnable)));
    }
}

impl<F: Future, E: OnExit<F::Output>> Future for Body<F, E>
where
    E::Output: Send + 'static,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let record = &this.myself.record;
        // async-task orders a wake before the poll that comes of it; the model checker does not see how.
        #[cfg(aio_loom)]
        drop(record.state.lock());
        let mut scope = this.scope;
        let outcome = current::enter_task(this.myself, || {
            // Acquire pairs with the Release of `stop`.
            let stop = record.stop.load(Ordering::Acquire);
            if stop != WANTED {
                record.cut(scope.as_mut(), stop);
            }
            step(scope, cx)
        });
        let Poll::Ready(outcome) = outcome else { return Poll::Pending };
        current::enter_task(this.myself, || {
            let exit = this.exit.take().expect("a task ends once");
            let kept = tell(exit, outcome);
            if !this.myself.context.is_empty() {
                let drop_context = || drop(this.myself.context.take());
                failure::contain(&record.owner, &record.meta, "panicked in dropping its context", drop_context);
            }
            record.end(kept);
        });
        Poll::Ready(())
    }
}

impl<T> Record<T> {
    fn end(&self, outcome: Outcome<T>) {
        let mut outcome = Some(outcome);
        let mut state = self.state.lock();
        if state.handle {
            state.outcome = outcome.take();
        } else {
            // The destructor of the output runs before anybody is told that the task has ended.
            let report = state.report.take();
            drop(state);
            discard(&self.owner, &self.meta, outcome.take(), report);
            state = self.state.lock();
        }
        // Release pairs with the Acquire of `is_finished`, where there is no lock.
        self.ended.store(true, Ordering::Release);
        let rouse = state.rouse.take();
        let awaiter = state.awaiter.take();
        let watchers = std::mem::take(&mut state.watchers);
        drop(state);
        drop(rouse);
        let record = self.owner.tasks.lock().remove(self.place);
        drop(record);
        let during = "ended, and a waker panicked";
        let wake = |waker: Waker| failure::contain(&self.owner, &self.meta, during, || waker.wake());
        if let Some(awaiter) = awaiter {
            wake(awaiter);
        }
        watchers.into_iter().for_each(|watcher| wake(watcher.waker));
    }

    fn cancel(&self, reason: Reason) {
        let mut state = self.state.lock();
        // Relaxed: changed under the lock.
        if self.stop.load(Ordering::Relaxed) == WANTED {
            state.reason = Some(reason);
            self.stop(state, CANCELLED);
        }
    }

    fn give_up(&self) {
        self.stop(self.state.lock(), GIVEN_UP);
    }

    /// Has the task look at `stop` at its next turn.
    fn stop(&self, state: BriefGuard<'_, State<T>>, stop: u8) {
        // Release pairs with the Acquire in `poll`; the wake below makes sure that there is a poll.
        self.stop.store(stop, Ordering::Release);
        // Not a stranger's: it is async-task's, so it may be cloned under the lock.
        let rouse = state.rouse.clone();
        drop(state);
        if let Some(rouse) = rouse {
            rouse.wake();
        }
    }

    /// Cuts the future off, and if the task was given up, its cleanups as well.
    #[cold]
    fn cut<F: Future>(&self, mut scope: Pin<&mut Scope<F>>, stop: u8) {
        if scope.is_running() {
            let reason = self.state.lock().reason.take();
            cut(scope.as_mut(), reason.unwrap_or(Reason::Shutdown));
        }
        if stop == GIVEN_UP {
            let what = scope.give_up();
            // A task without cleanups has just been cancelled; it is nothing that would not end.
            if !what.is_empty() {
                failure::report(&self.owner, &Failure::new(Some(&self.meta), FailureKind::Overran(&what)));
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl<T: Send> AnyRecord for Record<T> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn cancel(&self, reason: Reason) {
        self.cancel(reason);
    }

    fn give_up(&self) {
        self.give_up();
    }

    fn is_finished(&self) -> bool {
        self.is_finished()
    }

    fn watch(&self, key: u64, waker: &Waker) -> bool {
        let watcher = Watcher { key, waker: waker.clone(), _live: Live::new(Kind::Registration) };
        let mut state = self.state.lock();
        if self.is_finished() {
            // A waker is foreign code.
            drop(state);
            drop(watcher);
            return false;
        }
        state.watchers.push(watcher);
        true
    }

    fn unwatch(&self, key: u64) {
        let mut state = self.state.lock();
        let index = state.watchers.iter().position(|watcher| watcher.key == key);
        let former = index.map(|index| state.watchers.remove(index));
        drop(state);
        drop(former);
    }
}

impl<T: Send + 'static> Identity for Myself<T> {
    fn meta(&self) -> &Meta {
        &self.record.meta
    }

    fn context(&self) -> &ContextSlot {
        &self.context
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef::shared(self.record.clone())
    }
}

/// The handle of a task that may cross threads.
#[allow(missing_debug_implementations, reason = "internal")]
pub struct RecordHandle<T> {
    record: Arc<Record<T>>,
    /// Whether the record knows who awaits.
    awaited: bool,
    /// Whether the outcome was taken: then there is nothing left to do in the record.
    taken: bool,
    /// Forgets the type of the output. Chosen where that was known to be `Send`.
    erase: fn(&Arc<Record<T>>) -> Arc<dyn AnyRecord>,
}

impl<T> Handle<T> for RecordHandle<T> {
    fn meta(&self) -> &Meta {
        &self.record.meta
    }

    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let record = &*self.record;
        if record.is_finished() {
            return Poll::Ready(());
        }
        if self.awaited {
            let same = |awaiter: &Waker| awaiter.will_wake(cx.waker());
            if record.state.lock().awaiter.as_ref().is_some_and(same) {
                return Poll::Pending;
            }
        }
        // Cloned and dropped outside of the lock.
        let mut awaiter = Some(cx.waker().clone());
        let mut state = record.state.lock();
        if record.is_finished() {
            drop(state);
            drop(awaiter);
            return Poll::Ready(());
        }
        std::mem::swap(&mut state.awaiter, &mut awaiter);
        drop(state);
        drop(awaiter);
        self.awaited = true;
        Poll::Pending
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        ready!(self.poll_finished(cx));
        let outcome = self.record.state.lock().outcome.take();
        self.taken = true;
        Poll::Ready(outcome.expect("the outcome of a task was taken twice"))
    }

    fn failed(&self, is_failure: fn(&Outcome<T>) -> bool) -> bool {
        self.is_finished() && self.record.state.lock().outcome.as_ref().is_some_and(is_failure)
    }

    fn cancel(&self, reason: Reason) {
        self.record.cancel(reason);
    }

    fn is_finished(&self) -> bool {
        self.record.is_finished()
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef::shared((self.erase)(&self.record))
    }

    fn release(&mut self, report: Option<Report<T>>) {
        if self.taken {
            return;
        }
        let mut state = self.record.state.lock();
        state.handle = false;
        state.report = report;
        let awaiter = state.awaiter.take();
        let outcome = state.outcome.take();
        drop(state);
        drop(awaiter);
        discard(&self.record.owner, &self.record.meta, outcome, report);
    }
}

impl fmt::Debug for dyn AnyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("meta", self.meta()).field("finished", &self.is_finished()).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
