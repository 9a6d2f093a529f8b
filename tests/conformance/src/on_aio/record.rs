//! What has happened in a program, and how it is stopped at a deadlock.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::Instant;

use super::lock;
use super::outcome::Stop;
use crate::program::Event;

/// What has happened in a program. The driver of the loop has it too, to stop a program that is at a deadlock.
#[derive(Default)]
pub(super) struct Record {
    begin: Mutex<Option<Instant>>,
    /// It was at a deadlock: nothing more is logged, and nothing waits.
    over: AtomicBool,
    waits: Mutex<Vec<Waker>>,
    events: Mutex<Vec<Event>>,
}

impl Record {
    /// The main task begins.
    pub(super) fn begin(&self) {
        *lock(&self.begin) = Some(aio::now());
    }

    pub(super) fn log(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let begin = lock(&self.begin).expect("the main task has begun");
            let at = (aio::now() - begin).as_millis().try_into().expect("a program is short");
            lock(&self.events).push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }

    /// The last event. It is at the time of the one before, since how long nothing happened after that cannot be told.
    pub(super) fn log_end(&self, task: &str, text: impl Into<String>) {
        if !self.is_over() {
            let mut events = lock(&self.events);
            let at = events.last().map_or(0, |event| event.at);
            events.push(Event { at, task: task.to_owned(), text: text.into() });
        }
    }

    /// The log.
    pub(super) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *lock(&self.events))
    }

    /// Ends all waits.
    pub(super) fn stop(&self) {
        self.log_end("-", "deadlock");
        self.over.store(true, Ordering::Relaxed);
        let waits = std::mem::take(&mut *lock(&self.waits));
        waits.into_iter().for_each(Waker::wake);
    }

    /// Waits for something; or for the end of a program that is at a deadlock.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Stop> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if self.is_over() {
                return Poll::Ready(Err(Stop::Deadlock));
            }
            let poll = future.as_mut().poll(cx);
            if poll.is_pending() {
                let mut waits = lock(&self.waits);
                if !waits.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waits.push(cx.waker().clone());
                }
            }
            poll.map(Ok)
        })
        .await
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
