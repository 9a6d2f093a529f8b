//! TLS without a loop of `aio`.
#![cfg(not(aio_loom))]

mod support;

use aio_io::{ReadExt, WriteExt};
use aio_net::TcpListener;

use support::{Certificates, noise};

async fn echoes() {
    let certificates = Certificates::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut reader, mut writer) = certificates.acceptor().accept(stream).await.unwrap().into_split();
        aio_io::copy(&mut reader, &mut writer).await.unwrap();
        writer.close().await.unwrap();
    };
    let client = async {
        let stream = certificates.connector().connect_to("127.0.0.1", port).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let data = noise(500_000, 5);
        let write = async {
            writer.write_all(&data).await.unwrap();
            writer.close().await.unwrap();
        };
        let read = async {
            let mut received = Vec::new();
            reader.read_to_end(&mut received).await.unwrap();
            assert!(received == data);
        };
        aio_group::gather((write, read)).await;
    };
    aio_group::gather((server, client)).await;
}

#[test]
fn connections_work_under_tokio() {
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(echoes());
}

#[test]
fn connections_work_under_smol() {
    smol::block_on(echoes());
}

#[test]
fn connections_work_in_block_on() {
    aio_core::block_on(echoes());
}
