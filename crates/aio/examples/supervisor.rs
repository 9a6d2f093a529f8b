//! Runs programs and keeps them running.
//!
//! ```sh
//! cargo run -p aio-rt --example supervisor -- web='python3 -m http.server' beat='while :; do date; sleep 1; done'
//! ```
//!
//! Each line that a program says is passed on with its name. One that fails is started again after a pause, which
//! doubles from failure to failure and is the first one again when the program was up for a while; one that fails too
//! often is given up, and one that ends well is done. When nothing is left to run, this ends: with code 1 if a program
//! was given up.
//!
//! Ctrl-C or a request to end (`SIGTERM`) ends all of them with what they have started: they are asked to, and killed
//! if that takes too long. What they say meanwhile is passed on as before.
//!
//! Before the programs, settings may be given: `--grace 5s`, after which a program is killed that was asked to end;
//! `--pause 500ms` and `--max-pause 30s` between two starts; `--steady 10s`, after which a program is up;
//! `--restarts 5` are allowed within `--period 60s`.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aio::io::AsyncRead;
use aio::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use aio::{CancelScope, StreamReader, TaskGroup, defer, gather, now, race, run, sleep};

const USAGE: &str = "usage: supervisor [--grace TIME] [--pause TIME] [--max-pause TIME] [--steady TIME] \
                     [--restarts N] [--period TIME] NAME=COMMAND...";

/// How long a program that has ended may be spoken for by what it has left behind.
const LAST_WORDS: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let (policy, programs) = match parse(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("supervisor: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // Whoever loses is cancelled, and cleans up.
    let all_is_well = run(async { race((supervise(policy, programs), asked_to_end())).await });
    if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Waits for the request to end. Ctrl-C is for `run` to hear.
#[cfg(unix)]
async fn asked_to_end() -> bool {
    use aio::signal::{Signal, signals};

    let heard = async { signals([Signal::TERMINATE])?.recv().await };
    if let Err(error) = heard.await {
        eprintln!("supervisor: requests to end are not heard: {error}");
        std::future::pending::<()>().await;
    }
    false
}

/// There is none.
#[cfg(not(unix))]
async fn asked_to_end() -> bool {
    std::future::pending().await
}

#[derive(Debug, Clone, Copy)]
struct Policy {
    grace: Duration,
    pause: Duration,
    max_pause: Duration,
    steady: Duration,
    restarts: usize,
    period: Duration,
}

#[derive(Debug)]
struct Program {
    name: String,
    command: String,
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<(Policy, Vec<Program>), String> {
    let seconds = Duration::from_secs;
    let mut policy = Policy {
        grace: seconds(5),
        pause: Duration::from_millis(500),
        max_pause: seconds(30),
        steady: seconds(10),
        restarts: 5,
        period: seconds(60),
    };
    let mut programs: Vec<Program> = Vec::new();
    while let Some(arg) = args.next() {
        if programs.is_empty() && arg.starts_with("--") {
            let value = args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
            match &*arg {
                "--grace" => policy.grace = time(&value)?,
                "--pause" => policy.pause = time(&value)?,
                "--max-pause" => policy.max_pause = time(&value)?,
                "--steady" => policy.steady = time(&value)?,
                "--period" => policy.period = time(&value)?,
                "--restarts" => policy.restarts = value.parse().map_err(|_| format!("`{value}` is not a number"))?,
                _ => return Err(format!("there is no `{arg}`")),
            }
            continue;
        }
        match arg.split_once('=') {
            Some((name, command)) if !name.is_empty() && !command.is_empty() => {
                if programs.iter().any(|program| program.name == name) {
                    return Err(format!("there are two programs called `{name}`"));
                }
                programs.push(Program { name: name.to_owned(), command: command.to_owned() });
            }
            _ => return Err(format!("`{arg}` is not `NAME=COMMAND`")),
        }
    }
    if programs.is_empty() { Err("there is nothing to run".to_owned()) } else { Ok((policy, programs)) }
}

/// As `2s` or `300ms`.
fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    match (number.parse(), unit) {
        (Ok(n), "s") => Ok(Duration::from_secs(n)),
        (Ok(n), "ms") => Ok(Duration::from_millis(n)),
        _ => Err(format!("`{text}` is not a time like `2s` or `300ms`")),
    }
}

/// Runs all programs, each in a task of its own; whether none was given up.
async fn supervise(policy: Policy, programs: Vec<Program>) -> bool {
    let group = TaskGroup::new();
    let tasks = programs.into_iter().map(|program| group.spawn(keep_running(policy, program)));
    let done = group.join(async { gather(tasks.collect::<Vec<_>>()).await }).await;
    done.into_iter().all(|done| done)
}

/// Runs a program until it ends well, or is given up: then this is false.
async fn keep_running(policy: Policy, program: Program) -> bool {
    let name = &*program.name;
    let mut restarts = Restarts::new(policy);
    loop {
        let begin = now();
        match run_once(policy, &program).await {
            Ok(status) if status.success() => {
                report(name, "is done");
                return true;
            }
            Ok(status) => report(name, format_args!("has failed: {status}")),
            Err(error) => report(name, error),
        }
        let Some(pause) = restarts.next(now(), now() - begin) else {
            report(name, format_args!("is given up: it was started again {} times", policy.restarts));
            return false;
        };
        report(name, format_args!("is started again in {pause:?}"));
        sleep(pause).await;
    }
}

/// When a program that has failed is started again.
struct Restarts {
    policy: Policy,
    pause: Duration,
    /// Those of the last period.
    recent: VecDeque<Instant>,
}

impl Restarts {
    fn new(policy: Policy) -> Self {
        Self { policy, pause: policy.pause, recent: VecDeque::new() }
    }

    /// After which pause it is, after a failure at `now`; `None` if that were too often.
    fn next(&mut self, now: Instant, was_up: Duration) -> Option<Duration> {
        let Policy { pause, max_pause, steady, restarts, period, .. } = self.policy;
        while self.recent.front().is_some_and(|restart| now - *restart > period) {
            self.recent.pop_front();
        }
        if self.recent.len() >= restarts {
            return None;
        }
        self.recent.push_back(now);
        if was_up >= steady {
            self.pause = pause;
        }
        let pause = self.pause.min(max_pause);
        self.pause = pause * 2;
        Some(pause)
    }
}

/// Runs it once, to its end. However this ends, the program is gone then, with all that it has started.
async fn run_once(policy: Policy, program: &Program) -> io::Result<ExitStatus> {
    // In a group of its own, so that the Ctrl-C of a terminal is for us alone.
    let mut command = Command::shell(&program.command);
    command.process_group(0).kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let running = Running {
        name: program.name.clone(),
        stdout: StreamReader::new(child.stdout.take().expect("it is piped")),
        stderr: StreamReader::new(child.stderr.take().expect("it is piped")),
        child,
    };
    let mut running = defer(running, async move |mut running: Running| {
        if matches!(running.child.try_wait(), Ok(None)) {
            report(&running.name, "is asked to end");
            match running.listen(async |child| child.group()?.terminate_then_kill(policy.grace).await).await {
                Ok(status) => report(&running.name, format_args!("has ended: {status}")),
                Err(error) => report(&running.name, error),
            }
        }
    });
    running.listen(async |child| child.group()?.wait_then_kill().await).await
}

/// A program that runs, and what it says.
struct Running {
    name: String,
    child: Child,
    stdout: StreamReader<ChildStdout>,
    stderr: StreamReader<ChildStderr>,
}

impl Running {
    /// Passes on what the program says until it has ended, and for a short while what others say in its place.
    async fn listen(&mut self, end: impl AsyncFnOnce(&Child) -> io::Result<ExitStatus>) -> io::Result<ExitStatus> {
        let Self { name, child, stdout, stderr } = self;
        let talk = CancelScope::new();
        let ended = async {
            let status = end(child).await;
            talk.set_timeout(LAST_WORDS);
            status
        };
        let passed_on = talk
            .run(async { gather((pass_on(name, stdout, io::stdout()), pass_on(name, stderr, io::stderr()))).await });
        gather((ended, passed_on)).await.0
    }
}

/// Each line with the name before it. One that is too long comes in parts.
async fn pass_on(name: &str, from: &mut StreamReader<impl AsyncRead + Unpin>, mut to: impl Write) {
    loop {
        let line = match from.read_until(b"\n").await {
            Ok(line) => line,
            Err(error) if error.is_incomplete() && !error.partial().is_empty() => error.into_partial(),
            Err(error) if error.is_limit() => {
                let part = from.buffer().to_vec();
                from.consume(part.len());
                part
            }
            // The end; or nobody knows what it says.
            Err(_) => return,
        };
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        // In one piece. If it goes to a pipe that nobody reads, everything waits for that, as with any program that
        // prints; if the pipe is gone, the programs run all the same.
        let _ = to.write_all(&[name.as_bytes(), b" | ", line, b"\n"].concat());
    }
}

/// Says what has happened to a program.
fn report(name: &str, what: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "supervisor: {name} {what}");
}
