//! What goes on outside of the loop.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc; // facade: shared data without a protocol
use std::sync::atomic::{AtomicUsize, Ordering}; // facade: a count, for clocks of tests
use std::task::Waker;

aio_base::thread_local! {
    /// Of the loop of this thread, if it stands over a clock that wants to know.
    static CURRENT: RefCell<Option<Arc<Count>>> = RefCell::new(None);
    /// Whether there is one: quicker to look at, since nearly never there is.
    static IS_COUNTED: Cell<bool> = Cell::new(false);
}

/// How much goes on.
pub(super) struct Count {
    running: AtomicUsize,
    unparker: Waker,
}

impl Count {
    pub(super) fn new(unparker: Waker) -> Arc<Self> {
        Arc::new(Self { running: AtomicUsize::new(0), unparker })
    }

    /// One more; on the thread that looks at it, or where something else goes on.
    fn begin(&self) {
        // Relaxed: it comes before the end of that, which is of the same count.
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_zero(&self) -> bool {
        // Acquire pairs with the Release of the last one: what it has done is there.
        self.running.load(Ordering::Acquire) == 0
    }
}

/// Makes it the one of this thread; returns the former one.
pub(super) fn replace(count: Option<Arc<Count>>) -> Option<Arc<Count>> {
    IS_COUNTED.with(|is_counted| is_counted.set(count.is_some()));
    CURRENT.with(|current| current.replace(count))
}

/// Something goes on outside of a loop, and is to wake one of its tasks.
///
/// As long as this exists, [`VirtualTime`](super::VirtualTime) waits in real time, instead of moving its clock or
/// seeing a deadlock; over other drivers it means nothing. Blocking functions (`to_thread`) say so themselves. Of a
/// thread of your own it is said like this:
///
/// ```
/// use aio_core::{EventLoop, ThreadPark, VirtualTime, outside};
/// use std::task::Poll;
///
/// EventLoop::new(VirtualTime::new(ThreadPark::new())).run(async {
///     let mut thread = None;
///     std::future::poll_fn(|cx| match &thread {
///         None => {
///             let (waker, outside) = (cx.waker().clone(), outside());
///             thread = Some(std::thread::spawn(move || {
///                 waker.wake();
///                 drop(outside);
///             }));
///             Poll::Pending
///         }
///         Some(_) => Poll::Ready(()),
///     })
///     .await;
/// });
/// ```
#[must_use = "it counts as long as it exists"]
pub struct Outside(Option<Arc<Count>>);

/// Begins something [`Outside`] of the loop of this thread. Drop it, on whatever thread, when it has woken whom it was
/// to wake.
#[inline]
pub fn outside() -> Outside {
    #[cold]
    fn count() -> Option<Arc<Count>> {
        let count = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()?;
        count.begin();
        Some(count)
    }
    Outside(if IS_COUNTED.try_with(Cell::get).unwrap_or(false) { count() } else { None })
}

impl Outside {
    /// Whose loop it is, to [begin](Paused::resume) something outside of the same one later, and on any thread.
    #[doc(hidden)]
    pub fn pausing(&self) -> Paused {
        Paused(self.0.clone())
    }
}

/// An [`Outside`] that does not count.
#[doc(hidden)]
pub struct Paused(Option<Arc<Count>>);

impl Paused {
    /// Counts again. On the thread of the loop, or before something else ends that is outside of it.
    pub fn resume(&self) -> Outside {
        Outside(self.0.clone().inspect(|count| count.begin()))
    }
}

impl fmt::Debug for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paused").field("counts", &self.0.is_some()).finish()
    }
}

impl Drop for Outside {
    #[inline]
    fn drop(&mut self) {
        #[cold]
        fn end(count: &Count) {
            count.running.fetch_sub(1, Ordering::Release);
            // It may be parked, and is to look again.
            count.unparker.wake_by_ref();
        }
        if let Some(count) = &self.0 {
            end(count);
        }
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("counts", &self.0.is_some()).finish()
    }
}
