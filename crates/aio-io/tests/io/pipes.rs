//! `simplex` and `duplex`.

use std::future::Future;
use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use aio_base::live::leak_check;
use aio_io::{AsyncWrite, ReadExt, WriteExt, duplex, simplex};
use futures_lite::future::{block_on, zip};

use crate::script::poll_times;

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn n(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Polls once with a waker that counts.
fn poll<F: Future>(future: F, count: &Arc<Count>) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(&count.clone().into()))
}

#[test]
fn a_pipe_holds_no_more_than_its_capacity() {
    let (mut reader, mut writer) = simplex(4);
    assert_eq!(block_on(writer.write(b"abcdef")).unwrap(), 4);
    assert!(poll_times(1, writer.write(b"e")).is_none());
    assert_eq!(block_on(writer.write(b"")).unwrap(), 0);
    let mut buf = [0; 3];
    assert_eq!(block_on(reader.read(&mut buf)).unwrap(), 3);
    assert_eq!(block_on(writer.write_vectored(&[b"e", b"".as_slice(), b"fgh"].map(IoSlice::new))).unwrap(), 3);
    assert_eq!(block_on(reader.read(&mut [])).unwrap(), 0);
    let (mut one, mut two) = ([0; 3], [0; 3]);
    let bufs = &mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
    assert_eq!(block_on(reader.read_vectored(bufs)).unwrap(), 4);
    assert_eq!((&buf, &one, &two[..1]), (b"abc", b"def", &b"g"[..]));
}

#[test]
fn each_end_wakes_the_other_once_and_only_if_it_waits() {
    let (reads, writes) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let (mut reader, mut writer) = simplex(1);
    assert!(poll(reader.read(&mut [0]), &reads).is_pending());
    assert!(poll(writer.write(b"a"), &writes).is_ready());
    assert_eq!((reads.n(), writes.n()), (1, 0));
    assert!(poll(writer.write(b"b"), &writes).is_pending());
    assert!(poll(writer.write(b"b"), &writes).is_pending());
    assert!(poll(reader.read(&mut [0]), &reads).is_ready());
    assert_eq!((reads.n(), writes.n()), (1, 1));
    assert!(poll(writer.write(b"b"), &writes).is_ready());
    assert_eq!((reads.n(), writes.n()), (1, 1));
}

#[test]
fn after_the_writer_comes_what_is_under_way_and_then_the_end() {
    leak_check(|| {
        let count = Arc::new(Count::default());
        let (mut reader, mut writer) = simplex(4);
        block_on(writer.write_all(b"ab")).unwrap();
        block_on(writer.close()).unwrap();
        assert_eq!(block_on(writer.write(b"c")).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let mut buf = [0; 4];
        assert_eq!(block_on(reader.read(&mut buf)).unwrap(), 2);
        assert_eq!(block_on(reader.read(&mut buf)).unwrap(), 0);
        let (mut reader, writer) = simplex(4);
        assert!(poll(reader.read(&mut buf), &count).is_pending());
        drop(writer);
        assert_eq!(count.n(), 1);
        assert_eq!(block_on(reader.read(&mut buf)).unwrap(), 0);
    });
}

#[test]
fn without_a_reader_writing_fails() {
    let count = Arc::new(Count::default());
    let (reader, mut writer) = simplex(1);
    block_on(writer.write_all(b"a")).unwrap();
    assert!(poll(writer.write(b"b"), &count).is_pending());
    drop(reader);
    assert_eq!(count.n(), 1);
    let error = block_on(writer.write(b"b")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn an_end_that_is_gone_keeps_no_waker() {
    let count = Arc::new(Count::default());
    let (mut reader, writer) = simplex(1);
    assert!(poll(reader.read(&mut [0]), &count).is_pending());
    drop(reader);
    assert_eq!(Arc::strong_count(&count), 1);
    drop(writer);
    let (_reader, mut writer) = simplex(1);
    block_on(writer.write_all(b"a")).unwrap();
    assert!(poll(writer.write(b"b"), &count).is_pending());
    drop(writer);
    assert_eq!((Arc::strong_count(&count), count.n()), (1, 0));
}

/// Cloned and dropped, and woken by a pipe, it writes to that pipe.
#[test]
fn a_waker_may_use_the_pipe() {
    struct Nosy(std::sync::Mutex<aio_io::DuplexStream>);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            let mut stream = self.0.try_lock().unwrap();
            let n = Pin::new(&mut *stream).poll_write(&mut Context::from_waker(Waker::noop()), b"woken");
            assert!(matches!(n, Poll::Ready(Ok(5))));
        }
    }
    let (mut here, there) = duplex(8);
    let nosy: Waker = Arc::new(Nosy(std::sync::Mutex::new(there))).into();
    let (mut other, _there) = duplex(8);
    std::mem::swap(&mut here, &mut other);
    let (mut reader, mut writer) = simplex(1);
    assert!(pin!(reader.read(&mut [0])).poll(&mut Context::from_waker(&nosy)).is_pending());
    block_on(writer.write_all(b"a")).unwrap();
    let mut buf = [0; 8];
    assert_eq!(block_on(other.read(&mut buf)).unwrap(), 5);
}

#[test]
fn both_directions_are_independent() {
    block_on(async {
        let (a, b) = duplex(2);
        let ((mut from_b, mut to_b), (mut from_a, mut to_a)) = (a.into_split(), b.into_split());
        let text = b"a longer text than fits".as_slice();
        let (mut at_a, mut at_b) = (Vec::new(), Vec::new());
        let send_a = async {
            to_b.write_all(text).await.unwrap();
            to_b.close().await.unwrap();
        };
        let send_b = async {
            to_a.write_all(text).await.unwrap();
            drop(to_a);
        };
        let receive = zip(from_b.read_to_end(&mut at_a), from_a.read_to_end(&mut at_b));
        let (_, (n, m)) = zip(zip(send_a, send_b), receive).await;
        assert_eq!((n.unwrap(), m.unwrap()), (text.len(), text.len()));
        assert_eq!((&at_a[..], &at_b[..]), (text, text));
    });
}

#[test]
fn ends_on_two_threads_pass_everything_in_order() {
    leak_check(|| {
        let (mut reader, mut writer) = simplex(100);
        let data: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
        let sent = data.clone();
        let other = std::thread::spawn(move || block_on(writer.write_all(&sent)).unwrap());
        let mut got = Vec::new();
        block_on(reader.read_to_end(&mut got)).unwrap();
        other.join().unwrap();
        assert!(got == data);
    });
}

#[test]
#[should_panic(expected = "a pipe without room lets nothing through")]
fn a_pipe_has_room() {
    duplex(0);
}
