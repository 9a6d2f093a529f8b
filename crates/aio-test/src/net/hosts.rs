//! Hosts: who has which address and which port.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aio_core::TaskRef;

use super::links::HostId;
use super::state::State;

/// The ports that Linux chooses from.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;

pub(super) struct HostState {
    pub(super) name: String,
    pub(super) ip: Ipv4Addr,
    pub(super) is_up: bool,
    /// Those that were spawned there and have not ended.
    pub(super) tasks: Vec<TaskRef>,
    /// Where the search for a free port begins.
    next_port: u16,
}

impl HostState {
    fn new(name: &str, id: HostId) -> Self {
        let number = u32::try_from(id).unwrap_or(u32::MAX).saturating_add(1);
        let [_, x, y, z] = number.to_be_bytes();
        let ip = Ipv4Addr::new(10, x, y, z);
        Self { name: name.to_owned(), ip, is_up: true, tasks: Vec::new(), next_port: *EPHEMERAL.start() }
    }

    pub(super) fn localhost() -> Self {
        Self::new("localhost", 0)
    }

    fn has(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || ip.is_unspecified() || ip == self.ip
    }
}

/// What has the ports: those of TCP and those of UDP are not the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

impl State {
    /// The host of that name, which there is from now on.
    pub(super) fn host(&mut self, name: &str) -> HostId {
        match self.hosts.iter().position(|host| host.name == name) {
            Some(id) => id,
            None => {
                self.hosts.push(HostState::new(name, self.hosts.len()));
                self.hosts.len() - 1
            }
        }
    }

    pub(super) fn lookup(&self, here: HostId, name: &str) -> io::Result<Vec<IpAddr>> {
        // Names do not know capital letters, and one with a dot at its end is whole.
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.eq_ignore_ascii_case("localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        if !self.hosts[here].is_up {
            return Err(host_is_down());
        }
        let host = self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name));
        let unknown = || io::Error::other("failed to lookup address information: Name or service not known");
        host.map(|host| vec![host.ip.into()]).ok_or_else(unknown)
    }

    /// Whose address that is, seen from `here`.
    pub(super) fn owner(&self, here: HostId, ip: IpAddr) -> Option<HostId> {
        let ip = ip.to_canonical();
        if ip.is_loopback() || ip.is_unspecified() {
            return Some(here);
        }
        self.hosts.iter().position(|host| ip == host.ip)
    }

    /// The address of `here` from which `to` is reached.
    pub(super) fn source(&self, here: HostId, to: IpAddr) -> IpAddr {
        match to.to_canonical() {
            IpAddr::V4(to) if to.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V4(_) => self.hosts[here].ip.into(),
        }
    }

    /// An address to bind to, with a port that is free, unless `may_share` says of those there that they may be joined.
    pub(super) fn free_address(
        &mut self,
        here: HostId,
        protocol: Protocol,
        wanted: SocketAddr,
        is_shared: bool,
    ) -> io::Result<SocketAddr> {
        let host = &self.hosts[here];
        if !host.is_up {
            return Err(host_is_down());
        }
        if !host.has(wanted.ip().to_canonical()) {
            return Err(ErrorKind::AddrNotAvailable.into());
        }
        if wanted.port() != 0 {
            let is_taken = self.is_taken(here, protocol, wanted, is_shared);
            return if is_taken { Err(ErrorKind::AddrInUse.into()) } else { Ok(wanted) };
        }
        let port = self.free_port(here, protocol, wanted.ip())?;
        Ok(SocketAddr::new(wanted.ip(), port))
    }

    /// A port that nothing at all has there.
    pub(super) fn free_port(&mut self, here: HostId, protocol: Protocol, ip: IpAddr) -> io::Result<u16> {
        for _ in EPHEMERAL {
            let port = self.hosts[here].next_port;
            self.hosts[here].next_port = if port == *EPHEMERAL.end() { *EPHEMERAL.start() } else { port + 1 };
            let is_connected = protocol == Protocol::Tcp && self.is_connected_from(here, port);
            if !is_connected && !self.is_taken(here, protocol, SocketAddr::new(ip, port), false) {
                return Ok(port);
            }
        }
        Err(ErrorKind::AddrInUse.into())
    }

    /// Whether somebody there has it already.
    fn is_taken(&self, here: HostId, protocol: Protocol, wanted: SocketAddr, is_shared: bool) -> bool {
        match protocol {
            Protocol::Tcp => self.listeners.values().any(|listener| {
                let may_share = is_shared && listener.is_shared;
                listener.host == here && !may_share && overlap(listener.address, wanted)
            }),
            Protocol::Udp => {
                self.datagrams.values().any(|socket| socket.host == here && overlap(socket.address, wanted))
            }
        }
    }
}

/// Whether both would have the same traffic.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port() && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}

/// Whether who is bound to `bound` gets what is sent to `ip`. (All of IPv6 is all of IPv4 as well, as on Linux.)
pub(super) fn covers(bound: IpAddr, ip: IpAddr) -> bool {
    match bound.to_canonical() {
        bound if bound == ip.to_canonical() => true,
        IpAddr::V4(bound) => bound.is_unspecified() && ip.is_ipv4(),
        IpAddr::V6(bound) => bound.is_unspecified(),
    }
}

/// The same address, as a socket of IPv6 tells it.
pub(super) fn as_told(bound: SocketAddr, address: SocketAddr) -> SocketAddr {
    match (bound, address.ip()) {
        (SocketAddr::V6(_), IpAddr::V4(ip)) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        _ => address,
    }
}

/// Where it goes, what is sent to that. All addresses at once are this host to Linux.
pub(super) fn destination(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

pub(super) fn host_is_down() -> io::Error {
    io::Error::new(ErrorKind::NetworkDown, "this host has crashed")
}
