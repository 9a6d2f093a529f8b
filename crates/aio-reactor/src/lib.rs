//! The layer of a loop that waits for sockets and other descriptors.
//!
//! A [`Reactor`] in the stack of a loop's drivers lets it sleep until the system has something to tell (epoll, kqueue,
//! or what Windows has), and [`Async`] is anything with a descriptor whose operations are to be awaited:
//!
//! ```
//! use aio_core::{EventLoop, ThreadPark};
//! use aio_reactor::{Async, Reactor};
//! use std::net::UdpSocket;
//!
//! EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
//!     let here = Async::new(UdpSocket::bind("127.0.0.1:0")?)?;
//!     let there = UdpSocket::bind("127.0.0.1:0")?;
//!     there.send_to(b"hello", here.get_ref().local_addr()?)?;
//!
//!     let mut buffer = [0; 16];
//!     let (n, peer) = here.read_with(|socket| socket.recv_from(&mut buffer)).await?;
//!     assert_eq!((&buffer[..n], peer), (&b"hello"[..], there.local_addr()?));
//!     Ok::<(), std::io::Error>(())
//! }).unwrap();
//! ```
//!
//! `aio-net` has the sockets themselves, `aio` all of it.
//!
//! # How it works
//!
//! An operation is tried at once. Only if it would block, the descriptor is registered with the loop of the thread that
//! it runs on, once and for both directions; from then on the system tells of every change (edge-triggered), and what
//! it told is remembered. So an operation takes its one system call, and none to wait; and a loop that uses no
//! descriptor has none itself.
//!
//! A descriptor stays with the worker on which it was first waited for, also when its task moves on. While that one
//! does not come to its drivers (a long poll, a blocking call, the time between two runs), the loop's lookout tells of
//! it, if there are several workers, and whoever waits next has it bound to the worker where he is. (Not on Windows.) A
//! loop with one worker has none: while it stands still, nobody tells of its descriptors, wherever they are waited for.
//! When a loop ends, they go to the one in which they are used next. On a thread without a loop of `aio` (under tokio
//! or smol, in a thread of one's own) a thread of the process called `aio-reactor` serves.
//!
//! # Fairness
//!
//! Every waiter of a descriptor is woken when there is news for it; the first to run has it. An operation that finds
//! its descriptor ready 64 times in a row lets the other tasks of the loop run before it goes on.

mod async_io;
mod current;
mod driver;
mod fallback;
mod operation;
mod poller;
mod readiness;
mod source;
mod sys;
mod table;
mod waiters;

pub use async_io::Async;
pub use driver::Reactor;
pub use operation::{Operation, Ready};
pub use sys::AsSource;
