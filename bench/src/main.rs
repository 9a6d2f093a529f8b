//! `aio` and its peers on the same payload, in one process, in turns: `cargo xtask bench`.
//!
//! The rows of a scenario are ours (`*`), the peers', and floors (in parentheses): less than a runtime, there to show
//! what a part costs. A ratio is to the best of the peers: below 1.00 is ahead of them all. Times are nanoseconds of
//! CPU for one operation, or of the clock where threads wait for each other (`to_thread`). Allocations are those of the
//! measuring thread. Only numbers of the same run can be compared.

mod alloc;
mod harness;
mod report;
mod runtimes;
mod scenarios;

use std::process::ExitCode;

const USAGE: &str = "usage: aio-bench [--only NAME] [--quick] [--json]";

#[derive(Debug, Default)]
struct Options {
    /// A part of the name of the scenarios to run.
    only: Option<String>,
    quick: bool,
    json: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--only" => options.only = Some(args.next()?),
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    if cfg!(debug_assertions) {
        eprintln!("warning: not optimized; the numbers mean nothing. Use `cargo xtask bench`.");
    }
    let mut scenarios = scenarios::all();
    if let Some(only) = &options.only {
        scenarios.retain(|scenario| scenario.name.contains(only.as_str()));
    }
    if scenarios.is_empty() {
        eprintln!("no scenario is called `{}`; there are:", options.only.unwrap_or_default());
        scenarios::all().iter().for_each(|scenario| eprintln!("    {}", scenario.name));
        return ExitCode::from(2);
    }
    // glibc's malloc is faster in a process that never had a second thread. Some peers start one; then nobody is to
    // have been measured before.
    std::thread::spawn(|| {}).join().expect("nothing panics there");

    let mut results = Vec::new();
    if !options.json {
        report::head();
    }
    for scenario in &scenarios {
        let measurements = scenario.measure(options.quick);
        if options.json {
            results.push(report::json(scenario, &measurements));
        } else {
            report::table(scenario, &measurements);
        }
    }
    if options.json {
        println!("{:#}", serde_json::json!({ "quick": options.quick, "scenarios": results }));
    }
    ExitCode::SUCCESS
}
