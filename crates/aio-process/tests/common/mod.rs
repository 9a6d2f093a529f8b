//! What all tests have in common.
use std::ffi::OsStr;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark};
use aio_io::ReadExt;
use aio_process::{Child, Command, Stdio};
use aio_reactor::Reactor;
use aio_timer::{Timers, sleep};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

/// How long a test may take before it has failed.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs it; ends the process if that takes too long.
pub(crate) fn within_deadline<T>(body: impl FnOnce() -> T) -> T {
    let (done, wait) = channel::<()>();
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let watchdog = std::thread::spawn(move || {
        if wait.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name}: it hangs");
            std::process::abort();
        }
    });
    let output = body();
    drop(done);
    watchdog.join().unwrap();
    output
}

/// Runs it on a loop, which leaves nothing behind.
#[track_caller]
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| within_deadline(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(main)))
}

/// How a child is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Descriptor,
    Thread,
}

pub(crate) const WAYS: [Way; 2] = [Way::Descriptor, Way::Thread];

impl Way {
    fn of(self, mut command: Command) -> Command {
        if self == Self::Thread {
            command.wait_by_thread();
        }
        command
    }

    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        self.of(Command::new(program))
    }

    pub(crate) fn shell(self, line: impl AsRef<OsStr>) -> Command {
        self.of(Command::shell(line))
    }
}

/// Somebody else who knows a process, and never mistakes another one for it.
pub(crate) struct Witness(OwnedFd);

impl Witness {
    pub(crate) fn of(child: &Child) -> Self {
        Self::of_id(child.id())
    }

    pub(crate) fn of_id(id: u32) -> Self {
        Self(pidfd_open(Pid::from_raw(id as i32).unwrap(), PidfdFlags::empty()).expect("the process is there"))
    }

    /// Whether it is nothing any more, or a zombie.
    pub(crate) fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
    }

    /// Whether it is not even a zombie. For our children.
    pub(crate) fn is_reaped(&self) -> bool {
        use std::os::fd::AsFd;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::PidFd(self.0.as_fd()), options) {
            Ok(_) => false,
            Err(Errno::CHILD) => true,
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) fn kill(&self) {
        pidfd_send_signal(&self.0, Signal::KILL).unwrap();
    }

    pub(crate) async fn ended(&self) {
        until(|| self.has_ended()).await;
    }

    pub(crate) async fn reaped(&self) {
        until(|| self.is_reaped()).await;
    }
}

/// Waits for something that happens elsewhere.
pub(crate) async fn until(it_is_so: impl Fn() -> bool) {
    while !it_is_so() {
        sleep(Duration::from_millis(1)).await;
    }
}

/// Polls it once.
pub(crate) async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// A child that has said that it is ready.
pub(crate) async fn ready(command: &mut Command) -> Child {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"ready\n");
    child
}
