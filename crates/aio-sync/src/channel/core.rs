//! What both ends of a channel share.

use std::ops::Deref;

use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Panics};

use super::{Receiver, Sender};
use crate::generic::Queue;
use crate::queue::QueueRef;
use crate::wait_queue::{Line, wake_batches};

/// A channel with room for `capacity` items.
///
/// # Panics
/// If `capacity` is zero.
#[track_caller]
pub fn bounded<T, H: Home>(capacity: usize) -> (Sender<T, H>, Receiver<T, H>) {
    assert!(capacity > 0, "a channel has room for at least one item");
    ends(Queue::bounded(capacity))
}

/// A channel with room for any number of items: whoever sends never waits.
pub fn unbounded<T, H: Home>() -> (Sender<T, H>, Receiver<T, H>) {
    ends(Queue::unbounded())
}

fn ends<T, H: Home>(queue: Queue<T, H>) -> (Sender<T, H>, Receiver<T, H>) {
    let channel = ChannelRef(H::new_ref(Channel {
        queue,
        n_senders: Count::one(),
        n_receivers: Count::one(),
        watchers: Exclusive::new(Line::new()),
    }));
    (Sender::new(channel.clone()), Receiver::new(channel))
}

pub(crate) struct Channel<T, H: Home> {
    pub(super) queue: Queue<T, H>,
    pub(super) n_senders: Count<H>,
    pub(super) n_receivers: Count<H>,
    /// Those who wait until it is closed. While this is locked, the queue may be, but not the other way round.
    pub(super) watchers: H::Exclusive<Line<H, ()>>,
}

impl<T, H: Home> Channel<T, H> {
    pub(super) fn close(&self) {
        let mut panics = Panics::new();
        panics.catch(|| self.queue.close());
        panics.catch(|| self.wake_watchers());
        panics.resume();
    }

    /// There is nobody to get what is left. It is dropped when nothing is locked.
    pub(super) fn abandon(&self) {
        let mut panics = Panics::new();
        panics.catch(|| drop(self.queue.close_now()));
        panics.catch(|| self.wake_watchers());
        panics.resume();
    }

    /// It is closed: nobody joins the line any more.
    fn wake_watchers(&self) {
        wake_batches(|wakers| self.watchers.with(|line| line.dismiss_batch(wakers, |()| true)));
    }
}

/// A counted reference to a channel; to a waiter it is one to its queue.
pub(crate) struct ChannelRef<T, H: Home>(H::Ref<Channel<T, H>>);

impl<T, H: Home> ChannelRef<T, H> {
    #[inline]
    pub(super) fn channel(&self) -> &Channel<T, H> {
        &self.0
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self.channel(), other.channel())
    }
}

impl<T, H: Home> Clone for ChannelRef<T, H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, H: Home> Deref for ChannelRef<T, H> {
    type Target = Queue<T, H>;

    #[inline]
    fn deref(&self) -> &Queue<T, H> {
        &self.0.queue
    }
}

// SAFETY: a counted reference keeps what it refers to where it is, and refers to nothing else.
unsafe impl<T, H: Home> QueueRef for ChannelRef<T, H> {}

/// How many ends of a kind there are. Once it is zero, it stays so.
pub(super) struct Count<H: Home>(H::Word);

impl<H: Home> Count<H> {
    fn one() -> Self {
        Self(Word::new(1))
    }

    pub(super) fn get(&self) -> usize {
        // Relaxed: a number that may have changed by the time it is returned orders nothing.
        self.0.load(Ordering::Relaxed)
    }

    /// One more, by one of them. (They are fewer than references to the channel, whose count does not overflow.)
    pub(super) fn add(&self) {
        let is_one = self.add_to_some();
        debug_assert!(is_one, "it is counted itself");
    }

    /// One more, if there is one.
    #[must_use]
    pub(super) fn add_to_some(&self) -> bool {
        // Relaxed: nothing travels with it. Who is counted last finds that in `remove`.
        self.update(Ordering::Relaxed, |n| if n > 0 { Some(n + 1) } else { None }).is_some()
    }

    /// One less. Whether it was the last.
    #[must_use]
    pub(super) fn remove(&self) -> bool {
        // Release pairs with Acquire among these: what each did with the queue comes before what the last one does.
        self.update(Ordering::AcqRel, |n| n.checked_sub(1)) == Some(1)
    }

    /// What was there before.
    fn update(&self, order: Ordering, f: impl Fn(usize) -> Option<usize>) -> Option<usize> {
        let mut n = self.get();
        loop {
            // Relaxed: then it is tried again.
            match self.0.compare_exchange(n, f(n)?, order, Ordering::Relaxed) {
                Ok(before) => return Some(before),
                Err(found) => n = found,
            }
        }
    }
}
