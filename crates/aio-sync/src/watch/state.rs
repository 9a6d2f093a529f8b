//! What senders and receivers share.

use std::panic::resume_unwind;

use aio_base::home::{Exclusive, Word};
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Panics};

use crate::wait_queue::{Line, wake_batches};

/// What all of them refer to.
pub(super) struct Channel<T, H: Home> {
    version: H::Word,
    pub(super) state: H::Exclusive<State<T, H>>,
}

/// How often the value has changed, and who is there: a snapshot of the word, which is written under the lock. In the
/// lowest bits whether all senders, and all receivers, are gone; the rest counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(usize);

const CLOSED: usize = 1;
const DESERTED: usize = 2;
const CHANGE: usize = 4;

impl Version {
    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn is_deserted(self) -> bool {
        self.0 & DESERTED != 0
    }

    /// In steps of `CHANGE`.
    fn count(self) -> usize {
        self.0 & !(CLOSED | DESERTED)
    }

    /// Whether somebody who has seen `seen` has not seen this one.
    pub(super) fn is_news_to(self, seen: Self) -> bool {
        self.count() != seen.count()
    }

    /// Whether there is nothing to wait for.
    pub(super) fn ends_waiting_of(self, seen: Self) -> bool {
        self.is_closed() || self.is_news_to(seen)
    }

    /// One that everybody has yet to see.
    pub(super) fn before(self) -> Self {
        Self(self.0.wrapping_sub(CHANGE))
    }

    /// Whether those who came when it was `then` are to be woken. (The sign of the difference says so even when the
    /// count has wrapped.)
    fn is_after(self, then: Self) -> bool {
        self.count().wrapping_sub(then.count()).cast_signed() > 0
    }
}

pub(super) struct State<T, H: Home> {
    pub(super) value: H::Ref<T>,
    pub(super) n_senders: usize,
    pub(super) n_receivers: usize,
    /// How often the last receiver has gone.
    n_deserted: u32,
    /// Who waits for a change, each with the version there was when they came.
    pub(super) watchers: Line<H, Version>,
    /// Who waits for the last receiver to go, each with how often it had.
    pub(super) deserted: Line<H, u32>,
}

impl<T, H: Home> State<T, H> {
    /// What somebody brings along who waits for the last receiver to go; `None` if there is none.
    pub(super) fn times_deserted(&self) -> Option<u32> {
        (self.n_receivers > 0).then_some(self.n_deserted)
    }
}

impl<T, H: Home> Channel<T, H> {
    /// With one sender and no receiver.
    pub(super) fn new(value: T) -> H::Ref<Self> {
        let state = State {
            value: H::new_ref(value),
            n_senders: 1,
            n_receivers: 0,
            n_deserted: 0,
            watchers: Line::new(),
            deserted: Line::new(),
        };
        H::new_ref(Self { version: Word::new(DESERTED), state: Exclusive::new(state) })
    }

    #[inline]
    pub(super) fn version(&self) -> Version {
        // Acquire pairs with the Release in `set_version`.
        Version(self.version.load(Ordering::Acquire))
    }

    /// Under the lock.
    fn set_version(&self, version: Version) {
        // Release pairs with the Acquire of `version`: what was done before the change is visible to whoever sees it.
        self.version.store(version.0, Ordering::Release);
    }

    pub(super) fn newest(&self) -> H::Ref<T> {
        self.state.with(|state| state.value.clone())
    }

    /// The value, and which it is.
    pub(super) fn newest_with_version(&self) -> (H::Ref<T>, Version) {
        self.state.with(|state| (state.value.clone(), self.version()))
    }

    /// Puts `value` in place of the newest one, if that may be replaced, and wakes who waits. Returns the old one; or
    /// the new one.
    pub(super) fn publish(
        &self,
        value: H::Ref<T>,
        may_replace: impl FnOnce(Version) -> bool,
    ) -> Result<H::Ref<T>, H::Ref<T>> {
        let mut value = Some(value);
        let published = self.state.with(|state| {
            let version = self.version();
            if !may_replace(version) {
                return None;
            }
            let version = Version(version.0.wrapping_add(CHANGE));
            self.set_version(version);
            let old = value.take().map(|value| std::mem::replace(&mut state.value, value))?;
            Some((old, version, state.watchers.is_empty()))
        });
        match (published, value) {
            (Some((old, version, nobody_waits)), _) => {
                if nobody_waits {
                    return Ok(old);
                }
                let mut panics = Panics::new();
                panics.catch(|| self.wake_watchers(version));
                if panics.has_panicked() {
                    // Its destructor may panic, too; in the middle of a panic, that would abort the process.
                    panics.catch(|| drop(old));
                    resume_unwind(panics.take().expect("there was one"));
                }
                Ok(old)
            }
            (None, Some(value)) => Err(value),
            (None, None) => unreachable!("it was not taken"),
        }
    }

    /// Those who came before `version`.
    fn wake_watchers(&self, version: Version) {
        // In order of arrival: the first who came afterwards is where it ends.
        wake_batches(|wakers| {
            self.state.with(|state| state.watchers.dismiss_batch(wakers, |then| version.is_after(*then)))
        });
    }

    pub(super) fn add_sender(&self) {
        self.state.with(|state| state.n_senders += 1);
    }

    pub(super) fn add_receiver(&self) -> Version {
        self.state.with(|state| {
            state.n_receivers += 1;
            let version = Version(self.version().0 & !DESERTED);
            self.set_version(version);
            version
        })
    }

    /// The last one closes the channel.
    pub(super) fn remove_sender(&self) {
        let is_last = self.state.with(|state| {
            state.n_senders -= 1;
            let is_last = state.n_senders == 0;
            if is_last {
                self.set_version(Version(self.version().0 | CLOSED));
            }
            is_last
        });
        if is_last {
            // Nobody waits from now on: there is no sender who could be cloned.
            wake_batches(|wakers| self.state.with(|state| state.watchers.dismiss_batch(wakers, |_| true)));
        }
    }

    /// The last one lets those go who wait for that.
    pub(super) fn remove_receiver(&self) {
        let deserted = self.state.with(|state| {
            state.n_receivers -= 1;
            if state.n_receivers > 0 {
                return None;
            }
            self.set_version(Version(self.version().0 | DESERTED));
            state.n_deserted = state.n_deserted.wrapping_add(1);
            Some(state.n_deserted)
        });
        if let Some(now) = deserted {
            let came_before = |then: &u32| now.wrapping_sub(*then).cast_signed() > 0;
            wake_batches(|wakers| self.state.with(|state| state.deserted.dismiss_batch(wakers, came_before)));
        }
    }
}
