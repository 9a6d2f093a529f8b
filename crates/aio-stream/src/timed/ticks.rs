//! The ticks of an interval.

use std::time::Instant;

use aio_timer::Interval;
use futures_core::Stream;

use crate::unfold;

/// The ticks of `interval` as a stream that never ends; each item is the moment at which the tick was due.
///
/// # Cancel safety
/// Dropping what [`next`](crate::StreamExt::next) returns loses no tick. Dropping the stream drops the interval.
///
/// # Examples
/// ```
/// use std::pin::pin;
/// use std::time::Duration;
/// use aio_stream::{StreamExt, ticks};
/// use aio_timer::interval;
///
/// # futures_lite::future::block_on(async {
/// let mut numbered = pin!(ticks(interval(Duration::from_millis(1))).enumerate().take(3));
/// while let Some((n, due)) = numbered.next().await {
///     println!("tick {n} was due at {due:?}");
/// }
/// # });
/// ```
pub fn ticks(interval: Interval) -> impl Stream<Item = Instant> + Send + Sync {
    unfold(interval, async |mut interval: Interval| {
        let due = interval.tick().await;
        Some((due, interval))
    })
}
