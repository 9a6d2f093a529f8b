//! Help against deadlocks: who waits for what, and who has it.
//!
//! It is off by default. [`Runner::debug`](crate::Runner::debug) switches it on, or the environment variable
//! `AIO_DEBUG` (set to anything but `0` or nothing), or [`track_waits`]. From then on, every lock and permit knows
//! which task has taken it, and every task that waits for a primitive of this library says which. [`waits`] lists that,
//! and names those who wait for each other in a ring; so does Ctrl-C, on stderr, before it cancels the program.
//!
//! ```
//! use aio::{Builder, Lock, debug, run, yield_now};
//! use std::sync::Arc;
//!
//! debug::track_waits(true);
//! run(async {
//!     let (fork, knife) = (Arc::new(Lock::new(())), Arc::new(Lock::new(())));
//!     let eat = async |first: Arc<Lock<()>>, second: Arc<Lock<()>>| {
//!         let _first = first.lock().await;
//!         yield_now().await;
//!         let _second = second.lock().await;
//!     };
//!     let _plato = Builder::new().name("Plato").spawn(eat(fork.clone(), knife.clone()));
//!     let _kant = Builder::new().name("Kant").spawn(eat(knife, fork));
//!     for _ in 0..3 {
//!         yield_now().await;
//!     }
//!     let waits = debug::waits();
//!     println!("{waits}");
//!     assert!(!debug::HOLDERS || waits.deadlocks()[0].len() == 2);
//! });
//! ```
//!
//! While it is on, taking and waiting cost a look-up in a table that all threads share. Who *has* a thing is known in
//! builds with debug assertions only ([`HOLDERS`]): a release build lists who waits for a primitive, and no more. It
//! is who has *taken* it: a guard that is sent to another task still counts for the one that took it.

pub use aio_base::host::TaskLabel;
pub use aio_base::waits::{
    HOLDERS, Report, ThreadLabel, Tracking, Wait, Waits, Who, is_tracked, track as track_waits, waits,
};

/// Whether the environment asks for it.
pub(crate) fn is_asked_for() -> bool {
    use aio_base::sync::OnceLock;
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(|| std::env::var_os("AIO_DEBUG").is_some_and(|value| !value.is_empty() && value != "0"))
}
