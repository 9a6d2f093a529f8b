//! Readers, writers and pipes under executors that are not ours, and on any thread.
#![cfg(not(aio_loom))]

use aio_io::{ReadExt, StreamReader, StreamWriter, WriteExt, copy, copy_bidirectional, duplex};
use futures_lite::StreamExt;
use futures_lite::future::zip;

async fn work() {
    let (client, mut a) = duplex(7);
    let (mut b, server) = duplex(5);
    let proxy = copy_bidirectional(&mut a, &mut b);
    let server = async {
        let (reader, writer) = server.into_split();
        let (mut reader, mut writer) = (StreamReader::new(reader), StreamWriter::with_buffer(writer, 100));
        let mut lines = reader.lines();
        while let Some(line) = lines.next().await {
            writer.write_all(format!("{}!\n", line.unwrap()).as_bytes()).await.unwrap();
        }
        writer.close().await.unwrap();
    };
    let client = async {
        let (mut reader, mut writer) = client.into_split();
        let send = async {
            for n in 0..20 {
                writer.write_all(format!("line {n}\n").as_bytes()).await.unwrap();
            }
            writer.close().await.unwrap();
        };
        let mut answer = String::new();
        let (_, n) = zip(send, reader.read_to_string(&mut answer)).await;
        assert_eq!(n.unwrap(), answer.len());
        answer
    };
    let (copied, (answer, ())) = zip(proxy, zip(client, server)).await;
    let expected: String = (0..20).map(|n| format!("line {n}!\n")).collect();
    assert_eq!(answer, expected);
    let copied = copied.unwrap();
    assert_eq!((copied.a_to_b, copied.b_to_a), (expected.len() as u64 - 20, expected.len() as u64));

    let mut copy_of = Vec::new();
    copy(&mut StreamReader::new(expected.as_bytes()), &mut copy_of).await.unwrap();
    assert_eq!(copy_of, expected.as_bytes());
    let mut line = StreamReader::new(expected.as_bytes());
    assert_eq!(line.read_until(["!", "\n"]).await.unwrap(), b"line 0!");
    line.read_exact(&mut [0; 3]).await.unwrap();
    assert_eq!(line.read_exactly(2).await.unwrap(), b"ne");
    ReadExt::read(&mut line, &mut [0; 3]).await.unwrap();
}

#[test]
fn they_work_under_tokio() {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    threads.block_on(async { tokio::spawn(work()).await.unwrap() });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work());
}

#[test]
fn they_work_under_smol() {
    smol::block_on(work());
    smol::block_on(smol::spawn(work()));
}
