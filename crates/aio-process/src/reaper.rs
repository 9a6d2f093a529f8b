//! Who waits for the processes that nobody waits for.
//!
//! A thread of the process called `aio-reaper`: started by an orphan that finds none, it ends when it has no more. That
//! it is about to end, and that there is another orphan, is decided under one lock.

#[cfg(all(test, aio_loom))]
mod tests;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::Poll;

use aio_base::sync::{Mutex, OnceLock};
use aio_base::{Panics, ReadySet, WakerSlot, thread};

/// It ends when the process has been reaped.
pub(crate) type Orphan = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub(crate) struct Reaper {
    state: Mutex<State>,
    arrived: WakerSlot,
}

#[derive(Default)]
struct State {
    waiting: Vec<Orphan>,
    /// Whether the thread is there, or is being started.
    is_staffed: bool,
}

impl Reaper {
    /// That of the process.
    pub(crate) fn of_process() -> &'static Arc<Self> {
        static REAPER: OnceLock<Arc<Reaper>> = OnceLock::new();
        REAPER.get_or_init(Arc::default)
    }

    /// Takes care of `orphan`.
    pub(crate) fn adopt(self: &Arc<Self>, orphan: Orphan) {
        self.state.lock().waiting.push(orphan);
        self.attend();
    }

    /// Sees to it that those who wait are taken care of. Called also whenever a process is started: if there was no
    /// thread to be had for the last orphan, there may be one now.
    pub(crate) fn attend(self: &Arc<Self>) {
        {
            let mut state = self.state.lock();
            if state.waiting.is_empty() {
                return;
            }
            if std::mem::replace(&mut state.is_staffed, true) {
                drop(state);
                return self.arrived.wake();
            }
        }
        let staff = self.clone();
        if thread::spawn("aio-reaper", move || aio_core::block_on(staff.run())).is_err() {
            self.state.lock().is_staffed = false;
        }
    }

    /// Waits until there are none.
    async fn run(&self) {
        let mut running = ReadySet::new();
        poll_fn(|cx| {
            loop {
                self.arrived.register(cx.waker());
                for orphan in std::mem::take(&mut self.state.lock().waiting) {
                    running.insert(orphan);
                }
                // A panic has been reported by the panic hook; there are others to wait for.
                let mut panics = Panics::new();
                match panics.catch(|| running.poll_next(cx)) {
                    Some(Poll::Pending) => return Poll::Pending,
                    Some(Poll::Ready(Some(_))) | None => std::mem::forget(panics.take()),
                    Some(Poll::Ready(None)) => {
                        let mut state = self.state.lock();
                        if state.waiting.is_empty() {
                            state.is_staffed = false;
                            return Poll::Ready(());
                        }
                    }
                }
            }
        })
        .await;
    }
}
