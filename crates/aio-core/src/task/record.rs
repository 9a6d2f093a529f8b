//! Tasks that may cross threads: async-task's cell, and a record of ours beside it.
//!
//! async-task has the part that is hard between threads: scheduling, running, wakers, and freeing the future. It runs
//! [`Body`] always to its end and never cancels; how the task ends, who waits for that and who may cancel stands in the
//! [`Record`], under a lock of its own. This is the only file that knows async-task.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc; // facade: a counted pointer to a trait object, which loom's cannot be
use std::task::{Context, Poll, Waker, ready};

use aio_base::BriefLock;
use aio_base::live::{Kind, Live};
use aio_base::sync::atomic::{AtomicBool, Ordering};
use pin_project_lite::pin_project;

use super::home::{Handle, discard, tell};
use super::step::step;
use super::{Identity, Meta, OnExit, Outcome, TaskRef};
use crate::context::ContextSlot;
use crate::event_loop::{Core, Mail, Shared};
use crate::scope::Scope;
use crate::{current, unhandled};

/// A task to be given its turn.
pub(crate) type Runnable = async_task::Runnable<Arc<Shared>>;

/// What everybody may know of a task.
struct Record<T> {
    meta: Meta,
    owner: Arc<Shared>,
    /// Where the loop keeps the record.
    place: usize,
    cancelled: AtomicBool,
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
    fn cancel(&self);
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

/// Makes a task and puts it into the run queue.
pub(super) fn spawn<F, E>(
    core: &Core,
    future: F,
    exit: E,
    meta: Meta,
    context: crate::Context,
) -> RecordHandle<E::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
    E: OnExit<F::Output> + Send + 'static,
    E::Output: Send + 'static,
{
    let owner = core.shared().clone();
    let state = State { rouse: None, awaiter: None, watchers: Vec::new(), handle: true, outcome: None };
    let record = {
        let mut tasks = owner.tasks.lock();
        let entry = tasks.vacant_entry();
        let record = Arc::new(Record {
            meta,
            owner: owner.clone(),
            place: entry.key(),
            cancelled: AtomicBool::new(false),
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
    let (runnable, task) = async_task::Builder::new().metadata(owner).spawn(move |_| body, schedule);
    task.detach();
    let rouse = runnable.waker();
    record.state.lock().rouse = Some(rouse);
    core.push_shared(runnable);
    RecordHandle { record, awaited: false, taken: false, erase: |record| record.clone() }
}

/// A function, not a closure with captures: async-task makes a temporary waker around those.
fn schedule(runnable: Runnable) {
    let owner = Arc::as_ptr(runnable.metadata());
    if current::is_loop(owner) {
        current::with_loop(|core| core.push_shared(runnable));
    } else {
        let owner = runnable.metadata().clone();
        owner.send(Mail::Run(runnable));
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
        // Acquire pairs with the Release of `cancel`.
        let cancelled = record.cancelled.load(Ordering::Acquire);
        let outcome = match current::enter_task(this.myself, || step(this.scope, cx, cancelled)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(outcome) => outcome,
        };
        current::enter_task(this.myself, || {
            let exit = this.exit.take().expect("a task ends once");
            let kept = tell(exit, outcome);
            if !this.myself.context.is_empty() {
                let context = &this.myself.context;
                unhandled::contain(&record.meta, "panicked in dropping its context", || drop(context.take()));
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
            drop(state);
            discard(&self.meta, outcome.take());
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
        let wake = |waker: Waker| unhandled::contain(&self.meta, "ended, and a waker panicked", || waker.wake());
        if let Some(awaiter) = awaiter {
            wake(awaiter);
        }
        watchers.into_iter().for_each(|watcher| wake(watcher.waker));
    }

    fn cancel(&self) {
        // Release pairs with the Acquire in `poll`; the wake below makes sure that there is a poll.
        if !self.cancelled.swap(true, Ordering::Release) {
            let rouse = self.state.lock().rouse.take();
            if let Some(rouse) = rouse {
                rouse.wake();
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

    fn cancel(&self) {
        self.cancel();
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

    fn cancel(&self) {
        self.record.cancel();
    }

    fn is_finished(&self) -> bool {
        self.record.is_finished()
    }

    fn task_ref(&self) -> TaskRef {
        TaskRef::shared((self.erase)(&self.record))
    }

    fn release(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.record.state.lock();
        state.handle = false;
        let awaiter = state.awaiter.take();
        let outcome = state.outcome.take();
        drop(state);
        drop(awaiter);
        discard(&self.record.meta, outcome);
    }
}

impl fmt::Debug for dyn AnyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("meta", self.meta()).field("finished", &self.is_finished()).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
