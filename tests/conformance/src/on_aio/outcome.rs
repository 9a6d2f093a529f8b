//! How tasks and blocks end.

use std::fmt;

/// How a task ended.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    Done(Option<String>),
    Failed(Failure),
}

/// An error of a program.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    Raised(String),
    Timeout,
    Group(Vec<Failure>),
}

/// Why a block ends before its end.
pub(super) enum Stop {
    Return(String),
    Failed(Failure),
    Deadlock,
}

pub(super) type Flow = Result<(), Stop>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised(error) => f.write_str(error),
            Self::Timeout => f.write_str("timeout"),
            Self::Group(errors) => {
                let errors: Vec<String> = errors.iter().map(Self::to_string).collect();
                write!(f, "group({})", errors.join(", "))
            }
        }
    }
}

pub(super) fn show(ending: Option<&Ending>) -> String {
    match ending {
        None => "was cancelled".to_owned(),
        Some(Ending::Done(None)) => "ended".to_owned(),
        Some(Ending::Done(Some(value))) => format!("gave {value}"),
        Some(Ending::Failed(failure)) => format!("failed: {failure}"),
    }
}
