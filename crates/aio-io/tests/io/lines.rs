//! The lines of a reader as a stream.

use std::io;

use aio_io::StreamReader;
use futures_lite::StreamExt;
use futures_lite::future::block_on;

use crate::script::{Script, Step, give, poll_times};

#[test]
fn lines_come_without_their_ends() {
    block_on(async {
        let script = Script::new([give("a\r\n\nb\r"), Step::Wait, give("c\r\r\nlast")]);
        let mut reader = StreamReader::new(script);
        let lines: Vec<String> = reader.lines().try_collect().await.unwrap();
        assert_eq!(lines, ["a", "", "b\rc\r", "last"]);
        assert!(reader.at_eof());
    });
}

#[test]
fn a_line_that_is_no_text_does_not_end_the_others() {
    block_on(async {
        let mut reader = StreamReader::new(Script::new([give(b"a\n\xff\xfe\r\nb")]));
        let mut lines = reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), "a");
        let error = lines.next().await.unwrap().unwrap_err();
        assert_eq!((error.is_invalid_utf8(), error.partial()), (true, &b"\xff\xfe"[..]));
        assert_eq!(lines.next().await.unwrap().unwrap(), "b");
        assert!(lines.next().await.is_none());
    });
}

#[test]
fn bytes_need_not_be_text() {
    let mut reader = StreamReader::new(Script::new([give(b"\xff\r\n\n\xfe")]));
    let lines: Vec<Vec<u8>> = block_on(reader.byte_lines().try_collect()).unwrap();
    assert_eq!(lines, [&b"\xff"[..], b"", b"\xfe"]);
}

#[test]
fn lines_end_after_an_error_and_can_go_on() {
    block_on(async {
        let steps = [give("a\npar"), Step::Fail(io::ErrorKind::ConnectionReset), give("tial\ntoo long\nb\n")];
        let mut reader = StreamReader::with_limit(Script::new(steps), 7);
        let mut lines = reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), "a");
        assert!(lines.next().await.unwrap().unwrap_err().is_io());
        assert!(lines.next().await.is_none());
        let mut lines = reader.lines();
        assert_eq!(lines.next().await.unwrap().unwrap(), "partial");
        let error = lines.next().await.unwrap().unwrap_err();
        assert!(error.is_limit());
        assert!(lines.next().await.is_none(), "the same error for ever");
        reader.consume(error.consumed().unwrap());
        let lines: Vec<String> = reader.lines().try_collect().await.unwrap();
        assert_eq!(lines, ["", "b"]);
    });
}

#[test]
fn a_line_that_is_not_waited_for_is_the_next_one() {
    let mut reader = StreamReader::new(Script::new([give("ab"), Step::Wait, give("c"), Step::Wait, give("\nd")]));
    assert!(poll_times(1, reader.lines().next()).is_none());
    assert!(poll_times(1, reader.read_line()).is_none());
    assert_eq!(block_on(reader.lines().next()).unwrap().unwrap(), "abc");
    assert_eq!(block_on(reader.lines().next()).unwrap().unwrap(), "d");
}
