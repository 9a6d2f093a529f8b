//! Waiting for a moment.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aio_base::waits::{self, Note, Place};
use aio_base::{Deadline, live};
use pin_project_lite::pin_project;

use crate::queue::{Entry, Fate, Queue, Registered};
use crate::wheel::LAST;
use crate::{fallback, timers};

/// Waits for `duration`.
///
/// The time begins when the future is polled first; on a loop with [`Timers`](crate::Timers), when the loop next looks
/// at the clock, which is before it waits, or once it has polled 64 times (see [precision](crate#precision)). The wait
/// is over at the first millisecond that does not come too early. A `duration` of zero gives other tasks a turn,
/// exactly once, and looks at no clock. One of centuries (`Duration::MAX`) never ends.
///
/// It works everywhere: on a loop with [`Timers`](crate::Timers) the loop itself wakes the sleeper, on other threads a
/// thread of the process called `aio-timer` does, which is started when it is needed and ends when it has nothing to
/// do.
///
/// # Cancel safety
/// Dropping the future removes the timer.
///
/// # Fairness
/// Who sleeps until the earlier moment is woken first; until the same moment, who began first.
///
/// # Panics
/// If the thread `aio-timer` is needed and the system has none to give.
///
/// # Examples
/// ```
/// use aio_timer::sleep;
/// use std::time::{Duration, Instant};
///
/// aio_core::block_on(async {
///     let begin = Instant::now();
///     sleep(Duration::from_millis(10)).await;
///     assert!(begin.elapsed() >= Duration::from_millis(10));
/// });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(When::After(duration))
}

/// Waits until `deadline`. One that has passed gives other tasks a turn, exactly once.
///
/// `deadline` is a moment of [`aio_core::now`]. For the rest, see [`sleep()`].
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(When::At(deadline))
}

pin_project! {
    /// The future of [`sleep()`] and [`sleep_until`]. Once it is ready it stays so.
    #[must_use = "a sleep does nothing unless awaited"]
    pub struct Sleep {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[project = StateProj]
    #[project_ref = StateRef]
    enum State {
        Unregistered { when: When },
        Registered { #[pin] entry: Entry },
    }
}

#[derive(Debug, Clone, Copy)]
enum When {
    After(Duration),
    At(Instant),
    Never,
    Past,
}

/// A wait that no program will live to see the end of: 292 years.
const FOREVER: Duration = Duration::from_nanos(LAST);

// A sleeping task should be small. (The live counter takes room in builds that have it.)
const _: () = assert!(live::ENABLED || size_of::<Sleep>() == 48 || size_of::<usize>() != 8 || cfg!(aio_loom));

impl Sleep {
    const fn new(when: When) -> Self {
        Self { state: State::Unregistered { when } }
    }

    /// Begins anew, to be ready at `deadline`.
    pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.set(sleep_until(deadline));
    }

    /// Whether the time is over. Unlike [`poll`](Future::poll), it gives others no turn if it always was.
    pub(crate) fn poll_past(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.project().state;
        let when = match state.as_mut().project() {
            StateProj::Unregistered { when } => *when,
            StateProj::Registered { entry } => match entry.as_ref().poll(cx.waker()) {
                Fate::Linked => {
                    waits::again_at(Place::of(&*entry));
                    return Poll::Pending;
                }
                Fate::Fired => When::Past,
                Fate::Orphaned(deadline) => When::At(deadline),
            },
        };
        match when {
            When::Never => {}
            When::Past | When::After(Duration::ZERO) => return state.end(),
            When::After(duration) => match nanos(duration) {
                None => state.set(State::Unregistered { when: When::Never }),
                Some(left) => state.as_mut().register_fresh(left, cx.waker()),
            },
            When::At(deadline) => {
                let now = aio_core::now();
                match nanos(Deadline::at(deadline).remaining(now).unwrap_or_default()) {
                    None => state.set(State::Unregistered { when: When::Never }),
                    Some(0) => return state.end(),
                    Some(left) => {
                        let queue = timers::current().unwrap_or_else(fallback::queue);
                        state.as_mut().register(queue, now, left, cx.waker());
                    }
                }
            }
        }
        state.note(when);
        Poll::Pending
    }
}

impl State {
    /// For the table of who waits for what. (The entry says when it is over.)
    #[inline]
    fn note(self: Pin<&mut Self>, when: When) {
        if let StateProj::Registered { entry } = self.project() {
            waits::begin_at(Place::of(&*entry), || match when {
                When::At(moment) => Note::until(moment),
                When::After(left) => {
                    Deadline::after(aio_core::now(), left).instant().map_or_else(|| Note::new("ever"), Note::until)
                }
                When::Never | When::Past => unreachable!("it is not registered"),
            });
        }
    }

    fn end(mut self: Pin<&mut Self>) -> Poll<()> {
        self.set(Self::Unregistered { when: When::Past });
        Poll::Ready(())
    }

    /// Waits `left` nanoseconds from `now`.
    fn register(mut self: Pin<&mut Self>, mut queue: &'static Queue, now: Instant, left: u64, waker: &Waker) {
        loop {
            let waker = waker.clone();
            match self.as_mut().enter(queue).register(now, left, waker) {
                Registered::Done => return,
                Registered::NeedsThread => return fallback::start(queue),
                Registered::Closed => queue = fallback::queue(),
            }
        }
    }

    /// Waits `left` nanoseconds from when the loop next looks, or from now where there is none.
    #[inline]
    fn register_fresh(mut self: Pin<&mut Self>, left: u64, waker: &Waker) {
        if let Some(queue) = timers::current() {
            let new = waker.clone();
            if self.as_mut().enter(queue).register_fresh(left, new) == Registered::Done {
                return;
            }
        }
        self.register(fallback::queue(), aio_core::now(), left, waker);
    }

    fn enter(mut self: Pin<&mut Self>, queue: &'static Queue) -> Pin<&Entry> {
        self.set(Self::Registered { entry: Entry::new(queue) });
        match self.into_ref().project_ref() {
            StateRef::Registered { entry } => entry,
            StateRef::Unregistered { .. } => unreachable!("it was set"),
        }
    }
}

/// `None` if it lasts for ever.
fn nanos(duration: Duration) -> Option<u64> {
    // Nothing overflows: `FOREVER` fits.
    (duration <= FOREVER).then(|| duration.as_secs() * 1_000_000_000 + u64::from(duration.subsec_nanos()))
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let is_first = matches!(self.state, State::Unregistered { when: When::After(_) | When::At(_) });
        let poll = self.as_mut().poll_past(cx);
        if is_first && poll.is_ready() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let State::Unregistered { when: When::Never } = self.state {
            waits::poll_at(Place::of(&*self), || Note::new("ever"));
        }
        poll
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state: &dyn fmt::Debug = match &self.state {
            State::Unregistered { when } => when,
            State::Registered { entry } => entry,
        };
        f.debug_tuple("Sleep").field(state).finish()
    }
}
