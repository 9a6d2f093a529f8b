//! The example that keeps programs running, as a program.
#![cfg(all(not(aio_loom), target_os = "linux"))]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// After that long, it hangs.
const DEADLINE: Duration = Duration::from_secs(60);

struct Supervisor {
    child: Child,
    stdout: BufReader<Box<dyn Read + Send>>,
    stderr: BufReader<Box<dyn Read + Send>>,
}

struct Outcome {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Supervisor {
    fn start(args: &[&str]) -> Self {
        // Not ignored, as it is for what a shell starts in the background.
        let mut child = Command::new("env")
            .arg("--default-signal=INT")
            .arg(aio_tests::built_example("supervisor").get_program())
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>);
        let stderr = BufReader::new(Box::new(child.stderr.take().unwrap()) as Box<dyn Read + Send>);
        Self { child, stdout, stderr }
    }

    /// The next line of its output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// What the terminal does for Ctrl-C.
    fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Its end. One that does not come is killed, and has no exit code.
    fn wait(mut self) -> Outcome {
        let (waiting, over) = mpsc::channel::<()>();
        let pid = self.child.id().to_string();
        let guard = thread::spawn(move || {
            if over.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
                Command::new("kill").args(["-KILL", &pid]).status().unwrap();
            }
        });
        let errors = thread::spawn(move || {
            let mut text = String::new();
            self.stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let status = self.child.wait().unwrap();
        drop(waiting);
        guard.join().unwrap();
        Outcome { status, stdout, stderr: errors.join().unwrap() }
    }
}

fn supervise(args: &[&str]) -> Outcome {
    Supervisor::start(args).wait()
}

/// Whether there is no such process; a zombie that nobody reaps is none.
fn is_gone(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'),
        Err(_) => true,
    }
}

/// One that has been killed is gone in a moment.
fn goes(pid: &str) -> bool {
    let begin = Instant::now();
    while !is_gone(pid) && begin.elapsed() < DEADLINE {
        thread::yield_now();
    }
    is_gone(pid)
}

#[test]
fn what_the_programs_say_is_passed_on_with_their_names() {
    let long = "long=head -c 200000 /dev/zero | tr '\\0' x; echo";
    let outcome = supervise(&["a=echo one; echo two >&2", "b=printf three", long]);
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let mut lines: Vec<&str> = outcome.stdout.lines().filter(|line| !line.starts_with("long")).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a | one", "b | three"]);
    // In parts, since it is longer than a line may be.
    let parts = outcome.stdout.lines().filter_map(|line| line.strip_prefix("long | "));
    assert_eq!(parts.map(str::len).sum::<usize>(), 200_000);
    let mut lines: Vec<&str> = outcome.stderr.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["a | two", "supervisor: a is done", "supervisor: b is done", "supervisor: long is done"]);
}

#[test]
fn one_that_fails_too_often_is_given_up_after_longer_and_longer_pauses() {
    let settings = ["--pause", "1ms", "--max-pause", "4ms", "--restarts", "4", "--period", "1000s"];
    let programs = ["bad=echo try; exit 3", "good=echo fine"];
    let outcome = supervise(&[&settings[..], &programs].concat());
    assert_eq!(outcome.status.code(), Some(1));
    assert_eq!(outcome.stdout.lines().filter(|line| *line == "bad | try").count(), 5);
    assert_eq!(outcome.stdout.lines().filter(|line| *line == "good | fine").count(), 1);
    let bad: Vec<&str> = outcome.stderr.lines().filter_map(|line| line.strip_prefix("supervisor: bad ")).collect();
    let failed = "has failed: exit status: 3";
    assert_eq!(
        bad,
        [
            failed,
            "is started again in 1ms",
            failed,
            "is started again in 2ms",
            failed,
            "is started again in 4ms",
            failed,
            "is started again in 4ms",
            failed,
            "is given up: it was started again 4 times",
        ]
    );
}

#[test]
fn one_that_was_up_for_a_while_begins_with_the_first_pause() {
    let folder = std::env::temp_dir().join(format!("aio-supervisor-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    // The third time it stays for longer than the others.
    let script = "n=$(cat n 2> /dev/null || echo 0); echo $((n + 1)) > n; [ $n != 2 ] || sleep 3; kill -KILL $$";
    let program = format!("p=cd {}; {script}", folder.display());
    let outcome = supervise(&["--pause", "1ms", "--steady", "3s", "--restarts", "3", &program]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(outcome.status.code(), Some(1));
    let pauses = outcome.stderr.lines().filter_map(|line| line.strip_prefix("supervisor: p is started again in "));
    assert_eq!(pauses.collect::<Vec<_>>(), ["1ms", "2ms", "1ms"], "{}", outcome.stderr);
    assert!(outcome.stderr.contains("p has failed: signal: 9 (SIGKILL)"), "{}", outcome.stderr);
}

#[test]
fn restarts_of_an_earlier_period_do_not_count() {
    // Each run takes longer than the period, so that it is never given up, and ends well at last.
    let folder = std::env::temp_dir().join(format!("aio-supervisor-period-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let script = "n=$(cat n 2> /dev/null || echo 0); echo $((n + 1)) > n; [ $n != 4 ] || exit 0; sleep 0.02; exit 1";
    let program = format!("p=cd {}; {script}", folder.display());
    let outcome = supervise(&["--pause", "1ms", "--restarts", "1", "--period", "10ms", &program]);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
}

#[test]
fn what_a_program_has_left_behind_is_gone_when_it_has_ended() {
    let outcome = supervise(&["p=sleep 1000 & echo $!"]);
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.stderr);
    let pid = outcome.stdout.trim().strip_prefix("p | ").unwrap();
    assert!(goes(pid));
}

#[test]
fn ctrl_c_ends_all_programs_and_kills_those_that_do_not_want_to() {
    let obedient = "obedient=trap 'echo bye; exit 0' TERM; echo ready $$; while :; do sleep 0.01; done";
    let deaf = "deaf=trap '' TERM; sleep 1000 & echo ready $$ $!; while :; do wait; done";
    let crashing = "crashing=echo ready; exit 1";
    let settings = ["--grace", "100ms", "--pause", "1000s", "--max-pause", "1000s"];
    let mut supervisor = Supervisor::start(&[&settings[..], &[obedient, deaf, crashing]].concat());
    let mut pids = Vec::new();
    for _ in 0..3 {
        let line = supervisor.line();
        let (_, said) = line.trim_end().split_once(" | ").unwrap();
        pids.extend(said.strip_prefix("ready").unwrap().split_whitespace().map(str::to_owned));
    }
    assert_eq!(pids.len(), 3);
    assert!(!pids.iter().any(|pid| is_gone(pid)));
    supervisor.interrupt();
    let outcome = supervisor.wait();
    assert_eq!(outcome.status.code(), Some(130), "{}: {}", outcome.status, outcome.stderr);
    assert_eq!(outcome.stdout, "obedient | bye\n");
    for line in ["obedient is asked to end", "obedient has ended: exit status: 0", "deaf is asked to end"] {
        assert!(outcome.stderr.contains(&format!("supervisor: {line}\n")), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.contains("supervisor: deaf has ended: signal: 9 (SIGKILL)\n"), "{}", outcome.stderr);
    for pid in pids {
        assert!(goes(&pid), "{pid}");
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    for (args, error) in [
        (&[][..], "there is nothing to run"),
        (&["sleep 1"], "`sleep 1` is not `NAME=COMMAND`"),
        (&["a=true", "a=false"], "there are two programs called `a`"),
        (&["--grace", "5", "a=true"], "`5` is not a time like `2s` or `300ms`"),
        (&["--restarts", "many", "a=true"], "`many` is not a number"),
        (&["--grace"], "`--grace` needs a value"),
        (&["--verbose", "1", "a=true"], "there is no `--verbose`"),
    ] {
        let outcome = supervise(args);
        assert_eq!(outcome.status.code(), Some(2));
        assert!(outcome.stderr.starts_with(&format!("supervisor: {error}\nusage: ")), "{}", outcome.stderr);
    }
}

#[test]
fn a_request_to_end_ends_all_programs() {
    let obedient = "obedient=trap 'echo bye; exit 0' TERM; echo ready $$; while :; do sleep 0.01; done";
    let mut supervisor = Supervisor::start(&[obedient]);
    let line = supervisor.line();
    let pid = line.trim_end().rsplit_once(' ').unwrap().1.to_owned();
    supervisor.signal("-TERM");
    let outcome = supervisor.wait();
    assert_eq!((outcome.status.code(), &*outcome.stdout), (Some(1), "obedient | bye\n"), "{}", outcome.stderr);
    assert!(goes(&pid));
}
