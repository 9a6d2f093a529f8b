//! A reader and a writer that do what a script says.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use aio_io::{AsyncRead, AsyncWrite};

/// What a [`Script`] does at its next read.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Gives these bytes, in as many reads as that takes.
    Give(Vec<u8>),
    /// Has nothing now, and wakes at once.
    Wait,
    /// Fails once.
    Fail(io::ErrorKind),
    /// Says that it read this many bytes, and reads none.
    Claim(usize),
    Panic,
}

/// Gives `text` in one piece.
pub(crate) fn give(text: impl AsRef<[u8]>) -> Step {
    Step::Give(text.as_ref().to_vec())
}

#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    pub(crate) reads: usize,
    pub(crate) reads_at_end: usize,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), reads: 0, reads_at_end: 0 }
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!buf.is_empty(), "a read that cannot tell data from the end");
        self.reads += 1;
        match self.steps.pop_front() {
            None => {
                self.reads_at_end += 1;
                Poll::Ready(Ok(0))
            }
            Some(Step::Give(mut bytes)) => {
                let n = bytes.len().min(buf.len());
                buf[..n].copy_from_slice(&bytes[..n]);
                bytes.drain(..n);
                if !bytes.is_empty() {
                    self.steps.push_front(Step::Give(bytes));
                }
                Poll::Ready(Ok(n))
            }
            Some(Step::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Fail(kind)) => Poll::Ready(Err(kind.into())),
            Some(Step::Claim(n)) => Poll::Ready(Ok(n)),
            Some(Step::Panic) => panic!("the reader panics"),
        }
    }
}

/// What a [`Sink`] does at its next write; when there is no more to do, it takes everything.
#[derive(Debug, Clone)]
pub(crate) enum Take {
    AtMost(usize),
    Wait,
    Fail(io::ErrorKind),
    Claim(usize),
}

#[derive(Debug, Default)]
pub(crate) struct Sink {
    steps: VecDeque<Take>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) writes: usize,
    pub(crate) flushes: usize,
    pub(crate) closes: usize,
}

impl Sink {
    pub(crate) fn new(steps: impl IntoIterator<Item = Take>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes += 1;
        let n = match self.steps.pop_front() {
            None => buf.len(),
            Some(Take::AtMost(n)) => n.min(buf.len()),
            Some(Take::Wait) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Take::Fail(kind)) => return Poll::Ready(Err(kind.into())),
            Some(Take::Claim(n)) => return Poll::Ready(Ok(n)),
        };
        self.bytes.extend_from_slice(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closes += 1;
        Poll::Ready(Ok(()))
    }
}

/// Polls a future a few times and drops it; `None` if it was not ready by then.
pub(crate) fn poll_times<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}
