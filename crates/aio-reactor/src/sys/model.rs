//! For the model checker: a system in which nothing happens, but that a wait may be ended.

use std::io;
use std::mem;
use std::time::Duration;

use aio_base::sync::{Condvar, Mutex};

use super::Borrowed;
use crate::readiness::Event;
use crate::table::Key;

pub(crate) struct Selector {
    is_notified: Mutex<bool>,
    notified: Condvar,
}

impl Selector {
    pub(crate) const IS_ONESHOT: bool = false;
    pub(crate) const TELLS_ENDS: bool = true;

    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { is_notified: Mutex::new(false), notified: Condvar::new() })
    }

    pub(crate) fn add(&self, _: Borrowed<'_>, _: Key) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn delete(&self, _: Borrowed<'_>) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn arm(&self, _: Borrowed<'_>, _: Key, _: [bool; 2]) -> io::Result<()> {
        Ok(())
    }

    /// As the others, it tells one of several that wait that it was notified.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let mut is_notified = self.is_notified.lock();
        while !*is_notified && timeout.is_none() {
            is_notified = self.notified.wait(is_notified);
        }
        *events = Events { notified: mem::take(&mut *is_notified) };
        Ok(())
    }

    pub(crate) fn notify(&self) {
        *self.is_notified.lock() = true;
        self.notified.notify_one();
    }
}

#[derive(Default)]
pub(crate) struct Events {
    notified: bool,
}

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        !self.notified
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Event)> {
        self.notified.then_some((Key::NOTIFY, Event::ANYTHING)).into_iter()
    }
}
