//! The next Ctrl-C.

use std::io;

/// Waits until Ctrl-C is pressed, on every system.
///
/// As long as it waits, the program has taken Ctrl-C: it neither ends the process nor cancels the main task of `run`.
/// That begins when the future is first polled, and ends when it is ready or dropped; whoever wants to hear of every
/// Ctrl-C keeps a stream of `signals([Signal::INTERRUPT])`, where there are signals.
///
/// ```no_run
/// # async fn serve() {}
/// # async fn example() -> std::io::Result<()> {
/// aio_group::race((serve(), async { aio_signal::ctrl_c().await.unwrap() })).await;
/// println!("no further requests; press Ctrl-C again to end at once");
/// # Ok(())
/// # }
/// ```
///
/// On Unix this is the signal `SIGINT`, and on Windows what the console calls Ctrl-C. All that wait are told.
///
/// # Cancel safety
/// A Ctrl-C that comes while nobody waits does what it would without this.
///
/// # Errors
/// If the system has no descriptor for it; on Windows, if it cannot listen.
pub async fn ctrl_c() -> io::Result<()> {
    imp::ctrl_c().await
}

#[cfg(unix)]
mod imp {
    use std::io;

    use crate::{Signal, signals};

    pub(super) async fn ctrl_c() -> io::Result<()> {
        signals([Signal::INTERRUPT])?.recv().await?;
        Ok(())
    }
}

#[cfg(windows)]
mod imp {
    use std::io;

    pub(super) async fn ctrl_c() -> io::Result<()> {
        crate::console::next().await
    }
}
