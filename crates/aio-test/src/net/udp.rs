//! UDP, as Linux has it.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Instant;

use aio_net::simulation::Direction;

use super::doors::Doors;
use super::hosts::{Protocol, as_told, covers, destination, host_is_down};
use super::links::HostId;
use super::state::{Event, Id, State};

/// The longest datagram.
const LONGEST: usize = 65_507;
/// How many bytes wait to be received before further ones are lost, what Linux needs itself included.
const ROOM: usize = 212_992;
/// `EMSGSIZE`.
const TOO_LONG: i32 = if cfg!(windows) {
    10040
} else if cfg!(any(target_os = "linux", target_os = "android")) {
    90
} else {
    40
};

pub(super) enum UdpEvent {
    Arrival(Arc<Datagram>),
    /// Nobody was there, and the sender hears of it.
    Unreachable(Arc<Datagram>),
}

pub(super) struct Datagram {
    socket: Id,
    from: (HostId, SocketAddr),
    to: (HostId, SocketAddr),
    bytes: Vec<u8>,
}

pub(super) struct UdpState {
    pub(super) host: HostId,
    pub(super) address: SocketAddr,
    doors: Arc<Doors>,
    peer: Option<SocketAddr>,
    inbox: VecDeque<Arc<Datagram>>,
    n_bytes: usize,
    error: Option<ErrorKind>,
    /// When the last of those underway arrives, for each address: others do not overtake it without a reason.
    last_arrivals: BTreeMap<SocketAddr, Instant>,
}

impl State {
    pub(super) fn bind_udp(&mut self, host: HostId, address: SocketAddr) -> io::Result<(Id, Arc<Doors>)> {
        let address = self.free_address(host, Protocol::Udp, address, false)?;
        let id = self.new_id();
        let doors = Arc::new(Doors::default());
        let socket = UdpState {
            host,
            address,
            doors: doors.clone(),
            peer: None,
            inbox: VecDeque::new(),
            n_bytes: 0,
            error: None,
            last_arrivals: BTreeMap::new(),
        };
        self.datagrams.insert(id, socket);
        Ok((id, doors))
    }

    fn udp(&self, id: Id) -> io::Result<&UdpState> {
        self.datagrams.get(&id).ok_or_else(host_is_down)
    }

    fn udp_mut(&mut self, id: Id) -> io::Result<&mut UdpState> {
        self.datagrams.get_mut(&id).ok_or_else(host_is_down)
    }

    pub(super) fn udp_local(&self, id: Id) -> io::Result<SocketAddr> {
        Ok(self.udp(id)?.address)
    }

    pub(super) fn udp_peer(&self, id: Id) -> io::Result<SocketAddr> {
        self.udp(id)?.peer.ok_or(ErrorKind::NotConnected.into())
    }

    pub(super) fn udp_error(&mut self, id: Id) -> Option<io::Error> {
        self.udp_mut(id).ok()?.error.take().map(io::Error::from)
    }

    pub(super) fn udp_is_ready(&self, id: Id, direction: Direction) -> bool {
        direction == Direction::Write
            || self.udp(id).map_or(true, |socket| !socket.inbox.is_empty() || socket.error.is_some())
    }

    pub(super) fn connect_udp(&mut self, id: Id, peer: SocketAddr) -> io::Result<()> {
        let (host, address) = self.udp(id).map(|socket| (socket.host, socket.address))?;
        check_family(address, peer)?;
        let peer = as_told(peer, destination(peer));
        self.owner(host, peer.ip()).ok_or(ErrorKind::NetworkUnreachable)?;
        let source = SocketAddr::new(self.source(host, peer.ip()), address.port());
        let socket = self.udp_mut(id)?;
        socket.peer = Some(peer);
        if socket.address.ip().is_unspecified() {
            socket.address = as_told(address, source);
        }
        Ok(())
    }

    pub(super) fn send_datagram(&mut self, id: Id, bytes: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        let socket = self.udp_mut(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error.into());
        }
        // `EDESTADDRREQ` has no kind of its own.
        let to = to.or(socket.peer).ok_or(ErrorKind::NotConnected)?;
        let (host, address) = (socket.host, socket.address);
        check_family(address, to)?;
        if bytes.len() > LONGEST {
            return Err(io::Error::from_raw_os_error(TOO_LONG));
        }
        if to.port() == 0 {
            return Err(ErrorKind::InvalidInput.into());
        }
        let to = destination(to);
        let source = match address.ip().to_canonical() {
            ip if ip.is_unspecified() => self.source(host, to.ip()),
            ip => ip,
        };
        let from = SocketAddr::new(source, address.port());
        // What goes to nowhere is lost.
        if let Some(peer) = self.owner(host, to.ip()) {
            let bytes = bytes.to_vec();
            self.post(Datagram { socket: id, from: (host, from), to: (peer, to), bytes });
        }
        Ok(bytes.len())
    }

    fn post(&mut self, datagram: Datagram) {
        let ((here, _), (there, to)) = (datagram.from, datagram.to);
        if self.links.loses(here, there) {
            self.note(|_| format!("{} is lost", datagram.described()));
            return;
        }
        let datagram = Arc::new(datagram);
        let copies = if self.links.doubles(here, there) { 2 } else { 1 };
        for _ in 0..copies {
            let mut arrival = self.now + self.links.latency(here, there);
            if let Some(detour) = self.links.detour(here, there) {
                arrival += detour;
            } else if let Some(socket) = self.datagrams.get_mut(&datagram.socket) {
                let last = socket.last_arrivals.entry(to).or_insert(arrival);
                *last = arrival.max(*last);
                arrival = *last;
            }
            self.plan_at(arrival, Event::Udp(UdpEvent::Arrival(datagram.clone())));
        }
    }

    pub(super) fn on_udp(&mut self, event: UdpEvent) {
        match event {
            UdpEvent::Arrival(datagram) => self.deliver(datagram),
            UdpEvent::Unreachable(datagram) => {
                let is_cut = self.links.is_cut(datagram.to.0, datagram.from.0);
                let Some(socket) = self.datagrams.get_mut(&datagram.socket) else { return };
                if !is_cut && socket.peer.map(destination) == Some(datagram.to.1) {
                    socket.error = Some(ErrorKind::ConnectionRefused);
                    let doors = socket.doors.clone();
                    self.wake_both(&doors);
                }
            }
        }
    }

    fn deliver(&mut self, datagram: Arc<Datagram>) {
        let ((here, from), (there, to)) = (datagram.from, datagram.to);
        if self.links.is_cut(here, there) || !self.hosts[there].is_up {
            self.note(|_| format!("{} is lost", datagram.described()));
            return;
        }
        // Who is connected to the sender comes first, and then who has the very address.
        let receives = |socket: &UdpState| {
            socket.host == there
                && socket.address.port() == to.port()
                && covers(socket.address.ip(), to.ip())
                && socket.peer.is_none_or(|peer| destination(peer) == from)
        };
        let rank = |socket: &UdpState| (socket.peer.is_some(), socket.address.ip().to_canonical() == to.ip());
        let found = self.datagrams.iter_mut().filter(|(_, socket)| receives(socket)).max_by_key(|(_, it)| rank(it));
        let Some((_, socket)) = found else {
            self.note(|_| format!("{} finds nobody", datagram.described()));
            if !self.links.loses(there, here) {
                let latency = self.links.latency(there, here);
                self.plan(latency, Event::Udp(UdpEvent::Unreachable(datagram)));
            }
            return;
        };
        if socket.n_bytes + datagram.room() > ROOM {
            self.note(|_| format!("{} finds no room", datagram.described()));
            return;
        }
        socket.n_bytes += datagram.room();
        socket.inbox.push_back(datagram.clone());
        let doors = socket.doors.clone();
        self.note(|_| datagram.described());
        self.wake(&doors, Direction::Read);
    }

    pub(super) fn receive(&mut self, id: Id, buffer: &mut [u8], peeks: bool) -> io::Result<(usize, SocketAddr)> {
        let socket = self.udp_mut(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error.into());
        }
        let datagram = socket.inbox.front().cloned().ok_or(ErrorKind::WouldBlock)?;
        if !peeks {
            socket.inbox.pop_front();
            socket.n_bytes -= datagram.room();
        }
        let n = buffer.len().min(datagram.bytes.len());
        buffer[..n].copy_from_slice(&datagram.bytes[..n]);
        Ok((n, as_told(socket.address, datagram.from.1)))
    }

    pub(super) fn close_udp(&mut self, id: Id) {
        self.datagrams.remove(&id);
    }

    pub(super) fn crash_udp(&mut self, host: HostId) {
        let (gone, kept) = std::mem::take(&mut self.datagrams).into_iter().partition(|(_, it)| it.host == host);
        self.datagrams = kept;
        let gone: BTreeMap<Id, UdpState> = gone;
        for socket in gone.into_values() {
            self.wake_both(&socket.doors);
        }
    }
}

/// A socket of IPv4 does not send to IPv6; one at an address of IPv6 not to IPv4, nor the other way round.
fn check_family(socket: SocketAddr, peer: SocketAddr) -> io::Result<()> {
    if socket.is_ipv4() && peer.is_ipv6() {
        return Err(io::Error::new(ErrorKind::Unsupported, "address family not supported by protocol"));
    }
    let [here, there] = [socket, destination(peer)].map(|address| address.ip().to_canonical());
    if !here.is_unspecified() && here.is_ipv4() != there.is_ipv4() {
        return Err(ErrorKind::NetworkUnreachable.into());
    }
    Ok(())
}

impl Datagram {
    /// How much of its receiver's room it takes: about what it does in Linux, where most are put into blocks of a power
    /// of two, with a description of them. So 256 small ones are as many as there are.
    fn room(&self) -> usize {
        let len = self.bytes.len();
        256 + (len + 368).next_power_of_two().clamp(576, len + 5_000)
    }

    fn described(&self) -> String {
        format!("udp {} > {} {} bytes", self.from.1, self.to.1, self.bytes.len())
    }
}
