//! Where a loop waits, and how another thread ends the wait.
//!
//! ```text
//!                ──1 begin──▶
//!      EMPTY                     IN_INNER or IN_SYSTEM
//!     ▲  ▲ │     ◀─2 end────        │
//!  5  │  │ │ 3                      │ 4
//!     │  │ ▼                        │
//!     │ NOTIFIED ◀──────────────────┘
//!     └────┘
//! ```
//! 1. [`Poller::begin`]: the loop's thread is about to wait: in the drivers below as long as no descriptor was ever
//!    waited for, in the system from then on.
//! 2. [`Poller::end`]: something else has ended the wait.
//! 3. [`Poller::unpark`] leaves a token; nobody waits.
//! 4. [`Poller::unpark`] leaves a token, and ends the wait.
//! 5. [`Poller::begin`] and [`Poller::end`] take the token.

use std::fmt;
use std::io;
use std::sync::Arc; // facade: what `Wake` asks for
use std::task::{Wake, Waker};
use std::time::Duration;

use aio_base::Panics;
use aio_base::sync::atomic::{AtomicU8, Ordering};
use aio_base::sync::{Mutex, OnceLock};

use crate::source::Source;
use crate::sys::{Events, Selector};
use crate::table::{Key, Table};

const EMPTY: u8 = 0;
const IN_INNER: u8 = 1;
const IN_SYSTEM: u8 = 2;
const NOTIFIED: u8 = 3;

/// Where the thread of a loop is about to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the drivers below.
    Inner,
    /// In the system.
    System,
}

/// The part of a reactor that others may reach.
pub(crate) struct Poller {
    parked: AtomicU8,
    /// Ends a wait of the drivers below.
    inner: Waker,
    /// Made when the first descriptor has to be waited for.
    selector: OnceLock<Selector>,
    table: Mutex<Table>,
}

impl Poller {
    pub(crate) fn new(inner: Waker) -> Arc<Self> {
        Arc::new(Self {
            parked: AtomicU8::new(EMPTY),
            inner,
            selector: OnceLock::new(),
            table: Mutex::new(Table::new()),
        })
    }

    /// What the system waits with, if there has been anything to wait for.
    #[inline]
    pub(crate) fn selector(&self) -> Option<&Selector> {
        self.selector.get()
    }

    /// The same, made if need be.
    pub(crate) fn make_selector(&self) -> io::Result<&Selector> {
        if let Some(selector) = self.selector.get() {
            return Ok(selector);
        }
        let selector = Selector::new()
            .map_err(|error| io::Error::new(error.kind(), format!("failed to make what waits for sockets: {error}")))?;
        Ok(self.selector.get_or_init(|| selector))
    }

    pub(crate) fn insert(&self, source: Arc<Source>) -> Key {
        self.table.lock().insert(source)
    }

    pub(crate) fn remove(&self, key: Key) {
        let removed = self.table.lock().remove(key);
        drop(removed);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.table.lock().is_empty()
    }

    /// Whether to wait: not if somebody has left a token, which is taken then.
    pub(crate) fn begin(&self, place: Place) -> bool {
        let place = match place {
            Place::Inner => IN_INNER,
            Place::System => IN_SYSTEM,
        };
        // Acquire pairs with the Release of `unpark`: what was done before it is visible after the wait.
        let begun = self.parked.compare_exchange(EMPTY, place, Ordering::Acquire, Ordering::Acquire).is_ok();
        if !begun {
            self.end();
        }
        begun
    }

    /// The wait is over.
    pub(crate) fn end(&self) {
        // Acquire: as in `begin`.
        self.parked.swap(EMPTY, Ordering::Acquire);
    }

    /// Leaves a token, and ends the wait.
    fn unpark(&self) {
        // Release pairs with the Acquire of `begin` and `end`. Written even if a token is there, so that the last one
        // pairs, too.
        match self.parked.swap(NOTIFIED, Ordering::Release) {
            IN_INNER => self.inner.wake_by_ref(),
            IN_SYSTEM => {
                if let Some(selector) = self.selector() {
                    selector.notify();
                }
            }
            _ => {}
        }
    }

    /// Waits in the system, and wakes those whom it concerns.
    pub(crate) fn wait(&self, selector: &Selector, inbox: &mut Inbox, timeout: Option<Duration>) {
        self.ask(selector, inbox, timeout);
        self.deliver(inbox, |_| ());
    }

    /// Tells what there is to tell, on another thread than the loop's, which does not come to it. Who waits again binds
    /// his descriptor to where he is then.
    pub(crate) fn stand_in(&self) {
        let Some(selector) = self.selector() else { return };
        let mut inbox = Inbox::default();
        self.ask(selector, &mut inbox, Some(Duration::ZERO));
        if inbox.events.iter().any(|(key, _)| key == Key::NOTIFY) {
            // That was for the loop's thread, which may have begun to wait.
            selector.notify();
        }
        self.deliver(&mut inbox, Source::stray);
    }

    fn ask(&self, selector: &Selector, inbox: &mut Inbox, timeout: Option<Duration>) {
        if let Err(error) = selector.wait(&mut inbox.events, timeout) {
            // The descriptor is ours and the memory is there, so it cannot fail, and to go on would be a busy loop.
            panic!("failed to wait for sockets: {error}");
        }
    }

    #[inline]
    fn deliver(&self, inbox: &mut Inbox, before: impl Fn(&Source)) {
        if inbox.events.is_empty() {
            return;
        }
        let table = self.table.lock();
        for (key, event) in inbox.events.iter() {
            let Some(source) = table.get(key) else { continue };
            before(source);
            if Selector::IS_ONESHOT {
                source.tell_once(event, &mut inbox.woken);
            } else {
                source.tell(event, &mut inbox.woken);
            }
        }
        drop(table);
        wake_all(&mut inbox.woken);
    }

    /// The loop has ended: who waits goes to another.
    pub(crate) fn close(&self) {
        let sources = self.table.lock().take_all();
        let mut woken = Vec::new();
        let mut panics = Panics::new();
        for source in sources {
            source.orphan(self, &mut woken);
            // It may be the last that is left of it, and hold a waker.
            panics.catch(|| drop(source));
        }
        std::mem::forget(panics.take());
        wake_all(&mut woken);
    }
}

/// Their panics are contained, and reported by the panic hook: a loop cannot go on without its driver.
pub(crate) fn wake_all(woken: &mut Vec<Waker>) {
    let mut panics = Panics::new();
    for waker in woken.drain(..) {
        panics.catch(|| waker.wake());
    }
    // The destructor of a payload may panic as well.
    std::mem::forget(panics.take());
}

impl Wake for Poller {
    fn wake(self: Arc<Self>) {
        self.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.unpark();
    }
}

/// Room for what the system has to tell, used again and again.
#[derive(Default)]
pub(crate) struct Inbox {
    events: Events,
    /// Those who are told: taken out under the lock of the table, and woken outside of it.
    woken: Vec<Waker>,
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot for people.
        let parked = match self.parked.load(Ordering::Relaxed) {
            EMPTY => "Empty",
            IN_INNER => "InInner",
            IN_SYSTEM => "InSystem",
            _ => "Notified",
        };
        f.debug_struct("Poller").field("parked", &parked).finish_non_exhaustive()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
