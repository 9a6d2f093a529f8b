//! A network in memory, with the very types of `aio_net`.
//!
//! While a thread has a [`Net`], `TcpListener`, `TcpStream`, `UdpSocket`, `Server`, `connect`, `lookup` and all that
//! is made of them live in it: the program under test is the program that ships.
//!
//! ```
//! use aio_io::{ReadExt, WriteExt};
//! use aio_net::{TcpListener, TcpStream};
//! use aio_test::net::Net;
//! use aio_test::{Test, elapsed};
//! use aio_timer::sleep;
//! use std::time::Duration;
//!
//! Test::new("a ping outlasts a partition").run(async || {
//!     let net = Net::new().latency(Duration::from_millis(10)..=Duration::from_millis(30));
//!     let (server, client) = (net.host("server"), net.host("client"));
//!     let serving = server.spawn(async {
//!         let listener = TcpListener::bind("0.0.0.0:80")?;
//!         let (mut stream, _) = listener.accept().await?;
//!         let mut request = [0; 4];
//!         stream.read_exact(&mut request).await?;
//!         stream.write_all(b"pong").await
//!     });
//!     let answer = client.spawn(async {
//!         let mut stream = TcpStream::connect("server:80").await?;
//!         stream.write_all(b"ping").await?;
//!         let mut answer = String::new();
//!         stream.read_to_string(&mut answer).await?;
//!         Ok::<_, std::io::Error>(answer)
//!     });
//!
//!     // Nothing gets through for a minute; then all does.
//!     net.partition(&server, &client);
//!     sleep(Duration::from_secs(60)).await;
//!     net.heal(&server, &client);
//!     assert_eq!(answer.await?, "pong");
//!     assert!(elapsed() > Duration::from_secs(60));
//!     serving.await
//! });
//! ```
//!
//! # Time and chance
//! Time is that of the loop ([`aio_core::now`]): over `VirtualTime` the slowest network takes no real time. All that
//! chance decides comes from the seed, so the same seed and the same program give the same run, byte for byte. Nobody
//! runs the network; it needs timers of a loop of `aio`, and ends with it.
//!
//! # What TCP does here
//! As on Linux; the same tests hold it to the real one (`tests/real_net_contract.rs`).
//! - Bytes arrive in order, or the connection fails. Between hosts, writes are broken up at random.
//! - What is lost is sent again after 200 ms, and twice as long each time, at most 120 s; what comes behind it waits.
//!   After 15 times (a quarter of an hour) the connection fails with `TimedOut`. A partition is nothing else: what is
//!   written is held, and arrives after it has healed, with the next repetition. Who only reads never learns of it.
//! - Nobody listens: `ConnectionRefused`, after the way there and back. No answer: asked again after 1, 2, 4, 8, 16
//!   and 32 s, and `TimedOut` after 127 s. When the line of connections to be accepted is full, there is no answer.
//! - Dropping a stream ends its direction after all that was written, unless there is something unread (or `linger` is
//!   zero): that resets. What is sent to a peer that is gone is answered by a reset: the next read is
//!   `ConnectionReset`, the next write that or `BrokenPipe`.
//! - A write takes as much as there is room for, which is what was written and not read yet by the other side.
//!
//! # What UDP does here
//! Up to 65,507 bytes; what does not fit into the buffer is cut off; what the receiver has no room for is lost: it has
//! 208 KiB, of which each takes about as much as in Linux, so that there is room for 256 small ones, and for 3 of the
//! longest. If nobody is there, a connected sender hears of it: `ConnectionRefused`. Between hosts datagrams are lost,
//! come twice or late as [said](Net::loss).
//!
//! # What it does not do
//! No multicast or broadcast, no IPv6 but `::1` and what a socket at `[::]` gets by IPv4; no lookups that take time.
//! Keep-alive is not simulated. A network is that of one thread: of several workers, one has it. And see
//! [`aio_net::simulation`] for what stays with the system.

mod doors;
mod engine;
mod host;
mod hosts;
mod installed;
mod links;
mod sockets;
mod state;
mod tcp;
mod udp;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

pub use self::host::Host;

use self::engine::Engine;
use self::installed::Installed;
use self::links::Link;
use self::sockets::Entrance;

/// A network. It is the one of this thread, until the last of its clones is dropped (here), or another one is made.
///
/// Without further words, what goes from one host to another takes from 1 to 5 ms, and nothing is lost; within a host
/// it takes no time. What is not on a [host](Self::host) is on `localhost`.
#[derive(Clone)]
pub struct Net {
    engine: Arc<Engine>,
    _installed: Arc<Installed>,
}

impl Net {
    /// A network whose chances come from the seed of the test that is running.
    ///
    /// # Panics
    /// Outside of a [test](crate::Test).
    #[expect(clippy::new_without_default, reason = "what it does to the thread is to be seen")]
    pub fn new() -> Self {
        Self::seeded(crate::random_seed())
    }

    /// A network with a seed of its own.
    pub fn seeded(seed: u64) -> Self {
        let engine = Engine::new(seed);
        let installed = Installed::new(Arc::new(Entrance(engine.clone())));
        Self { engine, _installed: Arc::new(installed) }
    }

    /// How long it takes to get from one host to another: anything between. With a constant (`d..=d`) no chance is
    /// needed.
    #[must_use = "it is the same network"]
    pub fn latency(self, range: RangeInclusive<Duration>) -> Self {
        self.between_hosts(|link| link.latency = range)
    }

    /// How much of what is sent from one host to another is lost, from 0.0 to 1.0: datagrams for ever, and of TCP what
    /// is sent again then.
    ///
    /// # Panics
    /// If that is no probability.
    #[must_use = "it is the same network"]
    #[track_caller]
    pub fn loss(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.between_hosts(|link| link.loss = probability)
    }

    /// How many datagrams come twice.
    ///
    /// # Panics
    /// If that is no probability.
    #[must_use = "it is the same network"]
    #[track_caller]
    pub fn duplication(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.between_hosts(|link| link.duplication = probability)
    }

    /// How many datagrams make a detour, so that later ones overtake them. All others stay in order.
    ///
    /// # Panics
    /// If that is no probability.
    #[must_use = "it is the same network"]
    #[track_caller]
    pub fn reordering(self, probability: f64) -> Self {
        let probability = checked(probability);
        self.between_hosts(|link| link.reordering = probability)
    }

    /// How many bytes a second a TCP connection sends from one host to another. (Without it, any number.)
    #[must_use = "it is the same network"]
    pub fn bandwidth(self, bytes_per_second: u64) -> Self {
        self.between_hosts(|link| link.bandwidth = Some(bytes_per_second))
    }

    /// How many bytes a TCP connection takes in one direction that were not read yet: 64 KiB, if nothing is said.
    ///
    /// # Panics
    /// If that is none.
    #[must_use = "it is the same network"]
    #[track_caller]
    pub fn capacity(self, bytes: usize) -> Self {
        assert!(bytes > 0, "a network that takes nothing");
        self.engine.with(|state| state.capacity = bytes);
        self
    }

    /// How many connections may wait at a listener to be accepted: 1024, if nothing is said.
    ///
    /// # Panics
    /// If that is none.
    #[must_use = "it is the same network"]
    #[track_caller]
    pub fn backlog(self, connections: usize) -> Self {
        assert!(connections > 0, "listeners that nobody can connect to");
        self.engine.with(|state| state.backlog = connections);
        self
    }

    /// Keeps a [log](Self::log).
    #[must_use = "it is the same network"]
    pub fn logged(self) -> Self {
        self.engine.with(state::State::keep_log);
        self
    }

    fn between_hosts(self, change: impl FnOnce(&mut Link)) -> Self {
        self.engine.with(|state| change(&mut state.links.ordinary));
        self
    }

    /// The host of that name, which exists from now on; the first has the address 10.0.0.2, and so on.
    pub fn host(&self, name: &str) -> Host {
        Host::new(&self.engine, name)
    }

    /// The host of all that is on no other: 10.0.0.1.
    pub fn localhost(&self) -> Host {
        self.host("localhost")
    }

    /// How long it takes from one of these to the other, from now on, in both directions. (A host and itself: within
    /// it.)
    pub fn set_latency(&self, a: &Host, b: &Host, range: RangeInclusive<Duration>) {
        self.engine.with(|state| state.links.set(a.id, b.id, |link| link.latency = range.clone()));
    }

    /// How much is [lost](Self::loss) between these, from now on, in both directions.
    ///
    /// # Panics
    /// If that is no probability.
    #[track_caller]
    pub fn set_loss(&self, a: &Host, b: &Host, probability: f64) {
        let probability = checked(probability);
        self.engine.with(|state| {
            state.links.set(a.id, b.id, |link| link.loss = probability);
            state.resume_held();
        });
    }

    /// Nothing gets from one of these to the other any more, what is underway included.
    pub fn partition(&self, a: &Host, b: &Host) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Nothing gets from `from` to `to` any more; the other way is as it was.
    pub fn cut(&self, from: &Host, to: &Host) {
        self.engine.with(|state| {
            state.note(|_| format!("{} > {} cut", from.name(), to.name()));
            state.links.cut(from.id, to.id);
        });
    }

    /// The end of a [`partition`](Self::partition), or a [`cut`](Self::cut).
    pub fn heal(&self, a: &Host, b: &Host) {
        self.engine.with(|state| {
            state.note(|_| format!("{} > {} healed", a.name(), b.name()));
            state.links.heal(a.id, b.id);
            state.links.heal(b.id, a.id);
            state.resume_held();
        });
    }

    /// The end of all partitions and cuts.
    pub fn heal_all(&self) {
        self.engine.with(|state| {
            state.note(|_| "all healed".to_owned());
            state.links.heal_all();
            state.resume_held();
        });
    }

    /// Resets all connections between these, at once, at both ends: `ConnectionReset`.
    pub fn reset(&self, a: &Host, b: &Host) {
        self.engine.with(|state| state.reset_between(a.id, b.id));
    }

    /// What has happened, if it is [logged](Self::logged): a line for each, with the seconds since the beginning. The
    /// same seed gives the same lines.
    pub fn log(&self) -> Vec<String> {
        self.engine.with(|state| state.log())
    }
}

#[track_caller]
fn checked(probability: f64) -> f64 {
    assert!((0.0..=1.0).contains(&probability), "{probability} is no probability");
    probability
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Net { .. }")
    }
}
