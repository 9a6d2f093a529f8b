//! How a process ended, in one number.

use std::process::ExitStatus;

/// What asyncio and Python's `subprocess` call the return code: the exit code, or the negative number of the signal
/// that has ended the process.
///
/// ```
/// # #[cfg(unix)]
/// aio_core::block_on(async {
///     use aio_process::{Command, returncode};
///
///     assert_eq!(returncode(Command::shell("exit 3").status().await?), 3);
///     assert_eq!(returncode(Command::shell("kill -TERM $$").status().await?), -15);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
///
/// # Panics
/// If `status` was made of a number by which no process ends.
pub fn returncode(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    match (status.code(), signal) {
        (Some(code), _) => code,
        (None, Some(signal)) => -signal,
        (None, None) => unreachable!("a process that has ended was neither stopped nor continued: {status}"),
    }
}
