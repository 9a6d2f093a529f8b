//! The same programs on asyncio and on `aio`.
//!
//! A [`Program`] is written in a small language of tasks: spawn, sleep, cancel, lock, put, group, timeout and so on. It
//! is run by CPython's own asyncio ([`Asyncio`], a process with `interpreter.py`) and by the public API of `aio`
//! ([`Aio`], in each [`Home`]), on virtual time on both sides, and what they log is compared.
//!
//! - `scenarios/`: written programs, each with a sentence that says what it shows, the log that asyncio gives, and the
//!   log of `aio` where that differs by decision, with the reason.
//! - `recorded/`: random programs with the logs of asyncio, for machines without Python.
//! - `tests/scenarios.rs` runs both; `tests/random.rs` makes new random programs and shrinks what differs;
//!   `tests/planted.rs` shows that the suite finds what it is for.
//!
//! A file that needs a later Python than there is says so, and its recorded logs stand for asyncio.
//!
//! `AIO_CONFORMANCE_RECORD=1` writes asyncio's logs into the files; `AIO_CONFORMANCE_PROGRAMS=100000` sets how many
//! random programs are run.

mod order;
mod program;
mod text;

mod on_aio;
mod python;
mod random;

mod scenario;

pub use on_aio::{Aio, Deviation, Home};
pub use order::Order;
pub use program::{Block, Event, Name, Program, Stmt, Until};
pub use python::Asyncio;
pub use random::{Sort, programs};
pub use scenario::{File, Scenario};
pub use text::Unreadable;
