//! Tests of async programs that do not lie.
