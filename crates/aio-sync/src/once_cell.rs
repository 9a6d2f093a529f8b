//! A value that is made once.

mod error;
mod future;

use std::fmt;

#[cfg(not(aio_loom))]
use aio_base::BriefLock;
use aio_base::home::{Exclusive, Word};
use aio_base::sync::UnsafeCell;
use aio_base::sync::atomic::Ordering;
use aio_base::{Home, Shared, host};

use crate::wait_queue::{Line, wake, wake_batches};
use future::{Begin, Making};

pub use error::SetError;
pub use future::OnceCellFuture;

/// A value that is made once, by the first who needs it, while the others wait.
///
/// `aio_sync::OnceCell<T>` may be shared between threads; `aio_sync::local::OnceCell<T>` stays on one and is cheaper.
/// Both are this type in one of its [homes](aio_base::home).
///
/// A [`std::sync::OnceLock`] blocks those who come second; this one lets them wait, and makes its value by code that
/// may wait, too. Once it is set, looking at it costs no more than there.
///
/// # Coming from asyncio
///
/// asyncio has no such thing; what is often written is a task or a future in an attribute that all await. Here whoever
/// comes first makes the value itself: when it is cancelled, the next one begins anew, and there is no task to look
/// after.
///
/// # Fairness
/// One at a time makes the value. If it is cancelled, fails or panics, the next one who asked for the value in this way
/// runs its own function, first come, first served.
///
/// # Examples
/// ```
/// # futures_lite::future::block_on(async {
/// use aio_sync::OnceCell;
/// use futures_lite::future::{yield_now, zip};
///
/// static SETTINGS: OnceCell<String> = OnceCell::const_new();
///
/// async fn settings() -> &'static str {
///     SETTINGS
///         .get_or_init(async || {
///             yield_now().await; // as if read from a file
///             "verbose".to_owned()
///         })
///         .await
/// }
///
/// assert_eq!(zip(settings(), settings()).await, ("verbose", "verbose"));
/// # });
/// ```
pub struct OnceCell<T, H: Home> {
    /// The [state](EMPTY) is the byte beside it.
    waiting: H::Exclusive<Waiting<H>>,
    /// Belongs to the one whose turn it is to make it ([`Making`]). There, and never changed again by a shared
    /// reference, once the state is [`SET`].
    value: UnsafeCell<Option<T>>,
}

// SAFETY: a shared cell takes a value from one thread, gives references to it to many at once, and may be dropped by
// another: that takes `T: Send + Sync`.
unsafe impl<T: Send + Sync> Sync for OnceCell<T, Shared> {}

/// Nobody has begun to make the value. (That is what the byte is at first.)
///
/// ```text
///            ──1 begin──▶            ──3 publish──▶
///     EMPTY                 MAKING ⟲ 4 give_up       SET
///            ◀─2 give_up─
/// ```
/// 1. [`OnceCell::begin`]: this one makes the value.
/// 2. [`OnceCell::give_up`]: it has not, and nobody waits for the turn.
/// 3. [`OnceCell::publish`]: it has.
/// 4. [`OnceCell::give_up`]: it has not, and the turn is the first one's in the line.
///
/// All edges are made under the lock of the lines. Whoever has a `&mut OnceCell` may also take the value out, which
/// leads from SET to EMPTY. The line of those who wait for the turn is empty unless MAKING; of those who only wait for
/// the value, unless EMPTY or MAKING.
const EMPTY: u8 = 0;
/// Somebody is making the value, or has been given the turn to do so.
const MAKING: u8 = 1;
/// The value is there.
const SET: u8 = 2;

struct Waiting<H: Home> {
    /// For the turn to make the value.
    initializers: Line<H, ()>,
    /// For the value, whoever makes it.
    observers: Line<H, ()>,
}

impl<H: Home> Waiting<H> {
    const fn new() -> Self {
        Self { initializers: Line::new(), observers: Line::new() }
    }
}

impl<T, H: Home> OnceCell<T, H> {
    /// An empty cell.
    pub fn new() -> Self {
        Self { waiting: Exclusive::new(Waiting::new()), value: UnsafeCell::new(None) }
    }

    /// A cell that has this value, if there is one.
    pub fn new_with(value: Option<T>) -> Self {
        let state = if value.is_some() { SET } else { EMPTY };
        let cell = Self { value: UnsafeCell::new(value), ..Self::new() };
        // Relaxed: nobody else knows the cell.
        cell.state().store(state, Ordering::Relaxed);
        cell
    }

    /// Whether it is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        // Acquire pairs with the Release of `publish`: the value is visible.
        self.state().load(Ordering::Acquire) == SET
    }

    /// The value, if it is set.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.is_set() {
            return None;
        }
        // SAFETY: the value is there, and is not changed any more as long as the cell is borrowed.
        self.value.with(|value| unsafe { (*value).as_ref() })
    }

    /// The value, if it is set: there is no other reference.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: `&mut self` is the only reference to the cell. (There is none if it is not set.)
        self.value.with_mut(|value| unsafe { (*value).as_mut() })
    }

    /// Sets the value, unless there is one, or somebody is making it.
    ///
    /// # Errors
    /// [`SetError`] with the value that was not used.
    ///
    /// # Panics
    /// If a waker panics, after all others have been woken. The value is set then.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.waiting.with(|_| self.begin()) {
            Making(self).finish(value);
            Ok(())
        } else if self.is_set() {
            Err(SetError::set(value))
        } else {
            Err(SetError::initializing(value))
        }
    }

    /// The value; if there is none yet, it is what `init` makes. If somebody else is making it, waits for that.
    ///
    /// `init` must not ask for the value of the same cell in this way: it would wait for itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops what `init` has begun, and it is the next one's turn, who runs its own function.
    ///
    /// # Fairness
    /// As the [cell](Self) says; the place in the line is taken at the first poll.
    ///
    /// # Panics
    /// If `init` panics; it is the next one's turn then. And if a waker panics, after all others have been woken; the
    /// value is set then.
    #[inline]
    pub async fn get_or_init(&self, init: impl AsyncFnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        match Begin::new(self).await {
            // Nothing that `init` has left is there any more when the turn goes to somebody else.
            Some(making) => {
                let value = init().await;
                making.finish(value)
            }
            None => self.get().expect("it has been set"),
        }
    }

    /// The value; if there is none yet, it is what `init` makes, unless that fails. If somebody else is making it,
    /// waits for that.
    ///
    /// `init` must not ask for the value of the same cell in this way: it would wait for itself.
    ///
    /// # Cancel safety
    /// As in [`get_or_init`](Self::get_or_init).
    ///
    /// # Fairness
    /// As in [`get_or_init`](Self::get_or_init).
    ///
    /// # Errors
    /// That of `init`, if it was run here; it is the next one's turn then. The failure of somebody else is not seen
    /// here.
    ///
    /// # Panics
    /// If `init` panics; it is the next one's turn then. And if a waker panics, after all others have been woken; the
    /// value is set then.
    ///
    /// # Examples
    /// ```
    /// # futures_lite::future::block_on(async {
    /// use aio_sync::local::OnceCell;
    ///
    /// let port = OnceCell::new();
    /// assert!(port.get_or_try_init(async || "no number".parse::<u16>()).await.is_err());
    /// assert_eq!(port.get_or_try_init(async || "80".parse::<u16>()).await, Ok(&80));
    /// # });
    /// ```
    #[inline]
    pub async fn get_or_try_init<E>(&self, init: impl AsyncFnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        match Begin::new(self).await {
            // As above.
            Some(making) => {
                let value = init().await?;
                Ok(making.finish(value))
            }
            None => Ok(self.get().expect("it has been set")),
        }
    }

    /// Waits until the value is set, whoever does so. If it is set already, does not yield.
    ///
    /// # Cancel safety
    /// Nothing is lost by dropping the future.
    ///
    /// # Fairness
    /// All are woken when the value is set, in the order in which they came; before them those who wait in
    /// [`get_or_init`](Self::get_or_init).
    ///
    /// # Panics
    /// The future, if it is polled again after it was ready.
    #[inline]
    pub fn wait(&self) -> OnceCellFuture<'_, T, H> {
        OnceCellFuture::new(self)
    }

    /// Takes the value out: the cell is empty again.
    pub fn take(&mut self) -> Option<T> {
        // SAFETY: `&mut self` is the only reference to the cell.
        let value = self.value.with_mut(|value| unsafe { (*value).take() });
        // (Otherwise somebody may have been making it, and have been leaked.)
        if value.is_some() {
            // Relaxed: there is no other reference.
            self.state().store(EMPTY, Ordering::Relaxed);
        }
        value
    }

    /// Takes the cell apart.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    #[inline]
    fn state(&self) -> &H::Byte {
        self.waiting.byte()
    }

    /// Edge 1, under the lock: whether it is the caller's turn to make the value.
    fn begin(&self) -> bool {
        // Relaxed: but for SET all is done under the lock.
        let is_empty = self.state().load(Ordering::Relaxed) == EMPTY;
        if is_empty {
            // Relaxed: the same.
            self.state().store(MAKING, Ordering::Relaxed);
        }
        is_empty
    }

    /// Edges 2 and 4, by the one whose turn it is.
    fn give_up(&self) {
        let next = self.waiting.with(|waiting| {
            let next = waiting.initializers.wake_first();
            if next.is_none() {
                // Relaxed: as in `begin`.
                self.state().store(EMPTY, Ordering::Relaxed);
            }
            next
        });
        wake(next);
    }

    /// Edge 3, by the one whose turn it is, who has written the value.
    fn publish(&self) {
        wake_batches(|wakers| {
            self.waiting.with(|waiting| {
                // Release pairs with the Acquire of `is_set`: the value is visible. (It does not matter that each batch
                // says so.)
                self.state().store(SET, Ordering::Release);
                waiting.initializers.dismiss_batch(wakers, |()| true)
                    || waiting.observers.dismiss_batch(wakers, |()| true)
            })
        });
    }
}

#[cfg(not(aio_loom))]
impl<T> OnceCell<T, Shared> {
    /// An empty cell, for a `static`.
    pub const fn const_new() -> Self {
        Self { waiting: BriefLock::new(Waiting::new()), value: UnsafeCell::new(None) }
    }
}

impl<T> OnceCell<T, Shared> {
    /// The same as [`get_or_init`](Self::get_or_init) for a thread that runs no tasks: blocks it while somebody else
    /// makes the value.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if the value is there. And if `init` panics.
    ///
    /// # Examples
    /// ```
    /// let cell = aio_sync::OnceCell::new();
    /// assert_eq!(cell.get_or_init_blocking(|| 1), &1);
    /// assert_eq!(cell.get_or_init_blocking(|| 2), &1);
    /// ```
    #[track_caller]
    pub fn get_or_init_blocking(&self, init: impl FnOnce() -> T) -> &T {
        const WHAT: &str = "`get_or_init_blocking`";
        host::assert_may_block(WHAT);
        match self.get() {
            Some(value) => value,
            None => host::block_on(WHAT, self.get_or_init(async || init())),
        }
    }

    /// The same as [`get_or_try_init`](Self::get_or_try_init) for a thread that runs no tasks: blocks it while somebody
    /// else makes the value.
    ///
    /// # Errors
    /// That of `init`, if it was run here.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if the value is there. And if `init` panics.
    #[track_caller]
    pub fn get_or_try_init_blocking<E>(&self, init: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        const WHAT: &str = "`get_or_try_init_blocking`";
        host::assert_may_block(WHAT);
        match self.get() {
            Some(value) => Ok(value),
            None => host::block_on(WHAT, self.get_or_try_init(async || init())),
        }
    }

    /// The same as [`wait`](Self::wait) for a thread that runs no tasks: blocks it until the value is set.
    ///
    /// # Panics
    /// On the thread of a loop, which would stand still, even if the value is there.
    #[track_caller]
    pub fn wait_blocking(&self) -> &T {
        const WHAT: &str = "`wait_blocking`";
        host::assert_may_block(WHAT);
        match self.get() {
            Some(value) => value,
            None => host::block_on(WHAT, self.wait()),
        }
    }
}

impl<T, H: Home> Default for OnceCell<T, H> {
    fn default() -> Self {
        Self::new()
    }
}

/// Has that value.
impl<T, H: Home> From<T> for OnceCell<T, H> {
    fn from(value: T) -> Self {
        Self::new_with(Some(value))
    }
}

impl<T: fmt::Debug, H: Home> fmt::Debug for OnceCell<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cell = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => cell.field(value).finish(),
            None => cell.field(&format_args!("<empty>")).finish(),
        }
    }
}

#[cfg(all(test, aio_loom))]
mod tests;
