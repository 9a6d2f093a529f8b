//! Streams between `futures_io` and tokio's traits.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, SeekFrom};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aio_base::live::leak_check;
use aio_compat::{FromTokio, ToTokio};
use aio_core::{EventLoop, ThreadPark, local};
use aio_net::{TcpListener, TcpStream};
use aio_reactor::Reactor;
use futures_lite::future::block_on;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWriteExt, ReadBuf};

fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Reactor::new(ThreadPark::new())).run(main))
}

async fn pair() -> (ToTokio<TcpStream>, ToTokio<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (there, _) = listener.accept().await.unwrap();
    (ToTokio::new(here), ToTokio::new(there))
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Bytes that differ from place to place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).flat_map(u32::to_ne_bytes).take(len).collect()
}

#[test]
fn tokios_proxy_joins_two_sockets_and_passes_on_their_ends() {
    run(async {
        let (mut client, mut proxied) = pair().await;
        let (mut upstream, mut server) = pair().await;
        let proxy =
            local::spawn(async move { tokio::io::copy_bidirectional(&mut proxied, &mut upstream).await.unwrap() });
        let echo = local::spawn(async move {
            let mut text = Vec::new();
            // Ends when the client has shut down its direction, and the other one still works.
            server.read_to_end(&mut text).await.unwrap();
            text.reverse();
            server.write_all(&text).await.unwrap();
            server.shutdown().await.unwrap();
        });
        let question = pattern(3_000_000);
        client.write_all(&question).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        answer.reverse();
        assert!(answer == question, "{} bytes", answer.len());
        assert_eq!(proxy.await, (3_000_000, 3_000_000));
        echo.await;
    });
}

#[test]
fn a_dropped_read_loses_nothing() {
    run(async {
        let (mut client, mut server) = pair().await;
        assert!(poll_once(server.read_u64()).is_pending());
        client.write_u64(42).await.unwrap();
        assert!(poll_once(client.read_u8()).is_pending());
        assert_eq!(server.read_u64().await.unwrap(), 42);
    });
}

#[test]
fn lines_are_read_by_either_library() {
    block_on(async {
        let text = &b"one\ntwo\n"[..];
        // `&[u8]` is a buffered reader in both.
        let mut lines = ToTokio::new(text).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("two"));
        assert_eq!(lines.next_line().await.unwrap(), None);

        use futures_lite::AsyncBufReadExt;
        let mut line = String::new();
        let mut reader = FromTokio::new(text);
        reader.read_line(&mut line).await.unwrap();
        assert_eq!((line.as_str(), *reader.get_ref()), ("one\n", &b"two\n"[..]));
    });
}

#[test]
fn only_room_that_was_never_initialised_is_cleared() {
    let mut room = [MaybeUninit::new(7); 8];
    let mut buf = ReadBuf::uninit(&mut room);
    buf.put_slice(b"ab");
    assert_eq!(buf.initialize_unfilled_to(2), [0, 0]);
    buf.initialize_unfilled_to(2).fill(9);

    /// Reads nothing, and looks at its room.
    struct Looks;
    impl futures_io::AsyncRead for Looks {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
            assert_eq!(room, [9, 9, 0, 0, 0, 0]);
            room[0] = b'c';
            Poll::Ready(Ok(1))
        }
    }
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut ToTokio::new(Looks)).poll_read(&mut cx, &mut buf).is_ready());
    assert_eq!((buf.filled(), buf.initialized().len()), (&b"abc"[..], 8));
}

#[test]
fn a_reader_that_claims_too_much_is_an_error() {
    struct Liar;
    impl futures_io::AsyncRead for Liar {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(room.len() + 1))
        }
    }
    let error = block_on(ToTokio::new(Liar).read(&mut [0; 4])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(error.to_string(), "the reader claims 5 bytes of a buffer of 4");
}

/// Keeps what is written, and in how many pieces it came.
#[derive(Default)]
struct Pieces(Vec<Vec<u8>>, usize);

impl futures_io::AsyncWrite for Pieces {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.push(buf.to_vec());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.extend(bufs.iter().map(|buf| buf.to_vec()));
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.1 += 1;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn several_pieces_stay_several_and_a_shutdown_closes_through_both_adapters() {
    block_on(async {
        let mut writer = ToTokio::new(FromTokio::new(ToTokio::new(Pieces::default())));
        assert!(tokio::io::AsyncWrite::is_write_vectored(&writer));
        let pieces = [IoSlice::new(b"one"), IoSlice::new(b"two")];
        assert_eq!(writer.write_vectored(&pieces).await.unwrap(), 6);
        writer.shutdown().await.unwrap();
        let Pieces(pieces, closed) = writer.into_inner().into_inner().into_inner();
        assert_eq!(pieces, [b"one", b"two"]);
        assert_eq!(closed, 1);
    });
}

/// A file whose seeks take two polls, and which begins a read only when no seek is under way, as tokio's does.
#[derive(Default)]
struct SlowSeek {
    position: u64,
    under_way: Option<(SeekFrom, bool)>,
    seeks: usize,
}

impl SlowSeek {
    fn settle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Some((to, polled)) = &mut self.under_way {
            if !std::mem::replace(polled, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let to = *to;
            self.under_way = None;
            self.position = match to {
                SeekFrom::Start(at) => at,
                SeekFrom::Current(by) => self.position.checked_add_signed(by).ok_or(ErrorKind::InvalidInput)?,
                SeekFrom::End(_) => return Poll::Ready(Err(ErrorKind::Unsupported.into())),
            };
            self.seeks += 1;
        }
        Poll::Ready(Ok(self.position))
    }
}

impl AsyncSeek for SlowSeek {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        assert!(self.under_way.is_none(), "two seeks at a time");
        self.under_way = Some((to, false));
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.settle(cx)
    }
}

impl futures_io::AsyncSeek for SlowSeek {
    fn poll_seek(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        self.under_way.get_or_insert((to, false));
        self.settle(cx)
    }
}

impl AsyncRead for SlowSeek {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.settle(cx))?;
        buf.put_slice(&[self.position as u8]);
        self.position += 1;
        Poll::Ready(Ok(()))
    }
}

impl futures_io::AsyncRead for SlowSeek {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        buf[0] = self.position as u8;
        self.position += 1;
        Poll::Ready(Ok(1))
    }
}

#[test]
fn every_seek_of_tokio_is_one_seek_of_ours() {
    block_on(async {
        let mut file = ToTokio::new(SlowSeek::default());
        assert_eq!(AsyncSeekExt::seek(&mut file, SeekFrom::Start(40)).await.unwrap(), 40);
        assert_eq!(AsyncSeekExt::seek(&mut file, SeekFrom::Current(-5)).await.unwrap(), 35);
        assert_eq!(AsyncReadExt::read_u8(&mut file).await.unwrap(), 35);
        let error = AsyncSeekExt::seek(&mut file, SeekFrom::End(0)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(file.get_ref().seeks, 2);
    });
}

#[test]
fn a_seek_that_was_begun_for_tokio_and_dropped_does_not_come_late() {
    block_on(async {
        let mut file = ToTokio::new(SlowSeek::default());
        Pin::new(&mut file).start_seek(SeekFrom::Current(5)).unwrap();
        assert!(Pin::new(&mut file).start_seek(SeekFrom::Current(5)).is_err(), "one at a time");
        assert_eq!(AsyncReadExt::read_u8(&mut file).await.unwrap(), 0);
        assert_eq!(AsyncSeekExt::seek(&mut file, SeekFrom::Current(0)).await.unwrap(), 1);
    });
}

#[test]
fn the_same_seek_after_a_dropped_one_and_a_read_is_another_seek() {
    use futures_lite::{AsyncReadExt, AsyncSeekExt};
    block_on(async {
        let mut file = FromTokio::new(SlowSeek::default());
        assert!(poll_once(file.seek(SeekFrom::Start(5))).is_pending());
        let mut byte = [0];
        // It could not be taken back.
        file.read(&mut byte).await.unwrap();
        assert_eq!(byte, [5]);
        assert_eq!(file.seek(SeekFrom::Start(5)).await.unwrap(), 5);
        file.read(&mut byte).await.unwrap();
        assert_eq!(byte, [5], "it was not taken for the first one");
        assert_eq!(file.get_ref().seeks, 2);
    });
}

#[test]
fn another_seek_waits_for_the_one_that_was_dropped() {
    use futures_lite::AsyncSeekExt;
    block_on(async {
        let mut file = FromTokio::new(SlowSeek::default());
        assert!(poll_once(file.seek(SeekFrom::Start(5))).is_pending());
        assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), 6);
        // An error of the dropped one is none of this one.
        assert!(poll_once(file.seek(SeekFrom::Current(-100))).is_pending());
        assert_eq!(file.seek(SeekFrom::Start(1)).await.unwrap(), 1);
    });
}
