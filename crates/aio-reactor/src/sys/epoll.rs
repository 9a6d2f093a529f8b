//! Linux: epoll, edge-triggered.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io::Errno;

use super::Borrowed;
use crate::readiness::Event;
use crate::table::Key;

/// A longer wait ends early. (Beyond `i32::MAX` milliseconds there is another system call, which older systems lack.)
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many events are taken at once. What is left comes with the next look.
const EVENTS_AT_ONCE: usize = 512;

pub(crate) struct Selector {
    epoll: OwnedFd,
    notifier: OwnedFd,
}

impl Selector {
    pub(crate) const IS_ONESHOT: bool = false;
    pub(crate) const TELLS_ENDS: bool = true;

    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let notifier = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Edge-triggered, so that it need not be read: each write is an event of its own.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &notifier, data(Key::NOTIFY), flags)?;
        Ok(Self { epoll, notifier })
    }

    pub(crate) fn add(&self, source: Borrowed<'_>, key: Key) -> io::Result<()> {
        use epoll::EventFlags as Flags;
        let flags = Flags::IN | Flags::OUT | Flags::RDHUP | Flags::PRI | Flags::ET;
        Ok(epoll::add(&self.epoll, source, data(key), flags)?)
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, source)?)
    }

    #[expect(clippy::unused_self, reason = "the shape of a backend")]
    pub(crate) fn arm(&self, _: Borrowed<'_>, _: Key, _: [bool; 2]) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.0.clear();
        events.0.reserve(EVENTS_AT_ONCE);
        let timeout = timeout.map(|timeout| timeout.min(LONGEST_WAIT)).map(|timeout| Timespec {
            tv_sec: timeout.as_secs().cast_signed(),
            tv_nsec: timeout.subsec_nanos().into(),
        });
        match epoll::wait(&self.epoll, spare_capacity(&mut events.0), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn notify(&self) {
        let one = 1_u64.to_ne_bytes();
        while let Err(error) = rustix::io::write(&self.notifier, &one) {
            match error {
                Errno::INTR => {}
                // The counter is full, after 2^64 - 2 of them.
                Errno::AGAIN => drop(rustix::io::read(&self.notifier, &mut [0; 8])),
                error => panic!("failed to wake a loop: {error}"),
            }
        }
    }
}

fn data(key: Key) -> epoll::EventData {
    epoll::EventData::new_u64(key.as_raw() as u64)
}

#[derive(Default)]
pub(crate) struct Events(Vec<epoll::Event>);

impl Events {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That of the notifier among them, whose key nobody has.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, Event)> {
        use epoll::EventFlags as Flags;
        self.0.iter().map(|event| {
            let (key, flags) = (Key::from_raw(event.data.u64() as usize), event.flags);
            // An error is told to whoever tries, in either direction.
            let readable = flags.intersects(Flags::IN | Flags::ERR);
            let writable = flags.intersects(Flags::OUT | Flags::ERR);
            // A read also ends short in front of urgent data, with more behind it.
            let read_ended = flags.intersects(Flags::RDHUP | Flags::HUP | Flags::PRI);
            (key, Event::new(readable, writable, read_ended, flags.contains(Flags::HUP)))
        })
    }
}
