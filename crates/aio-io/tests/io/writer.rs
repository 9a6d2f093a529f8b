//! `StreamWriter`: with and without a buffer.

use std::io;
use std::io::IoSlice;

use aio_io::StreamWriter;
use futures_lite::future::block_on;

use crate::script::{Sink, Take, poll_times};

#[test]
fn without_a_buffer_everything_goes_straight_through() {
    block_on(async {
        let mut writer = StreamWriter::new(Sink::new([Take::AtMost(1), Take::Wait]));
        writer.write_all(b"abc").await.unwrap();
        assert_eq!(writer.get_ref().bytes, b"abc");
        writer.write_all(b"").await.unwrap();
        let bufs = &mut [IoSlice::new(b"d"), IoSlice::new(b"e")];
        writer.write_all_vectored(bufs).await.unwrap();
        assert_eq!(writer.buffer(), b"");
        writer.close().await.unwrap();
        let (sink, rest) = writer.into_inner();
        assert_eq!((&sink.bytes[..], sink.closes, &rest[..]), (&b"abcde"[..], 1, &b""[..]));
    });
}

#[test]
fn many_small_writes_become_few_large_ones() {
    block_on(async {
        let mut writer = StreamWriter::with_buffer(Sink::default(), 8);
        for _ in 0..10 {
            writer.write_all(b"abc").await.unwrap();
        }
        assert_eq!((writer.get_ref().writes, writer.buffer()), (4, &b"abcabc"[..]));
        writer.flush().await.unwrap();
        assert_eq!((writer.get_ref().writes, writer.get_ref().flushes), (5, 1));
        assert_eq!(writer.get_ref().bytes, b"abc".repeat(10));
        assert_eq!(writer.buffer(), b"");
    });
}

#[test]
fn a_large_write_does_not_go_through_the_buffer_nor_overtake_it() {
    block_on(async {
        let mut writer = StreamWriter::with_buffer(Sink::default(), 4);
        writer.write_all(b"a").await.unwrap();
        writer.write_all(b"bcdef").await.unwrap();
        assert_eq!((writer.get_ref().writes, &writer.get_ref().bytes[..]), (2, &b"abcdef"[..]));
        writer.write_all(b"g").await.unwrap();
        writer.write_all_vectored(&mut [IoSlice::new(b"hi"), IoSlice::new(b"j")]).await.unwrap();
        writer.write_all_vectored(&mut [IoSlice::new(b"k"), IoSlice::new(b"l")]).await.unwrap();
        assert_eq!(writer.get_ref().bytes, b"abcdefghij");
        writer.close().await.unwrap();
        assert_eq!((&writer.get_ref().bytes[..], writer.get_ref().closes), (&b"abcdefghijkl"[..], 1));
    });
}

#[test]
fn what_could_not_be_sent_stays_in_the_buffer() {
    let steps = [Take::AtMost(1), Take::Wait, Take::AtMost(1), Take::Fail(io::ErrorKind::TimedOut), Take::AtMost(0)];
    let mut writer = StreamWriter::with_buffer(Sink::new(steps), 8);
    block_on(writer.write_all(b"abcd")).unwrap();
    assert!(poll_times(1, writer.flush()).is_none());
    assert_eq!(writer.buffer(), b"bcd");
    assert_eq!(block_on(writer.flush()).unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(writer.buffer(), b"cd");
    assert_eq!(block_on(writer.close()).unwrap_err().kind(), io::ErrorKind::WriteZero);
    assert_eq!(writer.get_ref().closes, 0);
    block_on(writer.close()).unwrap();
    assert_eq!((&writer.get_ref().bytes[..], writer.get_ref().closes), (&b"abcd"[..], 1));
}
