//! What takes the items of a stream.

mod all;
mod any;
mod collect;
mod count;
mod fold;
mod for_each;
mod last;
mod next;
mod nth;
mod try_collect;
mod try_for_each;
mod try_next;

pub use all::All;
pub use any::Any;
pub use collect::Collect;
pub use count::Count;
pub use fold::Fold;
pub use for_each::ForEach;
pub use last::Last;
pub use next::Next;
pub use nth::Nth;
pub use try_collect::TryCollect;
pub use try_for_each::TryForEach;
pub use try_next::TryNext;
