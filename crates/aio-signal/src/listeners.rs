//! Those who wait for the next Ctrl-C, where the system has no signals.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use aio_base::WakeList;
use aio_base::sync::Mutex;
use aio_base::waits::{self, Note, Place};
use slab::Slab;

/// Everybody who waits, in any thread.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<State>);

#[derive(Default)]
struct State {
    presses: u64,
    /// Of those who have begun to wait and are not dropped; `None` once woken.
    wakers: Slab<Option<Waker>>,
}

impl Listeners {
    /// Ctrl-C was pressed. Tells all who wait, and whether there was anybody.
    pub(crate) fn tell(&self) -> bool {
        let mut state = self.0.lock();
        if state.wakers.is_empty() {
            return false;
        }
        state.presses += 1;
        loop {
            let mut wakes = WakeList::new();
            for (_, waker) in &mut state.wakers {
                if !wakes.has_room() {
                    break;
                }
                if let Some(waker) = waker.take() {
                    wakes.push(waker);
                }
            }
            drop(state);
            if wakes.is_empty() {
                return true;
            }
            wakes.wake_all();
            state = self.0.lock();
        }
    }

    /// Waits for the next time, from the first poll on.
    pub(crate) fn next(&self) -> Next<'_> {
        Next { listeners: self, place: None }
    }
}

pub(crate) struct Next<'a> {
    listeners: &'a Listeners,
    /// The key of its waker, and how often Ctrl-C had been pressed when it began.
    place: Option<(usize, u64)>,
}

impl Future for Next<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned before the lock is taken and dropped after it is released: both may run foreign code.
        let waker = Some(cx.waker().clone());
        let mut state = self.listeners.0.lock();
        let old = match self.place {
            None => {
                let key = state.wakers.insert(waker);
                self.place = Some((key, state.presses));
                None
            }
            Some((_, presses)) if presses != state.presses => {
                drop(state);
                self.leave();
                return Poll::Ready(());
            }
            Some((key, _)) => std::mem::replace(&mut state.wakers[key], waker),
        };
        drop(state);
        drop(old);
        waits::poll_at(Place::of(&*self), || Note::new("a signal"));
        Poll::Pending
    }
}

impl Next<'_> {
    fn leave(&mut self) {
        waits::end_at(Place::of(&*self));
        if let Some((key, _)) = self.place.take() {
            let waker = self.listeners.0.lock().wakers.remove(key);
            drop(waker);
        }
    }
}

impl Drop for Next<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
