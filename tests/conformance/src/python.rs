//! The Python process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::program::{Event, Program};

/// The first version that has task groups and timeouts.
const OLDEST: (u64, u64) = (3, 11);

/// asyncio: a process of CPython that runs one program after the other.
#[derive(Debug)]
pub struct Asyncio {
    process: Child,
    programs: ChildStdin,
    logs: BufReader<ChildStdout>,
    version: (u64, u64, u64),
}

impl Asyncio {
    /// Starts `python3`; none if the machine has no such program, or if that is older than 3.11.
    pub fn start() -> Option<Self> {
        Self::start_as("python3")
    }

    /// Starts `python`, a name or a path.
    ///
    /// # Panics
    /// If it is new enough, and yet does not run the interpreter.
    pub fn start_as(python: &str) -> Option<Self> {
        let version = Command::new(python)
            .args(["-c", "import sys; print(*sys.version_info[:2])"])
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let version = String::from_utf8(version.stdout).ok()?;
        let (major, minor) = version.trim().split_once(' ')?;
        if (major.parse().ok()?, minor.parse().ok()?) < OLDEST {
            return None;
        }
        let interpreter = Path::new(env!("CARGO_MANIFEST_DIR")).join("interpreter.py");
        let mut process = Command::new(python)
            .arg("-B")
            .arg(interpreter)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python ran a moment ago");
        let programs = process.stdin.take().expect("it is piped");
        let logs = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut this = Self { process, programs, logs, version: (0, 0, 0) };
        let hello = this.read();
        let number = |index: usize| hello["python"][index].as_u64().expect("it tells its version");
        this.version = (number(0), number(1), number(2));
        Some(this)
    }

    /// For the report of a test.
    pub fn version(&self) -> String {
        let (major, minor, patch) = self.version;
        format!("CPython {major}.{minor}.{patch}")
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.logs.read_line(&mut line).expect("the interpreter answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the interpreter said `{line}`: {error}"))
    }

    /// Runs `program`.
    ///
    /// # Panics
    /// If the interpreter fails.
    pub fn run(&mut self, program: &Program) -> Vec<Event> {
        writeln!(self.programs, "{}", program.to_json()).expect("the interpreter listens");
        let log = self.read();
        let event = |event: &Value| {
            let text = |index: usize| event[index].as_str().map(str::to_owned);
            Some(Event { at: event[0].as_u64()?, task: text(1)?, text: text(2)? })
        };
        let events: Option<Vec<Event>> = log.as_array().and_then(|events| events.iter().map(event).collect());
        events.unwrap_or_else(|| panic!("the interpreter said `{log}`"))
    }
}

impl Drop for Asyncio {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
