//! Reads and writes in any order, most of them cancelled: what arrives is what was taken.

use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use aio_io::{AsyncRead, AsyncWrite, DuplexStream, ReadExt, WriteExt};
use aio_tls::{TlsReadHalf, TlsStream, TlsWriteHalf};
use proptest::prelude::*;

use crate::harness::{pair, poll_once, run_virtual};
use crate::support::{Certificates, noise};

/// What one of the two sides does: once, and if it is not ready, it is dropped.
#[derive(Debug, Clone)]
enum Op {
    Write(usize),
    Flush,
    Read(usize),
    /// From now on it writes nothing.
    Close,
}

/// More than a record of TLS holds.
const LARGEST: usize = 20_000;
const MOST: usize = 60;

fn ops() -> impl Strategy<Value = Vec<(usize, Op)>> {
    let op = prop_oneof![
        8 => (0..LARGEST).prop_map(Op::Write),
        4 => (0..100_usize).prop_map(Op::Write),
        2 => Just(Op::Flush),
        8 => (0..LARGEST).prop_map(Op::Read),
        4 => (0..100_usize).prop_map(Op::Read),
        1 => Just(Op::Close),
    ];
    proptest::collection::vec((0..2_usize, op), 0..MOST)
}

/// A connection in one piece, or in two.
enum End {
    Whole(Box<TlsStream<DuplexStream>>),
    Split(TlsReadHalf<DuplexStream>, TlsWriteHalf<DuplexStream>),
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Whole(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Split(reader, _) => Pin::new(reader).poll_read(cx, buffer),
        }
    }
}

impl End {
    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        Pin::new(match self {
            Self::Whole(stream) => stream,
            Self::Split(_, writer) => writer,
        })
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().writer().poll_write(cx, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer().poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().writer().poll_close(cx)
    }
}

/// One side, and what it has done.
struct Side {
    end: End,
    /// What it writes.
    data: &'static [u8],
    taken: usize,
    received: Vec<u8>,
    closed: bool,
}

impl Side {
    fn new(stream: TlsStream<DuplexStream>, is_split: bool, data: &'static [u8]) -> Self {
        let end = match is_split {
            true => {
                let (reader, writer) = stream.into_split();
                End::Split(reader, writer)
            }
            false => End::Whole(Box::new(stream)),
        };
        Self { end, data, taken: 0, received: Vec::new(), closed: false }
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Write(len) if !self.closed => {
                let part = &self.data[self.taken..][..len];
                self.taken += poll_once(self.end.write(part)).map_or(0, Result::unwrap);
            }
            Op::Write(_) => {}
            Op::Flush => _ = poll_once(self.end.flush()).map(Result::unwrap),
            Op::Read(len) => {
                let mut buffer = vec![0; len];
                let n = poll_once(self.end.read(&mut buffer)).map_or(0, Result::unwrap);
                self.received.extend_from_slice(&buffer[..n]);
            }
            Op::Close => {
                self.closed = true;
                let _ = poll_once(self.end.close()).map(Result::unwrap);
            }
        }
    }
}

/// Closes, while the other reads what there is left.
async fn finish(from: &mut End, to: &mut Side) {
    let close = async { from.close().await.unwrap() };
    let read = async { to.end.read_to_end(&mut to.received).await.unwrap() };
    aio_group::gather((close, read)).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_taken_arrives_whatever_was_cancelled(
        // In a handshake `rustls` reads nothing while it has to write: with less, both would wait for the other.
        capacity in prop_oneof![10..100_usize, 100..50_000_usize],
        split in any::<[bool; 2]>(),
        ops in ops(),
    ) {
        static CERTIFICATES: OnceLock<Certificates> = OnceLock::new();
        static DATA: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let certificates = CERTIFICATES.get_or_init(Certificates::new);
        let data = DATA.get_or_init(|| [1, 2].map(|seed| noise(MOST * LARGEST, seed)));
        run_virtual(async {
            let (client, server) = pair(certificates, capacity).await;
            let mut sides = [Side::new(client, split[0], &data[0]), Side::new(server, split[1], &data[1])];
            for (side, op) in &ops {
                sides[*side].act(op);
            }
            let [client, server] = &mut sides;
            // Both ways one after the other: closing one direction leaves the other as it is.
            finish(&mut client.end, server).await;
            finish(&mut server.end, client).await;
            assert!(server.received == client.data[..client.taken]);
            assert!(client.received == server.data[..server.taken]);
        });
    }
}
