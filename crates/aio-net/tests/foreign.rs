//! Sockets under other executors, where the thread of the process waits for them.
#![cfg(not(aio_loom))]

use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, UdpSocket, open_connection};

/// A name is looked up, a connection made, and each side waits for the other, many times; then datagrams.
async fn work() {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut line = [0; 4];
        while stream.read_exact(&mut line).await.is_ok() {
            stream.write_all(&line).await.unwrap();
        }
    };
    let ask = async {
        let (mut reader, mut writer) = open_connection("localhost", port).await.unwrap();
        for i in 0..100_u32 {
            writer.write_all(&i.to_ne_bytes()).await.unwrap();
            assert_eq!(reader.read_exactly(4).await.unwrap(), i.to_ne_bytes());
        }
        writer.close().await.unwrap();
    };
    futures_lite::future::zip(serve, ask).await;

    let [here, there] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    let mut buffer = [0; 8];
    let receive = async { there.recv_from(&mut buffer).await.unwrap() };
    let send = async { here.send_to(b"hello", there.local_addr().unwrap()).await.unwrap() };
    let ((n, from), sent) = futures_lite::future::zip(receive, send).await;
    assert_eq!((n, sent, from), (5, 5, here.local_addr().unwrap()));
    assert_eq!(&buffer[..5], b"hello");

    #[cfg(unix)]
    {
        let (mut here, mut there) = aio_net::UnixStream::pair().unwrap();
        let mut answer = [0; 5];
        let read = async { there.read_exact(&mut answer).await.unwrap() };
        futures_lite::future::zip(read, async { here.write_all(b"hello").await.unwrap() }).await;
        assert_eq!(&answer, b"hello");
    }
}

#[test]
fn sockets_work_under_tokio() {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    threads.block_on(async { tokio::spawn(work()).await.unwrap() });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work());
}

#[test]
fn sockets_work_under_smol() {
    smol::block_on(smol::spawn(work()));
}

#[test]
fn sockets_work_in_block_on() {
    aio_core::block_on(work());
}
