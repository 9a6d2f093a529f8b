//! What can be done with every stream of results.

use std::future::Future;

use futures_core::TryStream;

use crate::{TryCollect, TryForEach, TryForEachConcurrent, TryMapConcurrent, TryNext};

/// What can be done with every stream of results. The names are those of the `futures` crate.
///
/// A stream of something else becomes one with `map(Ok)`.
pub trait TryStreamExt: TryStream {
    /// The next item, with `?` for its error; `None` at the end.
    ///
    /// # Errors
    /// That of the item.
    ///
    /// # Cancel safety
    /// No item is lost.
    fn try_next(&mut self) -> TryNext<'_, Self>
    where
        Self: Unpin,
    {
        TryNext { stream: self }
    }

    /// All items in one collection, or the first error.
    ///
    /// # Errors
    /// The first. The items before it are dropped.
    ///
    /// # Cancel safety
    /// Dropping the future drops the items that it has.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, TryStreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// let numbers = iter(["1", "2"]).map(str::parse::<u8>);
    /// assert_eq!(numbers.try_collect::<Vec<_>>().await, Ok(vec![1, 2]));
    /// # });
    /// ```
    fn try_collect<C: Default + Extend<Self::Ok>>(self) -> TryCollect<Self, C>
    where
        Self: Sized,
    {
        TryCollect { stream: self, collection: C::default() }
    }

    /// Calls `f` with each item and waits for what it returns before it takes the next.
    ///
    /// # Errors
    /// The first, of an item or of a call.
    ///
    /// # Cancel safety
    /// Dropping the future drops the call that runs.
    fn try_for_each<F, Fut>(self, f: F) -> TryForEach<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Ok) -> Fut,
        Fut: Future<Output = Result<(), Self::Error>>,
    {
        TryForEach { stream: self, f, running: None }
    }

    /// [`for_each_concurrent`](crate::StreamExt::for_each_concurrent) until something fails: then the calls that run
    /// are cancelled, and when they have ended, cleanups included, the error is given.
    ///
    /// # Errors
    /// The first, of an item or of a call.
    ///
    /// # Cancel safety
    /// As [`for_each_concurrent`](crate::StreamExt::for_each_concurrent).
    ///
    /// # Panics
    /// As [`for_each_concurrent`](crate::StreamExt::for_each_concurrent).
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, TryStreamExt, iter};
    ///
    /// aio_core::run(async {
    ///     let outcome = iter([1, 0, 3])
    ///         .map(Ok)
    ///         .try_for_each_concurrent(2, async |n| if n == 0 { Err("zero") } else { std::future::pending().await })
    ///         .await;
    ///     assert_eq!(outcome, Err("zero"));
    /// });
    /// ```
    #[track_caller]
    fn try_for_each_concurrent<T, E, F, Fut>(self, limit: usize, f: F) -> TryForEachConcurrent<Self, F, Fut>
    where
        Self: Sized + TryStream<Ok = T, Error = E, Item = Result<T, E>>,
        F: FnMut(T) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        TryForEachConcurrent::new(self, limit, f)
    }

    /// [`map_concurrent`](crate::StreamExt::map_concurrent) until something fails: then the calls that run are
    /// cancelled, and when they have ended, cleanups included, the error is given.
    ///
    /// # Errors
    /// The first, of an item or of a call.
    ///
    /// # Cancel safety
    /// As [`map_concurrent`](crate::StreamExt::map_concurrent).
    ///
    /// # Panics
    /// As [`map_concurrent`](crate::StreamExt::map_concurrent).
    #[track_caller]
    fn try_map_concurrent<T, E, U, F, Fut>(self, limit: usize, f: F) -> TryMapConcurrent<Self, F, Fut, U>
    where
        Self: Sized + TryStream<Ok = T, Error = E, Item = Result<T, E>>,
        F: FnMut(T) -> Fut,
        Fut: Future<Output = Result<U, E>>,
    {
        TryMapConcurrent::new(self, limit, f)
    }
}

impl<S: TryStream + ?Sized> TryStreamExt for S {}
