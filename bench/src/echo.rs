//! `echo`: servers that send back what they get, each in a process of its own on one core, and a load on another core
//! that sends 64 bytes, waits for them, and sends the next, on 1, 64 and 512 connections over loopback.
//!
//! What counts is the CPU time of the server for each request, user and system, of all its threads. Requests a second
//! and latencies stand beside it: they are those of both ends, and the load is about as expensive as the least server
//! is. A server that is faster than the load sleeps more often, and pays for more waking up; what that makes is seen
//! in the floor, which does nothing else than its system calls.
//!
//! Every number comes from a fresh process. The servers take turns, and each round begins with another one.

mod cores;
mod histogram;
mod load;
mod memory;
mod process;
mod report;
mod servers;
mod syscalls;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::harness::Role;
use crate::options::{Options, Output};
use cores::Cores;
use load::Load;
use process::Server;
use servers::Kind;

pub(crate) use servers::{ARGUMENT, in_this_process};

/// How many connections, and how many requests in all: about a second of them.
const LOADS: [(usize, u64); 3] = [(1, 30_000), (64, 150_000), (512, 150_000)];
/// How much less there is of it for a first impression.
const QUICK: u64 = 5;
const ROUNDS: (usize, usize) = (9, 3);
/// What share of the requests comes before those that are measured.
const WARM_UP: u64 = 10;
/// Requests under a tracer, which may make each some ten times as slow.
const TRACED: u64 = 20_000;

/// What one run of one server took.
#[derive(Debug, Clone, Copy)]
struct Sample {
    cpu_ns: f64,
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

/// All runs of one server with one load.
#[derive(Debug)]
struct Row {
    n_connections: usize,
    name: &'static str,
    role: Role,
    cpu_ns_min: f64,
    cpu_ns_median: f64,
    per_second: f64,
    p50: Duration,
    p99: Duration,
    syscalls: Option<f64>,
}

/// Measures what the options ask for, and prints it.
pub(crate) fn run(options: &Options, memory: bool) -> ExitCode {
    let kinds: Vec<Kind> = servers::all().into_iter().filter(|kind| kind.name.contains(&options.only)).collect();
    if kinds.is_empty() {
        return crate::nothing_called(&options.only, servers::all().iter().map(|kind| kind.name));
    }
    let cores = match Cores::two() {
        Ok(cores) => cores,
        Err(error) => {
            eprintln!("failed to pin the load and the servers to a core each: {error}");
            return ExitCode::FAILURE;
        }
    };
    if memory {
        let rows = memory::measure(&kinds, cores.server, options.quick);
        report::print(
            options,
            "echo_memory",
            &memory::COLUMNS,
            &rows.iter().map(memory::Row::cells).collect::<Vec<_>>(),
        );
        return ExitCode::SUCCESS;
    }
    let mut all = Vec::new();
    for (n_connections, n_requests) in LOADS {
        let rows = measure(&kinds, cores.server, n_connections, n_requests, options.quick);
        let cells: Vec<_> = rows.iter().map(|row| row.cells(&rows)).collect();
        // As they come: all of it takes minutes.
        if options.output == Output::Text {
            report::print(options, "echo", &COLUMNS, &cells);
        }
        all.extend(cells);
    }
    if options.output != Output::Text {
        report::print(options, "echo", &COLUMNS, &all);
    }
    ExitCode::SUCCESS
}

fn measure(kinds: &[Kind], core: usize, n_connections: usize, n_requests: u64, quick: bool) -> Vec<Row> {
    let n_requests = if quick { n_requests / QUICK } else { n_requests };
    let rounds = if quick { ROUNDS.1 } else { ROUNDS.0 };
    let mut samples: Vec<Vec<Sample>> = kinds.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        for turn in 0..kinds.len() {
            let index = (round + turn) % kinds.len();
            samples[index].push(sample(&kinds[index], core, n_connections, n_requests));
        }
    }
    let rows = kinds.iter().zip(samples).map(|(kind, samples)| {
        let median = |value: fn(&Sample) -> f64| sorted(&samples, value)[samples.len() / 2];
        Row {
            n_connections,
            name: kind.name,
            role: kind.role,
            cpu_ns_min: sorted(&samples, |sample| sample.cpu_ns)[0],
            cpu_ns_median: median(|sample| sample.cpu_ns),
            per_second: median(|sample| sample.per_second),
            p50: Duration::from_secs_f64(median(|sample| sample.p50.as_secs_f64())),
            p99: Duration::from_secs_f64(median(|sample| sample.p99.as_secs_f64())),
            syscalls: traced(kind, core, n_connections),
        }
    });
    rows.collect()
}

fn sorted(samples: &[Sample], value: fn(&Sample) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

#[expect(clippy::cast_precision_loss, reason = "no run takes 2^53 ns")]
fn sample(kind: &Kind, core: usize, n_connections: usize, n_requests: u64) -> Sample {
    let server = Server::start(kind, core);
    let mut load = Load::new(server.address());
    load.open(n_connections);
    load.run(n_requests / WARM_UP);
    let before = server.cpu_at_rest();
    let started = Instant::now();
    let latencies = load.run(n_requests);
    let elapsed = started.elapsed();
    let cpu = server.cpu_at_rest() - before;
    Sample {
        cpu_ns: cpu.as_nanos() as f64 / n_requests as f64,
        per_second: n_requests as f64 / elapsed.as_secs_f64(),
        p50: latencies.quantile(0.50),
        p99: latencies.quantile(0.99),
    }
}

/// System calls of the server for each request; none where there is no tracer, or it may not trace.
#[expect(clippy::cast_precision_loss, reason = "they are thousands")]
fn traced(kind: &Kind, core: usize, n_connections: usize) -> Option<f64> {
    let server = Server::start(kind, core);
    let mut load = Load::new(server.address());
    load.open(n_connections);
    let calls = syscalls::of(server.pid(), || {
        load.run(TRACED);
    });
    calls.map(|calls| calls as f64 / TRACED as f64)
}

const COLUMNS: [report::Column; 8] = [
    report::Column::new("cpu_ns_min", "CPU ns min", 0),
    report::Column::new("cpu_ns_median", "median", 0),
    report::Column::new("ratio", "peer", 2),
    report::Column::new("ratio_to_floor", "floor", 2),
    report::Column::new("per_second", "requests/s", 0),
    report::Column::new("p50_us", "p50 us", 1),
    report::Column::new("p99_us", "p99 us", 1),
    report::Column::new("syscalls", "syscalls", 2),
];

impl Row {
    /// The ratios are those of the minima: to the best of the peers, and to the floor; below 1.00 is ahead.
    fn cells(&self, all: &[Row]) -> report::Cells<8> {
        let best = |role| all.iter().filter(|row| row.role == role).map(|row| row.cpu_ns_min).min_by(f64::total_cmp);
        let us = |duration: Duration| Some(duration.as_secs_f64() * 1e6);
        report::Cells {
            subject: if self.n_connections == 1 {
                "1 connection".to_owned()
            } else {
                format!("{} connections", self.n_connections)
            },
            name: self.name,
            role: self.role,
            values: [
                Some(self.cpu_ns_min),
                Some(self.cpu_ns_median),
                best(Role::Peer).map(|peer| self.cpu_ns_min / peer),
                best(Role::Floor).map(|floor| self.cpu_ns_min / floor),
                Some(self.per_second),
                us(self.p50),
                us(self.p99),
                self.syscalls,
            ],
        }
    }
}
