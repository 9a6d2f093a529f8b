//! A core for the load, and one for the server.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

#[derive(Debug, Clone, Copy)]
pub(super) struct Cores {
    pub(super) server: usize,
}

impl Cores {
    /// Takes the first of the cores that this process may use for this thread, and the last for the server: those two
    /// are the least likely to be one core that counts twice.
    pub(super) fn two() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let (Some(load), Some(server)) = (cores.next(), cores.next_back()) else {
            return Err(io::Error::other("there is only one"));
        };
        pin(load)?;
        Ok(Self { server })
    }
}

/// Keeps this thread, and those it starts, on `core`.
pub(super) fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}
