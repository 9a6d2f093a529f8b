use super::*;

#[test]
fn the_memory_stays_small_however_much_goes_through() {
    let mut buffer = Buffer::new();
    buffer.push(b"0123456789");
    for _ in 0..10_000 {
        buffer.push(b"abc");
        buffer.consume(3);
    }
    assert_eq!(buffer.len(), 10);
    assert!(buffer.bytes.capacity() < 64, "{}", buffer.bytes.capacity());
}

#[test]
fn what_is_taken_whole_is_not_copied() {
    let mut buffer = Buffer::new();
    buffer.push(&[b'a'; 1000]);
    let place = buffer.as_slice().as_ptr();
    let taken = buffer.take(1000);
    assert_eq!(taken.as_ptr(), place);
    assert_eq!(buffer.bytes.capacity(), 0);
    // Unless what is taken would hold much more memory than it needs.
    buffer.push(&[b'a'; 1000]);
    buffer.consume(1000);
    buffer.push(b"abc");
    assert_eq!(buffer.take(3).capacity(), 3);
    buffer.push(b"abc");
    buffer.consume(1);
    assert_eq!(buffer.take_all(), b"bc");
}

#[test]
fn a_small_memory_is_kept_and_a_large_one_given_back() {
    let mut buffer = Buffer::new();
    buffer.push(&[b'a'; KEEP]);
    buffer.rest();
    assert_eq!(buffer.len(), KEEP);
    buffer.consume(KEEP);
    buffer.rest();
    assert_eq!(buffer.bytes.capacity(), KEEP);
    buffer.push(&[b'a'; KEEP + 1]);
    buffer.consume(KEEP + 1);
    buffer.rest();
    assert_eq!(buffer.bytes.capacity(), 0);
}
