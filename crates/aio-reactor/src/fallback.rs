//! Descriptors on threads without a loop of ours: under tokio, under smol, in `block_on`.

use std::io;
use std::sync::Arc; // facade: shared data without a protocol
use std::task::Waker;

use aio_base::sync::{Mutex, OnceLock};
use aio_base::thread;

use crate::poller::{Inbox, Poller};

/// The poller of the process. Its thread, called `aio-reactor`, is started with the first descriptor that needs it, and
/// sleeps in the system when there is none; it ends with the process.
///
/// # Errors
/// If the system has no thread or no descriptor to give. The next one tries again.
pub(crate) fn poller() -> io::Result<Arc<Poller>> {
    static POLLER: OnceLock<Mutex<Option<Arc<Poller>>>> = OnceLock::new();
    let mut started = POLLER.get_or_init(Mutex::default).lock();
    if let Some(poller) = &*started {
        return Ok(poller.clone());
    }
    let poller = Poller::new(Waker::noop().clone());
    poller.make_selector()?;
    let theirs = poller.clone();
    thread::spawn("aio-reactor", move || look_after(&theirs))?;
    *started = Some(poller.clone());
    Ok(poller)
}

fn look_after(poller: &Poller) {
    // Whoever waits would wait for ever.
    let abort = AbortOnUnwind;
    let mut inbox = Inbox::default();
    while let Some(selector) = poller.selector() {
        poller.wait(selector, &mut inbox, None);
    }
    std::mem::forget(abort);
}

struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        eprintln!("aio: the thread that waits for descriptors has panicked");
        std::process::abort();
    }
}
