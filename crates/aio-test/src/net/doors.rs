//! Those who wait for a socket.

use aio_net::simulation::{Direction, Waiters};

/// Both directions of a socket.
#[derive(Debug, Default)]
pub(super) struct Doors {
    read: Waiters,
    write: Waiters,
}

impl Doors {
    pub(super) fn of(&self, direction: Direction) -> &Waiters {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}
