//! The chores of this workspace: `cargo xtask COMMAND`. Each file is one command; [`cargo`], [`workspace`] and
//! [`source`] are what they stand on.

mod bench;
mod cargo;
mod ci;
mod instructions;
mod source;
mod test;
mod tidy;
mod workspace;

use std::fmt;
use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
    test [KIND]... [-p PACKAGE]...
        Runs the tests of the workspace, or of the packages named. Kinds (default: all of them):
            behaviour   unit and integration tests
            property    tests made by the macro `proptest!`
            doc         examples in the documentation
            real        test targets named `real*` or `foreign*`: the clock, the system, other runtimes
            published   test targets named `published*`: the tests that other crates publish, over our types
            loom        models of cross-thread protocols (LOOM_MAX_PREEMPTIONS, default 3, bounds the search)
    ci
        Everything a change must pass: format, tidy, clippy, documentation, examples, all tests.
    tidy
        Checks of the sources that neither rustc nor clippy make.
    bench [--memory | --growth | echo [--memory]] [--only NAME] [--quick] [--json | --markdown]
        Measures aio and its peers, interleaved, and prints a table. NAME is a part of the name of what to measure.
            --memory    bytes for each waiting task, in fresh processes (NAME: a runtime)
            --growth    the cost of an operation from 10^2 to 10^6 tasks, timers, ...; also as docs/growth.svg
            echo        echo servers, each on a core of its own under a load on another: CPU time, latency and system
                        calls of a request; with --memory what a connection takes and leaves behind (NAME: a server)
            --markdown  the tables of docs/performance.md
    instructions [PATH]...
        Counts the instructions of one operation of each hot path, or of those named, and fails if one has grown by more
        than 5 % over bench/instructions/recorded.txt. Needs valgrind, and the compiler and libc of the record; where
        they are not it says so, and compares nothing.
    instructions --update
        Counts them all and records them.

Exit codes: 0 done, 1 something failed, 2 wrong usage.";

/// Why a command did not succeed.
#[derive(Debug)]
enum Error {
    /// The command line makes no sense.
    Usage(String),
    /// A step failed; what it had to say about it is on the screen already, this says which it was.
    Failed(String),
}

type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Usage(message) => write!(f, "{message}\n\n{USAGE}"),
            Error::Failed(message) => f.write_str(message),
        }
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(if matches!(error, Error::Usage(_)) { 2 } else { 1 })
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((command, args)) = args.split_first() else {
        return Err(Error::Usage("no command".to_owned()));
    };
    match command.as_str() {
        "test" => test::run(&Workspace::load()?, &test::Options::parse(args)?),
        "ci" => no_more(args).and_then(|()| ci::run(&Workspace::load()?)),
        "tidy" => no_more(args).and_then(|()| tidy::run(&Workspace::load()?)),
        "bench" => bench::run(&Workspace::load()?, &bench::Options::parse(args)?),
        "instructions" => {
            instructions::run(&Workspace::load()?, &instructions::Options::parse(args)?).map(|outcome| outcome.print())
        }
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Error::Usage(format!("unknown command `{other}`"))),
    }
}

fn no_more(args: &[String]) -> Result<()> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(unknown(arg)),
    }
}

fn unknown(arg: &str) -> Error {
    Error::Usage(format!("unknown argument `{arg}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xtask_does_not_know_is_an_error_of_usage() {
        for args in [
            &[][..],
            &["nonsense"],
            &["ci", "--fast"],
            &["tidy", "x"],
            &["test", "unit"],
            &["bench", "--all"],
            &["instructions", "--all"],
        ] {
            let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
            assert!(matches!(dispatch(&args), Err(Error::Usage(_))), "{args:?}");
        }
    }
}
