//! The hot paths of `aio`, one at a time and exactly as often as asked: `cargo xtask instructions` counts their
//! instructions.
//!
//! Nothing here measures. What a path does must be the same in each run to the last instruction: no second thread, no
//! random numbers, and no time but a virtual one.

mod paths;

use std::process::ExitCode;

const USAGE: &str = "\
usage: aio-instructions --list
       aio-instructions PATH N";

enum Request {
    /// The names of the paths, a line for each.
    List,
    Run(fn(u64) -> u64, u64),
}

impl Request {
    fn parse(args: &[String]) -> Option<Self> {
        match args {
            [arg] if arg == "--list" => Some(Self::List),
            [name, n] => {
                let (_, run) = paths::PATHS.iter().find(|(path, _)| path == name)?;
                let n = n.parse().ok().filter(|n: &u64| n.is_multiple_of(paths::UNIT))?;
                Some(Self::Run(*run, n))
            }
            _ => None,
        }
    }
}

/// Callgrind is told to collect as long as this is on the stack. What comes before differs from run to run by some
/// instructions (the standard library reads the addresses of the process as text), what is in here does not.
#[inline(never)]
fn counted(run: fn(u64) -> u64, n: u64) {
    assert_eq!(run(n), n, "some operations are missing, or too many");
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match Request::parse(&args) {
        Some(Request::List) => {
            paths::PATHS.iter().for_each(|(name, _)| println!("{name}"));
            ExitCode::SUCCESS
        }
        Some(Request::Run(run, n)) => {
            counted(run, n);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{USAGE}\nN is a multiple of {}.", paths::UNIT);
            ExitCode::from(2)
        }
    }
}
