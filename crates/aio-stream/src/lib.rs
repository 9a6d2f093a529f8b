//! Async iteration: streams, generators, and what is done with them.
//!
//! ```
//! use std::pin::pin;
//! use aio_stream::{StreamExt, generate};
//!
//! futures_lite::future::block_on(async {
//!     let mut numbers = pin!(generate(async |out| {
//!         for n in 1..=3 {
//!             out.emit(n).await;
//!         }
//!     }));
//!     let mut sum = 0;
//!     while let Some(n) = numbers.next().await {
//!         sum += n;
//!     }
//!     assert_eq!(sum, 6);
//! });
//! ```
//!
//! - [`generate()`] is asyncio's async generator: `yield x` is `out.emit(x).await`. [`try_generate()`] is the same with
//!   `?`.
//! - [`iter()`] makes a stream of any collection.
//! - [`StreamExt`] has what is done with streams; `async for x in s` is `while let Some(x) = s.next().await`.
//!
//! Everything is a [`Stream`] as the whole ecosystem knows it, so the adapters of `futures` and others fit too.
//!
//! A generator that is left half-way is simply dropped, and what its body has deferred runs in the scope that dropped
//! it: there is nothing like Python's `aclosing` to remember.
//!
//! Not for handing items from one task to another: that is a queue. A generator runs inside the task that iterates
//! over it.

mod body;
mod emitter;
mod generate;
mod iter;
mod slot;
mod try_generate;

mod collect;
mod ext;
mod for_each;
mod map;
mod next;
mod take;

pub use collect::Collect;
pub use emitter::{Emit, Emitter};
pub use ext::StreamExt;
pub use for_each::ForEach;
pub use futures_core::Stream;
pub use generate::{Generate, generate};
pub use iter::{Iter, iter};
pub use map::Map;
pub use next::Next;
pub use take::Take;
pub use try_generate::{TryGenerate, try_generate};
