//! Signals and Ctrl-C for `aio`.
//!
//! [`signals()`] is a stream of the signals that a program takes over, such as the request to end that a service gets:
//!
//! ```
//! # #[cfg(unix)] {
//! use aio_core::{EventLoop, ThreadPark};
//! use aio_reactor::Reactor;
//! use aio_signal::{Signal, signals};
//!
//! EventLoop::new(Reactor::new(ThreadPark::new())).run(async {
//!     let mut signals = signals([Signal::TERMINATE, Signal::HANGUP])?;
//!     # Signal::HANGUP.raise()?;
//!     # Signal::TERMINATE.raise()?;
//!     loop {
//!         match signals.recv().await? {
//!             Signal::HANGUP => println!("the configuration is read again"),
//!             signal => {
//!                 println!("{signal}: no further requests");
//!                 return std::io::Result::Ok(());
//!             }
//!         }
//!     }
//! }).unwrap();
//! # }
//! ```
//!
//! [`ctrl_c()`] waits for Ctrl-C on every system. [`interruptible()`] is what the umbrella crate `aio` does in its
//! `run`: the first Ctrl-C cancels the main task, whose cleanups run; the second ends the process at once.
//!
//! Who hears Ctrl-C: while a stream takes `Signal::INTERRUPT`, or a [`ctrl_c()`] waits, all of these, and nothing
//! else happens; otherwise the main task is cancelled; and if there is none, the process ends. It is decided at the
//! moment at which Ctrl-C is pressed.
//!
//! # How it works
//!
//! A stream has a socket of its own, into which the handler writes a byte, and a flag for each signal. So streams share
//! nothing, serve under any loop and in any executor, and move to another loop when theirs ends; a loop that has none
//! pays nothing. The handlers are those of the crate `signal-hook`, which any number of users in a process may share.
//! System calls that they interrupt are begun again.
//!
//! Linux is where it is tested. On Windows there is only Ctrl-C, through the crate `ctrlc`.

mod ctrl_c;
mod interruptible;
#[cfg(unix)]
mod signal;
#[cfg(unix)]
mod signals;

#[cfg(windows)]
mod console;
#[cfg(unix)]
mod disposition;
#[cfg(any(windows, test))]
mod listeners;

pub use ctrl_c::ctrl_c;
pub use interruptible::{Interruptible, exit_interrupted, interruptible, interruptible_anyway, is_main_thread};
#[cfg(unix)]
pub use signal::Signal;
#[cfg(unix)]
pub use signals::{Signals, signals};
