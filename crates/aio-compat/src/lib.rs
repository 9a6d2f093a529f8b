//! Adapters between `aio` and the traits of other runtimes.
//!
//! The streams of `aio` have the traits of `futures_io`. Libraries that were written for tokio ask for tokio's traits,
//! and hyper has traits of its own. This crate turns one into the other; it brings no runtime, and none of it is
//! compiled but for the features that are asked for.
//!
#![cfg_attr(all(feature = "tokio", feature = "hyper"), doc = include_str!("tour.md"))]
//!
//! Not for tokio's own sockets, files and timers: they need its runtime, whatever adapter is around them. Those of
//! `aio` work under tokio, too.

#[cfg(any(feature = "tokio", feature = "hyper"))]
mod adapter;

#[cfg(feature = "tokio")]
mod from_tokio;
#[cfg(feature = "tokio")]
mod to_tokio;

#[cfg(feature = "hyper")]
mod from_hyper;
#[cfg(feature = "hyper")]
mod to_hyper;

#[cfg(feature = "hyper")]
mod hyper_executor;
#[cfg(feature = "hyper")]
mod hyper_timer;

#[cfg(feature = "tokio")]
pub use {from_tokio::FromTokio, to_tokio::ToTokio};

#[cfg(feature = "hyper")]
pub use {
    from_hyper::FromHyper,
    hyper_executor::{HyperExecutor, HyperGroupExecutor, HyperLocalExecutor},
    hyper_timer::HyperTimer,
    to_hyper::ToHyper,
};
