//! Segments at their end.

use std::io::ErrorKind;

use aio_net::simulation::Direction;

use super::{Owner, Phase, Segment, Side, TcpEvent};
use crate::net::state::{Event, Id, State};

impl State {
    /// A segment has come, and all that it has held up.
    pub(super) fn arrive(&mut self, id: Id, from: Side, number: u64, segment: Segment) {
        let Some((here, there)) = self.way(id, from) else { return };
        if self.links.is_cut(here, there) || !self.hosts[there].is_up {
            self.note(|state| format!("{} {} is lost", state.named(id, from), segment.described()));
            self.hold(id, from, number, segment);
            return;
        }
        let to = 1 - from;
        let Some(end) = self.end_mut(id, to) else { return };
        if end.phase == Phase::Dead {
            self.send_reset(id, to);
            return;
        }
        end.incoming.early.insert(number, segment);
        while let Some(end) = self.end_mut(id, to)
            && let Some(segment) = end.incoming.early.remove(&end.incoming.next)
        {
            end.incoming.next += 1;
            self.note(|state| format!("{} {}", state.named(id, from), segment.described()));
            self.take_in(id, to, segment);
        }
        self.forget_if_over(id);
    }

    fn take_in(&mut self, id: Id, side: Side, segment: Segment) {
        let Some(end) = self.end_mut(id, side) else { return };
        let doors = end.doors.clone();
        match segment {
            Segment::Hello => self.greet(id),
            Segment::Data(_) if end.owner == Owner::Nobody => {
                // Nobody is there to read it.
                self.send_reset(id, side);
                self.die(id, side, None);
            }
            Segment::Data(_) if end.incoming.is_shut && end.outgoing.is_shut => {
                // Nobody is going to read it, though somebody is there.
                self.send_reset(id, side);
                self.is_reset(id, side);
            }
            Segment::Data(bytes) => {
                end.incoming.bytes.extend(bytes);
                self.wake(&doors, Direction::Read);
            }
            Segment::Credit(n) => {
                end.outgoing.outstanding -= n;
                self.wake(&doors, Direction::Write);
            }
            Segment::Fin => {
                end.incoming.has_ended = true;
                self.wake(&doors, Direction::Read);
            }
        }
    }

    /// Tells the peer that this end is gone. Unlike the rest, it is not sent again if it is lost.
    pub(super) fn send_reset(&mut self, id: Id, from: Side) {
        let Some((here, there)) = self.way(id, from) else { return };
        if self.links.loses(here, there) {
            return;
        }
        let latency = self.links.latency(here, there);
        let Some(end) = self.end(id, from) else { return };
        // It does not overtake what was sent before.
        let arrival = (self.now + latency).max(end.outgoing.last_arrival);
        self.plan_at(arrival, Event::Tcp(id, TcpEvent::Reset { to: 1 - from }));
    }

    pub(super) fn reset_arrives(&mut self, id: Id, to: Side) {
        let Some((here, there)) = self.way(id, 1 - to) else { return };
        if self.links.is_cut(here, there) || !self.hosts[there].is_up {
            return;
        }
        self.note(|state| format!("{} reset", state.named(id, 1 - to)));
        self.is_reset(id, to);
        self.forget_if_over(id);
    }

    /// An end is reset, and its program told, as Linux would.
    pub(super) fn is_reset(&mut self, id: Id, side: Side) {
        let Some(end) = self.end(id, side) else { return };
        let error = match end.phase {
            Phase::Dead => return,
            Phase::Connecting => ErrorKind::ConnectionRefused,
            // It knows that nobody reads there any more.
            Phase::Connected if end.incoming.has_ended && !end.outgoing.is_shut => ErrorKind::BrokenPipe,
            Phase::Connected => ErrorKind::ConnectionReset,
        };
        self.die(id, side, Some(error));
        if error == ErrorKind::ConnectionRefused {
            self.die(id, 1 - side, None);
        }
    }

    /// Nothing is sent or received any more. What has been received can still be read.
    pub(super) fn die(&mut self, id: Id, side: Side, error: Option<ErrorKind>) {
        let Some(end) = self.end_mut(id, side).filter(|end| end.phase != Phase::Dead) else { return };
        end.phase = Phase::Dead;
        end.error = error;
        end.incoming.early.clear();
        end.outgoing.held.clear();
        end.outgoing.is_held_up = false;
        let (repeat, doors) = (end.outgoing.repeat.take(), end.doors.clone());
        self.call_off(repeat);
        self.wake_both(&doors);
    }

    /// No program has that end any more.
    pub(super) fn abandon(&mut self, id: Id, side: Side) {
        if let Some(end) = self.end_mut(id, side) {
            end.owner = Owner::Nobody;
        }
        self.forget_if_over(id);
    }
}
