//! TCP, as Linux has it.
//!
//! ```text
//!   connect ──SYN──▶ ──SYN-ACK──▶ ready ──Hello, Data, Credit ..., Fin──▶   (each end sends such a line of segments)
//! ```
//!
//! - [`connecting`]: until both ends know of the connection, or the attempt has failed.
//! - [`sending`]: a line of numbered segments in each direction. One that is lost is sent again, later and later, and
//!   all behind it wait; so loss and a partition are a delay, or the end of the connection.
//! - [`receiving`]: what a segment means to the end that it comes to; resets.
//! - [`using`]: what a program does with an end.

mod connecting;
mod receiving;
mod sending;
mod using;

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::{Duration, Instant};

use super::doors::Doors;
use super::links::HostId;
use super::state::{Id, Plan, State};

/// One of the two ends of a connection: `CALLER` has connected, `CALLED` is accepted.
pub(super) type Side = usize;
pub(super) const CALLER: Side = 0;
pub(super) const CALLED: Side = 1;

/// What happens to a connection.
pub(super) enum TcpEvent {
    /// It is time to ask for the connection, for the first time or again.
    Call { attempt: u32 },
    /// The request has come to the other host.
    Called,
    /// The answer is back.
    Answered,
    /// It is time to send what was lost again.
    Repeat { from: Side, attempt: u32 },
    /// A segment has come.
    Arrival { from: Side, number: u64, segment: Segment },
    /// A reset has come.
    Reset { to: Side },
}

/// What is sent in order, and again if it is lost.
pub(super) enum Segment {
    /// The connection has come about: who accepts it may have it.
    Hello,
    Data(Vec<u8>),
    /// So many bytes were read, and others may be sent.
    Credit(usize),
    /// Nothing more will come.
    Fin,
}

pub(super) struct TcpListening {
    pub(super) host: HostId,
    pub(super) address: SocketAddr,
    pub(super) is_shared: bool,
    pub(super) doors: Arc<Doors>,
    /// Connections to be accepted.
    queue: VecDeque<Id>,
}

pub(super) struct Connection {
    ends: [End; 2],
}

/// Who has an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// It waits to be accepted.
    Listener,
    Program,
    /// It was dropped, and is sent to its end.
    Nobody,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Connected,
    /// Reset, or given up.
    Dead,
}

struct End {
    host: HostId,
    address: SocketAddr,
    /// What was bound, where addresses are told as ones of IPv6.
    bound: SocketAddr,
    doors: Arc<Doors>,
    owner: Owner,
    phase: Phase,
    /// For the next operation.
    error: Option<ErrorKind>,
    /// The drop is to reset.
    is_abrupt: bool,
    incoming: Incoming,
    outgoing: Outgoing,
}

#[derive(Default)]
struct Incoming {
    /// What is there to be read.
    bytes: VecDeque<u8>,
    /// The number of the next segment, and those that have overtaken it.
    next: u64,
    early: BTreeMap<u64, Segment>,
    /// The peer has closed its direction.
    has_ended: bool,
    /// This side has.
    is_shut: bool,
}

struct Outgoing {
    /// The number of the next segment.
    next: u64,
    /// What was lost, or waits behind that.
    held: BTreeMap<u64, Segment>,
    /// When they are sent again; also, while it is connecting, the request.
    repeat: Option<Plan>,
    is_held_up: bool,
    /// Written, and not yet read by the peer as far as is known here.
    outstanding: usize,
    is_shut: bool,
    /// Until then the line is in use.
    busy_until: Instant,
    /// When the last of those underway arrives.
    last_arrival: Instant,
}

impl End {
    fn new(host: HostId, address: SocketAddr, owner: Owner, phase: Phase, now: Instant) -> Self {
        let outgoing = Outgoing {
            next: 0,
            held: BTreeMap::new(),
            repeat: None,
            is_held_up: false,
            outstanding: 0,
            is_shut: false,
            busy_until: now,
            last_arrival: now,
        };
        let doors = Arc::new(Doors::default());
        let incoming = Incoming::default();
        Self { host, address, bound: address, doors, owner, phase, error: None, is_abrupt: false, incoming, outgoing }
    }

    /// Whether both directions have come to their end.
    fn has_ended(&self) -> bool {
        self.outgoing.is_shut && self.outgoing.held.is_empty() && self.incoming.has_ended
    }

    /// Whether nothing will come of it any more.
    fn is_over(&self) -> bool {
        self.owner == Owner::Nobody && (self.phase == Phase::Dead || self.has_ended())
    }
}

impl State {
    /// Forgets a connection of which both ends are over.
    fn forget_if_over(&mut self, id: Id) {
        if self.connections.get(&id).is_some_and(|connection| connection.ends.iter().all(End::is_over)) {
            self.connections.remove(&id);
        }
    }

    fn end(&self, id: Id, side: Side) -> Option<&End> {
        self.connections.get(&id).map(|connection| &connection.ends[side])
    }

    fn end_mut(&mut self, id: Id, side: Side) -> Option<&mut End> {
        self.connections.get_mut(&id).map(|connection| &mut connection.ends[side])
    }

    /// From which host to which it goes, what `from` sends.
    fn way(&self, id: Id, from: Side) -> Option<(HostId, HostId)> {
        self.connections.get(&id).map(|connection| (connection.ends[from].host, connection.ends[1 - from].host))
    }

    /// `10.0.0.2:80 > 10.0.0.3:32768`, for the log.
    fn named(&self, id: Id, from: Side) -> String {
        let address = |side| self.end(id, side).map(|end| end.address.to_string()).unwrap_or_default();
        format!("tcp {} > {}", address(from), address(1 - from))
    }

    pub(super) fn on_tcp(&mut self, id: Id, event: TcpEvent) {
        match event {
            TcpEvent::Call { attempt } => self.call(id, attempt),
            TcpEvent::Called => self.called(id),
            TcpEvent::Answered => self.answered(id),
            TcpEvent::Repeat { from, attempt } => self.repeat(id, from, attempt),
            TcpEvent::Arrival { from, number, segment } => self.arrive(id, from, number, segment),
            TcpEvent::Reset { to } => self.reset_arrives(id, to),
        }
    }

    pub(super) fn is_connected_from(&self, host: HostId, port: u16) -> bool {
        let ends = self.connections.values().flat_map(|connection| &connection.ends);
        ends.into_iter().any(|end| end.host == host && end.address.port() == port)
    }

    /// Resets all connections between two hosts, at once and at both ends.
    pub(super) fn reset_between(&mut self, a: HostId, b: HostId) {
        let is_between = |connection: &Connection| {
            let [one, other] = connection.ends.each_ref().map(|end| end.host);
            (one, other) == (a, b) || (other, one) == (a, b)
        };
        for id in self.connections_where(is_between) {
            self.note(|state| format!("{} reset", state.named(id, CALLER)));
            self.is_reset(id, CALLER);
            self.is_reset(id, CALLED);
            self.forget_if_over(id);
        }
    }

    /// All that a host has is gone, and its peers hear of it.
    pub(super) fn crash_tcp(&mut self, host: HostId) {
        let (gone, kept) = std::mem::take(&mut self.listeners).into_iter().partition(|(_, it)| it.host == host);
        self.listeners = kept;
        let gone: BTreeMap<Id, TcpListening> = gone;
        for listening in gone.into_values() {
            self.wake_both(&listening.doors);
            for id in listening.queue {
                self.abandon(id, CALLED);
            }
        }
        for id in self.connections_where(|connection| connection.ends.iter().any(|end| end.host == host)) {
            for side in [CALLER, CALLED] {
                let phase = self.end(id, side).filter(|end| end.host == host).map(|end| end.phase);
                if phase == Some(Phase::Connected) {
                    self.send_reset(id, side);
                }
                // Who has called it gets no answer any more.
                let calls = side == CALLER && phase == Some(Phase::Connecting);
                if calls || phase == Some(Phase::Connected) {
                    self.die(id, side, Some(ErrorKind::NetworkDown));
                }
                if calls {
                    self.die(id, CALLED, None);
                }
            }
            self.forget_if_over(id);
        }
    }

    fn connections_where(&self, is_meant: impl Fn(&Connection) -> bool) -> Vec<Id> {
        self.connections.iter().filter(|(_, connection)| is_meant(connection)).map(|(id, _)| *id).collect()
    }
}

/// How long Linux waits before it asks for a connection again: a second, and twice as long each time; six times.
const FIRST_CALL_AGAIN: Duration = Duration::from_secs(1);
const CALLS_AGAIN: u32 = 6;
/// How long it waits before it sends something lost again: at first, at most; and how often before it gives up.
const FIRST_REPEAT: Duration = Duration::from_millis(200);
const LAST_REPEAT: Duration = Duration::from_secs(120);
const REPEATS: u32 = 15;
