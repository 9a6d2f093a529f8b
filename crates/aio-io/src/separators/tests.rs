use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The same, by looking at every end.
fn obvious(separators: &[&[u8]], bytes: &[u8], from: usize) -> Option<Found> {
    (from..=bytes.len()).find_map(|end| {
        let ends_here = separators.iter().filter(|separator| bytes[from..end].ends_with(separator));
        ends_here.map(|separator| separator.len()).max().map(|len| Found { start: end - len, end })
    })
}

/// Long runs of one byte, so that the first separator is often a window or more away.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let run = (prop_oneof![8 => Just(b'.'), 1 => Just(b'a'), 1 => Just(b'b')], 1..300_usize, any::<bool>());
    vec(run, 0..12).prop_map(|runs| {
        runs.into_iter().flat_map(|(byte, len, is_long)| vec![byte; if is_long { len } else { 1 }]).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_first_end_is_found(
        bytes in bytes(),
        separators in vec(vec(prop_oneof![2 => Just(b'a'), 2 => Just(b'b'), 1 => Just(b'.')], 1..5), 1..4),
        from in 0..100_usize,
    ) {
        let separators: Vec<&[u8]> = separators.iter().map(Vec::as_slice).collect();
        let from = from.min(bytes.len());
        prop_assert_eq!(find(&&separators[..], &bytes, from), obvious(&separators, &bytes, from));
    }
}

/// Wherever a long one lies, also across the end of a window.
#[test]
fn a_separator_is_found_at_every_place() {
    for at in 0..600 {
        let mut bytes = vec![b'.'; at];
        bytes.extend_from_slice(b"abcdefgh....");
        let found = Some(Found { start: at, end: at + 8 });
        assert_eq!(find(&["abcdefgh", "!"], &bytes, 0), found, "at {at}");
        assert_eq!(find(&["!", "abcdefgh"], &bytes, at / 2), found, "at {at}");
        assert_eq!(find(&["abcdefgh"], &bytes, at / 2), found, "at {at}");
        assert_eq!(find(&["abcdefgh", "!"], &bytes, at + 1), None);
    }
}

#[test]
fn what_was_searched_is_told_by_the_very_separators() {
    let mut searched = Searched::default();
    searched.reach(&["ab", "c"], 7);
    assert_eq!(searched.from(&["ab", "c"]), 7);
    assert_eq!(searched.from(&[&b"ab"[..], b"c"]), 7);
    for others in [&["a", "bc"][..], &["ab"], &["c", "ab"], &["ab", "c", "d"], &["abc"]] {
        assert_eq!(searched.from(&others), 0, "{others:?}");
    }
    searched.consume(3);
    assert_eq!(searched.from(&["ab", "c"]), 4);
    searched.consume(9);
    assert_eq!(searched.from(&["ab", "c"]), 0);
}

/// They are not remembered, and not taken for one another.
#[test]
fn long_separators_are_searched_for_anew() {
    let long = [b'a'; 16];
    let mut searched = Searched::default();
    searched.reach(&&long[..15], 7);
    assert_eq!(searched.from(&&long[..15]), 7);
    searched.reach(&&long[..], 7);
    assert_eq!(searched.from(&&long[..]), 0);
    assert_eq!(searched.from(&&[b'b'; 20][..]), 0);
}
