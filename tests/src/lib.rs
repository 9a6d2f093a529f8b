//! Whole-system tests: everything here goes through the umbrella crate `aio`, as its users do.
//!
//! - `real_tour`, `real_wc`: the examples, as programs.
//! - `real_process`: what a process pays: threads, exit, a loop within another program.
//! - `foreign`: `aio`'s primitives under other executors.
//! - `together`: the crates in combination.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command that runs an example of the umbrella crate.
pub fn example(name: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "aio-rt", "--example", name, "--"]).current_dir(workspace());
    cargo
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
