//! A wheel that several threads may touch, and a timer's place in it.
//!
//! Every loop has a queue, and the process has one for threads without a loop. A timer is registered with the queue of
//! the thread that polls it, and from then on belongs to that queue: wherever it is polled or dropped later, that
//! happens under the queue's lock. Wakers are cloned before that lock is taken, and woken and dropped after it is
//! released.
//!
//! A timer of a loop that is to be due some time from now begins when the loop next [looks](Queue::begin) at its queue,
//! not when it is registered: most timers are cancelled before that, and so never cost a look at the clock. Those that
//! were registered meanwhile begin at the same moment, in their order; and before any that has a deadline already.
//!
//! Queues are never freed: when a loop has ended and nobody refers to its queue any more, the next loop gets it. So a
//! timer needs no counted reference to the queue; that its users are counted under the lock, which it takes anyway,
//! will do.
//!
//! ```text
//!              ──1 register──▶          ──2 fire──▶ FIRED
//!   UNLINKED                   LINKED
//!              ◀──4 unlink───           ──3 close─▶ ORPHANED
//! ```
//! 1. [`Entry::register`], [`Entry::register_fresh`].
//! 2. [`Queue::fire_due`] finds it due: wakes it, and [`Entry::poll`] will say so.
//! 3. [`Queue::close`], when the loop ends: wakes it, and [`Entry::poll`] says when it would have been due, so that it
//!    can be registered elsewhere.
//! 4. [`Entry`] is dropped.

use std::fmt;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::Waker;
use std::time::{Duration, Instant};

use aio_base::choice::{self, Choice};
use aio_base::live::{Kind, Live};
use aio_base::sync::{Condvar, Mutex, OnceLock, UnsafeCell};
use aio_base::waits::{self, Place};
use aio_base::{BriefGuard, BriefLock, Deadline, Panics, WakeList};

use crate::wheel::{Node, Waiter, Wheel};

/// See the [module](self).
pub(crate) struct Queue {
    pub(crate) state: BriefLock<State>,
    pub(crate) earlier: Earlier,
}

pub(crate) struct State {
    wheel: Wheel,
    /// When the first timer began.
    epoch: Option<Instant>,
    pub(crate) watch: Watch,
    /// Who refers to the queue: its loop, a thread on which that is the current one, a [`Visitor`], and every [`Entry`]
    /// that was registered. Without users it goes to [`UNUSED`]; the queue of the process keeps the one it began with.
    n_users: usize,
}

/// Queues for loops to come.
static UNUSED: OnceLock<Mutex<Vec<&'static Queue>>> = OnceLock::new();

/// Who looks after the queue, and whether that needs to be told of an earlier timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// A loop, on the very thread that registers: it looks at the next deadline before it parks.
    Loop,
    /// The loop has ended.
    Closed,
    /// Nobody yet; a thread must be started.
    Nobody,
    /// A thread that will look at the next deadline before it sleeps.
    Awake,
    /// A thread that sleeps until then.
    Until(Deadline),
}

/// Tells the thread of [`Watch::Until`] that there is an earlier timer. What is told is not lost: the thread hears it
/// when it comes to listen.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    told: Mutex<bool>,
    listener: Condvar,
}

impl Earlier {
    fn tell(&self) {
        *self.told.lock() = true;
        self.listener.notify_one();
    }

    /// Waits until it is told, or for as long as `timeout`; whether that time was up. May return early.
    pub(crate) fn listen(&self, timeout: Duration) -> bool {
        let mut told = self.told.lock();
        let mut time_is_up = false;
        if !*told {
            (told, time_is_up) = self.listener.wait_timeout(told, timeout);
        }
        *told = false;
        time_is_up
    }
}

/// What a registration asks of the caller, after the lock is released.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Registered {
    Done,
    /// A thread must be started to look after the queue; [`Watch`] says `Awake` already.
    NeedsThread,
    /// Nothing was registered: the queue takes no more timers.
    Closed,
}

/// What became of a timer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Linked,
    Fired,
    /// Its queue was closed before this moment came.
    Orphaned(Instant),
}

/// The deadline of a node that has fired; that of a registered one lies after the epoch.
const FIRED: u64 = 0;

impl Queue {
    /// A new one, with one user: the caller.
    pub(crate) fn new(watch: Watch) -> Self {
        Self {
            state: BriefLock::new(State { wheel: Wheel::new(), epoch: None, watch, n_users: 1 }),
            earlier: Earlier::default(),
        }
    }

    /// One for a loop, which is its user until it calls [`close`](Self::close).
    pub(crate) fn open() -> &'static Self {
        let unused = UNUSED.get_or_init(Mutex::default).lock().pop();
        match unused {
            Some(queue) => {
                queue.state.lock().reopen();
                queue
            }
            None => Box::leak(Box::new(Self::new(Watch::Loop))),
        }
    }

    /// Adds a user.
    pub(crate) fn retain(&'static self) {
        self.state.lock().n_users += 1;
    }

    /// Takes a user away.
    pub(crate) fn release(&'static self) {
        let is_unused = self.state.lock().remove_user();
        if is_unused {
            self.put_away();
        }
    }

    #[cold]
    fn put_away(&'static self) {
        UNUSED.get_or_init(Mutex::default).lock().push(self);
    }

    /// Lets timers begin that have not. Reads the clock only if there are such.
    pub(crate) fn begin(&self) {
        self.begin_at(aio_core::now);
    }

    fn begin_at(&self, clock: impl Fn() -> Instant) {
        self.state.lock().begin_fresh(clock);
    }

    /// When to look again; never, if there are no timers. Lets timers begin that have not.
    pub(crate) fn next_deadline(&self) -> Deadline {
        let mut state = self.state.lock();
        state.begin_fresh(aio_core::now);
        state.next_deadline()
    }

    /// Wakes all timers that are due, in order, and lets those begin that have not. Reads the clock once, and only if
    /// there are timers.
    ///
    /// Whether some of them were held back, which a test may decide.
    pub(crate) fn fire_due(&self) -> bool {
        self.fire_due_at(aio_core::now)
    }

    fn fire_due_at(&self, clock: impl Fn() -> Instant) -> bool {
        let state = self.state.lock();
        if state.wheel.is_empty() {
            return false;
        }
        let mut now = None;
        let is_decided = choice::is_decided();
        let mut is_held = false;
        self.wake_each(state, |state| {
            // Once the loop ends, the wheel's time has run away: nothing is due that way.
            if state.wheel.is_empty() || state.watch == Watch::Closed || is_held {
                return None;
            }
            // A timer that a waker registers begins later than this.
            let now = *now.get_or_insert_with(|| state.begin_all(clock()));
            if is_decided {
                return state.pop_decided(now, &mut is_held);
            }
            state.pop_due(now)
        });
        is_held
    }

    /// Unlinks and wakes all timers, and takes no more. The loop ceases to be a user.
    pub(crate) fn close(&'static self) {
        let mut state = self.state.lock();
        state.watch = Watch::Closed;
        // There are some if the loop was dropped without being left.
        state.begin_fresh(aio_core::now);
        self.wake_each(state, State::pop_any);
        self.release();
    }

    /// Wakes what `pop` gives, batch by batch, until it gives nothing more.
    ///
    /// A panic of a waker ends here: it is a stranger's, and must take neither the loop nor the other timers with it.
    /// The panic hook has reported it.
    fn wake_each<'a>(&'a self, mut state: BriefGuard<'a, State>, mut pop: impl FnMut(&mut State) -> Option<Waker>) {
        let mut wakers = WakeList::new();
        let mut panics = Panics::new();
        loop {
            while wakers.has_room()
                && let Some(waker) = pop(&mut state)
            {
                wakers.push(waker);
            }
            drop(state);
            if wakers.is_empty() {
                // The destructor of a payload may panic as well.
                return std::mem::forget(panics.take());
            }
            panics.catch(|| wakers.wake_all());
            state = self.state.lock();
        }
    }
}

impl State {
    /// As [`Queue::new`] makes it, but for the memory of the wheel.
    fn reopen(&mut self) {
        self.wheel.restart();
        (self.epoch, self.watch, self.n_users) = (None, Watch::Loop, 1);
    }

    /// Whether that was the last one.
    fn remove_user(&mut self) -> bool {
        self.n_users -= 1;
        self.n_users == 0
    }

    pub(crate) fn next_deadline(&self) -> Deadline {
        match (self.epoch, self.wheel.next_deadline()) {
            (Some(epoch), Some(nanos)) => Deadline::after(epoch, Duration::from_nanos(nanos)),
            _ => Deadline::NEVER,
        }
    }

    /// Lets fresh timers begin now, if there are any.
    fn begin_fresh(&mut self, clock: impl Fn() -> Instant) {
        if self.wheel.has_fresh() {
            self.begin_all(clock());
        }
    }

    /// Lets fresh timers begin at `now`, which is returned in the time of the wheel.
    fn begin_all(&mut self, now: Instant) -> u64 {
        let epoch = *self.epoch.get_or_insert(now);
        let now = Deadline::at(now).nanos_since(epoch);
        self.wheel.begin_fresh(now);
        now
    }

    fn pop_due(&mut self, now: u64) -> Option<Waker> {
        let node = self.wheel.pop_due(now)?;
        // SAFETY: the wheel has given it.
        unsafe { Self::fire(node) }
    }

    /// [`pop_due`](Self::pop_due), where a test decides which one it is, and whether those of the same deadline have to
    /// wait. (It is asked under the lock, and knows no timers.)
    #[cold]
    fn pop_decided(&mut self, now: u64, is_held: &mut bool) -> Option<Waker> {
        let n = self.wheel.count_next_due(now);
        let node = self.wheel.pop_nth_due(choice::choose(Choice::NextTimer, n))?;
        *is_held = n > 1 && choice::choose(Choice::HoldTimers, 2) == 1;
        // SAFETY: as above.
        unsafe { Self::fire(node) }
    }

    /// Notes that it has fired; whom to wake.
    ///
    /// # Safety
    /// The wheel has just given it, and the lock is still held.
    unsafe fn fire(mut node: NonNull<Node>) -> Option<Waker> {
        // SAFETY: what the wheel gives was linked, hence is valid, and ours alone as long as the lock is held: its
        // owner will find it unlinked, and frees it only after it has had the lock.
        let node = unsafe { node.as_mut() };
        node.deadline = FIRED;
        node.waiter.take().map(|waiter| waiter.waker)
    }

    fn pop_any(&mut self) -> Option<Waker> {
        let mut node = self.wheel.pop_any()?;
        // SAFETY: as in `pop_due`.
        unsafe { node.as_mut() }.waiter.take().map(|waiter| waiter.waker)
    }
}

/// Looks at a queue from another thread than its loop's. As long as there is one, the queue goes to no other loop: that
/// may have a clock of its own.
pub(crate) struct Visitor(&'static Queue);

impl Visitor {
    pub(crate) fn new(queue: &'static Queue) -> Self {
        queue.retain();
        Self(queue)
    }

    /// See [`Queue::fire_due`].
    pub(crate) fn fire_due(&self) {
        self.0.fire_due();
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Queue").field("wheel", &state.wheel).field("watch", &state.watch).finish()
    }
}

/// A timer's place in a queue.
pub(crate) struct Entry {
    queue: &'static Queue,
    /// Accessed only while `queue` is locked. It is linked if, and only if, it has a waiter.
    node: UnsafeCell<Node>,
    /// The wheel has its address.
    _pinned: PhantomPinned,
}

// SAFETY: the node is accessed only under the queue's lock, and what is in it (a waker) is `Send`.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    /// To be [registered](Self::register) with `queue`, at once and once.
    pub(crate) fn new(queue: &'static Queue) -> Self {
        Self { queue, node: UnsafeCell::new(Node::new(FIRED)), _pinned: PhantomPinned }
    }

    /// Links the entry, to have `waker` woken `left` nanoseconds after `now`. The entry becomes a user of the queue,
    /// also if that is closed.
    pub(crate) fn register(self: Pin<&Self>, now: Instant, left: u64, waker: Waker) -> Registered {
        let mut state = self.queue.state.lock();
        state.n_users += 1;
        if state.watch == Watch::Closed {
            drop(state);
            drop(waker);
            return Registered::Closed;
        }
        let now = state.begin_all(now);
        let node = self.fill(waker);
        // SAFETY: `fill` gives a node that is valid as long as it is linked, and not linked yet.
        unsafe { state.wheel.insert(node, now.saturating_add(left), now) };
        match state.watch {
            Watch::Loop | Watch::Awake | Watch::Closed => {}
            Watch::Nobody => {
                state.watch = Watch::Awake;
                return Registered::NeedsThread;
            }
            Watch::Until(moment) => {
                if state.next_deadline().earliest(moment) != moment {
                    state.watch = Watch::Awake;
                    drop(state);
                    self.queue.earlier.tell();
                }
            }
        }
        Registered::Done
    }

    /// Links the entry, to have `waker` woken `left` nanoseconds after the queue's loop, which is that of this thread,
    /// has next looked at it. The entry becomes a user of the queue, also if that is closed.
    #[inline]
    pub(crate) fn register_fresh(self: Pin<&Self>, left: u64, waker: Waker) -> Registered {
        let mut state = self.queue.state.lock();
        state.n_users += 1;
        if state.watch != Watch::Loop {
            drop(state);
            drop(waker);
            return Registered::Closed;
        }
        let node = self.fill(waker);
        // SAFETY: as in `register`.
        if unsafe { state.wheel.insert_fresh(node, left) } {
            state.begin_all(aio_core::now());
        }
        Registered::Done
    }

    /// Puts the waker into the node, which is to be linked now: it is valid until the entry is dropped, and unlinked by
    /// that. The queue is locked.
    #[inline]
    fn fill(self: Pin<&Self>, waker: Waker) -> NonNull<Node> {
        let node = self.node.with_mut(|node| node);
        // SAFETY: the queue is locked. The entry is pinned, so its node stays where it is until it is dropped, and
        // `Entry::drop` unlinks it; it is accessed nowhere but under this lock. That it is not linked yet is checked.
        unsafe {
            assert!((*node).waiter.is_none(), "a timer was registered twice");
            (*node).waiter = Some(Waiter { waker, _live: Live::new(Kind::Timer) });
            NonNull::new_unchecked(node)
        }
    }

    /// What became of it; if it is still linked, `waker` is the one to be woken from now on.
    pub(crate) fn poll(self: Pin<&Self>, waker: &Waker) -> Fate {
        let mut new = None;
        loop {
            let state = self.queue.state.lock();
            // SAFETY: the queue is locked.
            let node = unsafe { &mut *self.node.with_mut(|node| node) };
            let Some(waiter) = &mut node.waiter else {
                return match state.epoch {
                    Some(epoch) if node.deadline != FIRED => {
                        Deadline::after(epoch, Duration::from_nanos(node.deadline))
                            .instant()
                            .map_or(Fate::Fired, Fate::Orphaned)
                    }
                    _ => Fate::Fired,
                };
            };
            if waiter.waker.will_wake(waker) {
                return Fate::Linked;
            }
            match new.take() {
                Some(new) => {
                    let old = std::mem::replace(&mut waiter.waker, new);
                    drop(state);
                    drop(old);
                    return Fate::Linked;
                }
                // Not under the lock.
                None => {
                    drop(state);
                    new = Some(waker.clone());
                }
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        waits::end_at(Place::of(self));
        let mut state = self.queue.state.lock();
        let node = self.node.with_mut(|node| node);
        // SAFETY: the queue is locked; with a waiter, the node is linked into its wheel.
        let waiter = unsafe {
            let waiter = (*node).waiter.take();
            if waiter.is_some() {
                state.wheel.remove(NonNull::new_unchecked(node));
            }
            waiter
        };
        let queue_is_unused = state.remove_user();
        drop(state);
        drop(waiter);
        if queue_is_unused {
            self.queue.put_away();
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entry { .. }")
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
