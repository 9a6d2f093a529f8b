//! What the command line asks for.

use std::process::ExitCode;

const USAGE: &str =
    "usage: aio-bench [--memory | --growth | echo [--memory]] [--only NAME] [--quick] [--json | --markdown]";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) subject: Subject,
    /// A part of the name of what to measure.
    pub(crate) only: String,
    pub(crate) quick: bool,
    pub(crate) output: Output,
}

/// What is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subject {
    #[default]
    Scenarios,
    Memory,
    Growth,
    /// Servers: their time for a request, or their memory for a connection.
    Echo {
        memory: bool,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
    Markdown,
}

impl Options {
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "echo" => options.subject = Subject::Echo { memory: options.subject == Subject::Memory },
                "--memory" => match &mut options.subject {
                    Subject::Echo { memory } => *memory = true,
                    subject => *subject = Subject::Memory,
                },
                "--growth" => options.subject = Subject::Growth,
                "--only" => options.only = args.next()?,
                "--quick" => options.quick = true,
                "--json" => options.output = Output::Json,
                "--markdown" => options.output = Output::Markdown,
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Prints how it is used.
pub(crate) fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
