//! What senders and receivers share.

use std::ptr::NonNull;

use aio_base::home::Exclusive;
use aio_base::{Home, Panics};

use super::TryRecvError;
use super::state::{Got, Pinned, State};
use crate::wait_queue::wake_batches;

/// What all of them refer to.
pub(super) struct Channel<T, H: Home> {
    pub(super) state: H::Exclusive<State<T, H>>,
}

impl<T, H: Home> Channel<T, H> {
    pub(super) fn new(capacity: usize) -> H::Ref<Self> {
        H::new_ref(Self { state: Exclusive::new(State::new(capacity)) })
    }

    pub(super) fn send(&self, message: T) -> Result<usize, T> {
        let (sent, overwritten) = self.state.with(|state| state.send(message))?;
        let mut panics = Panics::new();
        if let Some(now) = sent.wakes_before {
            // In order of arrival: the first who came afterwards is where it ends.
            let before = |then: &u64| *then < now;
            panics.catch(|| wake_batches(|wakers| self.state.with(|state| state.line.dismiss_batch(wakers, before))));
        }
        if overwritten.is_some() {
            panics.catch(|| drop(overwritten));
        }
        panics.resume();
        Ok(sent.n_receivers)
    }

    /// The message `position`, which is then behind whoever asks, even if `Clone` panics.
    #[inline]
    pub(super) fn take(&self, position: &mut u64) -> Result<T, TryRecvError>
    where
        T: Clone,
    {
        match self.state.with(|state| state.read(position))? {
            Got::Last(message) => Ok(message),
            Got::Pinned(pinned) => {
                let reader = Reader { channel: self, pinned };
                let message: NonNull<_> = reader.pinned.message;
                // SAFETY: it is pinned: it stays there, and nobody writes to it, until the reader is dropped.
                let clone = unsafe { message.as_ref().with(|message| (*message).assume_init_ref().clone()) };
                // Here, and not after `Ok(clone)`: if that panics, the clone is dropped, and not leaked.
                drop(reader);
                Ok(clone)
            }
        }
    }

    pub(super) fn close(&self) {
        self.state.with(State::close);
        wake_batches(|wakers| self.state.with(|state| state.line.dismiss_batch(wakers, |_| true)));
    }
}

/// Whoever clones a message.
struct Reader<'a, T, H: Home> {
    channel: &'a Channel<T, H>,
    pinned: Pinned<T>,
}

impl<T, H: Home> Drop for Reader<'_, T, H> {
    fn drop(&mut self) {
        let last = self.channel.state.with(|state| state.unpin(&self.pinned));
        if last.is_some() {
            // `Clone` may have panicked; a second panic would abort the process.
            let mut panics = Panics::new();
            panics.catch(|| drop(last));
            panics.resume();
        }
    }
}
