//! `aio` and its peers on the same payload, in one process, in turns: `cargo xtask bench`.
//!
//! The rows of a scenario are ours (`*`), the peers', and floors (in parentheses): less than a runtime, there to show
//! what a part costs. Ratios are to the best of the peers, and to the best of the floors: below 1.00 is ahead of them
//! all. Times are nanoseconds for one operation: of CPU, where one thread works; of the clock where threads work
//! together, and then the CPU time of all of them stands beside it. Allocations are those of the measuring thread. Only
//! numbers of the same run can be compared.
//!
//! A peer that is not there, or that cannot start, has no rows; a line on stderr says so.

mod alloc;
mod channels;
mod cpu;
#[cfg(target_os = "linux")]
mod echo;
mod environment;
mod floors;
mod growth;
mod harness;
mod memory;
mod python;
mod report;
mod runtimes;
mod scenarios;
mod wheel;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use options::{Options, Output, Subject};
use report::{json, markdown, text};

mod options;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    #[cfg(target_os = "linux")]
    if let Some((echo::ARGUMENT, args)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        echo::in_this_process(args);
        return options::usage();
    }
    if let Some((memory::ARGUMENT, args)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        memory::in_this_process(args);
        return options::usage();
    }
    let Some(options) = Options::parse(args.into_iter()) else { return options::usage() };
    if cfg!(debug_assertions) {
        eprintln!("warning: not optimized; the numbers mean nothing. Use `cargo xtask bench`.");
    }
    // glibc's malloc is faster in a process that never had a second thread. Some peers start one; then nobody is to
    // have been measured before.
    std::thread::spawn(|| {}).join().expect("nothing panics there");
    match options.subject {
        Subject::Scenarios => run_scenarios(&options),
        Subject::Memory => run_memory(&options),
        Subject::Growth => run_growth(&options),
        Subject::Echo { memory } => run_echo(&options, memory),
    }
}

/// Complains that nothing has a name like `only`; there are `names`.
fn nothing_called<'a>(only: &str, names: impl IntoIterator<Item = &'a str>) -> ExitCode {
    eprintln!("nothing is called `{only}`; there are:");
    names.into_iter().for_each(|name| eprintln!("    {name}"));
    ExitCode::from(2)
}

fn run_scenarios(options: &Options) -> ExitCode {
    let all = scenarios::all();
    if !all.iter().any(|scenario| scenario.name.contains(&options.only)) {
        return nothing_called(&options.only, all.iter().map(|scenario| scenario.name));
    }
    if options.output == Output::Text {
        text::head();
    }
    let mut results = Vec::new();
    for scenario in all.into_iter().filter(|scenario| scenario.name.contains(&options.only)) {
        let measurements = scenario.measure(options.quick);
        if options.output == Output::Text {
            text::scenario(&scenario, &measurements);
        }
        results.push((scenario, measurements));
    }
    match options.output {
        Output::Text => {}
        Output::Json => {
            let scenarios: Vec<_> = results.iter().map(|(scenario, rows)| json::scenario(scenario, rows)).collect();
            print_json(options, "scenarios", &scenarios.into());
        }
        Output::Markdown => {
            markdown::head();
            markdown::scenarios(&results);
        }
    }
    ExitCode::SUCCESS
}

fn run_memory(options: &Options) -> ExitCode {
    if !cfg!(target_os = "linux") {
        eprintln!("only Linux tells how much memory a process has in the way this asks for it");
        return ExitCode::FAILURE;
    }
    let rows = memory::measure(&options.only, options.quick);
    if rows.is_empty() {
        return nothing_called(&options.only, memory::names());
    }
    match options.output {
        Output::Text => text::memory(&rows),
        Output::Json => print_json(options, "memory", &json::memory(&rows)),
        Output::Markdown => {
            markdown::head();
            markdown::memory(&rows);
        }
    }
    ExitCode::SUCCESS
}

fn run_growth(options: &Options) -> ExitCode {
    let all = growth::measure(&options.only, options.quick);
    if all.is_empty() {
        return nothing_called(&options.only, growth::names());
    }
    match options.output {
        Output::Text => text::growth(&all),
        Output::Json => print_json(options, "growth", &json::growth(&all)),
        Output::Markdown => {
            markdown::head();
            markdown::growth(&all);
        }
    }
    // The picture of the page is one of all subjects, well measured.
    let is_for_the_page = !options.quick && options.only.is_empty();
    let folder = if is_for_the_page { PathBuf::from("docs") } else { std::env::temp_dir() };
    let picture = folder.join("growth.svg");
    if let Err(error) = growth::draw(&all, &picture, &environment::line()) {
        eprintln!("failed to write `{}`: {error}", picture.display());
        return ExitCode::FAILURE;
    }
    eprintln!("wrote `{}`", picture.display());
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn run_echo(options: &Options, memory: bool) -> ExitCode {
    echo::run(options, memory)
}

#[cfg(not(target_os = "linux"))]
fn run_echo(_: &Options, _memory: bool) -> ExitCode {
    eprintln!("only Linux has what the load and the floor are made of");
    ExitCode::FAILURE
}

fn print_json(options: &Options, what: &str, results: &serde_json::Value) {
    let made_on = environment::line();
    println!(
        "{:#}",
        json!({ "quick": options.quick, "made_on": made_on, "peers": environment::peers(), what: results })
    );
}
