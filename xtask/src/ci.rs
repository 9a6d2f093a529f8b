//! `cargo xtask ci`: everything a change must pass, the quickest to fail first.

use std::time::Instant;

use crate::cargo::Cargo;
use crate::workspace::Workspace;
use crate::{Result, instructions, test, tidy};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let started = Instant::now();
    Cargo::new(&["fmt", "--all", "--check"]).run(workspace)?;
    eprintln!("$ cargo xtask tidy");
    tidy::run(workspace)?;
    // Also the check of the minimum Rust version: `incompatible_msrv` is denied and looks at `rust-version`.
    Cargo::new(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run(workspace)?;
    clippy_of_models(workspace)?;
    Cargo::new(&["doc", "--workspace", "--no-deps", "--document-private-items"])
        .args(["--features", "aio-compat/tokio,aio-compat/hyper,aio-rt/test"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run(workspace)?;
    // In the profile of the tests, which has compiled their dependencies by the time they are run.
    Cargo::new(&["build", "--workspace", "--examples", "--profile", "test"]).run(workspace)?;
    eprintln!("$ cargo xtask instructions");
    let instructions = instructions::run(workspace, &instructions::Options::default())?;
    eprintln!("$ cargo xtask test");
    test::run(workspace, &test::Options::default())?;
    // Once more at the end, where it is seen.
    instructions.print();
    eprintln!("all passed in {} s", started.elapsed().as_secs());
    Ok(())
}

/// The other half of the facade and the loom models, which the first clippy does not see. In the profile in which the
/// models are run, so that build scripts and macros are compiled once.
fn clippy_of_models(workspace: &Workspace) -> Result<()> {
    let tree = workspace.sources()?;
    let packages = workspace.packages.iter().filter(|package| package.has_loom_models(&tree));
    Cargo::new(&["clippy", "--release", "--lib", "--tests"])
        .packages(packages.map(|package| package.name.as_str()))
        .args(["--", "-D", "warnings"])
        .loom(workspace)
        .run(workspace)
}
