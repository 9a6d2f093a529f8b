//! What is done with any reader and writer.

use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_io::{ReadError, ReadExt, WriteExt};
use futures_lite::future::block_on;

use crate::script::{Script, Sink, Step, Take, give, poll_times};

#[test]
fn a_read_gives_what_there_is() {
    block_on(async {
        let mut script = Script::new([Step::Wait, Step::Fail(io::ErrorKind::Interrupted), give("abc")]);
        let mut buf = [0; 2];
        assert_eq!((script.read(&mut buf).await.unwrap(), &buf), (2, b"ab"));
        let (mut empty, mut one) = ([], [0; 3]);
        let bufs = &mut [IoSliceMut::new(&mut empty), IoSliceMut::new(&mut one)];
        assert_eq!(script.read_vectored(bufs).await.unwrap(), 1);
        assert_eq!(&one, b"c\0\0");
        assert_eq!(script.read(&mut buf).await.unwrap(), 0);
    });
}

#[test]
fn an_exact_read_retries_and_tells_the_end() {
    block_on(async {
        let interrupted = Step::Fail(io::ErrorKind::Interrupted);
        let mut script = Script::new([give("a"), interrupted, give("b"), Step::Wait, give("c"), give("d")]);
        let mut buf = [0; 3];
        script.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"abc");
        let error = script.read_exact(&mut buf).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(error.to_string(), "the stream ended after 1 of 3 bytes");
    });
}

#[test]
fn what_was_read_before_the_end_or_an_error_is_appended() {
    let steps = [give("b"), Step::Wait, give("c"), Step::Fail(io::ErrorKind::ConnectionReset), give("d")];
    let mut script = Script::new(steps);
    let mut bytes = b"a".to_vec();
    assert!(poll_times(1, script.read_to_end(&mut bytes)).is_none());
    assert_eq!(bytes, b"ab");
    assert!(block_on(script.read_to_end(&mut bytes)).is_err());
    assert_eq!(bytes, b"abc");
    assert_eq!(block_on(script.read_to_end(&mut bytes)).unwrap(), 1);
    assert_eq!(bytes, b"abcd");
}

/// futures 0.3.31 and 0.3.33: a string was left with bytes that are no text.
#[test]
fn a_string_is_text_also_after_a_panic_or_what_is_no_text() {
    let mut text = "a".to_owned();
    let mut script = Script::new([give(b"\xff"), Step::Panic]);
    catch_unwind(AssertUnwindSafe(|| block_on(script.read_to_string(&mut text)))).unwrap_err();
    assert_eq!(text, "a");
    let error = block_on(Script::new([give(b"b\xff")]).read_to_string(&mut text)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(ReadError::from(error).partial(), b"b\xff");
    assert_eq!(text, "a");
    // A character in two pieces is one.
    let mut halves = Script::new([give(b"\xc3"), Step::Wait, give(b"\xa4")]);
    assert_eq!(block_on(halves.read_to_string(&mut text)).unwrap(), 2);
    assert_eq!(text, "aä");
}

#[test]
fn everything_is_written() {
    block_on(async {
        let steps = [Take::AtMost(1), Take::Wait, Take::Fail(io::ErrorKind::Interrupted), Take::AtMost(2)];
        let mut sink = Sink::new(steps);
        sink.write_all(b"abcdef").await.unwrap();
        assert_eq!((&sink.bytes[..], sink.writes), (&b"abcdef"[..], 5));
        sink.write_all(b"").await.unwrap();
        assert_eq!(sink.writes, 5, "nothing to write");
        sink.flush().await.unwrap();
        sink.close().await.unwrap();
        assert_eq!((sink.flushes, sink.closes), (1, 1));
        assert_eq!(sink.write(b"gh").await.unwrap(), 2);
        assert_eq!(sink.write_vectored(&[IoSlice::new(b""), IoSlice::new(b"i")]).await.unwrap(), 1);
        assert_eq!(sink.bytes, b"abcdefghi");
    });
}

#[test]
fn a_write_that_is_given_up_or_fails_tells_what_is_left() {
    let steps = [Take::AtMost(2), Take::Wait, Take::AtMost(1), Take::Fail(io::ErrorKind::BrokenPipe)];
    let mut sink = Sink::new(steps);
    let mut rest = &b"abcdef"[..];
    assert!(poll_times(1, sink.write_all_from(&mut rest)).is_none());
    assert_eq!(rest, b"cdef");
    assert_eq!(block_on(sink.write_all_from(&mut rest)).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(rest, b"def");
    block_on(sink.write_all_from(&mut rest)).unwrap();
    assert_eq!((rest, &sink.bytes[..]), (&b""[..], &b"abcdef"[..]));
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    block_on(async {
        let mut sink = Sink::new([Take::AtMost(1), Take::AtMost(0)]);
        assert_eq!(sink.write_all(b"ab").await.unwrap_err().kind(), io::ErrorKind::WriteZero);
        let mut sink = Sink::new([Take::AtMost(0)]);
        let bufs = &mut [IoSlice::new(b"ab")];
        assert_eq!(sink.write_all_vectored(bufs).await.unwrap_err().kind(), io::ErrorKind::WriteZero);
    });
}

#[test]
fn a_writer_that_lies_about_its_count_is_an_error() {
    // A sink that takes all would panic for itself: this one never gets so far.
    let mut sink = Sink::new([Take::Claim(3)]);
    let error = block_on(sink.write_all(b"ab")).unwrap_err();
    assert_eq!(error.to_string(), "the writer claims 3 bytes of a buffer of 2");
}

#[test]
fn several_buffers_are_written_one_after_the_other() {
    block_on(async {
        let steps = [Take::AtMost(1), Take::Wait, Take::AtMost(1), Take::AtMost(9)];
        let mut sink = Sink::new(steps);
        let bufs = &mut [b"".as_slice(), b"ab", b"", b"cde", b""].map(IoSlice::new);
        sink.write_all_vectored(bufs).await.unwrap();
        assert_eq!(sink.bytes, b"abcde");
        let writes = sink.writes;
        sink.write_all_vectored(&mut [IoSlice::new(b"")]).await.unwrap();
        sink.write_all_vectored(&mut []).await.unwrap();
        assert_eq!(sink.writes, writes, "nothing to write");
    });
}
