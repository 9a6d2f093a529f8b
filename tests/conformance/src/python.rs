//! The Python process.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::on_aio::Home;
use crate::program::{Event, Program};
use crate::scenario::File;

/// The first version that has task groups, and timeouts that pass in a task that is being cancelled.
const OLDEST: (u64, u64, u64) = (3, 11, 3);

/// asyncio: a process of CPython that runs one program after the other.
#[derive(Debug)]
pub struct Asyncio {
    process: Child,
    programs: ChildStdin,
    logs: BufReader<ChildStdout>,
    version: (u64, u64, u64),
}

impl Asyncio {
    /// Starts `python3`; none if the machine has no such program, or if that is older than 3.11.3.
    pub fn start() -> Option<Self> {
        Self::start_as("python3")
    }

    /// Starts `python`, a name or a path.
    ///
    /// # Panics
    /// If it is new enough, and yet does not run the interpreter.
    pub fn start_as(python: &str) -> Option<Self> {
        let asked = Command::new(python)
            .args(["-c", "import sys; print(*sys.version_info[:3])"])
            .stderr(Stdio::null())
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        let numbers = String::from_utf8(asked.stdout).ok()?;
        let mut numbers = numbers.split_whitespace().map_while(|number| number.parse().ok());
        let version = (numbers.next()?, numbers.next()?, numbers.next()?);
        if version < OLDEST {
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
        Some(Self { process, programs, logs, version })
    }

    /// Whether it behaves as the version that the logs were recorded with. Later, 3.13 has changed what a group does
    /// that fails and is cancelled, and what becomes of a notification whose receiver is cancelled, towards what `aio`
    /// does.
    pub fn is_as_recorded(&self) -> bool {
        self.version < (3, 13, 0)
    }

    /// Whether it can run the programs of `file`.
    pub fn is_new_enough_for(&self, file: &File) -> bool {
        self.version >= file.python.map_or(OLDEST, |minor| (3, minor, 0))
    }

    /// Whether the logs in `file` are to be recorded with it, and hold for it exactly: those that any version can make
    /// are of an early one.
    pub fn records(&self, file: &File) -> bool {
        self.is_new_enough_for(file) && (file.python.is_some() || self.is_as_recorded())
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

    /// Runs `program`, to be compared with `home`.
    ///
    /// # Panics
    /// If the interpreter fails.
    pub fn run(&mut self, home: Home, program: &Program) -> Vec<Event> {
        writeln!(self.programs, "{}", program.to_json(home)).expect("the interpreter listens");
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
