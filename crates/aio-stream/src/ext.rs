//! What can be done with every stream.

use std::future::Future;
use std::time::Duration;

use futures_core::Stream;

use crate::{
    All, Any, BoxStream, BufferUnorderedIn, BufferedIn, Chain, Chunks, ChunksTimeout, Collect, Count, Debounce,
    Enumerate, Filter, FilterMap, FlatMap, Flatten, Fold, ForEach, ForEachConcurrent, Fuse, Group, Inspect, Last,
    LocalBoxStream, Map, MapConcurrent, MapWhile, Merge, Next, Nth, Peekable, ReadyChunks, RunsInPlace, Scan, Skip,
    SkipWhile, Take, TakeWhile, Then, Throttle, Timeout, Windows, Zip,
};

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
/// Closures are those of iterators. Three take a future for an item: [`then`](Self::then) and
/// [`for_each`](Self::for_each) wait for it before they take the next item; [`map_concurrent`](Self::map_concurrent)
/// and [`for_each_concurrent`](Self::for_each_concurrent) wait for several, and
/// [`buffered_in`](Self::buffered_in) and [`buffer_unordered_in`](Self::buffer_unordered_in) let them run in a group.
///
/// | asyncio, or others | here |
/// |---|---|
/// | `async for x in s` | `while let Some(x) = s.next().await` |
/// | `[f(x) async for x in s if p(x)]` | `s.filter(p).map(f).collect()` |
/// | `await anext(s)` | `s.next()`, [`s.try_next()`](crate::TryStreamExt::try_next) |
/// | `asyncio.gather` with a semaphore | [`map_concurrent`](Self::map_concurrent) |
/// | `async with timeout(..)` around `anext(s)` | [`timeout`](Self::timeout) |
/// | `buffered` of `futures` | [`buffered_in`](Self::buffered_in), [`map_concurrent`](Self::map_concurrent) |
/// | `select` of `futures` | [`merge`](Self::merge), [`merge_all`](crate::merge_all) |
/// | `forward` to a `Sink` | [`for_each`](Self::for_each) with what is awaited there |
/// | `filter(async ..)` of `futures` | [`then`](Self::then), and [`filter_map`](Self::filter_map) of what that gives |
///
/// # After the end
/// What has an end of its own gives `None` for ever after it, and does not poll what it is made of: `take`,
/// `take_while`, `map_while`, `scan`, `zip`, `chain`, `merge`, `flatten`, `chunks` and `ready_chunks`, `fuse` and
/// `peekable`, and all that has to do with time or groups. The others are after the end what the stream is that they
/// are made of. A stream is dropped with what was made of it, and not before.
///
/// # Cancel safety
/// A stream holds all that it knows, so a future or stream made of `&mut stream` loses nothing when it is dropped but
/// what it says itself: items that it has taken and not given.
///
/// # Fairness
/// What passes items over, or takes all of them, goes on for as long as there are items, as in `futures`: the task
/// gives others a turn when the stream waits, and `iter(0..).filter(|_| false)` or `iter(0..).count()` never does.
/// Where a stream may be ready for long, [`then`](Self::then) a `yield_now`. [`merge_all`](crate::merge_all),
/// [`for_each_concurrent`](Self::for_each_concurrent) and [`map_concurrent`](Self::map_concurrent) with a limit,
/// [`debounce`](Self::debounce) and [`chunks_timeout`](Self::chunks_timeout) give others a turn now and then.
///
/// # Panics
/// A panic in a closure goes on in whoever polls. The item that the closure had is lost, and no other.
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

    /// Each item changed by the future that `f` makes of it. The next item is taken when that is ready.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// let doubled = iter([1, 2]).then(async |n| n * 2);
    /// assert_eq!(doubled.collect::<Vec<_>>().await, [2, 4]);
    /// # });
    /// ```
    fn then<F: FnMut(Self::Item) -> Fut, Fut: Future>(self, f: F) -> Then<Self, F, Fut>
    where
        Self: Sized,
    {
        Then { stream: self, f, running: None }
    }

    /// The items for which `f` gives `true`.
    fn filter<F: FnMut(&Self::Item) -> bool>(self, f: F) -> Filter<Self, F>
    where
        Self: Sized,
    {
        Filter { stream: self, f }
    }

    /// Of each item what `f` makes of it, if that is something.
    ///
    /// With what must be awaited, after [`then`](Self::then):
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// async fn is_known(name: &str) -> bool {
    ///     name == "ada"
    /// }
    ///
    /// let known = iter(["ada", "bob"]).then(async |name| is_known(name).await.then_some(name));
    /// assert_eq!(known.filter_map(|name| name).collect::<Vec<_>>().await, ["ada"]);
    /// # });
    /// ```
    fn filter_map<U, F: FnMut(Self::Item) -> Option<U>>(self, f: F) -> FilterMap<Self, F>
    where
        Self: Sized,
    {
        FilterMap { stream: self, f }
    }

    /// The first `n` items. After them, or after the end of this stream, gives `None` for ever and does not poll this
    /// stream any more. It is dropped with the result, not before.
    fn take(self, n: usize) -> Take<Self>
    where
        Self: Sized,
    {
        Take { stream: self, n_left: n }
    }

    /// The items up to the first for which `f` gives `false`. That one is taken and dropped.
    fn take_while<F: FnMut(&Self::Item) -> bool>(self, f: F) -> TakeWhile<Self, F>
    where
        Self: Sized,
    {
        TakeWhile { stream: self, f, has_ended: false }
    }

    /// What `f` makes of the items, up to the first of which it makes nothing.
    fn map_while<U, F: FnMut(Self::Item) -> Option<U>>(self, f: F) -> MapWhile<Self, F>
    where
        Self: Sized,
    {
        MapWhile { stream: self, f, has_ended: false }
    }

    /// All but the first `n` items.
    fn skip(self, n: usize) -> Skip<Self>
    where
        Self: Sized,
    {
        Skip { stream: self, n_left: n }
    }

    /// The items from the first for which `f` gives `false`.
    fn skip_while<F: FnMut(&Self::Item) -> bool>(self, f: F) -> SkipWhile<Self, F>
    where
        Self: Sized,
    {
        SkipWhile { stream: self, f, has_begun: false }
    }

    /// What `f` makes of the items and of a state, up to the first of which it makes nothing.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// let sums = iter([1, 2, 3]).scan(0, |sum, n| {
    ///     *sum += n;
    ///     Some(*sum)
    /// });
    /// assert_eq!(sums.collect::<Vec<_>>().await, [1, 3, 6]);
    /// # });
    /// ```
    fn scan<A, U, F: FnMut(&mut A, Self::Item) -> Option<U>>(self, state: A, f: F) -> Scan<Self, A, F>
    where
        Self: Sized,
    {
        Scan { stream: self, state, f, has_ended: false }
    }

    /// Each item with its number, from zero.
    fn enumerate(self) -> Enumerate<Self>
    where
        Self: Sized,
    {
        Enumerate { stream: self, n_given: 0 }
    }

    /// Calls `f` with each item before it is given.
    fn inspect<F: FnMut(&Self::Item)>(self, f: F) -> Inspect<Self, F>
    where
        Self: Sized,
    {
        Inspect { stream: self, f }
    }

    /// Pairs of the items of both streams. It ends with the first that does; an item that has no partner then is
    /// dropped.
    ///
    /// Both are waited for at the same time.
    fn zip<S: Stream>(self, other: S) -> Zip<Self, S>
    where
        Self: Sized,
    {
        Zip::new(self, other)
    }

    /// The items of this stream, and after its end those of `other`.
    fn chain<S: Stream<Item = Self::Item>>(self, other: S) -> Chain<Self, S>
    where
        Self: Sized,
    {
        Chain::new(self, other)
    }

    /// The items of both streams as they come. It ends when both have. For more than two there is
    /// [`merge_all`](crate::merge_all).
    ///
    /// # Fairness
    /// The streams take turns: whoever has an item is passed over for one item of the other, and no more.
    fn merge<S: Stream<Item = Self::Item>>(self, other: S) -> Merge<Self, S>
    where
        Self: Sized,
    {
        Merge::new(self, other)
    }

    /// The items of the streams that are this stream's items, one stream after the other. (As they come:
    /// [`merge_all`](crate::merge_all).)
    fn flatten(self) -> Flatten<Self, Self::Item>
    where
        Self: Sized,
        Self::Item: Stream,
    {
        Flatten::new(self)
    }

    /// The items of the streams that `f` makes of the items, one stream after the other.
    fn flat_map<U: Stream, F: FnMut(Self::Item) -> U>(self, f: F) -> FlatMap<Self, U, F>
    where
        Self: Sized,
    {
        Flatten::new(self.map(f))
    }

    /// Portions of `size` items. The last may be smaller.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    fn chunks(self, size: usize) -> Chunks<Self>
    where
        Self: Sized,
    {
        Chunks::new(self, size)
    }

    /// Portions of the items that are there, `size` at most, and one at least.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    fn ready_chunks(self, size: usize) -> ReadyChunks<Self>
    where
        Self: Sized,
    {
        ReadyChunks::new(self, size)
    }

    /// Each item together with the `size - 1` before it, as [`slice::windows`]. Nothing, if there are fewer than
    /// `size`.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    fn windows(self, size: usize) -> Windows<Self>
    where
        Self: Sized,
        Self::Item: Clone,
    {
        Windows::new(self, size)
    }

    /// The same, but after its end it gives `None` for ever and does not poll this stream any more.
    fn fuse(self) -> Fuse<Self>
    where
        Self: Sized,
    {
        Fuse::new(self)
    }

    /// The same, with [`peek`](Peekable::peek).
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// # futures_lite::future::block_on(async {
    /// let mut numbers = iter([1, 2]).peekable();
    /// assert_eq!(numbers.peek().await, Some(&mut 1));
    /// assert_eq!(numbers.next().await, Some(1));
    /// # });
    /// ```
    fn peekable(self) -> Peekable<Self>
    where
        Self: Sized,
    {
        Peekable::new(self)
    }

    /// The same in a box: a type that can be named, and moved.
    fn boxed<'a>(self) -> BoxStream<'a, Self::Item>
    where
        Self: Sized + Send + 'a,
    {
        Box::pin(self)
    }

    /// [`boxed`](Self::boxed) for what stays on its thread.
    fn boxed_local<'a>(self) -> LocalBoxStream<'a, Self::Item>
    where
        Self: Sized + 'a,
    {
        Box::pin(self)
    }

    /// Each item as `Ok`; and `Err(Elapsed)` whenever one has been waited for `duration`, after which the next wait
    /// begins.
    ///
    /// The time counts while an item is waited for, not while the caller does something else with the last one. Items
    /// that are there come before the clock is looked at. It goes on after an error for as long as the caller does:
    /// [`try_next`](crate::TryStreamExt::try_next) with `?` ends with the first. (`timeout` of `tokio-stream` gives one
    /// error and then waits for the item without a limit; this is more like its `timeout_repeating`.)
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use aio_stream::{StreamExt, TryStreamExt, pending};
    ///
    /// # futures_lite::future::block_on(async {
    /// let mut silent = std::pin::pin!(pending::<u8>().timeout(Duration::from_millis(1)));
    /// assert!(silent.try_next().await.is_err());
    /// # });
    /// ```
    fn timeout(self, duration: Duration) -> Timeout<Self>
    where
        Self: Sized,
    {
        Timeout::new(self, duration)
    }

    /// The same items, with at least `distance` from one to the next. In between this stream is not asked for more, so
    /// that the end as well is seen when the distance from the last item is over.
    fn throttle(self, distance: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, distance)
    }

    /// Only the items that are followed by `silence`, or by the end. Of those that come faster the last one remains.
    ///
    /// It waits while it is polled: items that come while the caller does something else are seen later.
    fn debounce(self, silence: Duration) -> Debounce<Self>
    where
        Self: Sized,
    {
        Debounce::new(self, silence)
    }

    /// Portions of `size` items, or of fewer if `duration` has passed since the first of them. There is one at least.
    ///
    /// The time begins when the first item is taken and no other is there, or several dozen have been. So a stream that
    /// always has an item gives a portion when the time is over, and others their turn meanwhile.
    ///
    /// # Panics
    /// If `size` is zero.
    #[track_caller]
    fn chunks_timeout(self, size: usize, duration: Duration) -> ChunksTimeout<Self>
    where
        Self: Sized,
    {
        ChunksTimeout::new(self, size, duration)
    }

    /// The item after the next `n`, which are dropped; `None` if the end comes before.
    ///
    /// # Cancel safety
    /// Dropping the future drops the items before, as far as they have come.
    fn nth(&mut self, n: usize) -> Nth<'_, Self>
    where
        Self: Unpin,
    {
        Nth { stream: self, n_left: n }
    }

    /// The last item; `None` if there is none.
    fn last(self) -> Last<Self>
    where
        Self: Sized,
    {
        Last { stream: self, last: None }
    }

    /// How many items there are.
    fn count(self) -> Count<Self>
    where
        Self: Sized,
    {
        Count { stream: self, n: 0 }
    }

    /// What `f` makes of all items, one after the other, beginning with `first`.
    ///
    /// With what must be awaited, a loop over [`next`](Self::next) is clearer.
    fn fold<A, F: FnMut(A, Self::Item) -> A>(self, first: A, f: F) -> Fold<Self, A, F>
    where
        Self: Sized,
    {
        Fold { stream: self, so_far: Some(first), f }
    }

    /// Whether `f` gives `true` for all items. The first for which it does not is the last that is taken.
    fn all<F: FnMut(Self::Item) -> bool>(self, f: F) -> All<Self, F>
    where
        Self: Sized,
    {
        All { stream: self, f }
    }

    /// Whether `f` gives `true` for any item. The first for which it does is the last that is taken.
    fn any<F: FnMut(Self::Item) -> bool>(self, f: F) -> Any<Self, F>
    where
        Self: Sized,
    {
        Any { stream: self, f }
    }

    /// Calls `f` with each item, at most `limit` at a time, and ends when all have ended, their cleanups included. With
    /// `usize::MAX` there is no limit.
    ///
    /// The calls run inside the task that awaits this, so they may borrow; they work under any executor, and the future
    /// is `Send` if they are. With `aio_core::spawn` in the call each has a task of its own.
    ///
    /// # Cancel safety
    /// Dropping the future drops the calls that run; the current scope does not end before their cleanups have.
    ///
    /// # Fairness
    /// Calls are polled only when they were woken, in the order of the wakes.
    ///
    /// # Panics
    /// If `limit` is zero. A panic in a call cancels the others, and goes on when all have ended.
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// aio_core::run(async {
    ///     let log = std::sync::Mutex::new(Vec::new());
    ///     iter([1, 2, 3]).for_each_concurrent(2, async |n| log.lock().unwrap().push(n)).await;
    ///     assert_eq!(log.into_inner().unwrap(), [1, 2, 3]);
    /// });
    /// ```
    #[track_caller]
    fn for_each_concurrent<F, Fut>(self, limit: usize, f: F) -> ForEachConcurrent<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> Fut,
        Fut: Future<Output = ()>,
    {
        ForEachConcurrent::new(self, limit, f)
    }

    /// Calls `f` with each item, at most `limit` at a time; when all have ended, gives what they gave in the order of
    /// the items. The rest is as [`for_each_concurrent`](Self::for_each_concurrent).
    ///
    /// # Cancel safety
    /// As [`for_each_concurrent`](Self::for_each_concurrent); the outputs are lost.
    ///
    /// # Panics
    /// As [`for_each_concurrent`](Self::for_each_concurrent).
    ///
    /// # Examples
    /// ```
    /// use aio_stream::{StreamExt, iter};
    ///
    /// async fn fetch(id: u32) -> String {
    ///     aio_core::yield_now().await;
    ///     format!("page {id}")
    /// }
    ///
    /// aio_core::run(async {
    ///     assert_eq!(iter(1..=2).map_concurrent(8, fetch).await, ["page 1", "page 2"]);
    /// });
    /// ```
    #[track_caller]
    fn map_concurrent<F, Fut>(self, limit: usize, f: F) -> MapConcurrent<Self, F, Fut>
    where
        Self: Sized,
        F: FnMut(Self::Item) -> Fut,
        Fut: Future,
    {
        MapConcurrent::new(self, limit, f)
    }

    /// Runs the futures that are this stream's items as children of `group`, and gives their outputs in the order of
    /// the futures. At most `limit` are there at any time, outputs that nobody has taken included.
    ///
    /// `buffered` of `futures` polls the futures only while the stream is asked for an item, so they stand still while
    /// the caller is busy with the last one: connections time out, locks stay taken. In a group they go on whatever the
    /// caller does. What does stand still meanwhile is this stream itself: it is asked for a future only when there is
    /// room for one, and somebody waits.
    ///
    /// The futures run [in place](aio_group::generic::TaskGroup::spawn_scoped), in the task that runs the group, so
    /// they may borrow what lives longer than the group. For tasks of their own, `map` them to `spawn`:
    /// ```
    /// use std::pin::pin;
    /// use aio_core::spawn;
    /// use aio_group::TaskGroup;
    /// use aio_stream::{StreamExt, iter};
    ///
    /// async fn fetch(id: u32) -> String {
    ///     format!("page {id}")
    /// }
    ///
    /// aio_core::run(async {
    ///     let group = TaskGroup::new();
    ///     group
    ///         .join(async {
    ///             let mut pages = pin!(iter(1..100).map(|id| spawn(fetch(id))).buffered_in(&group, 8));
    ///             while let Some(page) = pages.next().await {
    ///                 println!("{page}");
    ///             }
    ///         })
    ///         .await;
    /// });
    /// ```
    ///
    /// To be polled by the body of the group or by one of its children: elsewhere it waits for children that nobody
    /// polls. A future that has panicked in a [supervised](aio_group::generic::TaskGroup::supervised) group gives
    /// nothing, and is passed over when those that were begun beside it have ended. In a group that aborts, the stream
    /// waits, and is cancelled with whoever polls it.
    ///
    /// # Cancel safety
    /// Dropping the stream cancels the futures that run, and loses the outputs that are there; the group does not end
    /// before the futures have, cleanups included. No output is lost by dropping a future of [`next`](Self::next).
    ///
    /// # Fairness
    /// The futures begin in their order.
    ///
    /// # Panics
    /// If `limit` is zero. When polled, if the group has finished. A panic in a future is one of the group's child.
    #[track_caller]
    fn buffered_in<'a, 'env, E, H>(
        self,
        group: &'a impl Group<'env, Error = E, Home = H>,
        limit: usize,
    ) -> BufferedIn<'a, 'env, Self, E, H>
    where
        Self: Sized,
        Self::Item: Future,
        H: RunsInPlace<'env, Self::Item, E>,
    {
        BufferedIn::new(self, group, limit)
    }

    /// [`buffered_in`](Self::buffered_in) with the outputs in the order in which the futures end.
    ///
    /// # Cancel safety
    /// As [`buffered_in`](Self::buffered_in).
    ///
    /// # Fairness
    /// As [`buffered_in`](Self::buffered_in).
    ///
    /// # Panics
    /// As [`buffered_in`](Self::buffered_in).
    #[track_caller]
    fn buffer_unordered_in<'a, 'env, E, H>(
        self,
        group: &'a impl Group<'env, Error = E, Home = H>,
        limit: usize,
    ) -> BufferUnorderedIn<'a, 'env, Self, E, H>
    where
        Self: Sized,
        Self::Item: Future,
        H: RunsInPlace<'env, Self::Item, E>,
    {
        BufferUnorderedIn::new(self, group, limit)
    }
}

impl<S: Stream + ?Sized> StreamExt for S {}
