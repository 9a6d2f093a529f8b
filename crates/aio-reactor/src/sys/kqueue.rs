//! macOS and the BSDs: kqueue, edge-triggered (`EV_CLEAR`). Compiled here, but not run.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::kqueue::{self, EventFilter, EventFlags};
use rustix::io::Errno;

use super::Borrowed;
use crate::readiness::Event;
use crate::table::Key;

/// How many events are taken at once. What is left comes with the next look.
const EVENTS_AT_ONCE: usize = 512;

pub(crate) struct Selector {
    kqueue: OwnedFd,
    /// A byte for each notification. (Not all of these systems have `EVFILT_USER`.)
    notifier: UnixStream,
    notified: UnixStream,
}

impl Selector {
    pub(crate) const IS_ONESHOT: bool = false;
    pub(crate) const TELLS_ENDS: bool = true;

    pub(crate) fn new() -> io::Result<Self> {
        let kqueue = kqueue::kqueue()?;
        rustix::io::fcntl_setfd(&kqueue, rustix::io::FdFlags::CLOEXEC)?;
        let (notifier, notified) = UnixStream::pair()?;
        notifier.set_nonblocking(true)?;
        notified.set_nonblocking(true)?;
        let this = Self { kqueue, notifier, notified };
        let filter = EventFilter::Read(this.notified.as_raw_fd());
        this.change(&[change(filter, EventFlags::ADD, Key::NOTIFY)], this.notified.as_fd())?;
        Ok(this)
    }

    pub(crate) fn add(&self, source: Borrowed<'_>, key: Key) -> io::Result<()> {
        let fd = source.as_raw_fd();
        let changes =
            [change(EventFilter::Read(fd), EventFlags::ADD, key), change(EventFilter::Write(fd), EventFlags::ADD, key)];
        // One end of a pipe knows one of the two filters only.
        let results = changes.map(|change| self.change(&[change], source));
        match results {
            [Err(error), Err(_)] => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        let fd = source.as_raw_fd();
        for filter in [EventFilter::Read(fd), EventFilter::Write(fd)] {
            match self.change(&[change(filter, EventFlags::DELETE, Key::NOTIFY)], source) {
                Err(error) if error.raw_os_error() != Some(Errno::NOENT.raw_os_error()) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "the shape of a backend")]
    pub(crate) fn arm(&self, _: Borrowed<'_>, _: Key, _: [bool; 2]) -> io::Result<()> {
        Ok(())
    }

    /// `source` is what the changes are about.
    fn change(&self, changes: &[kqueue::Event], source: BorrowedFd<'_>) -> io::Result<()> {
        let _ = source;
        let mut none = Vec::<kqueue::Event>::new();
        // SAFETY: the descriptors that the changes name are open: `source` is borrowed.
        unsafe { kqueue::kevent(&self.kqueue, changes, spare_capacity(&mut none), Some(Duration::ZERO)) }?;
        Ok(())
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        events.0.reserve(EVENTS_AT_ONCE);
        // SAFETY: there are no changes, so that no descriptor is named.
        let result = unsafe { kqueue::kevent(&self.kqueue, &[], spare_capacity(&mut events.0), timeout) };
        match result {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        if events.iter().any(|(key, _)| key == Key::NOTIFY) {
            while rustix::io::read(&self.notified, &mut [0; 64]).is_ok_and(|n| n > 0) {}
        }
        Ok(())
    }

    pub(crate) fn notify(&self) {
        loop {
            match rustix::io::write(&self.notifier, &[1]) {
                // Full: the loop has not read what is there, so it will wake up.
                Ok(_) | Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Err(error) => panic!("failed to wake a loop: {error}"),
            }
        }
    }
}

fn change(filter: EventFilter, what: EventFlags, key: Key) -> kqueue::Event {
    kqueue::Event::new(filter, what | EventFlags::CLEAR, ptr::without_provenance_mut(key.as_raw()))
}

#[derive(Default)]
pub(crate) struct Events(Vec<kqueue::Event>);

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of the notifier among them, whose key nobody has.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Event)> {
        self.0.iter().map(|event| {
            let ended = event.flags().contains(EventFlags::EOF);
            let event_of = match event.filter() {
                EventFilter::Write(_) => Event::new(false, true, false, ended),
                _ => Event::new(true, false, ended, false),
            };
            (Key::from_raw(event.udata().addr()), event_of)
        })
    }
}
