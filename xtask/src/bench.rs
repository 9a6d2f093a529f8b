//! `cargo xtask bench`: the benchmarks, built as nothing else is built.

use crate::cargo::Cargo;
use crate::workspace::Workspace;
use crate::{Error, Result, unknown};

/// What the command line asks for: the arguments of the benchmark binary, checked here, so that a misspelt one does
/// not cost a build with link-time optimization.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options(Vec<String>);

impl Options {
    pub(crate) fn parse(args: &[String]) -> Result<Self> {
        let mut rest = args.iter();
        let (mut subject, mut output, mut echo) = (None, None, false);
        while let Some(arg) = rest.next() {
            let choice = match arg.as_str() {
                "--memory" | "--growth" => &mut subject,
                "--json" | "--markdown" => &mut output,
                "--quick" => continue,
                "echo" => {
                    echo = true;
                    continue;
                }
                "--only" if rest.next().is_some() => continue,
                "--only" => return Err(Error::Usage("`--only` takes a name".to_owned())),
                other => return Err(unknown(other)),
            };
            if let Some(before) = choice.replace(arg) {
                return Err(Error::Usage(format!("`{before}` and `{arg}` exclude each other")));
            }
        }
        if echo && subject.is_some_and(|subject| subject == "--growth") {
            return Err(Error::Usage("`echo` and `--growth` exclude each other".to_owned()));
        }
        Ok(Self(args.to_owned()))
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    line(options).run(workspace)
}

fn line(options: &Options) -> Cargo {
    let cargo = Cargo::new(&["run", "--profile", "bench", "-p", "aio-bench"]);
    // The peers that only Linux has, and that nothing but this compiles.
    let cargo = if cfg!(target_os = "linux") { cargo.args(["--features", "rings"]) } else { cargo };
    let cargo = if options.0.iter().any(|arg| arg == "--memory") { cargo } else { keep_memory(cargo) };
    cargo.args(["--"]).args(&options.0)
}

/// Has glibc's allocator keep what was freed. It would go back to the system, by rules that depend on what ran before,
/// and the row that needs it next would pay for the page faults, a third of the cost of a task.
fn keep_memory(cargo: Cargo) -> Cargo {
    // The first at its maximum.
    cargo.env("MALLOC_MMAP_THRESHOLD_", (32 << 20).to_string()).env("MALLOC_TRIM_THRESHOLD_", (1 << 30).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_benchmarks_know_is_passed_on() {
        for args in [
            &["--only", "spawn", "--quick", "--json"][..],
            &["--memory", "--only", "tokio", "--markdown"],
            &["--growth", "--quick"],
            &["echo", "--only", "tokio"],
        ] {
            let line = line(&parse(args).unwrap()).to_string();
            assert!(line.ends_with(&format!(" -- {}", args.join(" "))), "{line}");
            assert_eq!(line.contains("--features rings"), cfg!(target_os = "linux"), "{line}");
            assert_eq!(line.contains("MALLOC_"), args[0] != "--memory", "{line}");
        }
    }

    #[test]
    fn an_incomplete_option_is_an_error_of_usage() {
        assert!(matches!(parse(&["--only"]), Err(Error::Usage(_))));
        assert!(matches!(parse(&["spawn"]), Err(Error::Usage(_))));
    }

    #[test]
    fn there_is_one_subject_and_one_form_of_output() {
        for args in [["--memory", "--growth"], ["echo", "--growth"], ["--json", "--markdown"], ["--json", "--json"]] {
            assert!(matches!(parse(&args), Err(Error::Usage(_))), "{args:?}");
        }
    }
}
