//! Ctrl-C for real: a process is interrupted.
#![cfg(all(not(aio_loom), target_os = "linux"))]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The example, once it has said that it works.
struct Example {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    file: PathBuf,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let file = std::env::temp_dir().join(format!("aio-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&file);
        // Not ignored, as it is for what a shell starts in the background.
        let mut child = Command::new("env")
            .arg("--default-signal=INT")
            .arg(aio_tests::built_example("interrupt").get_program())
            .args(args)
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "working; press Ctrl-C\n");
        Self { child, _stdout: stdout, file }
    }

    /// What the terminal does for Ctrl-C.
    fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// The program listens for Ctrl-C when it waits for the first time; before, it would just end.
    fn await_listening(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        until(|| {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            // The set of the signals that it catches, of which this is the second.
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            caught.is_some_and(|caught| u64::from_str_radix(caught.trim(), 16).unwrap() & 2 != 0)
        });
    }

    /// One that does not hear is killed after a while, and has no exit code.
    fn wait(mut self) -> (ExitStatus, Option<String>) {
        let (waiting, over) = mpsc::channel::<()>();
        let pid = self.child.id().to_string();
        let guard = thread::spawn(move || {
            if over.recv_timeout(Duration::from_secs(60)) == Err(mpsc::RecvTimeoutError::Timeout) {
                Command::new("kill").args(["-KILL", &pid]).status().unwrap();
            }
        });
        let status = self.child.wait().unwrap();
        drop(waiting);
        guard.join().unwrap();
        let text = std::fs::read_to_string(&self.file).ok();
        let _ = std::fs::remove_file(&self.file);
        (status, text)
    }
}

/// Waits for something that is about to happen. Whether it has is for the assertions to tell; this does not hang.
fn until(it_happens: impl Fn() -> bool) {
    let begin = Instant::now();
    while !it_happens() && begin.elapsed() < Duration::from_secs(60) {
        thread::yield_now();
    }
}

#[test]
fn the_first_ctrl_c_runs_the_cleanups_and_exits_as_interrupted() {
    let example = Example::start("first", &[]);
    example.await_listening();
    example.interrupt();
    let (status, text) = example.wait();
    assert_eq!(status.code(), Some(130), "{status}");
    let text = text.expect("the cleanup has written the file");
    assert!(text.starts_with("stopped after "), "{text}");
    assert!(text.ends_with("steps: the program was interrupted\n"), "{text}");
}

#[test]
fn the_second_ctrl_c_exits_at_once() {
    let example = Example::start("second", &["--stubborn"]);
    example.await_listening();
    example.interrupt();
    // Its cleanup has begun, and never ends.
    until(|| example.file.exists());
    example.interrupt();
    let (status, text) = example.wait();
    assert_eq!(status.code(), Some(130), "{status}");
    assert!(text.is_some());
}

#[test]
fn ctrl_c_tells_who_waits_for_what_in_a_program_that_is_stuck() {
    let mut child = Command::new("env")
        .args(["--default-signal=INT", "AIO_DEBUG=1"])
        .arg(aio_tests::built_example("philosophers").get_program())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "nobody eats; press Ctrl-C\n");
    let mut example = Example { child, _stdout: stdout, file: PathBuf::new() };
    example.await_listening();
    example.interrupt();
    let mut stderr = String::new();
    example.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(example.wait().0.code(), Some(130), "{stderr}");
    for (name, holder) in [("Kant", "Spinoza"), ("Russell", "Aristotle")] {
        let mut lines = stderr.lines().filter(|line| line.starts_with(&format!("task `{name}` (")));
        let line = lines.next().unwrap_or_else(|| panic!("{stderr}"));
        assert!(line.contains(") waits for Lock 0x"), "{line}");
        assert!(line.contains(&format!(", which is held by task `{holder}` (")), "{line}");
    }
    assert!(stderr.lines().last().unwrap().starts_with("possible deadlock: task `"), "{stderr}");
}

#[test]
fn polite_philosophers_eat() {
    let output = aio_tests::built_example("philosophers").arg("--polite").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().filter(|line| line.ends_with(" eats")).count(), 5, "{text}");
}
