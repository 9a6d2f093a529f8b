//! `StreamReader`: exact numbers of bytes, separators, limits, the end, errors.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aio_base::live::leak_check;
use aio_io::{AsyncBufRead, ReadError, ReadExt, StreamReader};
use futures_lite::future::{block_on, poll_fn};

use crate::script::{Script, Step, give, poll_times};

fn reader(steps: impl IntoIterator<Item = Step>) -> StreamReader<Script> {
    StreamReader::new(Script::new(steps))
}

#[test]
fn a_read_gives_what_there_is_and_zero_at_the_end() {
    leak_check(|| {
        block_on(async {
            let mut reader = reader([give("abc"), Step::Wait, give("d")]);
            let mut buf = [0; 2];
            assert_eq!(reader.read(&mut []).await.unwrap(), 0);
            assert_eq!(reader.get_ref().reads, 0);
            assert_eq!((reader.read(&mut buf).await.unwrap(), &buf), (2, b"ab"));
            assert_eq!((reader.read(&mut buf).await.unwrap(), &buf[..1]), (1, &b"c"[..]));
            assert_eq!((reader.read(&mut buf).await.unwrap(), &buf[..1]), (1, &b"d"[..]));
            assert!(!reader.at_eof());
            assert_eq!(reader.read(&mut buf).await.unwrap(), 0);
            assert!(reader.at_eof());
            assert_eq!(reader.read(&mut buf).await.unwrap(), 0);
            assert_eq!(reader.get_ref().reads_at_end, 1, "the end is final");
        });
    });
}

#[test]
fn a_large_read_goes_past_the_buffer() {
    block_on(async {
        let mut reader = reader([give(vec![b'a'; 100_000])]);
        let mut buf = vec![0; 50_000];
        assert_eq!(reader.read(&mut buf).await.unwrap(), 50_000);
        assert!(reader.buffer().is_empty());
        assert_eq!(reader.read(&mut buf).await.unwrap(), 50_000);
        assert_eq!(reader.read(&mut buf).await.unwrap(), 0);
        assert!(reader.at_eof());
    });
}

#[test]
fn an_exact_read_that_meets_the_end_gives_what_came() {
    block_on(async {
        let mut reader = reader([give("abc"), Step::Wait, give("de")]);
        let mut buf = [0; 2];
        reader.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"ab");
        let error = reader.read_exact(&mut [0; 4]).await.unwrap_err();
        assert!(error.is_incomplete() && !error.is_limit() && !error.is_io() && !error.is_invalid_utf8());
        assert_eq!((error.partial(), error.expected()), (&b"cde"[..], Some(4)));
        assert_eq!(error.to_string(), "the stream ended after 3 of 4 bytes");
        assert_eq!(error.into_partial(), b"cde");
        assert!(reader.at_eof());
        reader.read_exact(&mut []).await.unwrap();
    });
}

#[test]
fn a_large_exact_read_that_is_cancelled_or_fails_keeps_all_that_came() {
    let data: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let part = |from: usize, until: usize| give(&data[from..until]);
    let steps = [
        part(0, 7),
        part(7, 20_000),
        Step::Wait,
        part(20_000, 50_000),
        part(50_000, 60_000),
        Step::Fail(io::ErrorKind::ConnectionReset),
        part(60_000, 70_000),
        Step::Panic,
        part(70_000, 100_000),
    ];
    let mut reader = reader(steps);
    let mut buf = vec![0; 99_999];
    assert!(poll_times(1, reader.read_exact(&mut buf)).is_none());
    assert_eq!(reader.buffer(), &data[..20_000]);
    buf.fill(0);
    let error = block_on(reader.read_exact(&mut buf)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(reader.buffer(), &data[..60_000]);
    buf.fill(0);
    catch_unwind(AssertUnwindSafe(|| block_on(reader.read_exact(&mut buf)))).unwrap_err();
    assert_eq!(reader.buffer(), &data[..70_000]);
    buf.fill(0);
    block_on(reader.read_exact(&mut buf)).unwrap();
    assert_eq!(buf, &data[..99_999]);
    let error = block_on(reader.read_exact(&mut buf)).unwrap_err();
    assert_eq!(error.partial(), &data[99_999..]);
}

#[test]
fn an_exact_read_takes_memory_only_for_what_comes() {
    let mut reader = reader([give("abc"), Step::Wait]);
    assert!(poll_times(1, reader.read_exactly(usize::MAX)).is_none());
    let error = block_on(reader.read_exactly(usize::MAX)).unwrap_err();
    assert_eq!((error.partial(), error.expected()), (&b"abc"[..], Some(usize::MAX)));
}

#[test]
fn a_separator_may_come_in_pieces() {
    block_on(async {
        let mut reader = reader([give("a\r"), give("\n\r"), Step::Wait, give("\nbc\r\n"), give("\r\n")]);
        assert_eq!(reader.read_until(b"\r\n\r\n").await.unwrap(), b"a\r\n\r\n");
        assert_eq!(reader.read_until("\r\n\r\n").await.unwrap(), b"bc\r\n\r\n");
        let error = reader.read_until("\r\n\r\n").await.unwrap_err();
        assert!(error.is_incomplete());
        assert_eq!((error.partial(), error.expected()), (&b""[..], None));
    });
}

#[test]
fn of_several_separators_the_first_to_end_counts() {
    block_on(async {
        let text = "one--two-three--four";
        let mut reader = reader([give(text)]);
        let separators: [&[u8]; 2] = [b"two-three", b"--"];
        assert_eq!(reader.read_until(separators).await.unwrap(), b"one--");
        assert_eq!(reader.read_until(&separators).await.unwrap(), b"two-three");
        assert_eq!(reader.read_until(&separators[..]).await.unwrap(), b"--");
        assert_eq!(reader.read_until(["ur", "f", "our"]).await.unwrap(), b"f");
        assert_eq!(reader.read_until(&["ur", "r"]).await.unwrap(), b"our");
    });
}

#[test]
fn a_rare_separator_does_not_hide_a_common_one() {
    block_on(async {
        let text = format!("{}\n{}!\n", "a".repeat(3000), "b".repeat(5000));
        let mut reader = reader([give(&text)]);
        assert_eq!(reader.read_until(["!\n", "\n"]).await.unwrap().len(), 3001);
        assert_eq!(reader.read_until(["!\n", "\n"]).await.unwrap(), &text.as_bytes()[3001..]);
    });
}

#[test]
fn a_separator_that_was_searched_for_does_not_hide_another() {
    let mut reader = reader([give("a;b\r"), Step::Wait, give("\nc|")]);
    assert!(poll_times(1, reader.read_until(b"\r\n")).is_none());
    assert_eq!(block_on(reader.read_until(b';')).unwrap(), b"a;");
    assert_eq!(block_on(reader.read_until(b"\r\n")).unwrap(), b"b\r\n");
    assert_eq!(block_on(reader.read_until(b'|')).unwrap(), b"c|");
}

#[test]
#[should_panic(expected = "a separator must not be empty")]
fn an_empty_separator_is_refused() {
    let _ = block_on(reader([]).read_until(["a", ""]));
}

#[test]
#[should_panic(expected = "there must be a separator")]
fn no_separator_is_refused() {
    let none: [&str; 0] = [];
    let _ = block_on(reader([]).read_until(none));
}

#[test]
fn what_is_too_long_is_kept_and_can_be_skipped() {
    block_on(async {
        let script = Script::new([give("12345678"), Step::Wait, give("9\nok\n")]);
        let mut reader = StreamReader::with_limit(script, 4);
        let error = reader.read_line().await.unwrap_err();
        assert!(error.is_limit() && !error.is_incomplete());
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "no separator in the first 8 bytes, 4 are allowed");
        assert_eq!(reader.buffer(), b"12345678");
        // It can be skipped, piece by piece.
        reader.consume(error.consumed().unwrap());
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("9\n"));
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("ok\n"));
        assert_eq!(reader.read_line().await.unwrap(), None);
    });
}

#[test]
fn the_limit_is_about_what_comes_before_the_separator() {
    block_on(async {
        let mut exact = StreamReader::with_limit(Script::new([give("1234\r\n")]), 4);
        assert_eq!(exact.read_until(b"\r\n").await.unwrap(), b"1234\r\n");
        let mut longer = StreamReader::with_limit(Script::new([give("12345\r\n")]), 4);
        let error = longer.read_until(b"\r\n").await.unwrap_err();
        assert_eq!(error.consumed(), Some(5));
        longer.set_limit(5);
        assert_eq!(longer.read_until(b"\r\n").await.unwrap(), b"12345\r\n");
    });
}

#[test]
fn a_search_buffers_not_much_more_than_the_limit() {
    let mut reader = StreamReader::with_limit(Script::new([give(vec![b'a'; 1 << 20])]), 100_000);
    assert!(block_on(reader.read_line()).unwrap_err().is_limit());
    assert_eq!(reader.buffer().len(), 100_001);
    // Read after read, too.
    assert!(block_on(reader.read_line()).unwrap_err().is_limit());
    assert_eq!(reader.buffer().len(), 100_001);
}

/// <https://github.com/tokio-rs/tokio/issues/8400>
#[test]
fn an_error_in_the_middle_of_a_line_loses_nothing() {
    block_on(async {
        let mut reader = reader([give("par"), Step::Fail(io::ErrorKind::ConnectionReset), give("tial\nnext")]);
        let error = reader.read_line().await.unwrap_err();
        assert!(error.is_io());
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(reader.buffer(), b"par");
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("partial\n"));
        assert_eq!(reader.read_to_end().await.unwrap(), b"next");
    });
}

#[test]
fn a_reader_that_panics_takes_nothing_along() {
    let mut reader = reader([give("par"), Step::Panic, give("tial\n")]);
    catch_unwind(AssertUnwindSafe(|| block_on(reader.read_line()))).unwrap_err();
    assert_eq!(block_on(reader.read_line()).unwrap().as_deref(), Some("partial\n"));
}

#[test]
fn a_line_that_is_no_text_is_in_the_error() {
    block_on(async {
        let mut reader = reader([give(b"a\xff\nb\n")]);
        let error = reader.read_line().await.unwrap_err();
        assert!(error.is_invalid_utf8());
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.partial(), b"a\xff\n");
        assert_eq!(error.into_partial(), b"a\xff\n");
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("b\n"));
    });
}

#[test]
fn the_rest_is_read_to_the_end_whatever_the_limit() {
    block_on(async {
        let long = vec![b'a'; 50_000];
        let script = Script::new([give("x\n"), give(&long), Step::Wait, Step::Fail(io::ErrorKind::Other), give("b")]);
        let mut reader = StreamReader::with_limit(script, 10);
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("x\n"));
        assert_eq!(reader.read_to_end().await.unwrap_err().kind(), io::ErrorKind::Other);
        let mut rest = long;
        rest.push(b'b');
        assert_eq!(reader.read_to_string().await.unwrap().as_bytes(), rest);
        assert_eq!(reader.read_to_end().await.unwrap(), b"");
    });
}

#[test]
fn a_text_that_is_none_is_in_the_error() {
    let error = block_on(reader([give(b"a\xff")]).read_to_string()).unwrap_err();
    assert_eq!(error.partial(), b"a\xff");
}

#[test]
fn interruptions_are_invisible() {
    block_on(async {
        let interrupted = || Step::Fail(io::ErrorKind::Interrupted);
        let mut reader = reader([interrupted(), give("ab"), interrupted(), interrupted(), give("c\n"), interrupted()]);
        reader.read_exact(&mut [0]).await.unwrap();
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("bc\n"));
        assert_eq!(reader.read_line().await.unwrap(), None);
    });
}

#[test]
fn a_reader_that_lies_about_its_count_is_an_error() {
    block_on(async {
        let mut reader = reader([give("ab"), Step::Claim(usize::MAX), give("c\n"), Step::Claim(50_001)]);
        let error = reader.read_line().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let text = error.to_string();
        assert!(text.contains("the reader claims 18446744073709551615 bytes of a buffer of"), "{text}");
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("abc\n"));
        let error = reader.read(&mut vec![0; 50_000]).await.unwrap_err();
        assert_eq!(error.to_string(), "the reader claims 50001 bytes of a buffer of 50000");
    });
}

#[test]
fn an_error_becomes_an_io_error_and_is_found_in_it_again() {
    block_on(async {
        async fn through(reader: &mut StreamReader<Script>) -> io::Result<()> {
            reader.read_exact(&mut [0; 3]).await?;
            Ok(())
        }
        let mut reader = reader([give("a"), Step::Fail(io::ErrorKind::ConnectionReset), give("b")]);
        let error = through(&mut reader).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.get_ref().is_none(), "that of the reader comes as it was");
        let error = through(&mut reader).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(error.to_string(), "the stream ended after 2 of 3 bytes");
        assert_eq!(ReadError::from(error).partial(), b"ab");
        assert!(ReadError::from(io::Error::other("x")).is_io());
    });
}

#[test]
fn a_parser_of_its_own_fills_looks_and_consumes() {
    block_on(async {
        let mut reader = StreamReader::with_limit(Script::new([give("abc"), Step::Wait, give("defg")]), 5);
        assert_eq!(reader.fill().await.unwrap(), 3);
        assert_eq!(reader.fill().await.unwrap(), 2);
        assert_eq!(reader.buffer(), b"abcde");
        let error = reader.fill().await.unwrap_err();
        assert!(error.is_limit());
        reader.consume(4);
        assert_eq!(reader.fill().await.unwrap(), 2);
        assert_eq!(reader.fill().await.unwrap(), 0);
        let (_, rest) = reader.into_inner();
        assert_eq!(rest, b"efg");
    });
}

#[test]
#[should_panic(expected = "2 bytes consumed of 1 in the buffer")]
fn what_is_not_there_cannot_be_consumed() {
    let mut reader = reader([give("a")]);
    block_on(reader.fill()).unwrap();
    reader.consume(2);
}

#[test]
fn it_is_a_reader_with_a_buffer_for_others() {
    block_on(async {
        let mut reader = StreamReader::new(reader([give("abc\ndef")]));
        assert_eq!(
            poll_fn(|cx| std::pin::Pin::new(&mut reader).poll_fill_buf(cx).map_ok(<[u8]>::len)).await.unwrap(),
            7
        );
        AsyncBufRead::consume(std::pin::Pin::new(&mut reader), 1);
        // One inside the other, by the traits alone.
        let mut buf = [0; 2];
        ReadExt::read_exact(&mut reader, &mut buf).await.unwrap();
        assert_eq!(&buf, b"bc");
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("\n"));
        assert_eq!(reader.read_to_string().await.unwrap(), "def");
    });
}

#[test]
fn lines_are_appended_to_memory_that_is_there() {
    block_on(async {
        let mut reader = reader([give("abc\nde\nf")]);
        let mut line = Vec::with_capacity(16);
        assert_eq!(reader.read_until_into(b'\n', &mut line).await.unwrap(), 4);
        assert_eq!(reader.read_until_into(b'\n', &mut line).await.unwrap(), 3);
        assert_eq!((&line[..], line.capacity()), (&b"abc\nde\n"[..], 16));
        assert_eq!(reader.read_until_into(b'\n', &mut line).await.unwrap_err().partial(), b"f");
        assert_eq!(line, b"abc\nde\n");
    });
}
