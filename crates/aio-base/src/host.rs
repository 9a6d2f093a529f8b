//! What a runtime tells the crates that know of none.
//!
//! The primitives work under any executor, and depend on none. Still, on a thread of a loop of ours a call that blocks
//! should be refused, and a report should call a task by its name. A runtime [`install`]s the answers; where there is
//! none, every thread may block, and no task is known.

use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc; // facade: loom's cannot hold a trait object
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::Parker;
use crate::sync::OnceLock;
use crate::waits::OwnPart;

/// The answers of a runtime.
#[derive(Debug)]
pub struct Host {
    /// Where the loop was started that runs on this thread, and would stand still if the thread were blocked.
    pub loop_here: fn() -> Option<&'static Location<'static>>,
    /// The task that this thread is running.
    pub current_task: fn() -> Option<TaskLabel>,
    /// The time, by the clock of this thread's loop.
    pub now: fn() -> Instant,
}

/// What a task is called, and where it was spawned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TaskLabel {
    /// Its number: unique in the process.
    pub id: u64,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// The line that spawned it.
    pub spawned_at: &'static Location<'static>,
}

impl fmt::Display for TaskLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task `{name}` ({})", self.spawned_at),
            None => write!(f, "Task-{} ({})", self.id, self.spawned_at),
        }
    }
}

static HOST: OnceLock<&'static Host> = OnceLock::new();

/// Makes `host` the one that is asked. The first one stays: there is one runtime in a process that knows of this crate.
pub fn install(host: &'static Host) {
    HOST.get_or_init(|| host);
}

/// The task that this thread is running, if a runtime says so.
pub fn current_task() -> Option<TaskLabel> {
    HOST.get().and_then(|host| (host.current_task)())
}

/// The time, by the clock of this thread's loop, or else by that of the system.
pub(crate) fn now() -> Instant {
    // clock: where no runtime is, there is no other
    HOST.get().map_or_else(Instant::now, |host| (host.now)())
}

/// Blocks the thread until `future` is ready, on behalf of `what` (as in "`lock_blocking`").
///
/// # Panics
/// On the thread of a loop, which would stand still.
#[track_caller]
pub fn block_on<F: Future>(what: &str, future: F) -> F::Output {
    assert_may_block(what);
    if let Some(through) = Through::take() {
        return wait_for(future, &through.waker(), || through.wait(WaitsFor::AWake));
    }
    let mut parker = Parker::new();
    let waker = Waker::from(parker.unparker());
    wait_for(future, &waker, || parker.park(None))
}

fn wait_for<F: Future>(future: F, waker: &Waker, mut wait: impl FnMut()) -> F::Output {
    let mut future = pin!(future);
    let part = OwnPart::new();
    loop {
        let entered = part.enter();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return output;
        }
        drop(entered);
        wait();
    }
}

/// How a thread waits, where that is somebody's affair: a job of a test, whose loop stands still until the job has
/// ended, or waits.
pub trait Waiting: Send + Sync {
    /// Ends a [`wait`](Self::wait), also one that has not begun.
    fn waker(self: Arc<Self>) -> Waker;

    /// Blocks the thread until the waker was woken; or less long.
    fn wait(&self, what: WaitsFor);
}

/// What a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WaitsFor {
    /// One of the primitives: somebody has to do something.
    AWake,
    /// Any future: perhaps for time to pass in the world.
    AFuture,
}

crate::thread_local! {
    static WAITING: RefCell<Option<Arc<dyn Waiting>>> = RefCell::new(None);
}

/// What this thread has to wait through, taken for one who waits: a call inside of that one, which has another waker,
/// waits by itself.
pub struct Through(Option<Arc<dyn Waiting>>);

impl Through {
    /// None, if nobody cares.
    pub fn take() -> Option<Self> {
        let waiting = WAITING.try_with(|waiting| waiting.take()).ok().flatten()?;
        Some(Self(Some(waiting)))
    }

    fn waiting(&self) -> &Arc<dyn Waiting> {
        self.0.as_ref().expect("it is put back by the destructor alone")
    }

    /// See [`Waiting::waker`].
    pub fn waker(&self) -> Waker {
        self.waiting().clone().waker()
    }

    /// See [`Waiting::wait`].
    pub fn wait(&self, what: WaitsFor) {
        self.waiting().wait(what);
    }
}

impl Drop for Through {
    fn drop(&mut self) {
        // (At the end of a thread there is nothing to be put back.)
        let _ = WAITING.try_with(|waiting| waiting.replace(self.0.take()));
    }
}

impl fmt::Debug for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Through").finish_non_exhaustive()
    }
}

/// Does `f`, in which this thread waits through `waiting`.
pub fn wait_through<R>(waiting: Arc<dyn Waiting>, f: impl FnOnce() -> R) -> R {
    let _former = Through(WAITING.with(|current| current.replace(Some(waiting))));
    f()
}

/// # Panics
/// On the thread of a loop, which would stand still.
#[track_caller]
pub fn assert_may_block(what: &str) {
    if let Some(started_at) = HOST.get().and_then(|host| (host.loop_here)()) {
        let caller = Location::caller();
        panic!("{what} at {caller} would block the loop that was started at {started_at}: await the future instead");
    }
}

#[cfg(all(test, not(aio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn without_a_host_every_thread_may_block() {
        assert_eq!(block_on("this", async { 1 }), 1);
        assert_eq!(current_task(), None);
    }

    #[test]
    fn it_blocks_until_another_thread_wakes_it() {
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let other = std::thread::spawn(move || receiver.recv().unwrap().wake());
        let mut n_polls = 0;
        block_on(
            "this",
            std::future::poll_fn(|cx| {
                n_polls += 1;
                if n_polls == 1 {
                    sender.send(cx.waker().clone()).unwrap();
                    return Poll::Pending;
                }
                // A park may end early.
                if other.is_finished() {
                    Poll::Ready(())
                } else {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }),
        );
        other.join().unwrap();
        assert!(n_polls >= 2);
    }

    #[test]
    fn a_label_names_the_task_or_its_number() {
        let here = Location::caller();
        let label = TaskLabel { id: 7, name: None, spawned_at: here };
        assert_eq!(label.to_string(), format!("Task-7 ({here})"));
        assert_eq!(TaskLabel { name: Some("mail".into()), ..label }.to_string(), format!("task `mail` ({here})"));
    }
}
