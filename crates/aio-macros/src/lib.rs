//! The attributes of `aio`.
