//! What keeps a network going.

use std::sync::Arc; // facade: a waker asks for it
use std::sync::Weak; // facade: a waker that does not keep a network alive
use std::task::{Context, Wake, Waker};
use std::time::Instant;

use aio_base::sync::Mutex;
use aio_base::{Panics, waits};
use aio_core::Handle;
use aio_timer::{Sleep, sleep_until};

use super::state::State;

/// A network, shared by its sockets.
///
/// Nobody runs it: whoever does something with it has everything happen first that is due. And when the next thing is
/// due, a timer of the loop does the same: one that wakes no task, but the network itself.
///
/// A thread without a loop may have a socket, to drop it, say. Its clock is not that of the network, and it has no
/// timers; so there it is the moment at which something happened last, and the loop has to set the alarm.
pub(super) struct Engine {
    state: Mutex<State>,
    alarm: Mutex<Option<Alarm>>,
    /// The loop in which something was done last.
    home: Mutex<Option<Handle>>,
    this: Weak<Self>,
    /// Wakes the network.
    waker: Waker,
}

struct Alarm {
    at: Instant,
    sleep: std::pin::Pin<Box<Sleep>>,
}

impl Engine {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            state: Mutex::new(State::new(seed)),
            alarm: Mutex::new(None),
            home: Mutex::new(None),
            this: this.clone(),
            waker: Waker::from(Arc::new(Rouse(this.clone()))),
        })
    }

    /// Does something now.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let is_elsewhere = Handle::try_current().is_none() && self.home.lock().is_some();
        let now = aio_core::now();
        let mut state = self.state.lock();
        let now = if is_elsewhere { state.now } else { now };
        state.catch_up(now);
        let outcome = act(&mut state);
        // What it has begun may take no time.
        state.catch_up(now);
        let (next, woken) = (state.next(), state.take_woken());
        drop(state);
        self.watch(next);
        let mut panics = Panics::new();
        for (doors, direction) in woken {
            panics.catch(|| doors.of(direction).wake_all());
        }
        panics.resume();
        outcome
    }

    /// Sees to it that the network is woken when something happens next.
    fn watch(&self, mut next: Option<Instant>) {
        loop {
            self.set_alarm(next);
            // Another thread may have planned something meanwhile, and set its alarm before this one.
            let now_next = self.state.lock().next();
            if now_next == next {
                return;
            }
            next = now_next;
        }
    }

    fn set_alarm(&self, next: Option<Instant>) {
        let Some(here) = Handle::try_current() else { return self.have_alarm_set(next) };
        let former = self.home.lock().replace(here);
        drop(former);
        let alarm = self.alarm.lock().take();
        let Some(at) = next else { return };
        let mut alarm = match alarm {
            Some(alarm) if alarm.at == at => alarm,
            _ => Alarm { at, sleep: Box::pin(sleep_until(at)) },
        };
        // Without the lock: if the moment has come meanwhile, this wakes the network, which comes back to here.
        // It is not the task here that waits for it.
        let poll = waits::unseen(|| alarm.sleep.as_mut().poll(&mut Context::from_waker(&self.waker)));
        if poll.is_pending() {
            let other = self.alarm.lock().replace(alarm);
            drop(other);
        }
    }

    /// The same from elsewhere, where there are no timers of the loop.
    fn have_alarm_set(&self, next: Option<Instant>) {
        let Some(next) = next else { return };
        let is_in_time = self.alarm.lock().as_ref().is_some_and(|alarm| alarm.at <= next);
        // Without a loop there is no time in which something could happen.
        let Some(home) = self.home.lock().clone().filter(|_| !is_in_time) else { return };
        let this = self.this.clone();
        home.spawn(async move { rouse(&this) }).detach();
    }
}

/// Wakes a network.
struct Rouse(Weak<Engine>);

impl Wake for Rouse {
    fn wake(self: Arc<Self>) {
        rouse(&self.0);
    }
}

/// Has happen what is due.
fn rouse(engine: &Weak<Engine>) {
    if let Some(engine) = engine.upgrade() {
        engine.with(|_| {});
    }
}
