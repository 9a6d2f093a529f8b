//! Segments on their way.

use std::io::ErrorKind;
use std::time::Duration;

use super::{FIRST_REPEAT, LAST_REPEAT, Owner, Phase, REPEATS, Segment, Side, TcpEvent};
use crate::net::state::{Event, Id, State};

impl State {
    /// Sends the next segment of the line.
    pub(super) fn send(&mut self, id: Id, from: Side, segment: Segment) {
        let Some(end) = self.end_mut(id, from) else { return };
        let number = end.outgoing.next;
        end.outgoing.next += 1;
        if end.outgoing.is_held_up {
            end.outgoing.held.insert(number, segment);
            if end.outgoing.repeat.is_none() {
                self.plan_repeat(id, from, 0);
            }
        } else {
            self.transmit(id, from, number, segment);
        }
    }

    fn transmit(&mut self, id: Id, from: Side, number: u64, segment: Segment) {
        let Some((here, there)) = self.way(id, from) else { return };
        if self.links.loses(here, there) || !self.hosts[there].is_up {
            self.note(|state| format!("{} {} is lost", state.named(id, from), segment.described()));
            self.hold(id, from, number, segment);
            return;
        }
        let latency = self.links.latency(here, there);
        let takes = match self.links.bandwidth(here, there) {
            Some(bytes) => Duration::from_secs_f64(segment.len() as f64 / bytes.max(1) as f64),
            None => Duration::ZERO,
        };
        let now = self.now;
        let Some(end) = self.end_mut(id, from) else { return };
        let out = &mut end.outgoing;
        out.busy_until = out.busy_until.max(now) + takes;
        let arrival = out.busy_until + latency;
        out.last_arrival = out.last_arrival.max(arrival);
        self.plan_at(arrival, Event::Tcp(id, TcpEvent::Arrival { from, number, segment }));
    }

    /// It was lost. All that comes behind it waits, and it is sent again after a while.
    pub(super) fn hold(&mut self, id: Id, from: Side, number: u64, segment: Segment) {
        let Some(end) = self.end_mut(id, from) else { return };
        if end.phase == Phase::Dead {
            return;
        }
        end.outgoing.held.insert(number, segment);
        if !end.outgoing.is_held_up {
            end.outgoing.is_held_up = true;
            self.plan_repeat(id, from, 0);
        }
    }

    fn plan_repeat(&mut self, id: Id, from: Side, attempt: u32) {
        let wait = FIRST_REPEAT.saturating_mul(2_u32.saturating_pow(attempt)).min(LAST_REPEAT);
        let plan = self.plan(wait, Event::Tcp(id, TcpEvent::Repeat { from, attempt: attempt + 1 }));
        if let Some(end) = self.end_mut(id, from) {
            end.outgoing.repeat = Some(plan);
        }
    }

    /// Sends what is held up again.
    pub(super) fn repeat(&mut self, id: Id, from: Side, attempt: u32) {
        let Some((here, there)) = self.way(id, from) else { return };
        let Some(end) = self.end_mut(id, from) else { return };
        end.outgoing.repeat = None;
        if attempt > REPEATS {
            self.give_up(id, from);
        } else if self.links.loses(here, there) || !self.hosts[there].is_up {
            self.plan_repeat(id, from, attempt);
        } else if let Some(end) = self.end_mut(id, from) {
            end.outgoing.is_held_up = false;
            let held = std::mem::take(&mut end.outgoing.held);
            self.note(|state| format!("{} sends again", state.named(id, from)));
            // The first has come through. Each of the others may be lost in turn, and then holds up the rest.
            for (number, segment) in held {
                let is_held_up = self.end(id, from).is_some_and(|end| end.outgoing.is_held_up);
                if is_held_up {
                    self.hold(id, from, number, segment);
                } else {
                    self.transmit(id, from, number, segment);
                }
            }
        }
    }

    /// The peer has not been heard of for a quarter of an hour.
    fn give_up(&mut self, id: Id, from: Side) {
        let Some(end) = self.end_mut(id, from) else { return };
        let only_reads = end.outgoing.held.values().all(|segment| matches!(segment, Segment::Credit(_)));
        if only_reads && end.owner == Owner::Program {
            // Who only reads never learns of it; it goes on when the link is healed.
            return;
        }
        self.note(|state| format!("{} gives up", state.named(id, from)));
        self.die(id, from, Some(ErrorKind::TimedOut));
        self.forget_if_over(id);
    }

    /// Those who have stopped to try do so again.
    pub(in crate::net) fn resume_held(&mut self) {
        for id in self.connections_where(|_| true) {
            for from in [super::CALLER, super::CALLED] {
                let has_stopped = self.end(id, from).is_some_and(|end| {
                    end.outgoing.is_held_up && end.outgoing.repeat.is_none() && end.phase == Phase::Connected
                });
                if has_stopped {
                    self.plan_repeat(id, from, 0);
                }
            }
        }
    }
}

impl Segment {
    fn len(&self) -> usize {
        match self {
            Self::Data(bytes) => bytes.len(),
            Self::Hello | Self::Credit(_) | Self::Fin => 0,
        }
    }

    pub(super) fn described(&self) -> String {
        match self {
            Self::Hello => "hello".to_owned(),
            Self::Data(bytes) => format!("{} bytes", bytes.len()),
            Self::Credit(n) => format!("read {n}"),
            Self::Fin => "end".to_owned(),
        }
    }
}
