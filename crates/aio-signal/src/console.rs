//! Ctrl-C on Windows: `ctrlc` has the thread that listens, which tells those who wait for it, or else the main task.

use std::io;

use aio_base::sync::OnceLock;

use crate::interruptible::{Listen, interrupted};
use crate::listeners::Listeners;

static LISTENERS: OnceLock<Listeners> = OnceLock::new();

fn listeners() -> &'static Listeners {
    LISTENERS.get_or_init(Listeners::default)
}

/// Begins to listen, until the process ends.
pub(crate) fn listen(how: Listen) -> io::Result<()> {
    let heard = || {
        if !listeners().tell() {
            interrupted();
        }
    };
    match how {
        Listen::IfFree => ctrlc::try_set_handler(heard),
        Listen::Anyway => ctrlc::set_handler(heard),
    }
    .map_err(|error| io::Error::other(format!("failed to listen for Ctrl-C: {error}")))
}

/// Waits for the next Ctrl-C.
pub(crate) async fn next() -> io::Result<()> {
    crate::interruptible::listen(Listen::Anyway)?;
    listeners().next().await;
    Ok(())
}
