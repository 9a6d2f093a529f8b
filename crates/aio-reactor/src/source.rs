//! A descriptor, as its loop and those who wait for it see it.
//!
//! Who waits looks, and if there is nothing, registers and looks again. The loop tells first, and then takes the
//! wakers. So one of the two sees the other; `tests` has the model.

use std::fmt;
use std::ptr;
use std::sync::Arc; // facade: shared data without a protocol; loom's is not needed, nobody models its count
use std::task::{Context, Poll, Waker};

use aio_base::footprint::touch_system;
use aio_base::sync::Mutex;
use aio_base::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::poller::{Poller, wake_all};
use crate::readiness::{Direction, Event, Readiness, Seen};
use crate::table::Key;
use crate::waiters::{Place, Waiter, Waiters};

/// How many operations in a row may find their descriptor ready before the other tasks of the loop have their turn.
const IN_A_ROW: u8 = 64;

pub(crate) struct Source {
    readiness: Readiness,
    sides: [Side; 2],
    /// Whether a loop, or the thread of the process, is to be told of events.
    is_bound: AtomicBool,
    /// By which, and as what.
    binding: Mutex<Option<Binding>>,
    /// Whether that loop's thread does not come to it: who waits next binds anew.
    is_stray: AtomicBool,
}

struct Binding {
    poller: Arc<Poller>,
    key: Key,
}

struct Side {
    waiters: Waiters,
    /// How many operations have found something in a row.
    in_a_row: AtomicU8,
    /// Where the system has to be asked anew each time: whether it was.
    is_armed: AtomicBool,
}

impl Source {
    /// Not known to any loop so far.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            readiness: Readiness::new(),
            sides: [Side::new(), Side::new()],
            is_bound: AtomicBool::new(false),
            binding: Mutex::new(None),
            is_stray: AtomicBool::new(false),
        })
    }

    fn side(&self, direction: Direction) -> &Side {
        &self.sides[direction as usize]
    }

    /// Waits until it is worth a try; what was seen then is for [`Readiness::clear`]. `bind` sees to it that somebody
    /// will tell, and is called when there is nothing; see [`bind`](Self::bind).
    #[inline]
    pub(crate) fn poll_ready<E>(
        &self,
        direction: Direction,
        waiter: Waiter<'_>,
        cx: &mut Context<'_>,
        bind: impl FnOnce() -> Result<(), E>,
    ) -> Poll<Result<Seen, E>> {
        touch_system();
        let side = self.side(direction);
        let seen = self.readiness.look();
        if seen.is_ready(direction) {
            if !side.is_over_budget() {
                return Poll::Ready(Ok(seen));
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        side.in_a_row.store(0, Ordering::Relaxed);
        // Relaxed: whoever sees the old value binds again, or waits until its last poller tells of its end.
        if !self.is_bound.load(Ordering::Relaxed) {
            bind()?;
        }
        side.waiters.register(waiter, cx.waker());
        let seen = self.readiness.look();
        if seen.is_ready(direction) { Poll::Ready(Ok(seen)) } else { Poll::Pending }
    }

    /// Gives up the place of a future.
    pub(crate) fn unregister(&self, direction: Direction, place: &mut Place) {
        touch_system();
        self.side(direction).waiters.unregister(place);
    }

    #[inline]
    pub(crate) fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Something has happened. Those whom it concerns go into `woken`.
    #[inline]
    pub(crate) fn tell(&self, event: Event, woken: &mut Vec<Waker>) {
        let is_news = self.readiness.tell(event);
        for direction in Direction::BOTH {
            if is_news[direction as usize] {
                self.side(direction).waiters.take(woken);
            }
        }
    }

    /// [`tell`](Self::tell) where the system has to be asked anew after each event, and tells of one direction only:
    /// whoever is woken for nothing asks again.
    pub(crate) fn tell_once(&self, event: Event, woken: &mut Vec<Waker>) {
        for side in &self.sides {
            // Relaxed: the lock of the wakers orders it with who registers and asks next.
            side.is_armed.store(false, Ordering::Relaxed);
        }
        self.tell(event, woken);
    }

    /// `poller` ends. Who waits binds it to another. If it has strayed to another already, that one tells.
    pub(crate) fn orphan(&self, poller: &Poller, woken: &mut Vec<Waker>) {
        let mut current = self.binding.lock();
        let Some(former) = current.take_if(|binding| ptr::eq(&*binding.poller, poller)) else { return };
        // Under the lock: whoever binds it from now on says so later. Before `tell`: who is woken must see it.
        self.is_bound.store(false, Ordering::Release);
        drop(current);
        drop(former);
        self.tell(Event::ANYTHING, woken);
    }

    /// The thread of its poller does not come to it; somebody else tells.
    pub(crate) fn stray(&self) {
        self.is_stray.store(true, Ordering::Relaxed);
        // Release: who sees it sees that it strays. Before `tell`: who is woken must see it.
        self.is_bound.store(false, Ordering::Release);
    }

    /// Has `poller` tell of what happens; `add` is given the key for it. If it is bound already, that stays, unless it
    /// strays and `poller` is another one: then `delete` takes it away there first.
    pub(crate) fn bind<E>(
        self: &Arc<Self>,
        poller: impl FnOnce() -> Result<Arc<Poller>, E>,
        add: impl FnOnce(&Poller, Key) -> Result<(), E>,
        delete: impl FnOnce(&Poller),
    ) -> Result<(), E> {
        let mut binding = self.binding.lock();
        let strays = self.is_stray.swap(false, Ordering::Relaxed);
        if binding.is_some() && !strays {
            self.is_bound.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let poller = poller()?;
        if let Some(former) = binding.take_if(|former| !Arc::ptr_eq(&former.poller, &poller)) {
            // What happens from now on is told to the new one, and what has happened when it is added there.
            delete(&former.poller);
            former.poller.remove(former.key);
        }
        if binding.is_some() {
            self.is_bound.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let key = poller.insert(self.clone());
        if let Err(error) = add(&poller, key) {
            drop(binding);
            poller.remove(key);
            if strays {
                self.wake_all();
            }
            return Err(error);
        }
        *binding = Some(Binding { poller, key });
        // Not before: who sees it relies on it. Relaxed: who does not see it finds the binding under its lock.
        self.is_bound.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Those who wait in the other direction have relied on the former poller.
    #[cold]
    fn wake_all(&self) {
        let mut woken = Vec::new();
        self.tell(Event::ANYTHING, &mut woken);
        wake_all(&mut woken);
    }

    /// Takes it away from its poller; `delete` tells the system.
    pub(crate) fn unbind(&self, delete: impl FnOnce(&Poller)) {
        touch_system();
        let binding = self.binding.lock().take();
        if let Some(Binding { poller, key }) = binding {
            delete(&poller);
            poller.remove(key);
            self.is_bound.store(false, Ordering::Relaxed);
        }
    }

    /// Where the system has to be asked anew each time: asks it, also for the other direction if somebody waits there.
    pub(crate) fn arm<E>(
        &self,
        direction: Direction,
        ask: impl FnOnce(&Poller, Key, [bool; 2]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Relaxed: the lock orders those who ask; one that an event takes back meanwhile has woken who asks here.
        self.side(direction).is_armed.store(true, Ordering::Relaxed);
        let binding = self.binding.lock();
        let Some(Binding { poller, key }) = &*binding else { return Ok(()) };
        ask(poller, *key, Direction::BOTH.map(|it| self.side(it).is_armed.load(Ordering::Relaxed)))
    }
}

impl Side {
    fn new() -> Self {
        Self { waiters: Waiters::new(), in_a_row: AtomicU8::new(0), is_armed: AtomicBool::new(false) }
    }

    /// Counts one more.
    #[inline]
    fn is_over_budget(&self) -> bool {
        // Relaxed, and not in one step: a budget, and two who share it may have a little more.
        let in_a_row = self.in_a_row.load(Ordering::Relaxed);
        let is_over = in_a_row >= IN_A_ROW;
        self.in_a_row.store(if is_over { 0 } else { in_a_row + 1 }, Ordering::Relaxed);
        is_over
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("readiness", &self.readiness).field("is_bound", &self.is_bound).finish()
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
