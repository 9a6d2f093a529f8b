//! Operations that are cancelled did not happen.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aio_io::{AsyncRead, AsyncWrite, ReadExt, WriteExt};

/// 100,000 cancelled reads and writes, and every byte that was reported is there, once.
pub(crate) async fn lose_nothing(mut here: impl AsyncWrite + Unpin, mut there: impl AsyncRead + Unpin) {
    const MOST: usize = 100_000;
    let pattern: Vec<u8> = (0..251 + MOST).map(|i| (i % 251) as u8).collect();
    let expected = |from: usize, len: usize| &pattern[from % 251..][..len];
    let mut memory = vec![0; MOST];
    let mut cx = Context::from_waker(Waker::noop());
    let (mut sent, mut received) = (0_usize, 0_usize);
    let (mut reads, mut writes) = (0, 0);
    let mut step = 0_usize;
    while reads < 90_000 || writes < 10_000 {
        step += 1;
        // Now and then nobody reads for a while, until there is no more room.
        let is_full = writes < 10_000 && step % 1000 < 300;
        if !is_full {
            // Until there is nothing more to read, in pieces that are sometimes larger than what there is.
            let buffer = &mut memory[..if step.is_multiple_of(2) { 7 } else { MOST }];
            match pin!(there.read(buffer)).poll(&mut cx) {
                Poll::Ready(n) => {
                    let n = n.unwrap();
                    assert!(memory[..n] == *expected(received, n), "after {received} bytes");
                    received += n;
                }
                Poll::Pending => reads += 1,
            }
        }
        if is_full || step.is_multiple_of(3) {
            let data = expected(sent, if is_full { MOST } else { step % 11 });
            match pin!(here.write(data)).poll(&mut cx) {
                Poll::Ready(n) => sent += n.unwrap(),
                Poll::Pending => writes += 1,
            }
        }
        if step.is_multiple_of(3) {
            // The events come in.
            aio_core::yield_now().await;
        }
    }
    here.close().await.unwrap();
    loop {
        let n = there.read(&mut memory).await.unwrap();
        assert!(memory[..n] == *expected(received, n), "after {received} bytes");
        received += n;
        if n == 0 {
            break;
        }
    }
    assert_eq!(received, sent);
}
