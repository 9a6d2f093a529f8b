//! Cleanups that no scope took: left under a foreign executor, or on a thread that runs nothing of ours.

use std::future::poll_fn;
use std::task::Poll;

use aio_base::sync::{Arc, Mutex, OnceLock};
use aio_base::{Panics, ReadySet, WakerSlot};

use super::cleanups::Finalizer;

#[derive(Default)]
struct Orphanage {
    state: Mutex<State>,
    arrived: WakerSlot,
}

#[derive(Default)]
struct State {
    waiting: Vec<Finalizer>,
    /// Whether a thread is there to run them.
    staffed: bool,
}

/// Runs `finalizer` on a thread of the process, which is started when it is needed and ends when it has nothing to do.
pub(super) fn adopt(finalizer: Finalizer) {
    static ORPHANAGE: OnceLock<Arc<Orphanage>> = OnceLock::new();
    let orphanage = ORPHANAGE.get_or_init(Arc::default);
    let staffed = {
        let mut state = orphanage.state.lock();
        state.waiting.push(finalizer);
        std::mem::replace(&mut state.staffed, true)
    };
    if staffed {
        orphanage.arrived.wake();
        return;
    }
    let staff = orphanage.clone();
    if aio_base::thread::spawn("aio-cleanup", move || crate::block_on(staff.run())).is_err() {
        // No thread to be had: better late here than never.
        crate::block_on(orphanage.run());
    }
}

impl Orphanage {
    /// Runs cleanups until there are none.
    async fn run(&self) {
        let mut running = ReadySet::new();
        poll_fn(|cx| {
            loop {
                self.arrived.register(cx.waker());
                for finalizer in std::mem::take(&mut self.state.lock().waiting) {
                    running.insert(finalizer);
                }
                // A panic has been reported by the panic hook; nobody else is left to tell.
                let mut panics = Panics::new();
                match panics.catch(|| running.poll_next(cx)) {
                    Some(Poll::Pending) => return Poll::Pending,
                    Some(Poll::Ready(Some(_))) | None => std::mem::forget(panics.take()),
                    Some(Poll::Ready(None)) => {
                        let mut state = self.state.lock();
                        if state.waiting.is_empty() {
                            state.staffed = false;
                            return Poll::Ready(());
                        }
                    }
                }
            }
        })
        .await;
    }
}
