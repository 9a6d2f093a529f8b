//! Running cargo, and saying so in a form that can be pasted into a shell.

use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::workspace::Workspace;
use crate::{Error, Result};

/// One cargo line: variables, then arguments. Its `Display` is what a shell takes.
#[derive(Debug, Default)]
pub(crate) struct Cargo {
    envs: Vec<(String, String)>,
    args: Vec<String>,
}

impl Cargo {
    pub(crate) fn new(args: &[&str]) -> Self {
        Self::default().args(args)
    }

    pub(crate) fn args<S: AsRef<str>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// `-p NAME` for each of `packages`.
    pub(crate) fn packages<'a>(self, packages: impl IntoIterator<Item = &'a str>) -> Self {
        packages.into_iter().fold(self, |cargo, package| cargo.args(["-p", package]))
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.envs.push((name.to_owned(), value.into()));
        self
    }

    /// What `--cfg aio_loom` takes: the flag after those the user has set, and a target folder of its own, since a
    /// changed flag would otherwise rebuild everything at each change of command.
    pub(crate) fn loom(self, workspace: &Workspace) -> Self {
        let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
        self.env("RUSTFLAGS", format!("{flags} --cfg aio_loom").trim_start())
            .env("CARGO_TARGET_DIR", workspace.target.join("loom").display().to_string())
    }

    /// Runs it in the root of the workspace.
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        let status = self.command(workspace).status().map_err(|error| self.failed(&error))?;
        if status.success() { Ok(()) } else { Err(self.failed(&status)) }
    }

    /// Runs `cargo test` and returns how many tests passed, over all its binaries.
    pub(crate) fn run_tests(&self, workspace: &Workspace) -> Result<u64> {
        let mut child = self.command(workspace).stdout(Stdio::piped()).spawn().map_err(|error| self.failed(&error))?;
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut passed = 0;
        for line in output.split(b'\n') {
            let line = line.map_err(|error| self.failed(&error))?;
            // A test may print what is not UTF-8; it is passed on as it is.
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(&line).and_then(|()| stdout.write_all(b"\n")).map_err(|error| self.failed(&error))?;
            passed += passed_in(&String::from_utf8_lossy(&line));
        }
        let status = child.wait().map_err(|error| self.failed(&error))?;
        if status.success() { Ok(passed) } else { Err(self.failed(&status)) }
    }

    fn command(&self, workspace: &Workspace) -> Command {
        eprintln!("$ {self}");
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(&self.args).envs(self.envs.iter().map(|(name, value)| (name, value))).current_dir(&workspace.root);
        command
    }

    fn failed(&self, why: &dyn fmt::Display) -> Error {
        Error::Failed(format!("{why}: {self}"))
    }
}

impl fmt::Display for Cargo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.envs {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str("cargo")?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:/.,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The number in a summary line of the test harness: `test result: ok. 12 passed; 0 failed; ...`.
fn passed_in(line: &str) -> u64 {
    let number = || line.strip_prefix("test result: ")?.split(" passed;").next()?.rsplit(' ').next()?.parse().ok();
    number().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        let cargo = Cargo::new(&["test", "--lib"]).packages(["a", "b"]).env("RUSTFLAGS", "--cfg aio_loom");
        assert_eq!(cargo.to_string(), "RUSTFLAGS='--cfg aio_loom' cargo test --lib -p a -p b");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn only_summary_lines_count() {
        assert_eq!(passed_in("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out"), 12);
        assert_eq!(passed_in("test result: FAILED. 4 passed; 1 failed; 0 ignored"), 4);
        assert_eq!(passed_in("running 7 tests"), 0);
        assert_eq!(passed_in("printed by a test: 5 passed; surely"), 0);
    }
}
