//! Reading and writing: no byte is lost, none comes twice.

use std::cell::RefCell;

use aio_group::gather;
use aio_io::{DuplexStream, ReadExt, StreamReader, StreamWriter, WriteExt, copy_bidirectional, duplex};
use aio_stream::StreamExt;

use crate::{at, at_each, at_each_of};

const TEXT: &str = "a line\nand another; one more\r\nthe last, without an end";

/// Writes `TEXT` in pieces, so that separators and lines are split, into a pipe that does not take all of it.
async fn write_in_pieces(mut stream: DuplexStream) {
    for piece in ["a li", "ne", "\nand ano", "ther;", " one more\r", "\nthe", " last, without an end"] {
        at(1).await;
        if stream.write_all(piece.as_bytes()).await.is_err() {
            return; // nobody reads any more
        }
    }
}

/// Tests a way to read: it appends what it has read, and says whether there may be more. What is left is read by the
/// same.
#[track_caller]
fn no_byte_is_lost(n_awaits: usize, mut read: impl AsyncFnMut(&mut StreamReader<DuplexStream>, &mut Vec<u8>) -> bool) {
    at_each_of(n_awaits, async |victim| {
        let (here, there) = duplex(6);
        let mut reader = StreamReader::new(here);
        let mut got = Vec::new();
        gather((write_in_pieces(there), async {
            victim.run(async { while read(&mut reader, &mut got).await {} }).await;
            while read(&mut reader, &mut got).await {}
        }))
        .await;
        assert_eq!(String::from_utf8_lossy(&got), TEXT);
        assert!(reader.at_eof());
    });
}

#[test]
fn reading_what_is_there_loses_no_byte() {
    no_byte_is_lost(12, async |reader, got| {
        let mut buf = [0; 4];
        let n = reader.read(&mut buf).await.expect("it can be read");
        got.extend_from_slice(&buf[..n]);
        n > 0
    });
}

#[test]
fn filling_the_buffer_loses_no_byte() {
    no_byte_is_lost(12, async |reader, got| {
        let n = reader.fill().await.expect("it can be read");
        got.extend_from_slice(reader.buffer());
        reader.consume(reader.buffer().len());
        n > 0
    });
}

#[test]
fn reading_a_number_of_bytes_loses_none() {
    no_byte_is_lost(12, async |reader, got| match reader.read_exactly(5).await {
        Ok(bytes) => {
            got.extend(bytes);
            true
        }
        Err(error) => {
            got.extend(error.into_partial());
            false
        }
    });
    no_byte_is_lost(12, async |reader, got| {
        let mut buf = [0; 5];
        match reader.read_exact(&mut buf).await {
            Ok(()) => {
                got.extend(buf);
                true
            }
            Err(error) => {
                got.extend(error.into_partial());
                false
            }
        }
    });
}

#[test]
fn reading_up_to_separators_loses_no_byte() {
    no_byte_is_lost(12, async |reader, got| match reader.read_until([", ", ";", "\r\n"]).await {
        Ok(bytes) => {
            got.extend(bytes);
            true
        }
        Err(error) => {
            got.extend(error.into_partial());
            false
        }
    });
    no_byte_is_lost(12, async |reader, got| match reader.read_until_into("\n", got).await {
        Ok(_) => true,
        Err(error) => {
            got.extend(error.into_partial());
            false
        }
    });
}

#[test]
fn reading_lines_loses_no_byte() {
    no_byte_is_lost(12, async |reader, got| {
        let line = reader.read_line().await.expect("it is a text");
        got.extend(line.iter().flat_map(|line| line.bytes()));
        line.is_some()
    });
    no_byte_is_lost(12, async |reader, got| {
        let line = reader.read_line_bytes().await.expect("it can be read");
        got.extend(line.iter().flatten());
        line.is_some()
    });
}

/// The ends of the lines are not told, so their number is counted.
#[test]
fn a_stream_of_lines_loses_none() {
    at_each_of(12, async |victim| {
        let (here, there) = duplex(6);
        let mut reader = StreamReader::new(here);
        let mut lines = Vec::new();
        gather((write_in_pieces(there), async {
            let work = async {
                let mut stream = reader.lines();
                while let Some(line) = stream.next().await {
                    lines.push(line.expect("it is a text"));
                }
            };
            victim.run(work).await;
            let mut stream = reader.lines();
            while let Some(line) = stream.next().await {
                lines.push(line.expect("it is a text"));
            }
        }))
        .await;
        assert_eq!(lines, TEXT.lines().collect::<Vec<_>>());
    });
}

#[test]
fn reading_to_the_end_loses_no_byte() {
    no_byte_is_lost(12, async |reader, got| {
        got.extend(reader.read_to_end().await.expect("it can be read"));
        false
    });
    no_byte_is_lost(12, async |reader, got| {
        got.extend(reader.read_to_string().await.expect("it is a text").bytes());
        false
    });
}

/// Without a reader of ours in between.
#[test]
fn a_pipe_loses_no_byte() {
    at_each_of(12, async |victim| {
        let (mut here, there) = duplex(6);
        let mut got = Vec::new();
        let mut read = async |got: &mut Vec<u8>| {
            let mut buf = [0; 4];
            let n = here.read(&mut buf).await.expect("it can be read");
            got.extend_from_slice(&buf[..n]);
            n > 0
        };
        gather((write_in_pieces(there), async {
            victim.run(async { while read(&mut got).await {} }).await;
            while read(&mut got).await {}
        }))
        .await;
        assert_eq!(String::from_utf8_lossy(&got), TEXT);
    });
}

/// What `write_all_from` has not written is still in its slice.
#[test]
fn writing_that_is_cancelled_goes_on_where_it_was() {
    let points = at_each(async |victim| {
        let (mut here, mut there) = duplex(3);
        let mut left = TEXT.as_bytes();
        let mut got = Vec::new();
        gather((
            async {
                victim.run(async { here.write_all_from(&mut left).await.expect("it is read") }).await;
                here.write_all_from(&mut left).await.expect("it is read");
                here.close().await.expect("it is read");
            },
            async {
                at(1).await;
                there.read_to_end(&mut got).await.expect("it can be read");
            },
        ))
        .await;
        assert_eq!(String::from_utf8_lossy(&got), TEXT);
    });
    assert!(points > 10, "{points}");
}

/// What the writer keeps is written by the next flush.
#[test]
fn a_flush_that_is_cancelled_loses_nothing() {
    let points = at_each(async |victim| {
        let (here, mut there) = duplex(3);
        let mut writer = StreamWriter::with_buffer(here, 64);
        let mut got = Vec::new();
        gather((
            async {
                // It fits into the buffer of the writer.
                writer.write_all(TEXT.as_bytes()).await.expect("it is read");
                victim.run(async { writer.flush().await.expect("it is read") }).await;
                writer.flush().await.expect("it is read");
                writer.close().await.expect("it is read");
            },
            async {
                at(1).await;
                there.read_to_end(&mut got).await.expect("it can be read");
            },
        ))
        .await;
        assert_eq!(String::from_utf8_lossy(&got), TEXT);
    });
    assert!(points > 10, "{points}");
}

/// A copy loses what it has read and not written, as it says, but it ends, and what it has written is in order.
#[test]
fn a_copy_that_is_cancelled_has_written_a_beginning() {
    let points = at_each(async |victim| {
        let ((left, mut a), (mut b, right)) = (duplex(6), duplex(6));
        let got = RefCell::new(Vec::new());
        gather((
            write_in_pieces(left),
            async {
                victim.run(copy_bidirectional(&mut a, &mut b)).await;
                drop((a, b));
            },
            async {
                let mut right = right;
                let mut buf = [0; 8];
                right.close().await.expect("it is there");
                while let Ok(n @ 1..) = right.read(&mut buf).await {
                    got.borrow_mut().extend_from_slice(&buf[..n]);
                }
            },
        ))
        .await;
        assert!(TEXT.as_bytes().starts_with(&got.borrow()));
    });
    assert!(points > 10, "{points}");
}
