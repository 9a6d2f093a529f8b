//! How many system calls a process makes: counted by `perf`, which slows it down little, else by `strace`.
//!
//! Under `strace` each call takes some ten times as long. Then more is there to read when a server looks, and one that
//! looks before it waits seems to need fewer calls than it does.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::process::{status, threads};

/// How many there are while `work` is done. None, and no work done, if there is no tracer or it may not trace.
pub(super) fn of(pid: Pid, work: impl FnOnce()) -> Option<u64> {
    let tracer = Tracer::perf(pid).or_else(|| Tracer::strace(pid))?;
    work();
    (tracer.total)(&tracer.stop()?)
}

/// A program that counts the system calls of another one until it is interrupted, and then prints a table.
struct Tracer {
    child: Child,
    /// The number in that table.
    total: fn(&str) -> Option<u64>,
}

impl Tracer {
    fn perf(pid: Pid) -> Option<Self> {
        let arguments = ["stat", "-x", ",", "-e", "raw_syscalls:sys_enter", "-p"];
        let counts = |tracer: &Child| {
            let opened = fs::read_dir(format!("/proc/{}/fd", tracer.id())).into_iter().flatten().flatten();
            let targets = opened.filter_map(|entry| fs::read_link(entry.path()).ok());
            targets.filter(|target| target.ends_with("anon_inode:[perf_event]")).count() >= threads(pid).len()
        };
        Self::start("perf", &arguments, pid, counts, |table| {
            table.lines().find(|line| line.contains("sys_enter"))?.split(',').next()?.parse().ok()
        })
    }

    fn strace(pid: Pid) -> Option<Self> {
        let is_traced = |thread: &String| status(thread, "TracerPid:") != Some(0);
        Self::start(
            "strace",
            &["-c", "-f", "-q", "-p"],
            pid,
            |_| threads(pid).iter().all(is_traced),
            |table| {
                // Share of the time, seconds, microseconds for each call, calls.
                let total = table.lines().find(|line| line.ends_with("total"))?;
                total.split_whitespace().nth(3)?.parse().ok()
            },
        )
    }

    /// Starts one, and waits until it counts.
    fn start(
        program: &str,
        arguments: &[&str],
        pid: Pid,
        counts: impl Fn(&Child) -> bool,
        total: fn(&str) -> Option<u64>,
    ) -> Option<Self> {
        let mut command = Command::new(program);
        command.args(arguments).arg(pid.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().ok()?;
        while !counts(&child) {
            if child.try_wait().ok()?.is_some() {
                return None;
            }
            // clock: a measurement, no test; the tracer does not say when it has begun.
            thread::sleep(Duration::from_millis(2));
        }
        // clock: what it has opened it still has to switch on.
        thread::sleep(Duration::from_millis(20));
        Some(Self { child, total })
    }

    /// Has it let go of the process; what it prints then.
    fn stop(self) -> Option<String> {
        kill_process(Pid::from_child(&self.child), Signal::INT).ok()?;
        let output = self.child.wait_with_output().ok()?;
        Some(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
