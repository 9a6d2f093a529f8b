//! What the counts depend on besides the code of this workspace.

use std::fmt;
use std::process::Command;

use crate::workspace::Workspace;
use crate::{Error, Result};

/// Whose code runs. (The processor does not matter: see [`Callgrind`](super::Callgrind).)
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    /// The compiler, whose standard library is a part of the program.
    pub(super) rustc: String,
    pub(super) target: String,
    /// Whose `malloc` and `memcpy` are counted too.
    pub(super) libc: String,
}

impl Environment {
    pub(super) const KEYS: [&str; 3] = ["rustc", "target", "libc"];

    /// That of this machine, and the toolchain that builds the workspace.
    pub(super) fn of(workspace: &Workspace) -> Result<Self> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let said = said(Command::new(rustc).arg("-vV").current_dir(&workspace.root))
            .ok_or_else(|| Error::Failed("failed to run `rustc -vV`".to_owned()))?;
        let line =
            |prefix| said.lines().find_map(|line: &str| line.strip_prefix(prefix)).unwrap_or_default().to_owned();
        Ok(Self {
            rustc: line("rustc "),
            target: line("host: "),
            libc: self::said(Command::new("getconf").arg("GNU_LIBC_VERSION")).unwrap_or_else(|| "unknown".to_owned()),
        })
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut String> {
        match key {
            "rustc" => Some(&mut self.rustc),
            "target" => Some(&mut self.target),
            "libc" => Some(&mut self.libc),
            _ => None,
        }
    }

    fn values(&self) -> [&str; 3] {
        [&self.rustc, &self.target, &self.libc]
    }

    /// In what `here` is not what is recorded.
    pub(super) fn differs(&self, here: &Self) -> Option<String> {
        let pairs = Self::KEYS.into_iter().zip(self.values().into_iter().zip(here.values()));
        let differences: Vec<String> = pairs
            .filter(|(_, (recorded, here))| recorded != here)
            .map(|(key, (recorded, here))| format!("{key} is `{here}`, the record was made with `{recorded}`"))
            .collect();
        (!differences.is_empty()).then(|| differences.join("; "))
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::KEYS.into_iter().zip(self.values()).try_for_each(|(key, value)| writeln!(f, "{key}: {value}"))
    }
}

/// What a command prints, if it can be run and succeeds.
fn said(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment { rustc: "1.95.0".to_owned(), target: "x86_64".to_owned(), libc: "glibc 2.36".to_owned() }
    }

    #[test]
    fn every_difference_is_told() {
        assert_eq!(environment().differs(&environment()), None);
        for key in Environment::KEYS {
            let mut here = environment();
            *here.get_mut(key).unwrap() = "other".to_owned();
            let why = environment().differs(&here).unwrap();
            assert!(why.starts_with(&format!("{key} is `other`, the record was made with `")), "{why}");
        }
        let here = Environment { target: "aarch64".to_owned(), ..Environment::default() };
        assert_eq!(environment().differs(&here).unwrap().matches("; ").count(), 2);
    }

    #[test]
    fn this_machine_has_a_compiler_for_some_target() {
        let here = Environment::of(&Workspace::load().unwrap()).unwrap();
        assert!(here.rustc.starts_with(|c: char| c.is_ascii_digit()), "{here:?}");
        assert!(here.target.contains('-'), "{here:?}");
        assert_eq!(here.differs(&here), None);
    }
}
