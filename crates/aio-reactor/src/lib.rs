//! The driver that waits for sockets and other descriptors: epoll, kqueue, and what Windows has.
