//! Any sequence of writes, reads, cancellations, half-closes, resets and drops on both sides of a connection, beside
//! two queues of bytes.

mod support;

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::pin::pin;
use std::time::Duration;

use aio_core::yield_now;
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_timer::timeout;
use futures_lite::future::{poll_once, zip};
use proptest::collection::vec;
use proptest::prelude::*;

use support::run;

#[derive(Debug, Clone)]
enum Op {
    /// Polled once, and dropped if it is not ready.
    Write(usize),
    WriteVectored(Vec<usize>),
    Read(usize),
    ReadVectored(Vec<usize>),
    Peek(usize),
    /// Waits until there is something, if there must be.
    AwaitRead(usize),
    /// Writes all of it, while the other side reads all there is.
    Pump(usize),
    Close,
    /// Into halves, and together again.
    Split,
    /// Into halves, of which the one that writes is dropped.
    SplitAndClose,
    Drop,
    Reset,
    LookOutside,
}

fn op() -> impl Strategy<Value = Op> {
    let len = || prop_oneof![8 => 0..20_usize, 2 => 1_000..50_000_usize, 1 => Just(300_000)];
    prop_oneof![
        8 => len().prop_map(Op::Write),
        3 => vec(len(), 0..4).prop_map(Op::WriteVectored),
        8 => len().prop_map(Op::Read),
        3 => vec(len(), 0..4).prop_map(Op::ReadVectored),
        2 => len().prop_map(Op::Peek),
        4 => (1..50_000_usize).prop_map(Op::AwaitRead),
        2 => (0..600_000_usize).prop_map(Op::Pump),
        1 => Just(Op::Close),
        1 => Just(Op::Split),
        1 => Just(Op::SplitAndClose),
        1 => Just(Op::Drop),
        1 => Just(Op::Reset),
        4 => Just(Op::LookOutside),
    ]
}

/// What goes from one side to the other.
#[derive(Default)]
struct Direction {
    n_written: usize,
    n_read: usize,
    is_closed: bool,
}

impl Direction {
    fn byte(at: usize) -> u8 {
        (at % 251) as u8
    }

    /// The next `len` bytes to be written.
    fn next(&self, len: usize) -> Vec<u8> {
        (self.n_written..self.n_written + len).map(Self::byte).collect()
    }

    fn is_underway(&self) -> bool {
        self.n_written > self.n_read
    }

    #[track_caller]
    fn check(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.n_written - self.n_read, "more than was written");
        let is_right = bytes.iter().enumerate().all(|(i, &byte)| byte == Self::byte(self.n_read + i));
        assert!(is_right, "after {} bytes", self.n_read);
    }
}

struct Connection {
    sides: [Option<TcpStream>; 2],
    /// From the side of this index to the other.
    directions: [Direction; 2],
    /// One side has gone without having read everything, or got something after that: the other is told by an error, at
    /// some time.
    is_reset: bool,
}

/// What must come does so in time.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

impl Connection {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (there, _) = listener.accept().await.unwrap();
        Self { sides: [Some(here), Some(there)], directions: Default::default(), is_reset: false }
    }

    #[track_caller]
    fn has_written(&mut self, side: usize, result: io::Result<usize>, most: usize) {
        let is_peer_gone = self.sides[1 - side].is_none();
        let direction = &mut self.directions[side];
        match result {
            Ok(n) => {
                assert!(n <= most && (n > 0 || most == 0));
                assert!(!direction.is_closed || n == 0, "written after the end");
                direction.n_written += n;
                self.is_reset |= is_peer_gone && n > 0;
            }
            Err(error) if error.kind() == ErrorKind::BrokenPipe => assert!(direction.is_closed || self.is_reset),
            Err(error) => assert!(self.is_reset && error.kind() == ErrorKind::ConnectionReset, "{error}"),
        }
    }

    #[track_caller]
    fn has_read(&mut self, side: usize, result: io::Result<usize>, buffer: &[u8], peeks: bool) {
        let direction = &mut self.directions[1 - side];
        match result {
            Ok(n) => {
                direction.check(&buffer[..n]);
                if n == 0 && !buffer.is_empty() {
                    let is_end = direction.is_closed && !direction.is_underway();
                    assert!(is_end || self.is_reset, "an end after {} of {}", direction.n_read, direction.n_written);
                }
                if !peeks {
                    direction.n_read += n;
                }
            }
            Err(error) => assert!(self.is_reset && error.kind() == ErrorKind::ConnectionReset, "{error}"),
        }
    }

    fn drop_side(&mut self, side: usize, resets: bool) {
        if let Some(stream) = self.sides[side].take() {
            if resets {
                stream.set_linger(Some(Duration::ZERO)).unwrap();
            }
            // Who leaves something unread has the system say so.
            self.is_reset |= resets || self.directions[1 - side].is_underway();
            self.directions[side].is_closed = true;
        }
    }

    async fn apply(&mut self, side: usize, op: Op) {
        let Some(stream) = &mut self.sides[side] else { return };
        let (out, back) = (&self.directions[side], &self.directions[1 - side]);
        match op {
            Op::Write(len) => {
                let data = out.next(len);
                if let Some(result) = poll_once(stream.write(&data)).await {
                    self.has_written(side, result, len);
                }
            }
            Op::WriteVectored(lens) => {
                let len = lens.iter().sum();
                let data = out.next(len);
                let mut rest = &data[..];
                let pieces: Vec<_> = lens.iter().map(|&len| IoSlice::new(rest.split_off(..len).unwrap())).collect();
                if let Some(result) = poll_once(stream.write_vectored(&pieces)).await {
                    self.has_written(side, result, len);
                }
            }
            Op::Read(len) => {
                let mut buffer = vec![0; len];
                if let Some(result) = poll_once(stream.read(&mut buffer)).await {
                    self.has_read(side, result, &buffer, false);
                }
            }
            Op::ReadVectored(lens) => {
                let mut buffer = vec![0; lens.iter().sum()];
                let mut rest = &mut buffer[..];
                let mut pieces: Vec<_> =
                    lens.iter().map(|&len| IoSliceMut::new(rest.split_off_mut(..len).unwrap())).collect();
                let read = poll_once(stream.read_vectored(&mut pieces)).await;
                if let Some(result) = read {
                    self.has_read(side, result, &buffer, false);
                }
            }
            Op::Peek(len) => {
                let mut buffer = vec![0; len];
                let peek = poll_once(pin!(stream.peek(&mut buffer))).await;
                if let Some(result) = peek {
                    self.has_read(side, result, &buffer, true);
                }
            }
            Op::AwaitRead(len) => {
                if back.is_underway() || back.is_closed || self.is_reset {
                    let mut buffer = vec![0; len];
                    let result = soon(stream.read(&mut buffer)).await;
                    self.has_read(side, result, &buffer, false);
                }
            }
            Op::Pump(len) => self.pump(side, len).await,
            Op::Close => {
                stream.close().await.unwrap();
                self.directions[side].is_closed = true;
            }
            Op::Split => {
                let (read, write) = self.sides[side].take().unwrap().into_split();
                self.sides[side] = Some(read.reunite(write).unwrap());
            }
            Op::SplitAndClose => {
                let (read, write) = self.sides[side].take().unwrap().into_split();
                drop(write);
                self.directions[side].is_closed = true;
                self.read_to_end(1 - side).await;
                // What reads is all that is left, and closes the rest.
                drop(read);
                self.is_reset |= self.directions[1 - side].is_underway();
            }
            Op::Drop => self.drop_side(side, false),
            Op::Reset => self.drop_side(side, true),
            Op::LookOutside => {
                for _ in 0..65 {
                    yield_now().await;
                }
            }
        }
    }

    async fn pump(&mut self, side: usize, len: usize) {
        let [here, there] = &mut self.sides;
        let (Some(here), Some(there)) = (here, there) else { return };
        let direction = &mut self.directions[side];
        if direction.is_closed || self.is_reset {
            return;
        }
        let (writer, reader) = if side == 0 { (here, there) } else { (there, here) };
        let data = direction.next(len);
        direction.n_written += len;
        let mut buffer = vec![0; direction.n_written - direction.n_read];
        let (written, read) = soon(zip(writer.write_all(&data), reader.read_exact(&mut buffer))).await;
        written.unwrap();
        read.unwrap();
        direction.check(&buffer);
        direction.n_read = direction.n_written;
    }

    /// Both sides that are left say that they have no more to say, and read to the end.
    async fn finish(mut self) {
        for side in 0..2 {
            if let Some(stream) = &mut self.sides[side] {
                let closed = stream.close().await;
                assert!(closed.is_ok() || self.is_reset, "{closed:?}");
                self.directions[side].is_closed = true;
            }
        }
        for side in 0..2 {
            self.read_to_end(side).await;
        }
    }

    /// Everything that was written for this side comes.
    async fn read_to_end(&mut self, side: usize) {
        while let Some(stream) = &mut self.sides[side] {
            let mut buffer = vec![0; 1 << 16];
            let result = soon(stream.read(&mut buffer)).await;
            let is_over = !matches!(result, Ok(1..));
            self.has_read(side, result, &buffer, false);
            if is_over {
                let Direction { n_written, n_read, .. } = self.directions[1 - side];
                return assert!(n_read == n_written || self.is_reset, "{n_read} of {n_written}");
            }
        }
    }
}

#[test]
fn both_sides_see_what_was_written_and_how_it_ended() {
    let config =
        ProptestConfig { cases: 600, max_shrink_time: 60_000, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(ops in vec((0..2_usize, op()), 0..60))| {
        run(async {
            let mut connection = Connection::open().await;
            for (side, op) in ops {
                connection.apply(side, op).await;
            }
            connection.finish().await;
        });
    });
}
