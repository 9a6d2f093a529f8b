//! Ctrl-C for `aio`: the first cancels the main task, whose cleanups run; the second ends the process at once.
//!
//! ```
//! use aio_core::{EventLoop, ThreadPark};
//! use aio_signal::interruptible;
//!
//! let mut event_loop = EventLoop::new(ThreadPark::new());
//! let outcome = event_loop.run_until_complete(interruptible(async { 42 }));
//! match outcome {
//!     Ok(output) => assert_eq!(output, 42),
//!     Err(error) => println!("the main task {error}"), // "was cancelled: the program was interrupted"
//! }
//! event_loop.close();
//! ```
//!
//! The umbrella crate `aio` does this in its `run`. Linux is where it is tested; on the other systems the crate `ctrlc`
//! has the part that differs.

mod interruptible;

pub use interruptible::{Interruptible, exit_interrupted, interruptible, interruptible_anyway, is_main_thread};
