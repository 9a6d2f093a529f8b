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
