//! Talking to a child and collecting what it says, without a deadlock.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::process::Output;
use std::task::{Context, Poll};

use aio_io::{AsyncRead, ReadExt, WriteExt};

use crate::{Child, ChildStdin, attempted};

/// When what a child says is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// When nobody is left who could say more.
    Silence,
    /// When the child has ended.
    Exit,
}

pub(crate) async fn communicate(child: Child, input: &[u8], until: Until) -> io::Result<Output> {
    let Child { stdin, mut stdout, mut stderr, process } = child;
    let (mut output, mut errors) = (Vec::new(), Vec::new());

    let status = {
        let write = pin!(write_all(stdin, input));
        let read_output = pin!(read_to_end(stdout.as_mut(), &mut output));
        let read_errors = pin!(read_to_end(stderr.as_mut(), &mut errors));
        let mut talk = Together([Some(write), Some(read_output), Some(read_errors)]);
        let mut wait = pin!(process.wait());
        poll_fn(|cx| {
            // What is there is read first: a pipe that somebody fills for ever keeps nobody from seeing the end.
            let is_silent = talk.poll(cx)?.is_ready();
            if is_silent || until == Until::Exit { wait.as_mut().poll(cx) } else { Poll::Pending }
        })
        .await?
    };

    // Where there was silence, there is nothing left.
    if until == Until::Exit {
        let drained = async {
            if let Some(stdout) = &mut stdout {
                stdout.drain(&mut output).await?;
            }
            if let Some(stderr) = &mut stderr {
                stderr.drain(&mut errors).await?;
            }
            Ok(())
        };
        drained.await.map_err(attempted(format_args!("read from process {}", process.id())))?;
    }
    Ok(Output { status, stdout: output, stderr: errors })
}

/// All of it, unless the child does not want to read it all; then the end.
async fn write_all(stdin: Option<ChildStdin>, input: &[u8]) -> io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    match stdin.write_all(input).await {
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => Ok(()),
        result => result,
    }
}

/// What has been read is there also if this is dropped before the end.
async fn read_to_end(pipe: Option<&mut (impl AsyncRead + Unpin)>, into: &mut Vec<u8>) -> io::Result<()> {
    match pipe {
        Some(pipe) => pipe.read_to_end(into).await.map(|_| ()),
        None => Ok(()),
    }
}

type Talk<'a> = Pin<&'a mut (dyn Future<Output = io::Result<()>> + Send + 'a)>;

/// Several at the same time, until all are done or one has failed.
struct Together<'a, const N: usize>([Option<Talk<'a>>; N]);

impl<const N: usize> Together<'_, N> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut is_done = true;
        for slot in &mut self.0 {
            if let Some(talk) = slot {
                match talk.as_mut().poll(cx)? {
                    Poll::Ready(()) => *slot = None,
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}
