//! Random pipes under seeds: bytes are conserved, whoever gives up reading or writing.
#![cfg(not(aio_loom))]

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;

use aio_core::local;
use aio_io::{
    AsyncRead, AsyncWrite, DuplexStream, ReadExt, StreamReader, WriteExt, copy, copy_bidirectional, duplex, simplex,
};

use crate::dice::{Dice, under_seeds};

#[path = "../../aio-test/tests/support/dice.rs"]
mod dice;

/// Writes bytes by portions, now and then in vain; which.
async fn write(dice: &Dice, mut to: impl AsyncWrite + Unpin) -> Vec<u8> {
    let bytes: Vec<u8> = (0..dice.below(40) as u8).collect();
    let mut n = 0;
    while n < bytes.len() {
        let portion = &bytes[n..bytes.len().min(n + 1 + dice.below(12) as usize)];
        match dice.attempt(to.write(portion)).await {
            Some(Ok(written)) => n += written,
            Some(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::BrokenPipe);
                break;
            }
            None => {}
        }
        dice.pause().await;
        if dice.one_in(30) {
            break;
        }
    }
    if dice.one_in(2) {
        let _ = to.close().await;
    }
    bytes[..n].to_vec()
}

/// Reads to the end, now and then in vain.
async fn read(dice: &Dice, mut from: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let mut portion = [0; 12];
        let len = 1 + dice.below(12) as usize;
        match dice.attempt(from.read(&mut portion[..len])).await {
            Some(Ok(0)) => return bytes,
            Some(Ok(n)) => bytes.extend_from_slice(&portion[..n]),
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
        dice.pause().await;
    }
}

/// Writes and reads at once.
async fn both_ways(dice: Dice, stream: DuplexStream) -> (Vec<u8>, Vec<u8>) {
    let (reader, writer) = stream.into_split();
    let other = dice.fork();
    let writes = local::spawn(async move { write(&other, writer).await });
    let read = read(&dice, reader).await;
    (writes.await, read)
}

#[test]
fn a_pipe_conserves_bytes_in_both_directions() {
    under_seeds("a_pipe_conserves_bytes_in_both_directions", async |dice| {
        let (here, there) = duplex(1 + dice.below(16) as usize);
        let there = local::spawn(both_ways(dice.fork(), there));
        let (sent, received) = both_ways(dice.fork(), here).await;
        let (answered, heard) = there.await;
        assert_eq!((sent, answered), (heard, received));
    });
}

#[test]
fn what_was_written_arrives_although_the_writer_is_cancelled() {
    under_seeds("what_was_written_arrives_although_the_writer_is_cancelled", async |dice| {
        let (reader, mut writer) = simplex(1 + dice.below(16) as usize);
        let written = Rc::new(RefCell::new(Vec::new()));
        let writes = local::spawn({
            let (dice, written) = (dice.fork(), written.clone());
            async move {
                for byte in 0..20 {
                    let portion = vec![byte; 1 + dice.below(12) as usize];
                    let n = writer.write(&portion).await.unwrap();
                    written.borrow_mut().extend_from_slice(&portion[..n]);
                    dice.pause().await;
                }
            }
        });
        let other = dice.fork();
        let reads = local::spawn(async move { read(&other, reader).await });
        dice.join(vec![writes]).await;
        assert_eq!(reads.await, written.take());
    });
}

#[test]
fn who_copies_conserves_bytes() {
    under_seeds("who_copies_conserves_bytes", async |dice| {
        let capacity = || 1 + dice.below(16) as usize;
        if dice.one_in(2) {
            let ((here, mut one), (mut other, there)) = (duplex(capacity()), duplex(capacity()));
            let there = local::spawn(both_ways(dice.fork(), there));
            let here = local::spawn(both_ways(dice.fork(), here));
            let copied = copy_bidirectional(&mut one, &mut other).await.unwrap();
            drop((one, other));
            let ((sent, received), (answered, heard)) = (here.await, there.await);
            assert_eq!((copied.a_to_b, copied.b_to_a), (sent.len() as u64, answered.len() as u64));
            assert_eq!((sent, answered), (heard, received));
        } else {
            let ((mut from, here), (there, mut to)) = (simplex(capacity()), simplex(capacity()));
            let other = dice.fork();
            let writes = local::spawn(async move { write(&other, here).await });
            let other = dice.fork();
            let reads = local::spawn(async move { read(&other, there).await });
            let copied = copy(&mut from, &mut to).await.unwrap();
            drop(to);
            let written = writes.await;
            assert_eq!(copied, written.len() as u64);
            assert_eq!(reads.await, written);
        }
    });
}

#[test]
fn a_reader_gives_whole_lines_and_frames_whoever_gives_up() {
    under_seeds("a_reader_gives_whole_lines_and_frames_whoever_gives_up", async |dice| {
        let (reader, mut writer) = simplex(1 + dice.below(16) as usize);
        // A line says how many bytes follow.
        let frames: Vec<Vec<u8>> = (0..dice.below(5)).map(|n| vec![n as u8; dice.below(12) as usize]).collect();
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| [format!("{}\n", frame.len()).as_bytes(), frame.as_slice()].concat())
            .collect();
        let writes = local::spawn({
            let dice = dice.fork();
            async move {
                for portion in bytes.chunks(1 + dice.below(20) as usize) {
                    writer.write_all(portion).await.unwrap();
                    dice.pause().await;
                }
            }
        });
        let mut reader = StreamReader::new(reader);
        let mut read = Vec::new();
        loop {
            let Some(line) = dice.attempt(reader.read_line()).await else { continue };
            let Some(line) = line.unwrap() else { break };
            let n: usize = line.trim_end().parse().unwrap();
            let frame = loop {
                match dice.attempt(reader.read_exactly(n)).await {
                    Some(frame) => break frame.unwrap(),
                    None => dice.pause().await,
                }
            };
            read.push(frame);
        }
        writes.await;
        assert_eq!(read, frames);
    });
}
