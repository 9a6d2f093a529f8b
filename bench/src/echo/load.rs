//! The load: connections on one thread and one epoll instance, each with one message under way.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::sockopt::set_socket_linger;

use super::histogram::Histogram;

/// Bytes of a message.
const SIZE: usize = 64;
/// How many connections are opened before all of them have been served once: less than any server lets wait.
const BATCH: usize = 64;
/// After that long without an answer the server is broken.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

pub(super) struct Load {
    server: SocketAddr,
    epoll: OwnedFd,
    connections: Vec<Connection>,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    message: [u8; SIZE],
    n_received: usize,
    n_sent: u64,
    sent_at: Instant,
}

impl Load {
    pub(super) fn new(server: SocketAddr) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
        Self { server, epoll, connections: Vec::new(), events: Vec::with_capacity(512) }
    }

    /// Opens `n` connections more; each has had an answer when this returns.
    pub(super) fn open(&mut self, n: usize) {
        let end = self.connections.len() + n;
        while self.connections.len() < end {
            let first = self.connections.len();
            for index in first..end.min(first + BATCH) {
                let socket = TcpStream::connect(self.server).expect("the server listens");
                socket.set_nonblocking(true).expect("it is a socket");
                let flags = EventFlags::IN | EventFlags::ET;
                epoll::add(&self.epoll, &socket, EventData::new_u64(index as u64), flags).expect("it is new");
                self.connections.push(Connection::new(socket));
            }
            let opened = first..self.connections.len();
            let n_requests = opened.len() as u64;
            self.run_on(opened, n_requests);
        }
    }

    /// Closes all connections, every other one by a reset. (After an orderly end a port cannot be used for the same
    /// server for a minute: there would not be enough ports for all.)
    pub(super) fn close(&mut self) {
        for (index, connection) in self.connections.drain(..).enumerate() {
            if index % 2 == 1 {
                set_socket_linger(&connection.socket, Some(std::time::Duration::ZERO)).expect("it is a socket");
            }
        }
    }

    /// Sends `n_requests` in all and checks every answer; what is returned is how long each took.
    pub(super) fn run(&mut self, n_requests: u64) -> Histogram {
        self.run_on(0..self.connections.len(), n_requests)
    }

    fn run_on(&mut self, range: Range<usize>, n_requests: u64) -> Histogram {
        let mut latencies = Histogram::new();
        let mut n_left = n_requests;
        for (index, connection) in range.clone().zip(&mut self.connections[range]) {
            if n_left > 0 {
                n_left -= 1;
                connection.send(index, Instant::now());
            }
        }
        while latencies.total() < n_requests {
            self.events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut self.events), Some(&PATIENCE)) {
                Err(rustix::io::Errno::INTR) => continue,
                outcome => assert_ne!(outcome.expect("it is an epoll instance"), 0, "the server does not answer"),
            }
            for event in &self.events {
                let index = usize::try_from(event.data.u64()).expect("it is an index");
                let connection = &mut self.connections[index];
                if !connection.receive() {
                    continue;
                }
                // The end of one is the beginning of the next: one look at the clock for each.
                let now = Instant::now();
                latencies.record(now - connection.sent_at);
                if n_left > 0 {
                    n_left -= 1;
                    connection.send(index, now);
                }
            }
        }
        latencies
    }
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        Self { socket, message: [0; SIZE], n_received: SIZE, n_sent: 0, sent_at: Instant::now() }
    }

    fn send(&mut self, index: usize, now: Instant) {
        assert_eq!(self.n_received, SIZE, "one message is under way");
        self.n_sent += 1;
        // No two messages of a run are the same, nor are two parts of one.
        let mut word = (index as u64) << 40 | self.n_sent;
        for part in self.message.chunks_exact_mut(8) {
            word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ 0xd1b5_4a32_d192_ed03;
            part.copy_from_slice(&word.to_le_bytes());
        }
        self.n_received = 0;
        self.sent_at = now;
        let n = self.socket.write(&self.message).expect("the server is there");
        assert_eq!(n, SIZE, "an empty socket buffer has room");
    }

    /// Whether that was the last part of the answer. Nothing is left to read then, until the next message is sent.
    fn receive(&mut self) -> bool {
        let mut buffer = [0; 2 * SIZE];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => panic!("the server closed a connection"),
                Ok(n) => {
                    let expected = &self.message[self.n_received..];
                    assert!(expected.starts_with(&buffer[..n]), "the server answers with what it was sent");
                    self.n_received += n;
                    if self.n_received == SIZE {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("failed to read an answer: {error}"),
            }
        }
    }
}
