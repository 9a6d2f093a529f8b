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
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--quick" | "--json" => {}
                "--only" if rest.next().is_some() => {}
                "--only" => return Err(Error::Usage("`--only` takes a name".to_owned())),
                other => return Err(unknown(other)),
            }
        }
        Ok(Self(args.to_owned()))
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    Cargo::new(&["run", "--profile", "bench", "-p", "aio-bench", "--"]).args(&options.0).run(workspace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_option_is_an_error_of_usage() {
        let parse = |args: &[&str]| Options::parse(&args.iter().map(|&arg| arg.to_owned()).collect::<Vec<_>>());
        assert!(parse(&["--only", "spawn", "--quick", "--json"]).is_ok());
        assert!(matches!(parse(&["--only"]), Err(Error::Usage(_))));
        assert!(matches!(parse(&["spawn"]), Err(Error::Usage(_))));
    }
}
