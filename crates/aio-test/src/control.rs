//! The layer of a loop that a test controls.

use std::rc::Rc;
use std::sync::Arc; // facade: shared data without a protocol
use std::sync::atomic::{AtomicBool, Ordering}; // facade: a flag of one thread, in a place that has to be `Send`
use std::task::Waker;

use aio_base::Deadline;
use aio_base::choice::{self, Decider};
use aio_core::{Driver, ReadyTasks, Schedule, TaskRef, VirtualTime};

use crate::director::Director;
use crate::guard::Watch;
use crate::report;

/// Between the timers and what they wait in: asks the director who runs next, and what time it is.
pub(crate) struct Control<D> {
    time: Time<D>,
    director: Rc<Director>,
    guard: Option<Watch>,
    /// Set when nothing will ever happen again.
    is_stuck: Arc<AtomicBool>,
    former: Vec<Former>,
}

/// Who directed and decided on this thread before.
type Former = (Option<Rc<Director>>, Option<Rc<dyn Decider>>);

/// Whose time it is.
pub(crate) enum Time<D> {
    Virtual(VirtualTime<D>),
    System(D),
}

impl<D: Driver> Control<D> {
    pub(crate) fn new(inner: D, is_virtual: bool, director: Rc<Director>, guard: Option<Watch>) -> Self {
        let is_stuck = Arc::new(AtomicBool::new(false));
        let time = if is_virtual {
            let is_stuck = is_stuck.clone();
            // Relaxed: on this thread.
            Time::Virtual(VirtualTime::new(inner).on_deadlock(move || is_stuck.store(true, Ordering::Relaxed)))
        } else {
            Time::System(inner)
        };
        Self { time, director, guard, is_stuck, former: Vec::new() }
    }

    /// Ends the run if its time is over.
    fn look_at_guard(&self) {
        if let Some(guard) = &self.guard
            && guard.is_over()
            && !self.director.is_ending()
        {
            self.director.fail(report::overran(&self.director));
        }
    }
}

impl<D: Driver> Schedule for Control<D> {
    fn next(&mut self, ready: &ReadyTasks<'_>) -> Option<usize> {
        let (place, number) = self.director.next(ready)?;
        if let Some(guard) = &self.guard {
            guard.runs(number.0, ready.get(place).spawned_at());
        }
        Some(place)
    }

    fn ran(&mut self, task: &TaskRef, ready: &ReadyTasks<'_>) {
        self.director.ran(task, ready);
        if let Time::Virtual(time) = &mut self.time {
            let by = self.director.slowness();
            time.advance_to(time.now() + by);
        }
    }
}

impl<D: Driver> Driver for Control<D> {
    fn enter(&mut self) {
        let decider: Rc<dyn Decider> = self.director.clone();
        self.former.push((Director::enter(Some(self.director.clone())), choice::decide(Some(decider))));
        match &mut self.time {
            Time::Virtual(time) => time.enter(),
            Time::System(inner) => inner.enter(),
        }
        // It begins now.
        self.director.elapsed();
    }

    fn leave(&mut self) {
        match &mut self.time {
            Time::Virtual(time) => time.leave(),
            Time::System(inner) => inner.leave(),
        }
        if let Some((director, decider)) = self.former.pop() {
            Director::enter(director);
            choice::decide(decider);
        }
    }

    fn turn(&mut self) {
        self.look_at_guard();
        match &mut self.time {
            Time::Virtual(time) => time.turn(),
            Time::System(inner) => inner.turn(),
        }
    }

    fn park(&mut self, deadline: Deadline) {
        self.look_at_guard();
        let has_timer = deadline.instant().is_some();
        let waits = self.director.waits(has_timer);
        if waits && !has_timer {
            return;
        }
        let held_until = self.director.held_until();
        let slow_until = self.director.slow_until();
        if !waits && held_until.is_none() && slow_until.is_none() && self.director.note_quiet() {
            return;
        }
        let held_until = held_until.into_iter().chain(slow_until).min();
        let earliest = |deadline: Deadline| held_until.map_or(deadline, |until| deadline.earliest(Deadline::at(until)));
        let time = match &mut self.time {
            Time::System(inner) => return inner.park(earliest(deadline)),
            Time::Virtual(time) => time,
        };
        let deadline = match deadline.instant() {
            Some(at) if at > time.now() => Deadline::after(at, self.director.lateness()),
            _ => deadline,
        };
        time.park(earliest(deadline));
        if self.is_stuck.swap(false, Ordering::Relaxed) {
            self.director.fail(report::deadlock(&self.director));
        }
    }

    fn unparker(&self) -> Waker {
        match &self.time {
            Time::Virtual(time) => time.unparker(),
            Time::System(inner) => inner.unparker(),
        }
    }

    fn waits_for_events(&self) -> bool {
        match &self.time {
            Time::Virtual(time) => time.waits_for_events(),
            Time::System(inner) => inner.waits_for_events(),
        }
    }

    fn schedule(&mut self) -> Option<&mut dyn Schedule> {
        Some(self)
    }
}
