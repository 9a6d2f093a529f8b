//! The floor: epoll, edge-triggered, on one thread, and a table of sockets by their numbers. With `recv` and `send`:
//! `read` and `write` find out first that it is a socket, and take 2 % longer.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send};

use super::{ADDRESS, BUFFER, announce};

struct Server {
    epoll: OwnedFd,
    listener: std::net::TcpListener,
    /// At the index of its descriptor.
    sockets: Vec<Option<OwnedFd>>,
}

pub(super) fn serve() {
    let listener = std::net::TcpListener::bind(ADDRESS).expect("a port is free");
    listener.set_nonblocking(true).expect("it is a socket");
    let epoll = epoll::create(CreateFlags::CLOEXEC).expect("an epoll instance");
    register(&epoll, &listener);
    announce(listener.local_addr().expect("it is bound"));
    let mut server = Server { epoll, listener, sockets: Vec::new() };
    let mut events: Vec<Event> = Vec::with_capacity(1_024);
    loop {
        events.clear();
        match epoll::wait(&server.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => panic!("failed to wait for events: {error}"),
        }
        for event in &events {
            let fd = usize::try_from(event.data.u64()).expect("it is a descriptor");
            if fd == index(&server.listener) { server.accept() } else { server.echo(fd) }
        }
    }
}

fn index(fd: &impl AsRawFd) -> usize {
    usize::try_from(fd.as_raw_fd()).expect("it is open")
}

fn register(epoll: &OwnedFd, socket: &(impl std::os::fd::AsFd + AsRawFd)) {
    let data = EventData::new_u64(index(socket) as u64);
    epoll::add(epoll, socket, data, EventFlags::IN | EventFlags::ET).expect("it is new");
}

impl Server {
    fn accept(&mut self) {
        loop {
            let socket = match accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => socket,
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                Err(error) => panic!("failed to accept: {error}"),
            };
            register(&self.epoll, &socket);
            let index = index(&socket);
            if index >= self.sockets.len() {
                self.sockets.resize_with(index + 1, || None);
            }
            self.sockets[index] = Some(socket);
        }
    }

    /// Echoes what is there. A read that does not fill the buffer was the last.
    fn echo(&mut self, index: usize) {
        let place = &mut self.sockets[index];
        let socket = place.as_ref().expect("events are those of open sockets");
        let mut buffer = [0; BUFFER];
        loop {
            match recv(socket, &mut buffer, RecvFlags::empty()).map(|(n, _)| n) {
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                // The end, or a reset.
                Ok(0) | Err(_) => return *place = None,
                Ok(n) => match send(socket, &buffer[..n], SendFlags::NOSIGNAL) {
                    Err(_) => return *place = None,
                    Ok(written) => {
                        // Nobody has more under way than the buffer of a socket holds.
                        assert_eq!(written, n, "the client reads");
                        if n < BUFFER {
                            return;
                        }
                    }
                },
            }
        }
    }
}
