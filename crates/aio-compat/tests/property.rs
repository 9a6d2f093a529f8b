//! Random pieces through the adapters.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_compat::{FromHyper, FromTokio, ToHyper, ToTokio};
use futures_io::AsyncRead;
use futures_lite::AsyncReadExt;
use futures_lite::future::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

/// Gives the pieces one after the other, and waits before each.
struct Pieces {
    pieces: Vec<Vec<u8>>,
    waited: bool,
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        self.waited = !self.waited;
        if self.waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(piece) = self.pieces.first_mut() else { return Poll::Ready(Ok(0)) };
        let n = piece.len().min(room.len());
        room[..n].copy_from_slice(&piece[..n]);
        piece.drain(..n);
        if piece.is_empty() {
            self.pieces.remove(0);
        }
        Poll::Ready(Ok(n))
    }
}

fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..50), 0..20)
}

proptest! {
    #[test]
    fn what_is_read_through_both_adapters_is_what_is_there(pieces in pieces(), rooms in vec(1usize..40, 1..10)) {
        let expected = pieces.concat();
        let new = || Pieces { pieces: pieces.clone(), waited: false };
        let mut through_tokio = FromTokio::new(ToTokio::new(new()));
        let mut through_hyper = FromHyper::new(ToHyper::new(new()));
        let readers: [&mut (dyn AsyncRead + Unpin); 2] = [&mut through_tokio, &mut through_hyper];
        for reader in readers {
            let (mut read, mut rooms) = (Vec::new(), rooms.iter().cycle());
            loop {
                let mut room = vec![0; *rooms.next().unwrap()];
                match block_on(reader.read(&mut room)).unwrap() {
                    0 => break,
                    n => read.extend_from_slice(&room[..n]),
                }
            }
            prop_assert_eq!(&read, &expected);
        }
    }

    /// The buffers of both keep what is in them, and are filled behind it, in one that nobody has initialised.
    #[test]
    fn a_buffer_is_filled_to_its_end(pieces in pieces(), room in 1usize..600) {
        let expected = pieces.concat();
        let expected = &expected[..expected.len().min(room)];

        let mut bytes = vec![MaybeUninit::uninit(); room];
        let mut buf = tokio::io::ReadBuf::uninit(&mut bytes);
        let mut reader = ToTokio::new(Pieces { pieces: pieces.clone(), waited: false });
        loop {
            let before = buf.filled().len();
            block_on(poll_fn(|cx| tokio::io::AsyncRead::poll_read(Pin::new(&mut reader), cx, &mut buf))).unwrap();
            if buf.filled().len() == before { break }
        }
        prop_assert_eq!(buf.filled(), expected);

        let mut bytes = vec![MaybeUninit::uninit(); room];
        let mut buf = hyper::rt::ReadBuf::uninit(&mut bytes);
        let mut reader = ToHyper::new(Pieces { pieces, waited: false });
        loop {
            let before = buf.filled().len();
            block_on(poll_fn(|cx| hyper::rt::Read::poll_read(Pin::new(&mut reader), cx, buf.unfilled()))).unwrap();
            if buf.filled().len() == before { break }
        }
        prop_assert_eq!(buf.filled(), expected);
    }
}
