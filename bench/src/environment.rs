//! What the numbers were measured on, and with what.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine, its kernel, the compiler and the day, in one line.
pub(crate) fn line() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let cpu = cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let n_cpus = thread::available_parallelism().map_or(1, usize::from);
    let kernel = said_by("uname", "-sr").unwrap_or_else(|| std::env::consts::OS.to_owned());
    let rustc = said_by("rustc", "-V").unwrap_or_else(|| "rustc unknown".to_owned());
    // Without the hash.
    let rustc = rustc.split(" (").next().unwrap_or_default();
    format!("{}; {n_cpus} CPUs, {cpu}; {kernel}; {rustc}", today())
}

/// The peers and their versions, from the lock file.
pub(crate) fn peers() -> String {
    const PEERS: [&str; 14] = [
        "tokio",
        "smol",
        "async-executor",
        "async-io",
        "async-lock",
        "async-channel",
        "blocking",
        "monoio",
        "compio",
        "glommio",
        "futures",
        "futures-concurrency",
        "flume",
        "async-stream",
    ];
    let locked = include_str!("../../Cargo.lock");
    let own = locked.split("[[package]]").find(|package| package.contains("name = \"aio-bench\"")).unwrap_or_default();
    let version = |name: &str| {
        // Where there are several of one name, what this package uses is listed with its version.
        let listed = own.split_once(&format!("\"{name} "));
        let (_, entry) = listed.or_else(|| locked.split_once(&format!("name = \"{name}\"\nversion = \"")))?;
        entry.split_once('"').map(|(version, _)| version)
    };
    let mut peers: Vec<String> = PEERS.iter().filter_map(|name| Some(format!("{name} {}", version(name)?))).collect();
    let python = said_by("python3", "-V");
    peers.extend(python.map(|version| version.replace("Python", "CPython")));
    peers.join(", ")
}

fn said_by(program: &str, arg: &str) -> Option<String> {
    let output = Command::new(program).arg(arg).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The date of today in UTC, as `2026-11-24`.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut days = seconds / 86_400;
    let mut year = 1970;
    let length = |year: u64| if is_leap(year) { 366 } else { 365 };
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let months = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}
