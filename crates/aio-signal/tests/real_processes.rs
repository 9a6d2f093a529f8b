//! What signals do to processes: each test starts this program again, in another part.
#![cfg(all(target_os = "linux", not(aio_loom)))]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use aio_core::{Driver, EventLoop, Reason, ThreadPark, defer};
use aio_reactor::Reactor;
use aio_signal::{Signal, ctrl_c, exit_interrupted, interruptible, interruptible_anyway, signals};
use aio_timer::{Timers, sleep};

const PART: &str = "AIO_SIGNAL_TEST_PART";

/// The other side of the tests: what the process does that they start. Without a part it has nothing to do.
#[test]
fn part() {
    let Ok(part) = std::env::var(PART) else { return };
    // So that a process whose parent has failed ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    match part.as_str() {
        "dropped" => {
            drop((signals([Signal::TERMINATE]).unwrap(), signals([Signal::TERMINATE]).unwrap()));
            run(say_and_wait("dropped"));
        }
        "one of two dropped" => {
            let mut stay = signals([Signal::TERMINATE]).unwrap();
            drop(signals([Signal::TERMINATE]).unwrap());
            run(async {
                say("dropped");
                say(stay.recv().await.unwrap());
                drop(stay);
                say_and_wait("dropped").await;
            });
        }
        "taken again" => {
            drop(signals([Signal::TERMINATE]).unwrap());
            let mut again = signals([Signal::TERMINATE]).unwrap();
            run(async {
                say("taken");
                say(again.recv().await.unwrap());
            });
        }
        "failed" => {
            signals([Signal::TERMINATE, Signal::from_raw(4000)]).unwrap_err();
            run(say_and_wait("failed"));
        }
        "ctrl_c without a main task" => run(async {
            let mut stream = signals([Signal::INTERRUPT]).unwrap();
            say("taken");
            stream.recv().await.unwrap();
            drop(stream);
            say_and_wait("dropped").await;
        }),
        "main" => interrupted(interruptible(async {
            let _defer = defer((), async |()| say(format_args!("cleanup: {}", aio_core::cancel_reason().unwrap())));
            let mut stream = signals([Signal::INTERRUPT]).unwrap();
            say("taken");
            say(stream.recv().await.unwrap());
            say(stream.recv().await.unwrap());
            drop(stream);
            say_and_wait("dropped").await;
        })),
        "main with ctrl_c" => interrupted(interruptible(async {
            // Interruptible first, and then taken.
            sleep(Duration::from_millis(1)).await;
            let waiting = aio_core::spawn(async {
                for _ in 0..2 {
                    let (first, second, ()) = aio_group::gather((ctrl_c(), ctrl_c(), async { say("taken") })).await;
                    first.and(second).unwrap();
                    say("ctrl-c");
                }
            });
            waiting.await;
            say_and_wait("dropped").await;
        })),
        "main after a stream" => {
            drop(signals([Signal::INTERRUPT]).unwrap());
            interrupted(interruptible(say_and_wait("dropped")));
        }
        "main that is interruptible anyway" => interrupted(interruptible_anyway(say_and_wait("waiting"))),
        "main that is interruptible if free" => interrupted(interruptible(say_and_wait("waiting"))),
        part => panic!("no such part: {part}"),
    }
}

fn event_loop() -> EventLoop<impl Driver> {
    EventLoop::new(Timers::new(Reactor::new(ThreadPark::new())))
}

fn run(main: impl Future<Output = ()>) {
    event_loop().run(main);
}

/// As the umbrella crate does it.
fn interrupted(main: impl Future<Output = ()>) {
    let error = event_loop().run_until_complete(main).unwrap_err();
    assert_eq!(error.reason(), Some(&Reason::Interrupted), "{error}");
    exit_interrupted();
}

/// On stderr, which belongs to no test harness.
fn say(what: impl std::fmt::Display) {
    eprintln!("> {what}");
}

/// Says it after the loop has waited once.
async fn say_and_wait(what: &str) {
    sleep(Duration::from_millis(20)).await;
    say(what);
    std::future::pending().await
}

/// A process that plays a part.
struct Process {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Process {
    fn start(part: &str) -> Self {
        // Not ignored, as interrupts are for what a shell starts in the background.
        Self::start_with("--default-signal=INT,TERM", part)
    }

    fn start_with(dispositions: &str, part: &str) -> Self {
        let mut env = Command::new("env");
        env.arg(dispositions).arg(std::env::current_exe().unwrap()).args(["--exact", "part", "--nocapture"]);
        env.env(PART, part).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = env.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Waits until it says this; nothing else comes before.
    #[track_caller]
    fn says(&mut self, what: &str) {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        assert_eq!(line, format!("> {what}\n"));
    }

    fn send(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::from_named_raw(signal.as_raw()).unwrap()).unwrap();
    }

    /// Closes its input, at which it ends by itself if nothing has ended it before.
    fn ends(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        self.child.wait().unwrap()
    }

    /// Waits until a signal has ended it.
    fn await_end(mut self) -> ExitStatus {
        // `wait` would close it.
        let _stdin = self.child.stdin.take();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One that hangs fails.
fn in_time(test: impl FnOnce() + Send + 'static) {
    let (over, is_over) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        over.send(()).unwrap();
    });
    match is_over.recv_timeout(Duration::from_secs(60)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
    }
}

#[test]
fn a_signal_ends_the_process_again_after_the_last_stream_was_dropped() {
    in_time(|| {
        let mut process = Process::start("dropped");
        process.says("dropped");
        process.send(Signal::TERMINATE);
        assert_eq!(process.await_end().signal(), Some(libc::SIGTERM));
    });
}

#[test]
fn a_signal_is_taken_as_long_as_one_stream_is_left() {
    in_time(|| {
        let mut process = Process::start("one of two dropped");
        process.says("dropped");
        process.send(Signal::TERMINATE);
        process.says("SIGTERM");
        process.says("dropped");
        process.send(Signal::TERMINATE);
        assert_eq!(process.await_end().signal(), Some(libc::SIGTERM));
    });
}

#[test]
fn a_signal_that_was_given_up_can_be_taken_again() {
    in_time(|| {
        let mut process = Process::start("taken again");
        process.says("taken");
        process.send(Signal::TERMINATE);
        process.says("SIGTERM");
        assert_eq!(process.ends().code(), Some(0));
    });
}

#[test]
fn signals_that_were_not_taken_because_of_an_error_do_what_they_did() {
    in_time(|| {
        let mut process = Process::start("failed");
        process.says("failed");
        process.send(Signal::TERMINATE);
        assert_eq!(process.await_end().signal(), Some(libc::SIGTERM));
    });
}

#[test]
fn a_signal_that_was_ignored_is_heard_and_then_ignored_again() {
    in_time(|| {
        let mut process = Process::start_with("--ignore-signal=TERM", "one of two dropped");
        process.says("dropped");
        process.send(Signal::TERMINATE);
        process.says("SIGTERM");
        process.says("dropped");
        process.send(Signal::TERMINATE);
        assert_eq!(process.ends().code(), Some(0));
    });
}

#[test]
fn an_interrupt_ends_the_process_after_its_stream_if_there_is_no_main_task() {
    in_time(|| {
        let mut process = Process::start("ctrl_c without a main task");
        process.says("taken");
        process.send(Signal::INTERRUPT);
        process.says("dropped");
        process.send(Signal::INTERRUPT);
        assert_eq!(process.await_end().signal(), Some(libc::SIGINT));
    });
}

#[test]
fn an_interrupt_that_a_stream_takes_does_not_cancel_the_main_task() {
    in_time(|| {
        let mut process = Process::start("main");
        process.says("taken");
        process.send(Signal::INTERRUPT);
        process.says("SIGINT");
        process.send(Signal::INTERRUPT);
        process.says("SIGINT");
        process.says("dropped");
        process.send(Signal::INTERRUPT);
        process.says("cleanup: the program was interrupted");
        assert_eq!(process.await_end().code(), Some(130));
    });
}

#[test]
fn an_interrupt_that_is_waited_for_does_not_cancel_the_main_task() {
    in_time(|| {
        let mut process = Process::start("main with ctrl_c");
        for _ in 0..2 {
            process.says("taken");
            process.send(Signal::INTERRUPT);
            process.says("ctrl-c");
        }
        process.says("dropped");
        process.send(Signal::INTERRUPT);
        assert_eq!(process.await_end().code(), Some(130));
    });
}

#[test]
fn an_interrupt_cancels_the_main_task_also_if_a_stream_was_there_before_it() {
    in_time(|| {
        let mut process = Process::start("main after a stream");
        process.says("dropped");
        process.send(Signal::INTERRUPT);
        assert_eq!(process.await_end().code(), Some(130));
    });
}

#[test]
fn an_ignored_interrupt_stays_so_unless_the_program_asks_for_it() {
    in_time(|| {
        let ignored = "--ignore-signal=INT";
        let mut process = Process::start_with(ignored, "main that is interruptible if free");
        process.says("waiting");
        process.send(Signal::INTERRUPT);
        assert_eq!(process.ends().code(), Some(0));

        let mut process = Process::start_with(ignored, "main that is interruptible anyway");
        process.says("waiting");
        process.send(Signal::INTERRUPT);
        assert_eq!(process.await_end().code(), Some(130));
    });
}
