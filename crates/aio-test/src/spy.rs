//! A future that is watched.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

// What `Wake` asks for.
use std::sync::Arc;

use aio_base::sync::Mutex;

use crate::wake_note::WakeNote;

/// Watches `future`: hand the first of the two to the code under test, and ask the second what was done to it.
///
/// ```
/// use aio_core::{run, spawn, yield_now};
/// use aio_test::{Fate, spy};
///
/// let (future, watched) = spy(std::future::pending::<()>());
/// assert_eq!(watched.fate(), Fate::Unpolled);
/// run(async {
///     let task = spawn(future);
///     yield_now().await;
///     assert_eq!(watched.fate(), Fate::Running);
///     task.cancel();
///     assert!(task.join().await.unwrap_err().is_cancelled());
/// });
/// assert_eq!(watched.fate(), Fate::Dropped);
/// assert_eq!((watched.n_polls(), watched.n_wakes(), watched.wakers_left()), (1, 0, 0));
/// ```
pub fn spy<F: Future>(future: F) -> (Spy<F>, SpyHandle) {
    let handle = SpyHandle { note: WakeNote::new(), fate: Arc::new(Mutex::new(Fate::Unpolled)) };
    (Spy { future: Some(Box::pin(future)), end: End(handle.clone()) }, handle)
}

/// What has become of a future; see [`SpyHandle::fate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was never polled so far.
    Unpolled,
    /// It was polled, and goes on.
    Running,
    /// It has given its output.
    Finished,
    /// It was dropped before it had given its output.
    Dropped,
    /// It has panicked.
    Panicked,
}

/// A future that is watched; see [`spy`]. It is polled and woken as without the spy.
#[must_use = "futures do nothing unless awaited"]
pub struct Spy<F> {
    /// Until it has ended. Dropped before `end`, which says that it was.
    future: Option<Pin<Box<F>>>,
    end: End,
}

/// Notes that the future is gone.
struct End(SpyHandle);

impl Drop for End {
    fn drop(&mut self) {
        let mut fate = self.0.fate.lock();
        if matches!(*fate, Fate::Unpolled | Fate::Running) {
            *fate = Fate::Dropped;
        }
    }
}

impl<F: Future> Future for Spy<F> {
    type Output = F::Output;

    /// # Panics
    /// If the future does, or has ended before.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut future = self.future.take().expect("a future was polled after it had ended");
        let SpyHandle { note, fate } = &self.end.0;
        note.pass_on(cx.waker());
        // Unless the poll comes back.
        *fate.lock() = Fate::Panicked;
        let poll = note.poll(|cx| future.as_mut().poll(cx));
        if poll.is_ready() {
            drop(future);
            *fate.lock() = Fate::Finished;
        } else {
            *fate.lock() = Fate::Running;
            self.future = Some(future);
        }
        poll
    }
}

impl<F> fmt::Debug for Spy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spy").field(&self.end.0).finish()
    }
}

/// Knows what was done to the future of a [`spy`]. Its clones know the same.
#[derive(Clone)]
pub struct SpyHandle {
    note: Arc<WakeNote>,
    /// Each reference to it stands beside one to the note.
    fate: Arc<Mutex<Fate>>,
}

impl SpyHandle {
    /// What has become of it.
    pub fn fate(&self) -> Fate {
        *self.fate.lock()
    }

    /// Whether it exists, and could be polled again.
    pub fn is_alive(&self) -> bool {
        matches!(self.fate(), Fate::Unpolled | Fate::Running)
    }

    /// How often it was polled.
    pub fn n_polls(&self) -> usize {
        self.note.n_polls()
    }

    /// How often its waker was called.
    pub fn n_wakes(&self) -> usize {
        self.note.n_wakes()
    }

    /// Whether it was woken since its last poll began.
    pub fn is_woken(&self) -> bool {
        self.note.is_woken()
    }

    /// How many clones of its waker exist; see [`Stepper::wakers_left`](crate::Stepper::wakers_left).
    pub fn wakers_left(&self) -> usize {
        self.note.n_wakers(Arc::strong_count(&self.fate))
    }
}

impl fmt::Debug for SpyHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpyHandle")
            .field("fate", &self.fate())
            .field("n_polls", &self.n_polls())
            .field("n_wakes", &self.n_wakes())
            .field("wakers_left", &self.wakers_left())
            .finish()
    }
}
