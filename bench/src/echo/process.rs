//! A server in a process of its own, and what the system says about it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::servers::{Kind, TELL_HEAP};

/// In it, a server has done what it was about to do when the last answer came, and sleeps.
const TO_REST: Duration = Duration::from_millis(3);

#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    said: BufReader<ChildStdout>,
    pid: Pid,
    address: SocketAddr,
}

impl Server {
    /// Starts one, which listens when this returns.
    pub(super) fn start(kind: &Kind, core: usize) -> Self {
        Self::start_by(kind, kind.command(core))
    }

    /// The same for one that can be asked for its [heap](Self::heap).
    pub(super) fn start_telling(kind: &Kind, core: usize) -> Self {
        let mut command = kind.command(core);
        command.arg(TELL_HEAP);
        Self::start_by(kind, command)
    }

    fn start_by(kind: &Kind, mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it could start before");
        let mut said = BufReader::new(child.stdout.take().expect("it is a pipe"));
        // Not always that of `child`: an interpreter may be started by a script.
        let [pid, port] = numbers(&mut said).unwrap_or_else(|| panic!("{} did not start", kind.name));
        let pid = Pid::from_raw(i32::try_from(pid).expect("it is an id")).expect("it is an id");
        let port = u16::try_from(port).expect("it is a port");
        Self { child, said, pid, address: (Ipv4Addr::LOCALHOST, port).into() }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// The CPU time of all its threads that are alive, as the scheduler counts it, once nothing is left to do.
    pub(super) fn cpu_at_rest(&self) -> Duration {
        // clock: a measurement, no test; the server has nothing to say when it is done.
        std::thread::sleep(TO_REST);
        let ns = threads(self.pid).into_iter().map(|thread| -> u64 {
            let stat = fs::read_to_string(format!("{thread}/schedstat")).unwrap_or_default();
            stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
        });
        let ns: u64 = ns.sum();
        assert_ne!(ns, 0, "the kernel counts");
        Duration::from_nanos(ns)
    }

    /// Bytes in memory.
    pub(super) fn resident(&self) -> u64 {
        let kilobytes = status(&format!("/proc/{}", self.pid), "VmRSS:").expect("it has memory");
        kilobytes * 1_024
    }

    pub(super) fn n_descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).expect("the server is there").count()
    }

    /// Bytes that its allocator has given out; none where it does not count them.
    pub(super) fn heap(&mut self) -> Option<u64> {
        let stdin = self.child.stdin.as_mut().expect("it is a pipe");
        stdin.write_all(b"\n").ok()?;
        let [bytes] = numbers(&mut self.said)?;
        Some(bytes)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has not been waited for: the id is still its own.
        _ = kill_process(self.pid, Signal::KILL);
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The numbers of the next line.
fn numbers<const N: usize>(said: &mut impl BufRead) -> Option<[u64; N]> {
    let mut line = String::new();
    said.read_line(&mut line).ok()?;
    let numbers: Option<Vec<u64>> = line.split_whitespace().map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// The folders of its threads.
pub(super) fn threads(pid: Pid) -> Vec<String> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    entries.map(|entry| format!("{folder}/{}", entry.file_name().display())).collect()
}

/// The number after `key` in the status of the process or thread in `folder`.
pub(super) fn status(folder: &str, key: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("{folder}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}
