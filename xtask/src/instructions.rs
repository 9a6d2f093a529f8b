//! `cargo xtask instructions`: what one operation of each hot path costs in instructions, beside what it is known to
//! cost.
//!
//! Times on a shared machine are off by more than most regressions are worth; instructions repeat exactly. What they
//! are known to be stands in [`RECORD`]. A path that takes more by over [`ALLOWANCE_PERCENT`] fails, unless the change
//! that makes it slower changes the record too, where a reviewer sees it.
//!
//! The counts are those of one compiler and one libc. Where there are others, or no valgrind, nothing is compared; that
//! is said, and is no failure: who has Rust and nothing else can still run `cargo xtask ci`.

mod callgrind;
mod comparison;
mod environment;
mod record;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cargo::Cargo;
use crate::workspace::Workspace;
use crate::{Error, Result, unknown};
use callgrind::Callgrind;
use comparison::Comparison;
use environment::Environment;
use record::{Count, Record};

const PACKAGE: &str = "aio-instructions";
const PROFILE: &str = "instructions";
const RECORD: &str = "bench/instructions/recorded.txt";

/// By how much a path may grow, or shrink, without a word.
const ALLOWANCE_PERCENT: u64 = 5;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    update: bool,
    /// All of them, if empty.
    paths: Vec<String>,
}

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for arg in args {
            match arg.as_str() {
                "--update" => options.update = true,
                path if !path.starts_with('-') => options.paths.push(path.to_owned()),
                other => return Err(unknown(other)),
            }
        }
        if options.update && !options.paths.is_empty() {
            return Err(Error::Usage("`--update` is for all paths: one record has one compiler".to_owned()));
        }
        Ok(options)
    }
}

/// What came of it, unless it failed.
#[derive(Debug)]
#[must_use]
pub(crate) enum Outcome {
    Done,
    /// Nothing was compared, for this reason.
    NotCompared(String),
}

impl Outcome {
    /// Says so, if nothing was compared.
    pub(crate) fn print(&self) {
        if let Self::NotCompared(why) = self {
            eprintln!("instructions were not compared: {why}");
        }
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let file = workspace.root.join(RECORD);
    let environment = Environment::of(workspace)?;
    if options.update {
        let Some(callgrind) = Callgrind::find(workspace) else {
            return Err(Error::Failed("`valgrind` cannot be run".to_owned()));
        };
        // It may be unreadable, or not be there: it is replaced.
        let recorded = read(&file).unwrap_or_default();
        let counts = count(&callgrind, workspace, &options.paths)?;
        print!("{}", Comparison::new(&recorded.counts, &counts));
        let text = Record { environment, counts }.to_string();
        fs::write(&file, text).map_err(|error| Error::Failed(format!("failed to write `{RECORD}`: {error}")))?;
        println!("wrote {RECORD}");
        return Ok(Outcome::Done);
    }

    let recorded = read(&file)?;
    if let Some(why) = recorded.environment.differs(&environment) {
        return Ok(Outcome::NotCompared(why));
    }
    let Some(callgrind) = Callgrind::find(workspace) else {
        return Ok(Outcome::NotCompared("`valgrind` cannot be run".to_owned()));
    };
    let counts = count(&callgrind, workspace, &options.paths)?;
    let comparison = Comparison::new(&recorded.of(&options.paths), &counts);
    print!("{comparison}");
    comparison.judge()?;
    Ok(Outcome::Done)
}

fn read(file: &Path) -> Result<Record> {
    let text = fs::read_to_string(file).map_err(|error| format!("{error}; `--update` makes one"));
    text.and_then(|text| Record::parse(&text))
        .map_err(|error| Error::Failed(format!("failed to read `{RECORD}`: {error}")))
}

/// Builds and counts the paths of these names; all of them if there are none.
fn count(callgrind: &Callgrind, workspace: &Workspace, names: &[String]) -> Result<Vec<(String, Count)>> {
    // Flags that the user has set make other code. So does incremental compilation.
    Cargo::new(&["build", "--profile", PROFILE, "-p", PACKAGE])
        .env("CARGO_ENCODED_RUSTFLAGS", "")
        .env("CARGO_INCREMENTAL", "0")
        .run(workspace)?;
    let program = workspace.target.join(PROFILE).join(PACKAGE);
    let mut paths = list(&program)?;
    if let Some(name) = names.iter().find(|name| !paths.contains(name)) {
        return Err(Error::Usage(format!("there is no path `{name}`, but {}", paths.join(", "))));
    }
    paths.retain(|path| names.is_empty() || names.contains(path));
    callgrind.count(&program, paths)
}

fn list(program: &Path) -> Result<Vec<String>> {
    let output = Command::new(program).arg("--list").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
        }
        Ok(output) => Err(Error::Failed(format!("{}: {} --list", output.status, program.display()))),
        Err(error) => Err(Error::Failed(format!("failed to run `{}`: {error}", program.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn paths_may_be_chosen_unless_all_are_recorded() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        assert_eq!(parse(&["lock", "wake"]).unwrap().paths, ["lock", "wake"]);
        assert!(parse(&["--update"]).unwrap().update);
        for args in [&["--update", "lock"][..], &["lock", "--update"], &["--upd"]] {
            assert!(matches!(parse(args), Err(Error::Usage(_))), "{args:?}");
        }
    }

    #[test]
    fn the_record_of_this_workspace_can_be_read() {
        let workspace = Workspace::load().unwrap();
        let record = read(&workspace.root.join(RECORD)).unwrap();
        assert!(!record.counts.is_empty());
        // Who writes it by hand writes it as the command would.
        assert_eq!(record.to_string(), fs::read_to_string(workspace.root.join(RECORD)).unwrap());
    }
}
