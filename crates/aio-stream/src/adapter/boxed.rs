//! Streams whose type does not matter.

use std::pin::Pin;

use futures_core::Stream;

/// A stream of any type that may cross threads, made by [`StreamExt::boxed`](crate::StreamExt::boxed).
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// A stream of any type, made by [`StreamExt::boxed_local`](crate::StreamExt::boxed_local).
pub type LocalBoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + 'a>>;
