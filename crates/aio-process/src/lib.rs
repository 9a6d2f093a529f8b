//! Child processes for the aio runtime.
