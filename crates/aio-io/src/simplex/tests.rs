//! Models: two ends on two threads.

use std::pin::pin;

use aio_base::thread;
use loom::future::block_on;

use super::*;
use crate::read_ext::ReadExt;
use crate::write_ext::WriteExt;

/// Room for one byte, and two to send: each side waits for the other at some point, or finds what it needs just before
/// it would. Nobody is left asleep, and the end comes after the last byte.
#[test]
fn what_is_written_is_read_and_then_the_end() {
    loom::model(|| {
        let (mut reader, mut writer) = simplex(1);
        let other = thread::spawn("", move || block_on(writer.write_all(b"ab")).unwrap()).unwrap();
        let mut bytes = Vec::new();
        block_on(reader.read_to_end(&mut bytes)).unwrap();
        assert_eq!(bytes, b"ab");
        other.join().unwrap();
    });
}

/// The reader goes while the writer finds no room, waits for some, or has just been given some.
#[test]
fn a_writer_learns_that_its_reader_is_gone() {
    loom::model(|| {
        let (mut reader, mut writer) = simplex(1);
        let other = thread::spawn("", move || {
            block_on(reader.read(&mut [0])).unwrap();
        });
        let error = block_on(async {
            loop {
                if let Err(error) = writer.write(b"a").await {
                    break error;
                }
            }
        });
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        other.unwrap().join().unwrap();
    });
}

/// A read is given up (its waker stays) while a byte comes; the next one gets it, or a waker of its own.
#[test]
fn a_read_that_is_given_up_takes_nothing() {
    loom::model(|| {
        let (mut reader, mut writer) = simplex(1);
        let other = thread::spawn("", move || block_on(writer.write_all(b"a")).unwrap()).unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let mut buf = [0];
        let first = match pin!(reader.read(&mut buf)).poll(&mut cx) {
            Poll::Ready(n) => n.unwrap(),
            Poll::Pending => 0,
        };
        let second = if first == 1 { 0 } else { block_on(reader.read(&mut buf)).unwrap() };
        assert_eq!((first + second, buf), (1, *b"a"));
        other.join().unwrap();
    });
}
