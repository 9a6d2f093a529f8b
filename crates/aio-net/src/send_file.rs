//! Sending files.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;

use aio_base::sync::Arc;
use aio_blocking::to_thread;
use aio_core::yield_now;
use aio_io::WriteExt;

use crate::TcpStream;
use crate::io::either;
use crate::tcp::attempted;

/// How much is sent at once: as much as Linux reads ahead of who reads a file from its beginning to its end.
const PIECE: usize = 128 * 1024;

impl TcpStream {
    /// Sends a part of a file, and takes from the front of `part` what has been sent: asyncio's `loop.sendfile`. Gives
    /// the number of bytes that it has sent. If the file ends before the part does, that is fewer, and no error; so
    /// `0..u64::MAX` is all of a file.
    ///
    /// On Linux, what the system has in memory goes from there to the socket, without a copy (`sendfile`). All the rest
    /// is read in a thread of the pool, 128 KiB at a time, and written from there: what the disk has to be waited for,
    /// files of which the system does not tell (in `/proc`, say, or on a network), and everything on other systems. So
    /// the loop does not wait for the disk, but for what was in memory a moment ago and is not any more.
    ///
    /// The cursor of the file is not used. (On Windows it is moved.)
    ///
    /// Like writing to a pipe, `sendfile` cannot be told to leave out the signal that ends a process whose peer is
    /// gone. The runtime of Rust ignores it; who has given it a meaning again gets it.
    ///
    /// # Cancel safety
    /// After the future is dropped, `part` is what was not sent: sending it is to go on.
    ///
    /// # Fairness
    /// Other tasks get their turn after each 128 KiB.
    ///
    /// # Errors
    /// Those of the connection and of the file, which may also be one that cannot be read, or a directory. Then, too,
    /// `part` is what was not sent.
    ///
    /// # Panics
    /// As [`to_thread`](aio_blocking::to_thread()), if a thread is needed.
    ///
    /// # Examples
    /// ```
    /// use aio_core::{EventLoop, ThreadPark};
    /// use aio_io::ReadExt;
    /// use aio_net::{TcpListener, TcpStream};
    /// use aio_reactor::Reactor;
    /// use std::fs::File;
    ///
    /// EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0")?;
    ///     let mut here = TcpStream::connect(listener.local_addr()?).await?;
    ///     let (mut there, _) = listener.accept().await?;
    ///
    ///     let file = File::open("Cargo.toml")?;
    ///     let mut part = 1..8;
    ///     assert_eq!(here.send_file(&file, &mut part).await?, 7);
    ///     assert_eq!(part, 8..8);
    ///
    ///     let mut word = [0; 7];
    ///     there.read_exact(&mut word).await?;
    ///     assert_eq!(&word, b"package");
    ///     Ok::<(), std::io::Error>(())
    /// }).unwrap();
    /// ```
    pub async fn send_file(&mut self, file: &File, part: &mut Range<u64>) -> io::Result<u64> {
        let begin = part.start;
        let mut copier = Copier { file, duplicate: None, buffer: Vec::new() };
        // What is simulated has it copied.
        let mut is_refused = either!(&self.io, _io => false, _it => true);
        while !part.is_empty() {
            if part.start > begin {
                yield_now().await;
            }
            let len = (part.end - part.start).min(PIECE as u64) as usize;
            let n = if !is_refused && system::is_in_memory(file, part.start, len) {
                let sent = either!(&self.io,
                    io => io.write_with(|socket| system::send(socket, file, part.start, len)).await,
                    _it => Err(ErrorKind::Unsupported.into())
                );
                match sent {
                    Ok(n) => {
                        part.start += n as u64;
                        n
                    }
                    Err(error) if system::is_refusal(&error) => {
                        is_refused = true;
                        continue;
                    }
                    Err(error) => return Err(attempted("send a file")(error)),
                }
            } else {
                copier.copy(self, part, len).await?
            };
            if n == 0 {
                break;
            }
        }
        Ok(part.start - begin)
    }
}

/// Reads in the pool, and writes what was read.
struct Copier<'a> {
    file: &'a File,
    /// The same open file, for the threads.
    duplicate: Option<Arc<File>>,
    buffer: Vec<u8>,
}

impl Copier<'_> {
    /// Sends the next `len` bytes, or fewer. Gives how many; zero at the end of the file.
    async fn copy(&mut self, stream: &mut TcpStream, part: &mut Range<u64>, len: usize) -> io::Result<usize> {
        let n = self.read(part.start, len).await.map_err(attempted("read a file that is to be sent"))?;
        let mut rest = &self.buffer[..n];
        while !rest.is_empty() {
            let n = stream.write(rest).await.map_err(attempted("send a file"))?;
            part.start += n as u64;
            rest = &rest[n..];
        }
        Ok(n)
    }

    async fn read(&mut self, offset: u64, len: usize) -> io::Result<usize> {
        let file = match &self.duplicate {
            Some(file) => file.clone(),
            None => self.duplicate.insert(Arc::new(self.file.try_clone()?)).clone(),
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let (buffer, n) = to_thread(move || {
            buffer.resize(len, 0);
            loop {
                match read_at(&file, &mut buffer, offset) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    result => return (buffer, result),
                }
            }
        })
        .await;
        self.buffer = buffer;
        n
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    // The system counts no further, and refuses to try. So no file is longer.
    let room = (i64::MAX as u64).saturating_sub(offset);
    let len = room.min(buffer.len() as u64) as usize;
    if len == 0 {
        return Ok(0);
    }
    std::os::unix::fs::FileExt::read_at(file, &mut buffer[..len], offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs::File;
    use std::io::{self, IoSliceMut};
    use std::net::TcpStream;

    use rustix::fs::sendfile;
    use rustix::io::{Errno, ReadWriteFlags, preadv2};

    /// Whether the system has a part of a file at hand, so that nobody would have to wait for it. `false` if it cannot
    /// tell, or if that is no file.
    ///
    /// It is asked for the last byte: parts are read ahead from the front. If there is no such byte, the file ends
    /// before, and it is asked for the first.
    pub(super) fn is_in_memory(file: &File, offset: u64, len: usize) -> bool {
        let read = |at| preadv2(file, &mut [IoSliceMut::new(&mut [0])], at, ReadWriteFlags::NOWAIT);
        match read(offset + (len as u64 - 1)) {
            Ok(0) => read(offset).is_ok(),
            read => read.is_ok(),
        }
    }

    pub(super) fn send(socket: &TcpStream, file: &File, mut offset: u64, len: usize) -> io::Result<usize> {
        Ok(sendfile(socket, file, Some(&mut offset), len)?)
    }

    /// Whether it says that it does not do this with such a file, or that far behind its end. A read tells then.
    pub(super) fn is_refusal(error: &io::Error) -> bool {
        let refusals = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::OVERFLOW];
        refusals.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
}

/// Where everything is copied.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::File;
    use std::io::{self, ErrorKind};
    use std::net::TcpStream;

    pub(super) fn is_in_memory(_: &File, _: u64, _: usize) -> bool {
        false
    }

    pub(super) fn send(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    pub(super) fn is_refusal(error: &io::Error) -> bool {
        error.kind() == ErrorKind::Unsupported
    }
}
