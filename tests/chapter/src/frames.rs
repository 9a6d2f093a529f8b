//! Messages of four bytes.

use std::io;

use aio::ReadExt;
use futures_io::AsyncRead;

const LEN: usize = 4;

/// Reads one. Dropped half-way, it loses what it has read.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; LEN]> {
    let mut frame = [0; LEN];
    let mut n = 0;
    while n < LEN {
        match stream.read(&mut frame[n..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => n += more,
        }
    }
    Ok(frame)
}

/// Reads them one after the other, and keeps what it has of the next one.
#[derive(Debug)]
pub struct Frames<R> {
    stream: R,
    frame: [u8; LEN],
    n: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Those of `stream`.
    pub fn new(stream: R) -> Self {
        Self { stream, frame: [0; LEN], n: 0 }
    }

    /// The next one. Dropped half-way, it goes on where it was.
    pub async fn next(&mut self) -> io::Result<[u8; LEN]> {
        while self.n < LEN {
            match self.stream.read(&mut self.frame[self.n..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => self.n += more,
            }
        }
        self.n = 0;
        Ok(self.frame)
    }
}
