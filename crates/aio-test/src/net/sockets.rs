//! The sockets of `aio-net` over a network.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_net::simulation::{Datagrams, Direction, Listener, Network, Socket, Stream, Waiters};

use super::doors::Doors;
use super::engine::Engine;
use super::host::current_host;
use super::state::Id;
use super::tcp::{CALLED, CALLER, Side};

/// What a thread enters.
pub(super) struct Entrance(pub(super) Arc<Engine>);

impl Network for Entrance {
    fn listen(&self, address: SocketAddr, is_shared: bool) -> io::Result<Box<dyn Listener>> {
        let host = current_host(&self.0);
        let (id, address, doors) = self.0.with(|state| state.listen(host, address, is_shared))?;
        Ok(Box::new(TcpListener { engine: self.0.clone(), id, address, doors }))
    }

    fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Stream>> {
        let host = current_host(&self.0);
        let (id, doors) = self.0.with(|state| state.connect(host, address))?;
        Ok(Box::new(TcpStream { engine: self.0.clone(), id, side: CALLER, doors }))
    }

    fn bind(&self, address: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        let host = current_host(&self.0);
        let (id, doors) = self.0.with(|state| state.bind_udp(host, address))?;
        Ok(Box::new(UdpSocket { engine: self.0.clone(), id, doors }))
    }

    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let host = current_host(&self.0);
        self.0.with(|state| state.lookup(host, name))
    }
}

struct TcpStream {
    engine: Arc<Engine>,
    id: Id,
    side: Side,
    doors: Arc<Doors>,
}

impl Socket for TcpStream {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.engine.with(|state| state.tcp_local(self.id, self.side))
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.engine.with(|state| state.tcp_peer(self.id, self.side))
    }

    fn take_error(&self) -> Option<io::Error> {
        self.engine.with(|state| state.tcp_error(self.id, self.side))
    }

    fn is_ready(&self, direction: Direction) -> bool {
        self.engine.with(|state| state.tcp_is_ready(self.id, self.side, direction))
    }

    fn waiters(&self, direction: Direction) -> &Waiters {
        self.doors.of(direction)
    }
}

impl Stream for TcpStream {
    fn try_read(&self, buffers: &mut [IoSliceMut<'_>], peeks: bool) -> io::Result<usize> {
        self.engine.with(|state| state.read(self.id, self.side, buffers, peeks))
    }

    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.engine.with(|state| state.write(self.id, self.side, pieces))
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.engine.with(|state| state.shut_down(self.id, self.side, how))
    }

    fn set_linger(&self, linger: Option<Duration>) {
        self.engine.with(|state| state.set_linger(self.id, self.side, linger));
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        self.engine.with(|state| state.close(self.id, self.side));
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("TcpStream");
        if let Ok(address) = self.local_addr() {
            it.field("addr", &address);
        }
        if let Ok(peer) = self.peer_addr() {
            it.field("peer", &peer);
        }
        it.finish()
    }
}

struct TcpListener {
    engine: Arc<Engine>,
    id: Id,
    address: SocketAddr,
    doors: Arc<Doors>,
}

impl Socket for TcpListener {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn take_error(&self) -> Option<io::Error> {
        None
    }

    fn is_ready(&self, _: Direction) -> bool {
        self.engine.with(|state| state.may_accept(self.id))
    }

    fn waiters(&self, direction: Direction) -> &Waiters {
        self.doors.of(direction)
    }
}

impl Listener for TcpListener {
    fn try_accept(&self) -> io::Result<(Box<dyn Stream>, SocketAddr)> {
        let (id, doors, peer) = self.engine.with(|state| state.accept(self.id))?;
        Ok((Box::new(TcpStream { engine: self.engine.clone(), id, side: CALLED, doors }), peer))
    }
}

impl Drop for TcpListener {
    fn drop(&mut self) {
        self.engine.with(|state| state.close_listener(self.id));
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("addr", &self.address).finish()
    }
}

struct UdpSocket {
    engine: Arc<Engine>,
    id: Id,
    doors: Arc<Doors>,
}

impl Socket for UdpSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.engine.with(|state| state.udp_local(self.id))
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.engine.with(|state| state.udp_peer(self.id))
    }

    fn take_error(&self) -> Option<io::Error> {
        self.engine.with(|state| state.udp_error(self.id))
    }

    fn is_ready(&self, direction: Direction) -> bool {
        self.engine.with(|state| state.udp_is_ready(self.id, direction))
    }

    fn waiters(&self, direction: Direction) -> &Waiters {
        self.doors.of(direction)
    }
}

impl Datagrams for UdpSocket {
    fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        self.engine.with(|state| state.connect_udp(self.id, peer))
    }

    fn try_send(&self, datagram: &[u8], peer: Option<SocketAddr>) -> io::Result<usize> {
        self.engine.with(|state| state.send_datagram(self.id, datagram, peer))
    }

    fn try_receive(&self, buffer: &mut [u8], peeks: bool) -> io::Result<(usize, SocketAddr)> {
        self.engine.with(|state| state.receive(self.id, buffer, peeks))
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        self.engine.with(|state| state.close_udp(self.id));
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = f.debug_struct("UdpSocket");
        if let Ok(address) = self.local_addr() {
            it.field("addr", &address);
        }
        if let Ok(peer) = self.peer_addr() {
            it.field("peer", &peer);
        }
        it.finish()
    }
}
