//! Streams of what is no stream yet.

mod empty;
mod iter;
mod once;
mod pending;
mod poll_fn;
mod try_unfold;
mod unfold;

pub use empty::{Empty, empty};
pub use iter::{Iter, iter};
pub use once::{Once, once};
pub use pending::{Pending, pending};
pub use poll_fn::{PollFn, poll_fn};
pub use try_unfold::{TryUnfold, try_unfold};
pub use unfold::{Unfold, unfold};
