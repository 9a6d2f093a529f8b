//! Durations as texts: `"250ms"`, `"5s"`, `"1m"`, `"2h"`.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};

/// The units, in milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

/// A duration, as an expression of type `Duration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

impl ToTokens for Millis {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let millis = Literal::u64_unsuffixed(self.0);
        tokens.extend(quote!(::core::time::Duration::from_millis(#millis)));
    }
}

/// The duration that `text` says.
///
/// # Errors
/// What is wrong with the text.
pub(crate) fn parse(text: &str) -> Result<Millis, &'static str> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err("it has to begin with a whole number");
    }
    if unit.is_empty() {
        return Err("it lacks a unit: one of `ms`, `s`, `m` and `h`");
    }
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err("it has to be a whole number and one of the units `ms`, `s`, `m` and `h`");
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
    total.map(Millis).ok_or("it is too long")
}

/// Whether `suffix` is a unit: of a number without quotes, as in `grace = 5s`.
pub(crate) fn is_unit(suffix: &str) -> bool {
    UNITS.iter().any(|(name, _)| *name == suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_duration() {
        assert_eq!(parse("250ms"), Ok(Millis(250)));
        assert_eq!(parse("5s"), Ok(Millis(5000)));
        assert_eq!(parse("1m"), Ok(Millis(60_000)));
        assert_eq!(parse("2h"), Ok(Millis(7_200_000)));
        assert_eq!(parse("0s"), Ok(Millis(0)));
        assert_eq!(parse("18446744073709551615ms"), Ok(Millis(u64::MAX)));
    }

    #[test]
    fn everything_else_is_told_what_it_lacks() {
        let whole = "it has to begin with a whole number";
        let form = "it has to be a whole number and one of the units `ms`, `s`, `m` and `h`";
        for (text, why) in [
            ("", whole),
            ("s", whole),
            ("-5s", whole),
            (" 5s", whole),
            ("5", "it lacks a unit: one of `ms`, `s`, `m` and `h`"),
            ("5 s", form),
            ("5s ", form),
            ("1.5s", form),
            ("5S", form),
            ("5sec", form),
            ("1m30s", form),
            ("1d", form),
            ("5µs", form),
            ("18446744073709551616ms", "it is too long"),
            ("18446744073709552s", "it is too long"),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
    }
}
