//! How a connection comes about.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc; // facade: shared data without a protocol

use aio_net::simulation::Direction;

use super::{
    CALLED, CALLER, CALLS_AGAIN, Connection, End, FIRST_CALL_AGAIN, Owner, Phase, Segment, TcpEvent, TcpListening,
};
use crate::net::doors::Doors;
use crate::net::hosts::{Protocol, as_told, covers, destination, host_is_down};
use crate::net::links::HostId;
use crate::net::state::{Event, Id, State};

impl State {
    pub(in crate::net) fn listen(
        &mut self,
        host: HostId,
        address: SocketAddr,
        is_shared: bool,
    ) -> io::Result<(Id, SocketAddr, Arc<Doors>)> {
        let address = self.free_address(host, Protocol::Tcp, address, is_shared)?;
        let id = self.new_id();
        let doors = Arc::new(Doors::default());
        let listening = TcpListening { host, address, is_shared, doors: doors.clone(), queue: Default::default() };
        self.listeners.insert(id, listening);
        self.note(|_| format!("tcp {address} listens"));
        Ok((id, address, doors))
    }

    pub(in crate::net) fn connect(&mut self, host: HostId, to: SocketAddr) -> io::Result<(Id, Arc<Doors>)> {
        if !self.hosts[host].is_up {
            return Err(host_is_down());
        }
        let (told, to) = (to, destination(to));
        let Some(peer) = self.owner(host, to.ip()) else { return Err(ErrorKind::HostUnreachable.into()) };
        if to.port() == 0 {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let source = self.source(host, to.ip());
        let port = self.free_port(host, Protocol::Tcp, source)?;
        let id = self.new_id();
        let mut caller = End::new(host, SocketAddr::new(source, port), Owner::Program, Phase::Connecting, self.now);
        caller.bound = told;
        let called = End::new(peer, to, Owner::Nobody, Phase::Connecting, self.now);
        let doors = caller.doors.clone();
        self.connections.insert(id, Connection { ends: [caller, called] });
        self.call(id, 0);
        Ok((id, doors))
    }

    /// Asks for the connection, and sees to it that this is done again if there is no answer.
    pub(super) fn call(&mut self, id: Id, attempt: u32) {
        let Some((host, peer)) = self.way(id, CALLER) else { return };
        if attempt > CALLS_AGAIN {
            self.note(|state| format!("{} gives up to connect", state.named(id, CALLER)));
            self.die(id, CALLER, Some(ErrorKind::TimedOut));
            self.die(id, CALLED, None);
            return;
        }
        let again = TcpEvent::Call { attempt: attempt + 1 };
        let again = self.plan(FIRST_CALL_AGAIN * 2_u32.pow(attempt), Event::Tcp(id, again));
        if let Some(end) = self.end_mut(id, CALLER) {
            end.outgoing.repeat = Some(again);
        }
        let is_lost = self.links.loses(host, peer);
        self.note(|state| format!("{} connects{}", state.named(id, CALLER), if is_lost { ", is lost" } else { "" }));
        if !is_lost {
            let latency = self.links.latency(host, peer);
            self.plan(latency, Event::Tcp(id, TcpEvent::Called));
        }
    }

    /// The request has come.
    pub(super) fn called(&mut self, id: Id) {
        let Some((host, peer)) = self.way(id, CALLER) else { return };
        if !self.is_calling(id) || self.links.is_cut(host, peer) || !self.hosts[peer].is_up {
            return;
        }
        let listener = self.listener_for(id);
        let has_room = listener.is_none_or(|listener| self.listeners[&listener].queue.len() < self.backlog);
        if !has_room || self.links.loses(peer, host) {
            return;
        }
        let latency = self.links.latency(peer, host);
        let answer = if listener.is_some() { TcpEvent::Answered } else { TcpEvent::Reset { to: CALLER } };
        self.plan(latency, Event::Tcp(id, answer));
    }

    /// The answer is back.
    pub(super) fn answered(&mut self, id: Id) {
        let Some((host, peer)) = self.way(id, CALLER) else { return };
        if !self.is_calling(id) || self.links.is_cut(peer, host) {
            return;
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        for end in &mut connection.ends {
            end.phase = Phase::Connected;
        }
        let caller = &mut connection.ends[CALLER];
        let (again, doors) = (caller.outgoing.repeat.take(), caller.doors.clone());
        self.call_off(again);
        self.note(|state| format!("{} is connected", state.named(id, CALLER)));
        self.wake(&doors, Direction::Write);
        self.send(id, CALLER, Segment::Hello);
    }

    /// It may be accepted.
    pub(super) fn greet(&mut self, id: Id) {
        let Some(listener) = self.listener_for(id) else {
            // Closed meanwhile.
            self.send_reset(id, CALLED);
            self.die(id, CALLED, None);
            self.abandon(id, CALLED);
            return;
        };
        let Some(listening) = self.listeners.get_mut(&listener) else { return };
        listening.queue.push_back(id);
        let (bound, doors) = (listening.address, listening.doors.clone());
        if let Some(end) = self.end_mut(id, CALLED) {
            end.owner = Owner::Listener;
            end.bound = bound;
        }
        self.wake(&doors, Direction::Read);
    }

    pub(in crate::net) fn accept(&mut self, listener: Id) -> io::Result<(Id, Arc<Doors>, SocketAddr)> {
        let Some(listening) = self.listeners.get_mut(&listener) else { return Err(host_is_down()) };
        let id = listening.queue.pop_front().ok_or(ErrorKind::WouldBlock)?;
        let Some(connection) = self.connections.get_mut(&id) else { return Err(ErrorKind::WouldBlock.into()) };
        connection.ends[CALLED].owner = Owner::Program;
        let peer = as_told(connection.ends[CALLED].bound, connection.ends[CALLER].address);
        Ok((id, connection.ends[CALLED].doors.clone(), peer))
    }

    pub(in crate::net) fn may_accept(&self, listener: Id) -> bool {
        self.listeners.get(&listener).is_none_or(|listening| !listening.queue.is_empty())
    }

    /// Those who have not been accepted are reset.
    pub(in crate::net) fn close_listener(&mut self, listener: Id) {
        let Some(listening) = self.listeners.remove(&listener) else { return };
        self.note(|_| format!("tcp {} listens no more", listening.address));
        for id in listening.queue {
            self.send_reset(id, CALLED);
            self.die(id, CALLED, None);
            self.abandon(id, CALLED);
        }
    }

    /// Who would accept it. Several that share the address take turns.
    fn listener_for(&self, id: Id) -> Option<Id> {
        let called = self.end(id, CALLED)?;
        let (host, address) = (called.host, called.address);
        let at = |is_exact: bool| {
            let listeners = self.listeners.iter().filter(move |(_, listening)| {
                let bound = listening.address;
                listening.host == host
                    && bound.port() == address.port()
                    && (bound.ip().to_canonical() == address.ip()) == is_exact
                    && covers(bound.ip(), address.ip())
            });
            listeners.map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let exact = at(true);
        let found = if exact.is_empty() { at(false) } else { exact };
        // The same each time for one connection.
        let caller = self.end(id, CALLER)?.address.port();
        (!found.is_empty()).then(|| found[usize::from(caller) % found.len()])
    }

    fn is_calling(&self, id: Id) -> bool {
        self.end(id, CALLER).is_some_and(|end| end.phase == Phase::Connecting)
    }
}
