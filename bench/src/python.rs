//! CPython's event loops: a script that does the same work and prints what it took.

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Note, Sample};

const SCRIPT: &str = include_str!("../python/peers.py");

/// How much less it does of the work: it takes about as many times longer.
const SHARE: u64 = 20;

/// The event loops that are there: the modules they are in. Looked for once; a line says which are missing.
pub(crate) fn event_loops() -> impl Iterator<Item = &'static str> {
    static FOUND: OnceLock<Vec<&str>> = OnceLock::new();
    let is_there = |module: &&str| {
        let look = format!("import sys, {module}\nif sys.version_info < (3, 11): sys.exit('Python 3.11 is needed')");
        let outcome = ask(&["-c", &look]);
        if let Err(why) = &outcome {
            eprintln!("skipped: {module}: {why}");
        }
        outcome.is_ok()
    };
    FOUND.get_or_init(|| ["asyncio", "uvloop"].into_iter().filter(is_there).collect()).iter().copied()
}

/// The output of the interpreter.
fn ask(args: &[&str]) -> Result<String, String> {
    let output = Command::new("python3").args(args).output();
    let output = output.map_err(|error| format!("failed to run `python3`: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(said.lines().last().unwrap_or("`python3` failed").to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn script(event_loop: &str, work: &str, n: u64) -> Value {
    let said = ask(&["-c", SCRIPT, event_loop, work, &n.to_string()]);
    let said = said.unwrap_or_else(|why| panic!("{event_loop}, {work}: {why}"));
    serde_json::from_str(&said).expect("the script prints JSON")
}

/// Does a part of `n` times the work.
pub(crate) fn run(event_loop: &str, work: &str, n: u64) -> Sample {
    let said = script(event_loop, work, n.div_ceil(SHARE));
    let ms = |name: &str| Some(Duration::from_secs_f64(said[name].as_f64()?.max(0.0) / 1e3));
    let late = || Some(Note::Late { median: ms("late_median_ms")?, p99: ms("late_p99_ms")? });
    Sample {
        ns_per_op: said["ns"].as_f64().expect("it measures"),
        cpu_per_op: said["cpu_ns"].as_f64(),
        allocs_per_op: None,
        note: late(),
    }
}

/// Bytes for each of `n` tasks.
pub(crate) fn bytes_per_task(kind: &str, n: u64) -> f64 {
    script("asyncio", &format!("memory_{kind}"), n)["bytes"].as_f64().expect("it measures")
}
