//! A stream of signals.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::Arc; // facade: shared with a signal handler, of which no model knows
use std::sync::atomic::{AtomicBool, Ordering}; // facade: as above
use std::task::{Context, Poll};

use aio_base::waits;
use aio_reactor::Async;
use futures_core::Stream;
use signal_hook::{SigId, flag, low_level};

use crate::Signal;
use crate::disposition::Disposition;

/// Takes these signals: from now on they do not do what they do by default (most end the process), but come out of the
/// stream: asyncio's `add_signal_handler`.
///
/// ```
/// use aio_core::{EventLoop, ThreadPark};
/// use aio_reactor::Reactor;
/// use aio_signal::{Signal, signals};
///
/// EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
///     let mut signals = signals([Signal::TERMINATE, Signal::HANGUP])?;
///     # Signal::HANGUP.raise()?;
///     // kill -HUP
///     assert_eq!(signals.recv().await?, Signal::HANGUP);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
///
/// Any number of streams may take the same signal: all of them hear it, under whatever loop, in whatever thread.
/// Several of one kind that come before the stream is asked are one, as they are to the system; of different kinds
/// none is lost.
///
/// When the last stream that takes a signal is dropped, the signal does again what it did before: what the system does
/// by default (`SIGIO`, and those that the crate `signal-hook` does not know, such as realtime signals: nothing), or
/// nothing if it was ignored, and an interrupt cancels the main task of `run`. A handler that something else in the
/// program has set before is called in any case. One that is set later with the crate `signal-hook`, as tokio's are,
/// does not keep the default from being done after the last stream here was dropped: such a program should keep its
/// stream.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) if one of them is none, or cannot be taken: `SIGKILL` and `SIGSTOP`, which
/// no program can, and those that tell of a fault in the program (`SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE`), after which
/// it cannot go on. What the system says if there is no descriptor to be had; one is needed for the stream, and one for
/// each signal. If there is an error, none is taken.
pub fn signals(signals: impl IntoIterator<Item = Signal>) -> io::Result<Signals> {
    let mut signals: Vec<Signal> = signals.into_iter().collect();
    signals.sort_unstable();
    signals.dedup();
    let (ours, theirs) = UnixStream::pair()?;
    let wakes = Async::new(ours)?;
    let taken = signals.into_iter().map(|signal| {
        take(signal, &theirs).map_err(|error| io::Error::new(error.kind(), format!("failed to take {signal}: {error}")))
    });
    Ok(Signals { taken: taken.collect::<io::Result<_>>()?, next: 0, wakes })
}

/// The stream of [`signals()`]. It does not end.
pub struct Signals {
    taken: Vec<Taken>,
    /// At which to look first, so that one that comes all the time hides no other.
    next: usize,
    /// A byte comes after each signal.
    wakes: Async<UnixStream>,
}

/// One signal of a stream.
struct Taken {
    signal: Signal,
    /// Whether it has come since it was last received.
    heard: Arc<AtomicBool>,
    ids: [SigId; 2],
    disposition: Arc<Disposition>,
}

fn take(signal: Signal, wakes: &UnixStream) -> io::Result<Taken> {
    let number = signal.as_raw();
    match number {
        libc::SIGKILL | libc::SIGSTOP => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "no program can take this signal"));
        }
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE => {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it tells of a fault, after which nothing can go on"));
        }
        _ => {}
    }
    // What can fail, first.
    let prepare = |_was_default| wakes.try_clone();
    Disposition::take(signal, prepare, |disposition, wakes| {
        let heard = Arc::new(AtomicBool::new(false));
        let flag = flag::register(number, heard.clone())?;
        // After the flag, in the handler too: who is woken by the byte finds the flag.
        let pipe = low_level::pipe::register(number, wakes).inspect_err(|_| _ = low_level::unregister(flag))?;
        disposition.add_stream();
        Ok(Taken { signal, heard, ids: [flag, pipe], disposition: disposition.clone() })
    })
}

impl Drop for Taken {
    fn drop(&mut self) {
        // In this order, so that at no time nobody hears the signal.
        self.disposition.remove_stream();
        for id in self.ids {
            low_level::unregister(id);
        }
    }
}

impl Signals {
    /// Waits for the next signal.
    ///
    /// # Cancel safety
    /// No signal is lost: it is the next one's.
    ///
    /// # Fairness
    /// Of several that have come, each is told once before one is told again; the order in which they came is not kept.
    ///
    /// # Errors
    /// If the system cannot tell of the descriptor that this waits for, or has no memory for it.
    pub async fn recv(&mut self) -> io::Result<Signal> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) as a `poll` function: the last that polled is woken.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Signal>> {
        let Self { taken, next, wakes } = self;
        let poll = wakes.poll_read_with(cx, |wakes| {
            // The bytes before the flags: one that comes after the look at its flag leaves a byte, which wakes.
            drain(wakes)?;
            next_heard(taken, next).ok_or_else(|| ErrorKind::WouldBlock.into())
        });
        if poll.is_pending() {
            // Nobody knows of the descriptor.
            waits::called("a signal");
        }
        poll
    }
}

/// Reads what there is.
fn drain(mut wakes: &UnixStream) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        match wakes.read(&mut bytes) {
            Ok(n) if n == bytes.len() => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Takes the first that has come, from `next` on around.
fn next_heard(taken: &[Taken], next: &mut usize) -> Option<Signal> {
    let (before, after) = taken.split_at(*next);
    let place = after.iter().chain(before).position(|taken| taken.heard.swap(false, Ordering::SeqCst))?;
    let place = (*next + place) % taken.len();
    *next = (place + 1) % taken.len();
    Some(taken[place].signal)
}

impl Stream for Signals {
    type Item = io::Result<Signal>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Some)
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signals").field(&self.taken.iter().map(|taken| taken.signal).collect::<Vec<_>>()).finish()
    }
}
