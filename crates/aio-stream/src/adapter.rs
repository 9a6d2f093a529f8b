//! Streams made of streams.

mod boxed;
mod chain;
mod chunks;
mod enumerate;
mod filter;
mod filter_map;
mod flatten;
mod fuse;
mod inspect;
mod map;
mod map_while;
mod merge;
mod merge_all;
mod peekable;
mod ready_chunks;
mod scan;
mod skip;
mod skip_while;
mod take;
mod take_while;
mod then;
mod windows;
mod zip;

pub use boxed::{BoxStream, LocalBoxStream};
pub use chain::Chain;
pub use chunks::Chunks;
pub use enumerate::Enumerate;
pub use filter::Filter;
pub use filter_map::FilterMap;
pub use flatten::{FlatMap, Flatten};
pub use fuse::Fuse;
pub use inspect::Inspect;
pub use map::Map;
pub use map_while::MapWhile;
pub use merge::Merge;
pub use merge_all::{MergeAll, merge_all};
pub use peekable::{Peek, Peekable};
pub use ready_chunks::ReadyChunks;
pub use scan::Scan;
pub use skip::Skip;
pub use skip_while::SkipWhile;
pub use take::Take;
pub use take_while::TakeWhile;
pub use then::Then;
pub use windows::Windows;
pub use zip::Zip;

/// How many items are left of a stream.
type SizeHint = (usize, Option<usize>);

/// Of that and `n` items more.
pub(crate) fn plus(hint: SizeHint, n: usize) -> SizeHint {
    sum(hint, (n, Some(n)))
}

/// Of both.
fn sum(a: SizeHint, b: SizeHint) -> SizeHint {
    let upper = a.1.zip(b.1).and_then(|(a, b)| a.checked_add(b));
    (a.0.saturating_add(b.0), upper)
}

/// How many portions of `size` that makes, the last of which may be smaller.
pub(crate) fn portions((lower, upper): SizeHint, size: usize) -> SizeHint {
    (lower.div_ceil(size), upper.map(|upper| upper.div_ceil(size)))
}
