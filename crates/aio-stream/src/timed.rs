//! Streams and time. They wait with `aio-timer`, and so under any executor.

mod chunks_timeout;
mod debounce;
mod throttle;
mod ticks;
mod timeout;

pub use chunks_timeout::ChunksTimeout;
pub use debounce::Debounce;
pub use throttle::Throttle;
pub use ticks::ticks;
pub use timeout::Timeout;

/// So many items are taken in one poll, of a stream that always has one; then others have their turn.
const AT_ONCE: usize = 64;
