//! What was counted beside what is known.

use std::fmt;

use super::record::Count;
use super::{ALLOWANCE_PERCENT, RECORD};
use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct Comparison(Vec<Row>);

#[derive(Debug)]
struct Row {
    path: String,
    recorded: Option<Count>,
    now: Option<Count>,
}

/// What there is to say of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Small,
    Less,
    More,
    /// It is not in the record.
    New,
    /// It is in the record, and there is no such path.
    Gone,
}

impl Comparison {
    /// In the order of what was counted; what is gone comes last.
    pub(super) fn new(recorded: &[(String, Count)], counted: &[(String, Count)]) -> Self {
        let find = |list: &[(String, Count)], path: &str| {
            list.iter().find(|(other, _)| other == path).map(|(_, count)| *count)
        };
        let row = |(path, count): &(String, Count)| Row {
            path: path.clone(),
            recorded: find(recorded, path),
            now: Some(*count),
        };
        let gone = recorded.iter().filter(|(path, _)| find(counted, path).is_none());
        let gone = gone.map(|(path, count)| Row { path: path.clone(), recorded: Some(*count), now: None });
        Self(counted.iter().map(row).chain(gone).collect())
    }

    /// An error, if a path takes too many instructions, or the record does not fit the paths.
    pub(super) fn judge(&self) -> Result<()> {
        let those = |changes: &[Change]| -> Vec<&str> {
            self.0.iter().filter(|row| changes.contains(&row.change())).map(|row| row.path.as_str()).collect()
        };
        let mut faults = Vec::new();
        for (changes, what) in [
            (&[Change::More][..], "take more instructions than they are allowed to"),
            (&[Change::New], "are not recorded"),
            (&[Change::Gone], "are recorded and do not exist"),
        ] {
            let paths = those(changes);
            if !paths.is_empty() {
                faults.push(format!("these paths {what}: {}", paths.join(", ")));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::Failed(format!(
            "{}\n`callgrind_annotate target/callgrind/PATH.12000.out` tells where they are spent. If they are worth \
             it, `cargo xtask instructions --update` writes {RECORD}, which belongs into the same commit.",
            faults.join("\n")
        )))
    }
}

impl Row {
    fn change(&self) -> Change {
        match (self.recorded, self.now) {
            (Some(recorded), Some(now)) => {
                let (recorded, now) = (recorded.tenths(), now.tenths());
                if now * 100 > recorded * (100 + ALLOWANCE_PERCENT) {
                    Change::More
                } else if now * 100 < recorded * (100 - ALLOWANCE_PERCENT) {
                    Change::Less
                } else {
                    Change::Small
                }
            }
            (None, _) => Change::New,
            (Some(_), None) => Change::Gone,
        }
    }
}

/// A table.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|row| row.path.len()).max().unwrap_or(0);
        writeln!(f, "{:width$} {:>9} {:>9} {:>9}", "path", "recorded", "now", "change")?;
        self.0.iter().try_for_each(|row| writeln!(f, "{:width$} {row}", row.path))
    }
}

/// All but the path.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |count: Option<Count>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        write!(f, "{:>9} {:>9}", shown(self.recorded), shown(self.now))?;
        if let (Some(recorded), Some(now)) = (self.recorded, self.now) {
            #[expect(clippy::cast_precision_loss, reason = "no path takes 2^53 instructions")]
            let (recorded, now) = (recorded.tenths() as f64, now.tenths() as f64);
            write!(f, " {:>+7.1} %", (now - recorded) / recorded * 100.0)?;
        } else {
            write!(f, " {:>9}", "-")?;
        }
        f.write_str(match self.change() {
            Change::Small => "",
            Change::Less => "  less: `--update` records it",
            Change::More => "  MORE",
            Change::New => "  NOT RECORDED",
            Change::Gone => "  GONE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In whole instructions.
    fn counts(counts: &[(&str, u64)]) -> Vec<(String, Count)> {
        counts.iter().map(|&(path, count)| (path.to_owned(), Count::of(count, 1))).collect()
    }

    fn compare(recorded: &[(&str, u64)], now: &[(&str, u64)]) -> Comparison {
        Comparison::new(&counts(recorded), &counts(now))
    }

    fn error(comparison: &Comparison) -> String {
        let Err(Error::Failed(message)) = comparison.judge() else { panic!("it passed:\n{comparison}") };
        message
    }

    #[test]
    fn growth_of_more_than_five_percent_fails() {
        for (now, change) in [
            (1_051, Change::More),
            (1_050, Change::Small),
            (1_049, Change::Small),
            (1_000, Change::Small),
            (950, Change::Small),
            (949, Change::Less),
            (0, Change::Less),
        ] {
            let comparison = compare(&[("lock", 1_000)], &[("lock", now)]);
            assert_eq!(comparison.0[0].change(), change, "{now}");
            assert_eq!(comparison.judge().is_err(), change == Change::More, "{now}");
        }
    }

    #[test]
    fn one_path_that_grows_is_not_made_up_for_by_others() {
        let message = error(&compare(&[("lock", 100), ("wake", 100)], &[("lock", 10), ("wake", 106)]));
        assert!(
            message.starts_with("these paths take more instructions than they are allowed to: wake\n"),
            "{message}"
        );
    }

    #[test]
    fn a_path_without_a_line_fails() {
        let message = error(&compare(&[("lock", 100)], &[("lock", 100), ("wake", 100)]));
        assert!(message.starts_with("these paths are not recorded: wake\n"), "{message}");
    }

    #[test]
    fn a_line_without_a_path_fails() {
        let message = error(&compare(&[("lock", 100), ("wake", 100)], &[("lock", 100)]));
        assert!(message.starts_with("these paths are recorded and do not exist: wake\n"), "{message}");
    }

    #[test]
    fn the_table_shows_every_path_and_what_became_of_it() {
        let recorded = [("lock", 100), ("wake", 100), ("event", 100), ("gone", 7)];
        let comparison = compare(&recorded, &[("new", 7), ("lock", 106), ("wake", 94), ("event", 102)]);
        let expected = "\
path   recorded       now    change
new           -       7.0         -  NOT RECORDED
lock      100.0     106.0    +6.0 %  MORE
wake      100.0      94.0    -6.0 %  less: `--update` records it
event     100.0     102.0    +2.0 %
gone        7.0         -         -  GONE
";
        assert_eq!(comparison.to_string(), expected);
    }
}
