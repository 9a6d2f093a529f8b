//! Windows: the crate `polling`, which has to be asked anew after each event. Compiled here, but not run.

use std::io;
use std::os::windows::io::AsRawSocket;
use std::time::Duration;

use polling::{PollMode, Poller};

use super::Borrowed;
use crate::readiness::Event;
use crate::table::Key;

pub(crate) struct Selector(Poller);

impl Selector {
    pub(crate) const IS_ONESHOT: bool = true;
    pub(crate) const TELLS_ENDS: bool = false;

    pub(crate) fn new() -> io::Result<Self> {
        Poller::new().map(Self)
    }

    pub(crate) fn add(&self, source: Borrowed<'_>, key: Key) -> io::Result<()> {
        let none = polling::Event::none(key.as_raw());
        // SAFETY: the socket is deleted before it is closed: `Async` does so when it is dropped, and so do those that
        // take it apart.
        unsafe { self.0.add_with_mode(source.as_raw_socket(), none, PollMode::Oneshot) }
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        self.0.delete(source)
    }

    pub(crate) fn arm(&self, source: Borrowed<'_>, key: Key, [read, write]: [bool; 2]) -> io::Result<()> {
        self.0.modify(source, polling::Event::new(key.as_raw(), read, write))
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        match self.0.wait(&mut events.0, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn notify(&self) {
        if let Err(error) = self.0.notify() {
            panic!("failed to wake a loop: {error}");
        }
    }
}

pub(crate) struct Events(polling::Events);

impl Default for Events {
    fn default() -> Self {
        Self(polling::Events::new())
    }
}

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whatever it is, the system tells of it once and then has to be asked again, in both directions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Event)> {
        self.0.iter().map(|event| (Key::from_raw(event.key), Event::ANYTHING))
    }
}
