//! The file of what is known: a head that says where it holds, then a line for each path.
//!
//! ```text
//! # A comment.
//! rustc: 1.95.0 (59807616e 2026-04-14)
//! target: x86_64-unknown-linux-gnu
//! libc: glibc 2.36
//!
//! yield_now    170.8
//! ```

use std::fmt;

use super::environment::Environment;

const HEAD: &str = "\
# Instructions of one operation of each hot path: `cargo xtask instructions` compares, with `--update` it writes this.
# They hold where the next lines do.";

/// Instructions for an operation, in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count(u64);

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) environment: Environment,
    pub(super) counts: Vec<(String, Count)>,
}

impl Count {
    /// `total` instructions for `n` operations, rounded.
    pub(super) fn of(total: u64, n: u64) -> Self {
        Self((total * 10 + n / 2) / n)
    }

    pub(super) fn tenths(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (whole, tenths) = text.split_once('.')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let one_tenth = tenths.len() == 1 && digits(tenths) && digits(whole);
        one_tenth.then(|| Some(Self(whole.parse::<u64>().ok()?.checked_mul(10)? + tenths.parse::<u64>().ok()?)))?
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As one text, so that a width counts for all of it.
        f.pad(&format!("{}.{}", self.0 / 10, self.0 % 10))
    }
}

impl Record {
    /// The error says which line is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut record = Self::default();
        for (index, line) in text.lines().enumerate() {
            record.line(line.trim()).map_err(|error| format!("line {}: {error}", index + 1))?;
        }
        Ok(record)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some((key, value)) = line.split_once(':') {
            let unknown = || format!("`{key}` is neither of {}", Environment::KEYS.join(", "));
            *self.environment.get_mut(key).ok_or_else(unknown)? = value.trim().to_owned();
            return Ok(());
        }
        let (path, count) = line.split_once(' ').ok_or("not a path and a number")?;
        let count = Count::parse(count.trim()).ok_or("the number is not of the form `12.3`")?;
        if self.counts.iter().any(|(other, _)| other == path) {
            return Err(format!("`{path}` is here twice"));
        }
        self.counts.push((path.to_owned(), count));
        Ok(())
    }

    /// The lines of `paths`; all of them if there are none.
    pub(super) fn of(&self, paths: &[String]) -> Vec<(String, Count)> {
        let chosen = self.counts.iter().filter(|(path, _)| paths.is_empty() || paths.contains(path));
        chosen.cloned().collect()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\n{}", self.environment)?;
        let width = self.counts.iter().map(|(path, _)| path.len()).max().unwrap_or(0);
        self.counts.iter().try_for_each(|(path, count)| writeln!(f, "{path:width$} {count:>9}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# as it is written\nrustc: 1.95.0 (59807616e 2026-04-14)\ntarget: x86_64-unknown-linux-gnu\n\
                        libc: glibc 2.36\n\nlock    31.0\nyield_now 170.8\n";

    #[test]
    fn what_is_written_is_read() {
        let record = Record::parse(TEXT).unwrap();
        assert_eq!(record.environment.rustc, "1.95.0 (59807616e 2026-04-14)");
        assert_eq!(record.environment.target, "x86_64-unknown-linux-gnu");
        assert_eq!(record.environment.libc, "glibc 2.36");
        assert_eq!(record.counts, [("lock".to_owned(), Count(310)), ("yield_now".to_owned(), Count(1708))]);
        assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        let expect = |line: &str, error: &str| {
            assert_eq!(Record::parse(&format!("{TEXT}{line}\n")), Err(format!("line 8: {error}")), "{line}");
        };
        expect("yield_now 3.0", "`yield_now` is here twice");
        expect("wake", "not a path and a number");
        expect("cpu: fast", "`cpu` is neither of rustc, target, libc");
        for number in ["31", "31.05", "3.", ".5", "+3.0", "-3.0", "1e3", "99999999999999999999.0", "x.0", "1.x"] {
            expect(&format!("wake {number}"), "the number is not of the form `12.3`");
        }
    }

    #[test]
    fn a_count_is_rounded_to_tenths() {
        assert_eq!(Count::of(8_000, 8_000).to_string(), "1.0");
        assert_eq!(Count::of(8_399, 8_000).to_string(), "1.0");
        assert_eq!(Count::of(8_400, 8_000).to_string(), "1.1");
        assert_eq!(Count::of(0, 8_000).to_string(), "0.0");
        assert_eq!(format!("{:>6}", Count(1708)), " 170.8");
    }

    #[test]
    fn paths_can_be_chosen() {
        let record = Record::parse(TEXT).unwrap();
        assert_eq!(record.of(&[]), record.counts);
        assert_eq!(record.of(&["lock".to_owned(), "wake".to_owned()]), [("lock".to_owned(), Count(310))]);
    }
}
