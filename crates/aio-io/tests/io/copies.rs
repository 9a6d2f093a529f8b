//! `copy` and `copy_bidirectional`.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use aio_base::live::leak_check;
use aio_io::{
    AsyncRead, AsyncWrite, ReadExt, StreamReader, StreamWriter, WriteExt, copy, copy_bidirectional, duplex, simplex,
};
use futures_lite::future::{block_on, or, poll_once, yield_now, zip};

use crate::script::{Script, Sink, Step, Take, give, poll_times};

#[test]
fn everything_is_copied_and_flushed() {
    block_on(async {
        let data = vec![b'a'; 100_000];
        let interrupted = Step::Fail(io::ErrorKind::Interrupted);
        let mut script = Script::new([give(&data), Step::Wait, interrupted, give("end")]);
        let mut sink = Sink::new([Take::AtMost(1), Take::Wait, Take::AtMost(5), Take::AtMost(1), Take::Wait]);
        assert_eq!(copy(&mut script, &mut sink).await.unwrap(), 100_003);
        assert_eq!(sink.bytes, [&data[..], b"end"].concat());
        assert!(sink.flushes >= 1);
        assert_eq!(sink.closes, 0);
    });
}

#[test]
fn a_copy_ends_with_the_error_of_either_side() {
    block_on(async {
        let mut sink = Sink::default();
        let error = copy(&mut Script::new([give("a"), Step::Fail(io::ErrorKind::TimedOut)]), &mut sink).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(sink.bytes, b"a");
        let error = copy(&mut Script::new([give("a")]), &mut Sink::new([Take::AtMost(0)])).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::WriteZero);
        let error = copy(&mut Script::new([Step::Claim(1 << 30)]), &mut sink).await;
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidData);
    });
}

/// <https://github.com/tokio-rs/tokio/issues/8424>
#[test]
fn what_waits_in_the_writer_is_flushed_while_the_reader_has_nothing() {
    let mut script = Script::new([give("ab"), Step::Wait, Step::Wait, give("c"), Step::Wait]);
    let mut writer = StreamWriter::with_buffer(Sink::default(), 100);
    let mut copying = Box::pin(copy(&mut script, &mut writer));
    assert!(poll_times(1, copying.as_mut()).is_none());
    assert!(poll_times(1, copying.as_mut()).is_none());
    drop(copying);
    assert_eq!((&writer.get_ref().bytes[..], writer.get_ref().flushes), (&b"ab"[..], 1));
}

/// The head of a message is in the buffer of the writer, and its body is copied.
#[test]
fn what_was_in_the_writer_before_is_flushed_too() {
    let mut writer = StreamWriter::with_buffer(Sink::default(), 100);
    block_on(writer.write_all(b"head")).unwrap();
    assert!(poll_times(1, copy(&mut Script::new([Step::Wait]), &mut writer)).is_none());
    assert_eq!(writer.get_ref().bytes, b"head", "the other side waits for it");
    block_on(writer.write_all(b"only")).unwrap();
    assert_eq!(block_on(copy(&mut Script::new([]), &mut writer)).unwrap(), 0);
    assert_eq!((&writer.get_ref().bytes[..], writer.get_ref().flushes), (&b"headonly"[..], 2));
}

/// An endless reader and an endless writer, on one thread with another task.
#[test]
fn a_copy_lets_others_run() {
    struct Endless(Rc<Cell<usize>>);
    impl AsyncRead for Endless {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
            self.0.set(self.0.get() + 1);
            assert!(self.0.get() < 10_000, "nobody else gets to run");
            Poll::Ready(Ok(buf.len()))
        }
    }
    let n_reads = Rc::new(Cell::new(0));
    let (mut reader, mut writer) = (Endless(n_reads.clone()), futures_lite::io::sink());
    let other = async {
        for _ in 0..3 {
            yield_now().await;
        }
    };
    block_on(or(async { drop(copy(&mut reader, &mut writer).await) }, other));
    assert!(n_reads.get() > 3);
}

#[test]
fn a_slow_writer_holds_the_reader_back() {
    let mut script = Script::new(vec![give(vec![0; 1000]); 100]);
    let (mut reader, mut writer) = simplex(10);
    let mut copying = Box::pin(copy(&mut script, &mut writer));
    assert!(poll_times(5, copying.as_mut()).is_none());
    drop(copying);
    assert_eq!(script.reads, 1);
    drop(writer);
    let mut got = Vec::new();
    assert_eq!(block_on(reader.read_to_end(&mut got)).unwrap(), 10);
}

#[test]
fn two_streams_are_joined_and_half_closed() {
    leak_check(|| {
        block_on(async {
            let (mut client, mut a) = duplex(16);
            let (mut b, server) = duplex(16);
            let client = async move {
                client.write_all(&[b'x'; 1000]).await.unwrap();
                client.close().await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.unwrap();
                answer
            };
            let server = async move {
                let mut server = StreamReader::new(server);
                // All of the request has come, and its end, before the answer begins.
                let n = server.read_to_end().await.unwrap().len();
                server.write_all(format!("got {n} bytes").as_bytes()).await.unwrap();
            };
            let (copied, (answer, ())) = zip(copy_bidirectional(&mut a, &mut b), zip(client, server)).await;
            let copied = copied.unwrap();
            assert_eq!((copied.a_to_b, copied.b_to_a), (1000, 14));
            assert_eq!(answer, "got 1000 bytes");
        });
    });
}

/// A stream of a reader and a writer.
struct Both(Script, Sink);

impl AsyncRead for Both {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Both {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.1).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.1).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.1).poll_close(cx)
    }
}

#[test]
fn an_error_says_which_way_and_how_far() {
    block_on(async {
        let reset = Step::Fail(io::ErrorKind::ConnectionReset);
        let mut a = Both(Script::new([give("abc"), Step::Wait, reset]), Sink::default());
        let mut b = Both(Script::new([give("de"), Step::Wait, Step::Wait, Step::Wait]), Sink::default());
        let error = copy_bidirectional(&mut a, &mut b).await.unwrap_err();
        assert!(error.is_a_to_b() && error.is_read());
        assert_eq!((error.copied().a_to_b, error.copied().b_to_a), (3, 2));
        let text = "failed to read from the first stream after 3 bytes from first to second and 2 back: ";
        assert!(error.to_string().starts_with(text), "{error}");
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.to_string().starts_with(text), "{error}");

        let mut a = Both(Script::new([Step::Wait]), Sink::new([Take::Fail(io::ErrorKind::BrokenPipe)]));
        let mut b = Both(Script::new([give("de")]), Sink::default());
        let error = copy_bidirectional(&mut a, &mut b).await.unwrap_err();
        assert!(!error.is_a_to_b() && !error.is_read());
        assert!(error.to_string().starts_with("failed to write to the first stream after 0 bytes"), "{error}");
        assert_eq!(error.into_source().kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn the_end_of_one_side_closes_the_other_at_once() {
    block_on(async {
        let mut a = Both(Script::new([give("a")]), Sink::default());
        let mut b = Both(Script::new([Step::Wait, Step::Wait, give("b")]), Sink::default());
        let mut joined = Box::pin(copy_bidirectional(&mut a, &mut b));
        assert!(poll_once(joined.as_mut()).await.is_none());
        drop(joined);
        assert_eq!((b.1.closes, a.1.closes), (1, 0));
    });
}
