//! `cargo xtask tidy`: what the sources promise and neither rustc nor clippy check.
//!
//! | rule | what it asks |
//! |---|---|
//! | `facade` | library code takes atomics, locks, threads and thread-locals from `aio_base`, so that loom sees them |
//! | `clock` | `Instant::now` is called in the clock and nowhere else in library code; no test sleeps on its thread |
//! | `model` | a file with atomics or an `UnsafeCell` has a loom model in its module, or a reason in `unmodelled.txt` |
//! | `unfinished` | nothing is left to do, ignored or allowed to be dead |
//! | `lines` | no line is longer than 120 characters, but for rows of Markdown's tables, which are one line each |
//! | `manifest` | every member takes the lints and the minimum Rust version of the workspace |
//!
//! An exception is a comment on the line or directly above it, with its reason: `// facade: Wake asks for this Arc`.

mod rules;

use std::fmt;

use crate::source::{Source, Tree};
use crate::workspace::Workspace;
use crate::{Error, Result};

/// The files with atomics that no loom model of their own covers, and why that is right.
const UNMODELLED: &str = "xtask/unmodelled.txt";

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.path, self.line, self.message, self.rule)
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = workspace.sources()?;
    let members: Vec<String> =
        workspace.packages.iter().map(|package| format!("{}/Cargo.toml", package.folder)).collect();
    if !tree.sources.iter().any(Source::is_library) {
        return Err(Error::Failed("tidy found no library code to look at".to_owned()));
    }
    let findings = check(&tree, &members);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        n => Err(Error::Failed(format!("tidy found {n} faults"))),
    }
}

fn check(tree: &Tree, members: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        rules::facade(source, &mut findings);
        rules::clock(source, &mut findings);
        rules::unfinished(source, &mut findings);
        rules::lines(source, &mut findings);
    }
    rules::model(tree, &mut findings);
    rules::manifest(tree, members, &mut findings);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}
