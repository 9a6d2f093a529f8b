//! Something that two sides use in turns. Nobody waits with a lock in hand: who finds it in use comes again.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc as WakeArc; // facade: `Wake` asks for this one
use std::task::{Context, Wake, Waker};

use aio_base::sync::{Arc, Mutex};
use aio_base::{Panics, WakerSlot};

/// Which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Read,
    Write,
}

/// What the two sides share.
pub(crate) struct Turns<T> {
    state: Mutex<State<T>>,
    wakers: WakeArc<Wakers>,
}

struct State<T> {
    /// `None` while it is used.
    value: Option<T>,
    /// Who came while it was.
    came: Option<Side>,
}

/// Both sides are woken by whatever the value has to tell: reading may be what writing waits for, and the other way
/// round, and the value keeps only the last waker of each.
#[derive(Default)]
struct Wakers {
    read: WakerSlot,
    write: WakerSlot,
}

impl Wakers {
    fn of(&self, side: Side) -> &WakerSlot {
        match side {
            Side::Read => &self.read,
            Side::Write => &self.write,
        }
    }
}

impl Wake for Wakers {
    fn wake(self: WakeArc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &WakeArc<Self>) {
        let mut panics = Panics::new();
        panics.catch(|| self.read.wake());
        panics.catch(|| self.write.wake());
        panics.resume();
    }
}

impl<T> Turns<T> {
    pub(crate) fn new(value: T) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { value: Some(value), came: None }), wakers: WakeArc::default() })
    }

    /// The value, to be polled with the waker that [`Turn::waker`] has; `None` if the other side has it, which wakes
    /// the task of `cx` when it has done.
    pub(crate) fn take(&self, side: Side, cx: &Context<'_>) -> Option<Turn<'_, T>> {
        // First, so that neither the end of the other's turn nor what the value tells is missed.
        self.wakers.of(side).register(cx.waker());
        let mut state = self.state.lock();
        match state.value.take() {
            Some(value) => Some(Turn { turns: self, value: Some(value) }),
            None => {
                state.came = Some(side);
                None
            }
        }
    }
}

/// The value in use.
pub(crate) struct Turn<'a, T> {
    turns: &'a Turns<T>,
    /// Until it is given back.
    value: Option<T>,
}

impl<T> Turn<'_, T> {
    pub(crate) fn waker(&self) -> Waker {
        self.turns.wakers.clone().into()
    }
}

impl<T> Deref for Turn<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is given back at the end")
    }
}

impl<T> DerefMut for Turn<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("it is given back at the end")
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let mut state = self.turns.state.lock();
        state.value = self.value.take();
        let came = state.came.take();
        drop(state);
        if let Some(side) = came {
            self.turns.wakers.of(side).wake();
        }
    }
}

impl<T> fmt::Debug for Turns<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Turns { .. }")
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
