//! Child processes for `aio`: started, talked to, waited for, and never left behind as zombies.
//!
//! ```
//! # #[cfg(unix)]
//! # fn main() -> std::io::Result<()> {
//! use aio_process::{Command, Stdio};
//!
//! aio_core::block_on(async {
//!     let output = Command::new("echo").arg("hello").output().await?;
//!     assert!(output.status.success());
//!     assert_eq!(output.stdout, b"hello\n");
//!
//!     // As much as you like in both directions, without a deadlock.
//!     let sort = Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//!     assert_eq!(sort.communicate("b\na\n").await?.stdout, b"a\nb\n");
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```
//!
//! - [`Command`] is that of the standard library, and starts a [`Child`]; or runs it to its end, with
//!   [`output`](Command::output) and [`status`](Command::status).
//! - [`Child::wait`] ends when the process does, whoever still holds its pipes. [`Child::communicate`] feeds it and
//!   collects what it says; [`Child::output_until_exit`] does not wait for what it left in the background.
//! - [`Child::terminate_then_kill`] asks it to end, and sees to it that it does. On Unix, `Group` is the child with all
//!   that it has started.
//! - [`ChildStdin`], [`ChildStdout`] and [`ChildStderr`] are streams of bytes, as everything in `aio_io`.
//!
//! All of it works under any executor.
//!
//! # Coming from asyncio
//!
//! | asyncio | here |
//! |---|---|
//! | `create_subprocess_exec("ls", "-l")` | [`Command::new("ls").arg("-l").spawn()`](Command::spawn) |
//! | `create_subprocess_shell("ls \| wc")` | [`Command::shell("ls \| wc").spawn()`](Command::shell) |
//! | `stdin=PIPE`, `DEVNULL`, `STDOUT` | [`Stdio::piped()`], [`Stdio::null()`], `2>&1` in a shell |
//! | `await p.wait()`: after its pipes are closed, too | [`wait`](Child::wait): when the process ends |
//! | `await p.communicate(data)` | [`communicate(data)`](Child::communicate) |
//! | `p.returncode`, `-15` for a signal | [`try_wait`](Child::try_wait), an [`ExitStatus`]; [`returncode()`] |
//! | `p.send_signal(n)` | [`signal(n)`](Child::signal); `Group::signal(n)` |
//! | `p.terminate()`, `p.kill()` | [`terminate`](Child::terminate), [`kill`](Child::kill) |
//! | `ProcessLookupError` after the end | an error of the kind `InvalidInput` |
//!
//! # Dropping a child
//!
//! lets the process go on, unless it was started with [`kill_on_drop`](Command::kill_on_drop). Its end is waited for
//! in any case, by a thread of the process called `aio-reaper`, which exists as long as there is somebody to wait for.
//!
//! # How it waits
//!
//! Linux has descriptors for processes, and the loop waits for these. Elsewhere, and where there is none to be had, a
//! thread called `aio-wait` waits for each child that somebody waits for. Signals go to the process that was started or
//! to nobody: never to another one that has got its number (without a descriptor, unless something else in the program
//! waits for children that are not its own, or has the system forget them).
//!
//! On Windows, a thread for each pipe passes the bytes on: what [`ChildStdin`] has taken may not have reached the child
//! when the program ends.
//!
//! Children inherit no descriptor of `aio`'s. Starting one blocks the thread until the system has loaded the program,
//! as in every runtime: about a millisecond.

mod child;
mod command;
#[cfg(unix)]
mod group;
mod returncode;
mod stdio;

mod communicate;
mod process;
mod reaper;
mod sys;
mod watch;

pub use child::Child;
pub use command::Command;
#[cfg(unix)]
pub use group::Group;
pub use returncode::returncode;
pub use std::process::{ExitStatus, Output, Stdio};
pub use stdio::{ChildStderr, ChildStdin, ChildStdout};

use std::fmt::Display;
use std::io;

/// The same error, which says what was attempted on what.
fn attempted(what: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("failed to {what}: {error}"))
}
