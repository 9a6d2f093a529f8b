//! What a program does with its end.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use aio_net::simulation::Direction;

use super::{End, Owner, Phase, Segment, Side};
use crate::net::hosts::as_told;
use crate::net::state::{Id, State};

impl State {
    pub(in crate::net) fn tcp_local(&self, id: Id, side: Side) -> io::Result<SocketAddr> {
        self.end(id, side).map(|end| as_told(end.bound, end.address)).ok_or(ErrorKind::NotConnected.into())
    }

    pub(in crate::net) fn tcp_peer(&self, id: Id, side: Side) -> io::Result<SocketAddr> {
        match self.connections.get(&id).map(|connection| &connection.ends) {
            Some(ends) if ends[side].phase == Phase::Connected && !ends[side].has_ended() => {
                Ok(as_told(ends[side].bound, ends[1 - side].address))
            }
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    pub(in crate::net) fn tcp_error(&mut self, id: Id, side: Side) -> Option<io::Error> {
        self.end_mut(id, side)?.error.take().map(io::Error::from)
    }

    pub(in crate::net) fn tcp_is_ready(&self, id: Id, side: Side, direction: Direction) -> bool {
        let Some(end) = self.end(id, side) else { return true };
        let has_news = end.error.is_some() || end.phase == Phase::Dead;
        has_news
            || match direction {
                Direction::Read => !end.incoming.bytes.is_empty() || end.incoming.has_ended || end.incoming.is_shut,
                Direction::Write => {
                    let has_room = end.outgoing.is_shut || end.outgoing.outstanding < self.capacity;
                    end.phase == Phase::Connected && has_room
                }
            }
    }

    pub(in crate::net) fn read(
        &mut self,
        id: Id,
        side: Side,
        buffers: &mut [IoSliceMut<'_>],
        peeks: bool,
    ) -> io::Result<usize> {
        let Some(end) = self.end_mut(id, side) else { return Err(ErrorKind::NotConnected.into()) };
        if buffers.iter().all(|buffer| buffer.is_empty()) {
            return Ok(0);
        }
        // In the order of Linux: what was received; the end; an error; that nothing will come.
        if !end.incoming.bytes.is_empty() {
            let mut n = 0;
            for buffer in buffers {
                for (place, byte) in buffer.iter_mut().zip(end.incoming.bytes.iter().skip(n)) {
                    *place = *byte;
                }
                n += buffer.len().min(end.incoming.bytes.len() - n);
            }
            if !peeks {
                end.incoming.bytes.drain(..n);
                if end.phase == Phase::Connected {
                    self.send(id, side, Segment::Credit(n));
                }
            }
            return Ok(n);
        }
        if end.incoming.has_ended {
            return Ok(0);
        }
        if let Some(error) = end.error.take() {
            return Err(error.into());
        }
        if end.phase == Phase::Dead || end.incoming.is_shut {
            return Ok(0);
        }
        Err(ErrorKind::WouldBlock.into())
    }

    pub(in crate::net) fn write(&mut self, id: Id, side: Side, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let capacity = self.capacity;
        let Some(end) = self.end_mut(id, side) else { return Err(ErrorKind::NotConnected.into()) };
        if let Some(error) = end.error.take() {
            return Err(error.into());
        }
        if end.phase == Phase::Dead || end.outgoing.is_shut {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let room = capacity.saturating_sub(end.outgoing.outstanding);
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&piece[..piece.len().min(room - bytes.len())]);
        }
        let n = bytes.len();
        if n == 0 {
            let is_empty = pieces.iter().all(|piece| piece.is_empty());
            return if is_empty { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        end.outgoing.outstanding += n;
        let Some((here, there)) = self.way(id, side) else { return Ok(n) };
        // Who reads is not to rely on getting it in one piece.
        if let Some(at) = self.links.breaks(here, there, n) {
            let rest = bytes.split_off(at);
            self.send(id, side, Segment::Data(bytes));
            bytes = rest;
        }
        self.send(id, side, Segment::Data(bytes));
        Ok(n)
    }

    pub(in crate::net) fn shut_down(&mut self, id: Id, side: Side, how: Shutdown) -> io::Result<()> {
        let is_there = |end: &&mut End| end.phase == Phase::Connected && !end.has_ended();
        let Some(end) = self.end_mut(id, side).filter(is_there) else {
            return Err(ErrorKind::NotConnected.into());
        };
        let doors = end.doors.clone();
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            end.incoming.is_shut = true;
        }
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.say_all(id, side);
        }
        self.wake_both(&doors);
        Ok(())
    }

    /// Nothing more will be sent.
    fn say_all(&mut self, id: Id, side: Side) {
        if let Some(end) = self.end_mut(id, side)
            && !std::mem::replace(&mut end.outgoing.is_shut, true)
        {
            self.send(id, side, Segment::Fin);
        }
    }

    pub(in crate::net) fn set_linger(&mut self, id: Id, side: Side, linger: Option<Duration>) {
        if let Some(end) = self.end_mut(id, side) {
            end.is_abrupt = linger == Some(Duration::ZERO);
        }
    }

    /// The program has dropped it.
    pub(in crate::net) fn close(&mut self, id: Id, side: Side) {
        let Some(end) = self.end_mut(id, side) else { return };
        end.owner = Owner::Nobody;
        match end.phase {
            Phase::Dead => {}
            Phase::Connecting => {
                let again = end.outgoing.repeat.take();
                self.call_off(again);
                self.connections.remove(&id);
                return;
            }
            Phase::Connected if end.is_abrupt || !end.incoming.bytes.is_empty() => {
                self.send_reset(id, side);
                self.die(id, side, None);
            }
            Phase::Connected => self.say_all(id, side),
        }
        self.forget_if_over(id);
    }
}
