//! Whole-system tests: everything here goes through the umbrella crate `aio`, as its users do.
//!
//! - `real_tour`, `real_wc`, `real_http_files` and so on: the examples, as programs.
//! - `real_ctrl_c`: what the user's Ctrl-C does.
//! - `real_supervisor`: the example that keeps programs running, and ends them.
//! - `real_process`: what a process pays: threads, exit, a loop within another program.
//! - `real_asyncio_page`: the page for those who know asyncio: its programs in Python, and its table.
//! - `real_testing_chapter`: the chapter on tests: its programs, and what they print.
//! - `foreign`: `aio`'s primitives under other executors.
//! - `at_home`: what users of asyncio find under another name.
//! - `runner`: several runs on one loop, failures, the end.
//! - `test_attribute`: `#[aio::test]`, with what runs it.
//! - `together`: the crates in combination.
//! - `waiting`: who waits for a lock, a permit or an item, and is cancelled between the wake and its turn.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A command that runs an example of the umbrella crate.
pub fn example(name: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--package", "aio-rt", "--example", name, "--"]).current_dir(workspace());
    cargo
}

/// The program that an example of the umbrella crate is, without cargo around it: what it is sent, it gets itself.
///
/// # Panics
/// If cargo cannot build it.
pub fn built_example(name: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--package", "aio-rt", "--message-format=json-render-diagnostics", "--example", name]);
    let output = cargo.current_dir(workspace()).output().expect("cargo runs");
    let messages = String::from_utf8_lossy(&output.stdout);
    let key = "\"executable\":\"";
    let path = messages.rsplit_once(key).and_then(|(_, rest)| rest.split_once('"')).map(|(path, _)| path);
    let path = path.unwrap_or_else(|| panic!("failed to build `{name}`: {}", String::from_utf8_lossy(&output.stderr)));
    Command::new(path)
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The programs in Rust of the page for those who know asyncio.
#[cfg(doctest)]
#[doc = include_str!("../../docs/asyncio.md")]
struct AsyncioPage;
