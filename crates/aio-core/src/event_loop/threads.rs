//! The threads of the workers but the first, which is the caller's: started when there is work for them.

use std::panic::Location;
use std::sync::{Arc, OnceLock, Weak}; // facade: set before the loop runs

use aio_base::live::{Kind, Live};
use aio_base::sync::Mutex;
use aio_base::thread::{self, JoinHandle};

use super::scheduler::Scheduler;

pub(super) struct Threads {
    state: Mutex<State>,
    start: OnceLock<Start>,
}

struct State {
    running: Vec<Running>,
    seats: Box<[Seat]>,
}

/// Of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seat {
    Vacant,
    /// It has a thread, or had one.
    Taken,
    /// It has none, and gets none any more.
    Barred,
}

struct Running {
    thread: JoinHandle<()>,
    _live: Live,
}

/// What a thread does, as the worker with this number.
pub(super) struct Start {
    /// The line that made the loop.
    pub(super) started_at: &'static Location<'static>,
    pub(super) scheduler: Weak<Scheduler>,
    pub(super) main: Arc<dyn Fn(Arc<Scheduler>, usize) + Send + Sync>,
}

impl Threads {
    pub(super) fn new(workers: usize) -> Self {
        let seats = (0..workers).map(|worker| if worker == 0 { Seat::Taken } else { Seat::Vacant }).collect();
        Self { state: Mutex::new(State { running: Vec::new(), seats }), start: OnceLock::new() }
    }

    /// Before the loop runs.
    pub(super) fn set_start(&self, start: Start) {
        drop(self.start.set(start));
    }

    /// The line that made the loop.
    pub(super) fn started_at(&self) -> &'static Location<'static> {
        self.start.get().map_or(Location::caller(), |start| start.started_at)
    }

    /// Starts the thread of a worker. False if that cannot be; then nobody tries again. A thread that was started
    /// already is on its way.
    pub(super) fn start(&self, worker: usize) -> bool {
        let Some(start) = self.start.get() else { return false };
        let Some(scheduler) = start.scheduler.upgrade() else { return false };
        let mut state = self.state.lock();
        if state.seats[worker] == Seat::Vacant {
            let main = start.main.clone();
            state.seats[worker] = match thread::spawn(&format!("aio-worker-{worker}"), move || main(scheduler, worker))
            {
                Ok(thread) => {
                    state.running.push(Running { thread, _live: Live::new(Kind::Thread) });
                    Seat::Taken
                }
                // There are others to do the work, the caller's thread at least.
                Err(_) => Seat::Barred,
            };
        }
        state.seats[worker] == Seat::Taken
    }

    /// Starts no more threads; returns which workers never had one.
    pub(super) fn close(&self) -> Vec<usize> {
        let mut state = self.state.lock();
        let vacant = state.seats.iter_mut().enumerate().filter(|(_, seat)| **seat == Seat::Vacant);
        let barred = vacant.map(|(worker, seat)| {
            *seat = Seat::Barred;
            worker
        });
        barred.collect()
    }

    /// How many there are.
    pub(super) fn running(&self) -> usize {
        self.state.lock().running.len()
    }

    /// Waits for the ends of the threads.
    pub(super) fn join(&self) {
        let running = std::mem::take(&mut self.state.lock().running);
        for Running { thread, _live } in running {
            // It does not panic: it would have aborted the process.
            drop(thread.join());
        }
    }
}
