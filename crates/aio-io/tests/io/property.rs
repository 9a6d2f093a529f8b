//! Random operations, cancelled at random, on sources that come in random pieces with waits and errors in between:
//! against a model that has all bytes before it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use aio_base::live::leak_check;
use aio_io::{ReadError, StreamReader, StreamWriter, WriteExt, simplex};
use futures_lite::future::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::script::{Script, Sink, Step, Take, poll_times};

/// What separates, and the alphabet in which it does so often.
const SEPARATORS: [&[&str]; 6] = [&["\n"], &["ab"], &["aba", "b"], &["abab", "\n"], &["aaa"], &["a\nb", "ba", "bab"]];

#[derive(Debug, Clone)]
enum Read {
    Some(usize),
    Exact(usize),
    Exactly(usize),
    Until(usize),
    Line,
    Lines,
    Fill,
    Consume(usize),
    ToEnd,
}

/// An operation, and how often it is polled before it is dropped.
type Op = (Read, usize);

fn read() -> impl Strategy<Value = Op> {
    let read = prop_oneof![
        3 => (0..20_usize).prop_map(Read::Some),
        3 => (0..40_usize).prop_map(Read::Exact),
        // Past the buffer.
        1 => (16_000..20_000_usize).prop_map(Read::Exact),
        1 => (16_000..20_000_usize).prop_map(Read::Some),
        3 => (0..40_usize).prop_map(Read::Exactly),
        6 => (0..SEPARATORS.len()).prop_map(Read::Until),
        2 => Just(Read::Line),
        2 => Just(Read::Lines),
        2 => Just(Read::Fill),
        1 => (0..30_usize).prop_map(Read::Consume),
        1 => Just(Read::ToEnd),
    ];
    (read, prop_oneof![4 => Just(1_usize), 2 => 1..4_usize, 1 => Just(100_usize)])
}

fn piece() -> impl Strategy<Value = Step> {
    let letters = prop_oneof![4 => Just(b'a'), 4 => Just(b'b'), 1 => Just(b'\n'), 1 => Just(0xc3_u8)];
    prop_oneof![
        4 => vec(letters.clone(), 1..8).prop_map(Step::Give),
        1 => vec(letters, 1..50).prop_map(Step::Give),
        10 => Just(Step::Wait),
        1 => Just(Step::Fail(io::ErrorKind::TimedOut)),
        1 => Just(Step::Fail(io::ErrorKind::Interrupted)),
    ]
}

/// Where in `rest` the first separator ends, and where it starts; of several with one end, the longest.
fn first_end(rest: &[u8], separators: &[&str]) -> Option<(usize, usize)> {
    (0..=rest.len()).find_map(|end| {
        let longest = separators.iter().filter(|separator| rest[..end].ends_with(separator.as_bytes()));
        longest.map(|separator| separator.len()).max().map(|len| (end - len, end))
    })
}

/// What the reader must answer, if it may look at everything.
enum Answer {
    /// These, taken out.
    Taken(usize),
    /// All that is left, in an error.
    Incomplete,
    Limit,
}

fn until(rest: &[u8], separators: &[&str], limit: usize) -> Answer {
    let longest = separators.iter().map(|separator| separator.len()).max().unwrap();
    match first_end(rest, separators) {
        Some((start, _)) if start > limit => Answer::Limit,
        Some((_, end)) => Answer::Taken(end),
        None if (rest.len() + 1).saturating_sub(longest) > limit => Answer::Limit,
        None => Answer::Incomplete,
    }
}

/// Checks an answer, and gives how many bytes it took.
fn check(rest: &[u8], expected: &Answer, actual: Result<Vec<u8>, ReadError>) -> usize {
    match (expected, actual) {
        (_, Err(error)) if error.is_io() => {
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            0
        }
        (Answer::Taken(n), Ok(bytes)) => {
            assert_eq!(bytes, rest[..*n]);
            *n
        }
        (Answer::Incomplete, Err(error)) => {
            assert!(error.is_incomplete(), "{error}");
            assert_eq!(error.partial(), rest);
            rest.len()
        }
        (Answer::Limit, Err(error)) => {
            assert!(error.is_limit(), "{error}");
            0
        }
        (_, actual) => panic!("{actual:?}"),
    }
}

/// A string of which nothing is lost if it is none.
fn raw(line: Result<Option<String>, ReadError>) -> Result<Option<Vec<u8>>, ReadError> {
    match line {
        Err(error) if error.is_invalid_utf8() => Ok(Some(error.into_partial())),
        line => Ok(line?.map(String::into_bytes)),
    }
}

/// Gives how many operations were cancelled.
fn run(steps: Vec<Step>, ops: Vec<Op>, limit: usize) -> usize {
    let data: Vec<u8> =
        steps.iter().flat_map(|step| if let Step::Give(bytes) = step { &bytes[..] } else { &[] }).copied().collect();
    let mut reader = StreamReader::with_limit(Script::new(steps), limit);
    let (mut at, mut n_cancelled) = (0, 0);
    for (op, polls) in ops {
        let rest = &data[at..];
        let is_there = |n: usize| if n <= rest.len() { Answer::Taken(n) } else { Answer::Incomplete };
        let line = |answer: Answer| if let Answer::Incomplete = answer { Answer::Taken(rest.len()) } else { answer };
        let taken = match op {
            Read::Some(n) => {
                let mut buf = vec![0; n];
                poll_times(polls, reader.read(&mut buf)).map(|read| {
                    let Ok(n_read) = read else { return 0 };
                    assert_eq!(buf[..n_read], rest[..n_read]);
                    assert!(n_read > 0 || n == 0 || rest.is_empty());
                    n_read
                })
            }
            Read::Exact(n) => {
                let mut buf = vec![0; n];
                let read = poll_times(polls, reader.read_exact(&mut buf));
                read.map(|read| check(rest, &is_there(n), read.map(|()| buf)))
            }
            Read::Exactly(n) => poll_times(polls, reader.read_exactly(n)).map(|read| check(rest, &is_there(n), read)),
            Read::Until(index) => {
                let separators = SEPARATORS[index];
                let expected = until(rest, separators, limit);
                poll_times(polls, reader.read_until(separators)).map(|read| check(rest, &expected, read))
            }
            Read::Line => {
                let expected = line(until(rest, &["\n"], limit));
                poll_times(polls, reader.read_line()).map(|read| {
                    let read = raw(read).map(|read| {
                        assert_eq!(read.is_none(), rest.is_empty());
                        read.unwrap_or_default()
                    });
                    check(rest, &expected, read)
                })
            }
            Read::Lines => {
                let expected = line(until(rest, &["\n"], limit));
                let next = poll_times(polls, futures_lite::StreamExt::next(&mut reader.byte_lines()));
                next.map(|next| match (next, expected) {
                    (None, _) => {
                        assert!(rest.is_empty());
                        0
                    }
                    (Some(Ok(bytes)), Answer::Taken(n)) => {
                        assert_eq!(bytes, rest[..n].strip_suffix(b"\n").unwrap_or(&rest[..n]));
                        n
                    }
                    (Some(read), expected) => check(rest, &expected, read),
                })
            }
            Read::Fill => poll_times(polls, reader.fill()).map(|_| 0),
            Read::Consume(n) => {
                let n = n.min(reader.buffer().len());
                reader.consume(n);
                Some(n)
            }
            Read::ToEnd => poll_times(polls, reader.read_to_end()).map(|read| {
                let Ok(bytes) = read else { return 0 };
                assert_eq!(bytes, rest);
                bytes.len()
            }),
        };
        n_cancelled += usize::from(taken.is_none());
        at += taken.unwrap_or(0);
        assert!(data[at..].starts_with(reader.buffer()));
    }
    let rest = std::iter::repeat_with(|| block_on(reader.read_to_end())).find_map(Result::ok).unwrap();
    assert_eq!(rest, data[at..]);
    n_cancelled
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn reads_that_are_cancelled_or_fail_lose_and_double_no_byte() {
    leak_check(|| {
        let n_cancelled = AtomicUsize::new(0);
        let large = prop_oneof![9 => Just(None), 1 => Just(Some(Step::Give(b"ab".repeat(15_000))))];
        proptest!(config(6_000), |(
            mut steps in vec(piece(), 0..250),
            large in large,
            ops in vec(read(), 0..200),
            limit in 1..60_usize,
        )| {
            steps.extend(large);
            n_cancelled.fetch_add(run(steps, ops, limit), Ordering::Relaxed);
        });
        let n_cancelled = n_cancelled.into_inner();
        assert!(n_cancelled >= 100_000, "{n_cancelled} cancelled");
    });
}

fn take() -> impl Strategy<Value = Take> {
    prop_oneof![
        4 => (1..6_usize).prop_map(Take::AtMost),
        6 => Just(Take::Wait),
        1 => Just(Take::AtMost(0)),
        1 => Just(Take::Fail(io::ErrorKind::TimedOut)),
        1 => Just(Take::Fail(io::ErrorKind::Interrupted)),
    ]
}

/// Writes pieces of these sizes, and flushes where there is none. Gives how many operations were cancelled.
fn write(steps: Vec<Take>, ops: Vec<(Option<usize>, usize)>, capacity: usize) -> usize {
    let mut writer = StreamWriter::with_buffer(Sink::new(steps), capacity);
    let (mut written, mut n_cancelled) = (Vec::new(), 0);
    let mut bytes = (0..=255_u8).cycle();
    for (op, polls) in ops {
        let done = if let Some(n) = op {
            let piece: Vec<u8> = bytes.by_ref().take(n).collect();
            let mut rest = &piece[..];
            let done = poll_times(polls, writer.write_all_from(&mut rest));
            assert!(!matches!(done, Some(Ok(()))) || rest.is_empty());
            written.extend_from_slice(&piece[..n - rest.len()]);
            done
        } else {
            let done = poll_times(polls, writer.flush());
            assert!(!matches!(done, Some(Ok(()))) || writer.buffer().is_empty());
            done
        };
        n_cancelled += usize::from(done.is_none());
        assert!(writer.buffer().len() <= capacity);
        assert_eq!([&writer.get_ref().bytes, writer.buffer()].concat(), written);
    }
    n_cancelled
}

#[test]
fn writes_that_are_cancelled_or_fail_report_each_byte() {
    leak_check(|| {
        let n_cancelled = AtomicUsize::new(0);
        let op = (prop_oneof![3 => (0..30_usize).prop_map(Some), 1 => Just(None)], 1..4_usize);
        proptest!(config(6_000), |(
            steps in vec(take(), 0..300),
            ops in vec(op, 0..200),
            capacity in prop_oneof![Just(0_usize), 1..20_usize],
        )| {
            n_cancelled.fetch_add(write(steps, ops, capacity), Ordering::Relaxed);
        });
        let n_cancelled = n_cancelled.into_inner();
        assert!(n_cancelled >= 100_000, "{n_cancelled} cancelled");
    });
}

#[derive(Debug, Clone)]
enum PipeOp {
    Read(usize),
    Write(usize),
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn a_pipe_is_a_bounded_queue(
        capacity in 1..10_usize,
        ops in vec(prop_oneof![(0..12_usize).prop_map(PipeOp::Read), (0..12_usize).prop_map(PipeOp::Write)], 0..100),
    ) {
        let (mut reader, mut writer) = simplex(capacity);
        let mut model = std::collections::VecDeque::new();
        let mut bytes = 0..;
        for op in ops {
            match op {
                PipeOp::Read(n) => {
                    let mut buf = vec![0; n];
                    let read = poll_times(1, aio_io::ReadExt::read(&mut reader, &mut buf)).map(Result::unwrap);
                    prop_assert_eq!(read.is_none(), n > 0 && model.is_empty());
                    let expected: Vec<u8> = model.drain(..n.min(model.len())).collect();
                    prop_assert_eq!(&buf[..read.unwrap_or(0)], expected);
                }
                PipeOp::Write(n) => {
                    let piece: Vec<u8> = bytes.by_ref().take(n).map(|n: u32| n as u8).collect();
                    let written = poll_times(1, writer.write(&piece)).map(Result::unwrap);
                    let room = capacity - model.len();
                    prop_assert_eq!(written, if n > 0 && room == 0 { None } else { Some(n.min(room)) });
                    model.extend(&piece[..written.unwrap_or(0)]);
                }
            }
        }
    }
}
