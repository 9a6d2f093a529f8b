//! The program that the chapter on tests, docs/testing.md, puts to the test.

mod cache;
mod frames;
mod transfer;

pub use cache::Cache;
pub use frames::{Frames, read_frame};
pub use transfer::{Account, transfer, transfer_in_order};
