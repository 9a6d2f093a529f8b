//! What a scenario is, and how its rows are measured: in one process, in turns, the minimum over the rounds.
//!
//! Ratios between rows are what counts. The turns give every row the same share of what else the machine does; the
//! minimum is the least disturbed round, the median tells how disturbed they were. CPU time rather than the clock keeps
//! both steady on a machine with other work. Where threads work together the clock decides, and the CPU time of all of
//! them stands beside it.

use std::time::{Duration, Instant};

use crate::alloc;
use crate::cpu::CpuClock;
use crate::python;

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
    /// How often it is run at most: some take too long for all rounds.
    max_rounds: usize,
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
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) ns_per_op: f64,
    /// CPU time of all threads, where `ns_per_op` is by the clock.
    pub(crate) cpu_per_op: Option<f64>,
    /// Of the measuring thread; none where the work moves from thread to thread.
    pub(crate) allocs_per_op: Option<f64>,
    pub(crate) note: Option<Note>,
}

/// What a scenario counts besides time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Note {
    /// How long after their deadlines timers fired.
    Late { median: Duration, p99: Duration },
    /// How many polls of others there were at most between a wake and the poll that it asked for.
    Waited { polls: u64 },
}

/// All runs of one row.
#[derive(Debug)]
pub(crate) struct Measurement {
    pub(crate) row: &'static str,
    pub(crate) role: Role,
    pub(crate) ns_min: f64,
    pub(crate) ns_median: f64,
    pub(crate) cpu_min: Option<f64>,
    pub(crate) allocs: Option<f64>,
    /// That of the median round; of polls waited for, the least: a thread that the system takes off the CPU keeps a
    /// task waiting in the others.
    pub(crate) note: Option<Note>,
}

/// A measurement under way. It is started inside the runtime, in a task, so that neither the start of the runtime nor
/// the state of its root future is measured.
#[derive(Debug)]
pub(crate) struct Meter {
    allocations: Option<u64>,
    clock: Clock,
}

#[derive(Debug)]
enum Clock {
    Cpu(CpuClock),
    Wall(CpuClock, Instant),
}

impl Meter {
    /// Measures the CPU time of this thread: what the machine does for others in between does not count.
    pub(crate) fn start() -> Self {
        Self { allocations: Some(alloc::allocations()), clock: Clock::Cpu(CpuClock::of_thread()) }
    }

    /// Measures the CPU time of all threads, for runtimes that have their timers on another one.
    pub(crate) fn start_process() -> Self {
        Self { allocations: Some(alloc::allocations()), clock: Clock::Cpu(CpuClock::of_process()) }
    }

    /// Measures the time that passes, and the CPU time of all threads, for work that threads hand to each other.
    pub(crate) fn start_wall() -> Self {
        // The clock last: what it returns is the beginning.
        Self { allocations: Some(alloc::allocations()), clock: Clock::Wall(CpuClock::of_process(), Instant::now()) }
    }

    /// The same for a task that may come to its end on another thread than this.
    pub(crate) fn start_workers() -> Self {
        Self { allocations: None, ..Self::start_wall() }
    }

    /// Ends it; `n` operations were done.
    #[expect(clippy::cast_precision_loss, reason = "no run takes 2^53 ns")]
    pub(crate) fn stop(self, n: u64) -> Sample {
        let per_op = |cost: Duration| cost.as_nanos() as f64 / n as f64;
        let (ns_per_op, cpu_per_op) = match self.clock {
            Clock::Cpu(cpu) => (per_op(cpu.elapsed()), None),
            Clock::Wall(cpu, started) => (per_op(started.elapsed()), Some(per_op(cpu.elapsed()))),
        };
        let allocs_per_op = self.allocations.map(|before| (alloc::allocations() - before) as f64 / n as f64);
        Sample { ns_per_op, cpu_per_op, allocs_per_op, note: None }
    }
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
        self.rows.push(Row { name, role, max_rounds: usize::MAX, run: Box::new(run) });
        self
    }

    /// Runs the row added last in `n` rounds at most.
    pub(crate) fn at_most(mut self, n: usize) -> Self {
        self.rows.last_mut().expect("there is a row").max_rounds = n;
        self
    }

    /// CPython's loops on the same work, which `bench/python/peers.py` knows as `work`; those that are there.
    pub(crate) fn python(mut self, work: &'static str) -> Self {
        for event_loop in python::event_loops() {
            self = self.peer(event_loop, move |n| python::run(event_loop, work, n)).at_most(3);
        }
        self
    }

    /// Runs all rows in turns, after a round that only warms up.
    pub(crate) fn measure(&self, quick: bool) -> Vec<Measurement> {
        let size = if quick { self.size.1 } else { self.size.0 };
        let rounds = if quick { self.rounds.1 } else { self.rounds.0 };
        for row in &self.rows {
            (row.run)(size.div_ceil(10));
        }
        self.measure_at(size, rounds)
    }

    /// The same with another size, and without that round.
    pub(crate) fn measure_at(&self, size: u64, rounds: usize) -> Vec<Measurement> {
        let mut samples: Vec<Vec<Sample>> = self.rows.iter().map(|_| Vec::new()).collect();
        for round in 0..rounds {
            // Another one begins each time: nobody always comes after the same neighbour's leftovers.
            for turn in 0..self.rows.len() {
                let index = (round + turn) % self.rows.len();
                let row = &self.rows[index];
                if round < row.max_rounds {
                    samples[index].push((row.run)(size));
                }
            }
        }
        self.rows.iter().zip(samples).map(|(row, samples)| Measurement::new(row, &samples)).collect()
    }
}

impl Measurement {
    fn new(row: &Row, samples: &[Sample]) -> Self {
        let sorted = |value: fn(&Sample) -> Option<f64>| {
            let mut values: Vec<f64> = samples.iter().filter_map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let ns = sorted(|sample| Some(sample.ns_per_op));
        let allocs = sorted(|sample| sample.allocs_per_op);
        let mut notes: Vec<Note> = samples.iter().filter_map(|sample| sample.note).collect();
        notes.sort_unstable();
        Self {
            row: row.name,
            role: row.role,
            ns_min: ns[0],
            ns_median: ns[ns.len() / 2],
            cpu_min: sorted(|sample| sample.cpu_per_op).first().copied(),
            allocs: allocs.get(allocs.len() / 2).copied(),
            note: match notes.first() {
                Some(Note::Late { .. }) => Some(notes[notes.len() / 2]),
                least => least.copied(),
            },
        }
    }
}

/// The row of `role` with the smallest minimum.
pub(crate) fn best(measurements: &[Measurement], role: Role) -> Option<&Measurement> {
    let rows = measurements.iter().filter(|measurement| measurement.role == role);
    rows.min_by(|a, b| a.ns_min.total_cmp(&b.ns_min))
}
