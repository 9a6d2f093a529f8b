//! What a scenario is, and how its rows are measured: in one process, in turns, the minimum over the rounds.
//!
//! Ratios between rows are what counts. The turns give every row the same share of what else the machine does; the
//! minimum is the least disturbed round, the median tells how disturbed they were. CPU time rather than the clock keeps
//! both steady on a machine with other work.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::alloc;

/// The same work, done by each row.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How much of it: operations, or whatever the scenario counts. The second is for `--quick`.
    size: (u64, u64),
    rounds: (usize, usize),
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    role: Role,
    run: Box<dyn Fn(u64) -> Sample>,
}

/// What a row is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What is measured against the best of the peers.
    Aio,
    Peer,
    /// Less than a runtime: shows what a part costs, and is no peer.
    Floor,
}

/// What one run of one row took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) ns_per_op: f64,
    pub(crate) allocs_per_op: f64,
    /// How long after its deadline the median timer fired.
    pub(crate) lateness: Option<Duration>,
}

/// All runs of one row.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) peer: &'static str,
    pub(crate) role: Role,
    pub(crate) ns_min: f64,
    pub(crate) ns_median: f64,
    pub(crate) allocs: f64,
    pub(crate) lateness: Option<Duration>,
}

/// A measurement under way. It is started inside the runtime, in a task, so that neither the start of the runtime nor
/// the state of its root future is measured.
pub(crate) struct Meter {
    allocations: u64,
    clock: Clock,
}

enum Clock {
    Cpu(ClockId, Duration),
    Wall(Instant),
}

impl Meter {
    /// Measures the CPU time of this thread: what the machine does for others in between does not count.
    pub(crate) fn start() -> Self {
        Self::start_cpu(ClockId::ThreadCPUTime)
    }

    /// Measures the CPU time of all threads.
    pub(crate) fn start_process() -> Self {
        Self::start_cpu(ClockId::ProcessCPUTime)
    }

    /// Measures the time that passes, for work that threads hand to each other.
    pub(crate) fn start_wall() -> Self {
        // The clock last: what it returns is the beginning.
        Self { allocations: alloc::allocations(), clock: Clock::Wall(Instant::now()) }
    }

    fn start_cpu(clock: ClockId) -> Self {
        Self { allocations: alloc::allocations(), clock: Clock::Cpu(clock, cpu_time(clock)) }
    }

    /// Ends it; `n` operations were done.
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^53 ns")]
    pub(crate) fn stop(self, n: u64) -> Sample {
        let cost = match self.clock {
            Clock::Cpu(clock, started) => cpu_time(clock) - started,
            Clock::Wall(started) => started.elapsed(),
        };
        let allocations = alloc::allocations() - self.allocations;
        let n = n as f64;
        Sample { ns_per_op: cost.as_nanos() as f64 / n, allocs_per_op: allocations as f64 / n, lateness: None }
    }
}

fn cpu_time(clock: ClockId) -> Duration {
    clock_gettime(clock).try_into().expect("time does not run backwards")
}

impl Scenario {
    /// Of `full` operations, or `quick` ones for a first impression.
    pub(crate) fn new(name: &'static str, full: u64, quick: u64) -> Self {
        Self { name, size: (full, quick), rounds: (15, 3), rows: Vec::new() }
    }

    /// Fewer rounds than usual, for what takes seconds.
    pub(crate) fn rounds(mut self, full: usize, quick: usize) -> Self {
        self.rounds = (full, quick);
        self
    }

    pub(crate) fn aio(self, name: &'static str, run: impl Fn(u64) -> Sample + 'static) -> Self {
        self.row(name, Role::Aio, run)
    }

    pub(crate) fn peer(self, name: &'static str, run: impl Fn(u64) -> Sample + 'static) -> Self {
        self.row(name, Role::Peer, run)
    }

    pub(crate) fn floor(self, name: &'static str, run: impl Fn(u64) -> Sample + 'static) -> Self {
        self.row(name, Role::Floor, run)
    }

    fn row(mut self, name: &'static str, role: Role, run: impl Fn(u64) -> Sample + 'static) -> Self {
        self.rows.push(Row { name, role, run: Box::new(run) });
        self
    }

    /// Runs all rows in turns, after a round that only warms up.
    pub(crate) fn measure(&self, quick: bool) -> Vec<Measurement> {
        let size = if quick { self.size.1 } else { self.size.0 };
        let rounds = if quick { self.rounds.1 } else { self.rounds.0 };
        let mut samples: Vec<Vec<Sample>> = self.rows.iter().map(|row| vec![(row.run)(size.div_ceil(10))]).collect();
        samples.iter_mut().for_each(Vec::clear);
        for round in 0..rounds {
            // Another one begins each time: nobody always comes after the same neighbour's leftovers.
            for turn in 0..self.rows.len() {
                let row = (round + turn) % self.rows.len();
                samples[row].push((self.rows[row].run)(size));
            }
        }
        self.rows.iter().zip(samples).map(|(row, samples)| Measurement::new(row, &samples)).collect()
    }
}

impl Measurement {
    fn new(row: &Row, samples: &[Sample]) -> Self {
        let sorted = |value: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = samples.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let ns = sorted(|sample| sample.ns_per_op);
        let mut lateness: Vec<Duration> = samples.iter().filter_map(|sample| sample.lateness).collect();
        lateness.sort_unstable();
        Self {
            peer: row.name,
            role: row.role,
            ns_min: ns[0],
            ns_median: ns[ns.len() / 2],
            allocs: sorted(|sample| sample.allocs_per_op)[samples.len() / 2],
            lateness: lateness.get(lateness.len() / 2).copied(),
        }
    }
}

/// The best minimum of the peers; `None` if there is no peer.
pub(crate) fn best_peer(measurements: &[Measurement]) -> Option<f64> {
    let peers = measurements.iter().filter(|measurement| measurement.role == Role::Peer);
    peers.map(|measurement| measurement.ns_min).min_by(f64::total_cmp)
}
