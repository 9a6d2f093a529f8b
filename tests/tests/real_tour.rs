//! The tour prints what the Python original prints.
#![cfg(not(aio_loom))]

/// Errors are shown in Rust's wording; everything else is the same to the letter, times included.
const WORDING: [(&str, &str); 2] = [
    ("ValueError('failed after 1') @3", "Err(Failed(\"failed after 1\")) @3"),
    ("['failed after 1'] @1", "[Failed(\"failed after 1\")] @1"),
];

#[test]
fn the_tour_prints_the_lines_of_the_reference_sheet() {
    let mut expected = std::fs::read_to_string(aio_tests::workspace().join("tests/reference/sheet.out")).unwrap();
    for (python, rust) in WORDING {
        assert!(expected.contains(python));
        expected = expected.replace(python, rust);
    }
    // Times are rounded to whole units: with a long one, a busy machine may be late by a quarter of a second.
    let output = aio_tests::example("tour").env("AIO_TOUR_UNIT_MS", "500").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}
