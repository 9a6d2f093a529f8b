//! What can be done with every stream.

use std::future::Future;

use futures_core::Stream;

use crate::{Collect, ForEach, Map, Next, Take};

/// What can be done with every stream. The names are those of the `futures` crate.
///
/// asyncio's `async for` is a loop over [`next`](Self::next):
/// ```
/// use std::pin::pin;
/// use aio_stream::{Stream, StreamExt, iter};
///
/// async fn print_all(items: impl Stream<Item = u32>) {
///     let mut items = pin!(items);
///     while let Some(item) = items.next().await {
///         println!("{item}");
///     }
/// }
/// # futures_lite::future::block_on(print_all(iter([1, 2])));
/// ```
///
/// # Cancel safety
/// A stream holds all that it knows, so a future or stream made of `&mut stream` loses nothing when it is dropped but
/// what it says itself.
///
/// # Panics
/// A panic in a closure goes on in whoever polls.
pub trait StreamExt: Stream {
    /// The next item; `None` at the end.
    ///
    /// For a stream that must not be moved, such as a generator, [pin](std::pin::pin!) it first.
    ///
    /// # Cancel safety
    /// No item is lost.
    fn next(&mut self) -> Next<'_, Self>
    where
        Self: Unpin,
    {
        Next { stream: self }
    }

    /// All items in one collection: a `Vec`, a `String`, a `HashMap` ...
    ///
    /// # Cancel safety
    /// Dropping the future drops the items that it has.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// let word: String = iter(["as", "ync"]).collect().await;
    /// assert_eq!(word, "async");
    /// # });
    /// ```
    fn collect<C: Default + Extend<Self::Item>>(self) -> Collect<Self, C>
    where
        Self: Sized,
    {
        Collect { stream: self, collection: C::default() }
    }

    /// Calls `f` with each item and waits for what it returns before it takes the next.
    ///
    /// An async closure that changes what is outside of it will not do here: a loop over [`next`](Self::next) is
    /// clearer then. (With `AsyncFnMut`, which allows it, the future could not be spawned: the compiler fails to see
    /// that it is `Send`.)
    ///
    /// # Cancel safety
    /// Dropping the future drops the call that runs.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// iter(["a", "b"]).for_each(async |word| println!("{word}")).await;
    /// # });
    /// ```
    fn for_each<F: FnMut(Self::Item) -> Fut, Fut: Future<Output = ()>>(self, f: F) -> ForEach<Self, F, Fut>
    where
        Self: Sized,
    {
        ForEach { stream: self, f, running: None }
    }

    /// Each item changed by `f`.
    fn map<U, F: FnMut(Self::Item) -> U>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
    {
        Map { stream: self, f }
    }

    /// The first `n` items. After them, or after the end of this stream, gives `None` for ever and does not poll this
    /// stream any more. It is dropped with the result, not before.
    fn take(self, n: usize) -> Take<Self>
    where
        Self: Sized,
    {
        Take { stream: self, n_left: n }
    }
}

impl<S: Stream + ?Sized> StreamExt for S {}
