//! A value with a cleanup that may await.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::Location;

use super::shield::{Shield, local_shield, shield};

/// Keeps `value` and promises `cleanup` for it: when the guard is dropped, in whatever way (at the end of a block, by
/// an error, a panic, or because the task is cancelled), value and cleanup go to the current scope, which does not end
/// before the cleanup has.
///
/// ```
/// use aio_core::{defer, yield_now};
///
/// aio_core::run(async {
///     let connection = defer(String::from("connection"), async |connection| {
///         yield_now().await; // say goodbye to the other side
///         println!("closed {connection}");
///     });
///     assert_eq!(connection.len(), 10);
/// });
/// ```
///
/// A cleanup is not cancelled by what cancelled its task. It may defer, spawn and await as it likes.
///
/// Guards that are dropped together clean up one after the other, in the order in which they are dropped: the inner one
/// is done before the outer one begins, as with nested `finally` blocks. Those that are dropped in different turns of
/// the task, and those of different children of a group or a combinator, clean up side by side.
///
/// # Panics
/// A panic of the cleanup goes on when the scope ends: a task ends with it. (`cleanup` itself, which only makes the
/// future, is called in the destructor of the guard, and must not panic.)
#[track_caller]
pub fn defer<T, C, F>(value: T, cleanup: C) -> Deferred<T, C, F>
where
    T: Send + 'static,
    C: FnOnce(T) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    Deferred { inner: Some((value, cleanup)), called_at: Location::caller(), shield }
}

/// [`defer`] for a value and a cleanup that stay on their loop: the cleanup runs as a task of the loop,
/// for which the scope waits. On a thread without a loop the guard's destructor blocks until the cleanup is done.
#[track_caller]
pub fn local_defer<T, C, F>(value: T, cleanup: C) -> Deferred<T, C, F>
where
    T: 'static,
    C: FnOnce(T) -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    Deferred { inner: Some((value, cleanup)), called_at: Location::caller(), shield: local_shield }
}

/// The guard of [`defer`]: it derefs to the value.
#[must_use = "a guard that is not kept is dropped at once, and the cleanup begins"]
pub struct Deferred<T, C, F>
where
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    /// Until the cleanup has begun.
    inner: Option<(T, C)>,
    called_at: &'static Location<'static>,
    /// Protects the cleanup. Chosen where it was known whether that may cross threads.
    shield: fn(F) -> Shield<F>,
}

impl<T, C, F> Deferred<T, C, F>
where
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    /// Takes the value out: there will be no cleanup.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn disarm(mut self) -> T {
        self.inner.take().expect("only the methods that consume the guard empty it").0
    }

    /// Runs the cleanup here and now.
    ///
    /// # Cancel safety
    /// Dropped half-way, the cleanup goes on in the current scope.
    pub async fn run(mut self) {
        if let Some(cleanup) = self.begin() {
            cleanup.await;
        }
    }

    fn begin(&mut self) -> Option<Shield<F>> {
        self.inner.take().map(|(value, cleanup)| (self.shield)(cleanup(value)).begin(self.called_at))
    }
}

impl<T, C, F> Drop for Deferred<T, C, F>
where
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    fn drop(&mut self) {
        // A shield that is dropped leaves its future with the current scope.
        drop(self.begin());
    }
}

impl<T, C, F> Deref for Deferred<T, C, F>
where
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner.as_ref().expect("only the methods that consume the guard empty it").0
    }
}

impl<T, C, F> DerefMut for Deferred<T, C, F>
where
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner.as_mut().expect("only the methods that consume the guard empty it").0
    }
}

impl<T, C, F> fmt::Debug for Deferred<T, C, F>
where
    T: fmt::Debug,
    C: FnOnce(T) -> F,
    F: Future<Output = ()>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Deferred").field(&self.inner.as_ref().map(|(value, _)| value)).finish()
    }
}
