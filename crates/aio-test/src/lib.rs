//! Tests of async programs that do not lie.

pub mod net;
