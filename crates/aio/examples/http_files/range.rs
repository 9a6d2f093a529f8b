//! The part of a file that a request asks for.

use std::ops::Range;

/// What a header `Range` says of a file of a given length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing, or what we do not know: several parts, or other units than bytes.
    Everything,
    Part(Range<u64>),
    /// A part that the file does not have.
    Beyond,
}

pub(crate) fn parse(header: &str, len: u64) -> Asked {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|part| part.split_once('-')) else {
        return Asked::Everything;
    };
    let number = |digits: &str| -> Option<u64> {
        // `parse` would take `+1`.
        digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let part = match (first, last, number(first), number(last)) {
        ("", _, _, Some(n)) => len.saturating_sub(n)..len,
        (_, "", Some(first), _) => first..len,
        (_, _, Some(first), Some(last)) if first <= last => first..len.min(last.saturating_add(1)),
        _ => return Asked::Everything,
    };
    if part.is_empty() { Asked::Beyond } else { Asked::Part(part) }
}
