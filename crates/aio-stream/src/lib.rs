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
//! - [`iter()`] makes a stream of any collection; [`once`], [`unfold`], [`poll_fn`] and [`ticks`] of other things.
//! - [`StreamExt`] has what is done with streams; `async for x in s` is `while let Some(x) = s.next().await`.
//!   [`TryStreamExt`] has what is done with streams of results.
//! - [`merge_all`] gives the items of many streams as they come.
//! - [`buffered_in`](StreamExt::buffered_in) runs a stream of futures in a group, some at a time, and
//!   [`map_concurrent`](StreamExt::map_concurrent) calls a function for each item, some at a time.
//!
//! Everything is a [`Stream`] as the whole ecosystem knows it, so the adapters of `futures` and others fit too.
//!
//! A generator that is left half-way is simply dropped, and what its body has deferred runs in the scope that dropped
//! it: there is nothing like Python's `aclosing` to remember.
//!
//! Not for handing items from one task to another: that is a queue. A generator runs inside the task that iterates
//! over it.
//!
//! There are no sinks. What takes items is an async function, or a queue with one, and `for_each(async |item| ..)` says
//! what `forward` would: whoever awaits it waits for room. A sink's states (ready, flushed, closed) would have to be
//! polled by hand where `await` does it.

mod body;
mod emitter;
mod generate;
mod slot;
mod try_generate;

mod source;

mod ext;
mod try_ext;

mod adapter;
mod consumer;
mod timed;

mod concurrent;
mod in_group;

mod debug;
mod release;

pub use adapter::{
    BoxStream, Chain, Chunks, Enumerate, Filter, FilterMap, FlatMap, Flatten, Fuse, Inspect, LocalBoxStream, Map,
    MapWhile, Merge, MergeAll, Peek, Peekable, ReadyChunks, Scan, Skip, SkipWhile, Take, TakeWhile, Then, Windows, Zip,
    merge_all,
};
pub use concurrent::{
    Concurrent, ForEachConcurrent, InOrder, MapConcurrent, Nothing, TryForEachConcurrent, TryInOrder, TryMapConcurrent,
    TryNothing,
};
pub use consumer::{All, Any, Collect, Count, Fold, ForEach, Last, Next, Nth, TryCollect, TryForEach, TryNext};
pub use emitter::{Emit, Emitter};
pub use ext::StreamExt;
pub use futures_core::{Stream, TryStream};
pub use generate::{Generate, generate};
pub use in_group::{BufferUnorderedIn, BufferedIn, Group, RunsInPlace};
pub use source::{
    Empty, Iter, Once, Pending, PollFn, TryUnfold, Unfold, empty, iter, once, pending, poll_fn, try_unfold, unfold,
};
pub use timed::{ChunksTimeout, Debounce, Throttle, Timeout, ticks};
pub use try_ext::TryStreamExt;
pub use try_generate::{TryGenerate, try_generate};
