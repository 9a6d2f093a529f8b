//! What a connection costs that waits for its peer.
#![cfg(not(aio_loom))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll, Waker};

use aio_io::{AsyncRead, AsyncWrite, StreamReader, StreamWriter, copy_bidirectional};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: passes everything on to the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller answers for it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller answers for it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Something comes every other time, and nothing in between: a connection as it lives.
struct Peer(Vec<u8>);

impl AsyncRead for Peer {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<std::io::Result<usize>> {
        let n = self.0.len().min(buf.len());
        if n == 0 {
            return Poll::Pending;
        }
        buf[..n].copy_from_slice(&self.0[..n]);
        self.0.drain(..n);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The bytes in use for each of 1,000 futures that wait, and the size of one, which is among them.
fn per_future<F: Future>(start: impl Fn() -> F) -> (isize, usize) {
    let before = IN_USE.load(Ordering::Relaxed);
    let mut waiting = Vec::with_capacity(1_000);
    for _ in 0..1_000 {
        let mut future = Box::pin(start());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        waiting.push(future);
    }
    let after = IN_USE.load(Ordering::Relaxed);
    ((after - before) / 1_000, size_of::<F>())
}

// One test, since others would allocate meanwhile.
#[test]
fn a_connection_that_waits_has_no_buffer() {
    let lines = || async {
        let mut stream = StreamReader::new(StreamWriter::with_buffer(Peer(vec![b'\n'; 3_000]), 8192));
        while let Some(line) = stream.read_line().await.unwrap() {
            aio_io::WriteExt::write_all(&mut stream, line.as_bytes()).await.unwrap();
            if stream.buffer().is_empty() {
                aio_io::WriteExt::flush(&mut stream).await.unwrap();
            }
        }
    };
    let (bytes, size) = per_future(lines);
    println!("a reader and a writer with buffers: {bytes} bytes, of which the future {size}");
    assert!(size < 500, "{size}");
    // A pointer in the list of them, and the scratch memory of this thread, divided among them.
    assert!(bytes < size as isize + 64, "{bytes}");

    let proxy = || async {
        let (mut a, mut b) = (Peer(vec![0; 3_000]), Peer(vec![0; 3_000]));
        copy_bidirectional(&mut a, &mut b).await.unwrap();
    };
    let (bytes, size) = per_future(proxy);
    println!("a copy in both directions: {bytes} bytes, of which the future {size}");
    assert!(size < 500, "{size}");
    assert!(bytes < size as isize + 64, "{bytes}");
}
