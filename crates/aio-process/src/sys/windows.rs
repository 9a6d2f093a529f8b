//! Windows. It has no signals: to end a process is to kill it. And its pipes cannot be waited for: a thread called
//! `aio-pipe` for each reads or writes, and passes the bytes on.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::os::windows::process::CommandExt;
use std::pin::{Pin, pin};
use std::process::{ChildStdin, Command, ExitStatus};
use std::task::{Context, Poll};
use std::time::Duration;

use aio_base::thread;
use aio_io::{AsyncRead, AsyncWrite, ReadExt, SimplexReader, SimplexWriter, WriteExt, simplex};
use windows_sys::Win32::System::Threading::{INFINITE, WaitForSingleObject};

use super::Pidfd;
use crate::watch::{Blocker, Reap};

/// How many bytes the threads hold at most.
const CAPACITY: usize = 64 * 1024;
/// How long a pipe may take to hand over what is in it.
const DRAIN: Duration = Duration::from_millis(200);

/// What runs `line`.
pub(crate) fn shell(line: &OsStr) -> Command {
    let mut command = Command::new("cmd");
    // It takes the outer quotes away, and leaves those within alone.
    let mut quoted = std::ffi::OsString::from("\"");
    quoted.push(line);
    quoted.push("\"");
    command.args(["/S", "/C"]).raw_arg(quoted);
    command
}

/// What can be asked of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signal;

impl Signal {
    pub(crate) const TERM: Self = Self;
    pub(crate) const KILL: Self = Self;
}

pub(crate) struct System(std::process::Child);

impl System {
    pub(crate) fn new(child: std::process::Child) -> Self {
        Self(child)
    }

    pub(crate) fn signal(&mut self, _: Option<&Pidfd>, Signal: Signal) -> io::Result<()> {
        self.0.kill()
    }
}

impl Reap for System {
    fn try_reap(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    fn blocker(&self) -> Blocker {
        let handle = self.0.as_handle().try_clone_to_owned();
        Box::new(move || {
            let handle = handle.as_ref().map_err(|error| io::Error::from(error.kind()))?;
            // SAFETY: it asks for a handle that stays open during the call: the closure owns it.
            match unsafe { WaitForSingleObject(handle.as_raw_handle(), INFINITE) } {
                0 => Ok(()),
                _ => Err(io::Error::last_os_error()),
            }
        })
    }
}

/// What the process writes to.
pub(crate) struct Reader(SimplexReader);

impl Reader {
    pub(crate) fn new(mut pipe: impl Read + Send + 'static) -> io::Result<Self> {
        let (reader, mut writer) = simplex(CAPACITY);
        thread::spawn("aio-pipe", move || {
            let mut buffer = vec![0; CAPACITY];
            loop {
                match pipe.read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // An error is an end: that is how the system tells it.
                    Ok(0) | Err(_) => return,
                    Ok(n) => {
                        if aio_core::block_on(writer.write_all(&buffer[..n])).is_err() {
                            return;
                        }
                    }
                }
            }
        })?;
        Ok(Self(reader))
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    pub(crate) fn poll_read_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read_vectored(cx, buffers)
    }

    /// Appends what is in the pipe, which nobody can tell: what comes within a while.
    pub(crate) async fn drain(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        let rest = pin!(self.0.read_to_end(into));
        aio_timer::timeout(DRAIN, rest).await.map_or(Ok(()), |read| read.map(|_| ()))
    }
}

/// What the process reads from.
pub(crate) struct Writer(SimplexWriter);

impl Writer {
    pub(crate) fn new(mut pipe: ChildStdin) -> io::Result<Self> {
        let (mut reader, writer) = simplex(CAPACITY);
        thread::spawn("aio-pipe", move || {
            let mut buffer = vec![0; CAPACITY];
            loop {
                match aio_core::block_on(reader.read(&mut buffer)) {
                    Ok(0) | Err(_) => return,
                    Ok(n) => {
                        // What is written next fails, as nobody reads.
                        if pipe.write_all(&buffer[..n]).is_err() {
                            return;
                        }
                    }
                }
            }
        })?;
        Ok(Self(writer))
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buffer)
    }

    pub(crate) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, buffers)
    }
}
