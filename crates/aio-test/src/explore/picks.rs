//! A schedule as text: what was picked wherever there was a choice.

use std::fmt;
use std::str::FromStr;

use crate::numbers::Number;

/// What was picked at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// Of several tasks that were ready, this one ran.
    Task(Number),
    /// Nobody ran although somebody could have: time passed, and the next timer fired.
    Time,
    /// Of several timers of one deadline: see [`aio_base::choice`].
    Timer(usize),
}

/// What was picked at each point, up to the last one where it was not what production does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Picks(pub(super) Vec<Pick>);

/// The schedule of production.
const FIFO: &str = "fifo";

impl fmt::Display for Picks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(FIFO);
        }
        for (i, pick) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            match pick {
                Pick::Task(Number(number)) => write!(f, "{number}")?,
                Pick::Time => f.write_str("time")?,
                Pick::Timer(nth) => write!(f, "t{nth}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Picks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == FIFO {
            return Ok(Self::default());
        }
        let pick = |part: &str| match part.strip_prefix('t') {
            Some("ime") => Some(Pick::Time),
            Some(nth) => nth.parse().ok().map(Pick::Timer),
            None => part.parse().ok().filter(|number| *number > 0).map(|number| Pick::Task(Number(number))),
        };
        let picks: Option<Vec<Pick>> = text.split('.').map(pick).collect();
        picks.map(Self).ok_or_else(|| format!("`{text}` is no schedule: that looks like `2.1.3`, or `{FIFO}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_the_same_after_it_was_text() {
        let picks = Picks(vec![Pick::Task(Number(12)), Pick::Timer(1), Pick::Time, Pick::Task(Number(3))]);
        assert_eq!(picks.to_string(), "12.t1.time.3");
        assert_eq!(picks.to_string().parse(), Ok(picks));
        assert_eq!(Picks::default().to_string().parse(), Ok(Picks::default()));
        for wrong in ["", "1.", "0", "x", "1,2", "t", "-1"] {
            assert!(wrong.parse::<Picks>().is_err(), "{wrong}");
        }
    }
}
