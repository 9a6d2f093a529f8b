//! Where work is cancelled.

use std::fmt;
use std::str::FromStr;

/// A point at which work is cancelled: before it begins, or at its n-th await, in one of two [moments](Moment).
///
/// An await counts if it waits: each poll that gives nothing is one. `Display` and `FromStr` write it as `0`,
/// `3:waiting` and `3:woken`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CancelPoint {
    /// Before its first poll.
    Start,
    /// At its n-th await, counted from 1.
    Await(usize, Moment),
}

/// When, at an await, work is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// As soon as it has begun to wait.
    Waiting,
    /// When it was woken, instead of its next poll. What it was woken for is on its way to it then: an item, a permit.
    Woken,
}

impl CancelPoint {
    /// All points of a piece of work with so many awaits.
    pub fn all(n_awaits: usize) -> impl Iterator<Item = Self> {
        let awaits = (1..=n_awaits).flat_map(|n| [Moment::Waiting, Moment::Woken].map(|moment| Self::Await(n, moment)));
        std::iter::once(Self::Start).chain(awaits)
    }
}

impl fmt::Display for CancelPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("0"),
            Self::Await(n, Moment::Waiting) => write!(f, "{n}:waiting"),
            Self::Await(n, Moment::Woken) => write!(f, "{n}:woken"),
        }
    }
}

impl FromStr for CancelPoint {
    type Err = ParseCancelPointError;

    fn from_str(text: &str) -> Result<Self, ParseCancelPointError> {
        let error = ParseCancelPointError(());
        let Some((n, moment)) = text.split_once(':') else {
            return if text == "0" { Ok(Self::Start) } else { Err(error) };
        };
        let moment = match moment {
            "waiting" => Moment::Waiting,
            "woken" => Moment::Woken,
            _ => return Err(error),
        };
        match n.parse() {
            Ok(n) if n > 0 => Ok(Self::Await(n, moment)),
            _ => Err(error),
        }
    }
}

/// The text is not a [`CancelPoint`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseCancelPointError(());

impl fmt::Display for ParseCancelPointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point of cancellation is `0`, `N:waiting` or `N:woken`, where N is 1 or more")
    }
}

impl std::error::Error for ParseCancelPointError {}
