//! Random groups and combinations of futures under seeds: what must hold in any order, whoever is cancelled.
#![cfg(not(aio_loom))]

#[path = "../../../aio-test/tests/support/dice.rs"]
mod dice;

mod combinators;
mod groups;
mod waits;
