//! The servers, each in its file. Every one serves a connection in a task of its own, on one thread, with what its
//! documentation shows for that; it reads what is there, writes it back, and ends at the end of the stream or an error.

mod aio;
#[cfg(feature = "rings")]
mod compio;
mod epoll;
#[cfg(feature = "rings")]
mod glommio;
mod monoio;
mod smol;
mod tokio;

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::process::Command;
use std::thread;

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::cores;
use crate::harness::Role;
use crate::python;

/// Where they listen: at a port of the system's choice.
const ADDRESS: &str = "127.0.0.1:0";
/// Bytes of the buffer of a connection. As it is larger than a message, a read that gets one message does not fill it,
/// and so tells that there is no more.
const BUFFER: usize = 128;

/// A server that can be started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) role: Role,
    program: Program,
}

#[derive(Debug, Clone, Copy)]
enum Program {
    /// This one: the function listens, [announces](announce) that, and serves.
    Own(fn()),
    /// CPython with one of its event loops.
    Python,
}

const PYTHON: &str = include_str!("../../python/echo.py");

/// Those of this program, and whether the system has what they need.
fn own() -> Vec<(Kind, fn() -> bool)> {
    let kind = |name, role, serve| Kind { name, role, program: Program::Own(serve) };
    let always = || true;
    vec![
        (kind("aio::local", Role::Aio, aio::serve_local), always),
        (kind("aio", Role::Aio, aio::serve_shared), always),
        (kind("tokio", Role::Peer, tokio::serve), always),
        (kind("smol", Role::Peer, smol::serve), always),
        (kind("monoio, epoll", Role::Peer, monoio::serve_on_epoll), always),
        (kind("monoio, ring", Role::Peer, monoio::serve_on_ring), monoio::has_rings),
        #[cfg(feature = "rings")]
        (kind("compio", Role::Peer, compio::serve), crate::runtimes::compio_can_start),
        #[cfg(feature = "rings")]
        (kind("glommio", Role::Peer, glommio::serve), crate::runtimes::glommio_can_start),
        (kind("epoll, no runtime", Role::Floor, epoll::serve), always),
    ]
}

/// Those that this system can start.
pub(super) fn all() -> Vec<Kind> {
    let own = own().into_iter().filter(|(_, can_start)| can_start()).map(|(kind, _)| kind);
    own.chain(python::event_loops().map(|name| Kind { name, role: Role::Peer, program: Program::Python })).collect()
}

/// What the argument is called that no usage mentions.
pub(crate) const ARGUMENT: &str = "--echo-server";

impl Kind {
    /// Starts it on `core`.
    pub(super) fn command(&self, core: usize) -> Command {
        let mut command = match self.program {
            Program::Own(_) => {
                let mut command = Command::new(std::env::current_exe().expect("this program has a place"));
                command.args([ARGUMENT, self.name]);
                command
            }
            Program::Python => {
                let mut command = Command::new("python3");
                command.args(["-c", PYTHON, self.name]);
                command
            }
        };
        command.arg(core.to_string());
        command
    }
}

/// What the fresh process does. It returns if the arguments make no sense.
pub(crate) fn in_this_process(args: &[String]) {
    let [name, core, rest @ ..] = args else { return };
    // Without a look at what the system has: this process is to have done nothing before it serves.
    let kind = own().into_iter().map(|(kind, _)| kind).find(|kind| kind.name == name);
    let (Some(Kind { program: Program::Own(serve), .. }), Ok(core)) = (kind, core.parse()) else { return };
    // Whatever becomes of the process that has started it, no server stays.
    set_parent_process_death_signal(Some(Signal::KILL)).expect("Linux has it");
    cores::pin(core).expect("it is one of those that are there");
    if rest.iter().any(|arg| arg == TELL_HEAP) {
        thread::spawn(tell_heap);
    }
    serve();
    unreachable!("a server serves until it is killed");
}

/// Has the process answer each line of its input with the bytes that its allocator has given out. Not for the
/// measurement of time: what two threads share is counted by the kernel in a slower way.
pub(super) const TELL_HEAP: &str = "--tell-heap";

fn tell_heap() {
    for _ in std::io::stdin().lock().lines() {
        say(&heap::in_use().map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()));
    }
}

/// Says where the server listens, to the process that has started it.
fn announce(address: SocketAddr) {
    say(&format!("{} {}", std::process::id(), address.port()));
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).expect("somebody listens");
}

/// Serves a connection, for those whose streams are the ecosystem's.
async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buffer = [0; BUFFER];
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
}

#[cfg(target_env = "gnu")]
mod heap {
    pub(super) fn in_use() -> Option<u64> {
        // SAFETY: it asks for nothing; other threads may allocate meanwhile.
        let info = unsafe { libc::mallinfo2() };
        Some((info.uordblks + info.hblkhd) as u64)
    }
}

#[cfg(not(target_env = "gnu"))]
mod heap {
    pub(super) fn in_use() -> Option<u64> {
        None
    }
}
