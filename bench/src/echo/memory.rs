//! `echo --memory`: what a connection costs that waits, and what is left of those that are gone.
//!
//! Memory of the process, not of the kernel, which has several kilobytes for each socket whoever the server is.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::load::Load;
use super::process::Server;
use super::report::{Cells, Column};
use super::servers::Kind;
use crate::harness::Role;

const IDLE: (usize, usize) = (10_000, 1_000);
const CLOSED: (usize, usize) = (50_000, 5_000);
/// Connections that come and go at a time.
const TOGETHER: usize = 500;
/// Descriptors besides those of the connections.
const SPARE: u64 = 64;

/// What it came to for one server.
#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    role: Role,
    n_idle: usize,
    /// For each idle connection.
    resident: f64,
    heap: Option<f64>,
    n_closed: usize,
    /// What all those that are closed left behind.
    descriptors_left: i64,
    resident_left: i64,
    heap_left: Option<i64>,
}

pub(super) fn measure(kinds: &[Kind], core: usize, quick: bool) -> Vec<Row> {
    let (n_idle, n_closed) = if quick { (IDLE.1, CLOSED.1) } else { (IDLE.0, CLOSED.0) };
    let n_idle = n_idle.min(raise_limit());
    let rows = kinds.iter().map(|kind| {
        let (resident, heap) = idle(kind, core, n_idle);
        let [descriptors_left, resident_left, heap_left] = closed(kind, core, n_closed);
        Row {
            name: kind.name,
            role: kind.role,
            n_idle,
            resident,
            heap,
            n_closed,
            descriptors_left: descriptors_left.expect("the system counts them"),
            resident_left: resident_left.expect("the system counts them"),
            heap_left,
        }
    });
    rows.collect()
}

/// As many descriptors as the system lets us have, and the servers after us. How many connections that makes.
fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    // If it cannot be raised it stays.
    _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let n = getrlimit(Resource::Nofile).current.map_or(u64::MAX, |limit| limit.saturating_sub(SPARE));
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Bytes for each of `n` connections that have been served once and wait: in memory, and of the allocator.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes")]
fn idle(kind: &Kind, core: usize, n: usize) -> (f64, Option<f64>) {
    let mut server = Server::start_telling(kind, core);
    let mut load = Load::new(server.address());
    // What the first of all makes is not its own.
    load.open(1);
    let before = State::of(&mut server);
    load.open(n);
    let [_, resident, heap] = State::of(&mut server).since(&before);
    let each = |bytes: i64| bytes as f64 / n as f64;
    (each(resident.expect("the system counts them")), heap.map(each))
}

/// What `n` connections leave behind that were opened, served and closed: descriptors, bytes in memory and bytes of the
/// allocator.
fn closed(kind: &Kind, core: usize, n: usize) -> [Option<i64>; 3] {
    let mut server = Server::start_telling(kind, core);
    let mut load = Load::new(server.address());
    // Once before: memory that is kept for the next ones is not left behind.
    load.open(TOGETHER);
    load.close();
    let before = State::when_closed(&mut server, &mut load);
    for _ in 0..n / TOGETHER {
        load.open(TOGETHER);
        load.close();
    }
    State::when_closed(&mut server, &mut load).since(&before)
}

struct State {
    descriptors: i64,
    resident: i64,
    heap: Option<i64>,
}

impl State {
    fn of(server: &mut Server) -> Self {
        let signed = |bytes: u64| i64::try_from(bytes).expect("nobody has 2^63 bytes");
        Self {
            descriptors: signed(server.n_descriptors() as u64),
            resident: signed(server.resident()),
            heap: server.heap().map(signed),
        }
    }

    /// Once the server has seen that all of `load` is closed: a connection is served after those before it.
    fn when_closed(server: &mut Server, load: &mut Load) -> Self {
        load.open(1);
        load.close();
        server.cpu_at_rest();
        Self::of(server)
    }

    fn since(&self, before: &Self) -> [Option<i64>; 3] {
        let heap = self.heap.zip(before.heap).map(|(after, before)| after - before);
        [Some(self.descriptors - before.descriptors), Some(self.resident - before.resident), heap]
    }
}

pub(super) const COLUMNS: [Column; 7] = [
    Column::new("n_idle", "idle", 0),
    Column::new("resident_bytes", "RSS each", 0),
    Column::new("heap_bytes", "heap each", 0),
    Column::new("n_closed", "closed", 0),
    Column::new("descriptors_left", "fds left", 0),
    Column::new("resident_bytes_left", "RSS left", 0),
    Column::new("heap_bytes_left", "heap left", 0),
];

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 bytes")]
    pub(super) fn cells(&self) -> Cells<7> {
        Cells {
            subject: "bytes".to_owned(),
            name: self.name,
            role: self.role,
            values: [
                Some(self.n_idle as f64),
                Some(self.resident),
                self.heap,
                Some(self.n_closed as f64),
                Some(self.descriptors_left as f64),
                Some(self.resident_left as f64),
                self.heap_left.map(|bytes| bytes as f64),
            ],
        }
    }
}
