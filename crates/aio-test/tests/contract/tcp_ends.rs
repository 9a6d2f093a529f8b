//! How connections end.

use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::Duration;

use aio_core::local;
use aio_io::{ReadExt, WriteExt};
use aio_net::TcpStream;
use futures_lite::future::poll_once;

use super::World;

async fn read_kind(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    stream.read(&mut [0; 16]).await.map_err(|error| error.kind())
}

async fn write_kind(stream: &mut TcpStream) -> Result<usize, ErrorKind> {
    stream.write(b"x").await.map_err(|error| error.kind())
}

pub(crate) async fn dropping_it_with_something_unread_resets(world: &World) {
    let (mut client, server) = world.pair().await;
    client.write_all(b"unread").await.unwrap();
    world.settle().await;
    drop(server);
    world.settle().await;
    assert_eq!(read_kind(&mut client).await, Err(ErrorKind::ConnectionReset));
    // Told once.
    assert_eq!(read_kind(&mut client).await, Ok(0));
    assert_eq!(write_kind(&mut client).await, Err(ErrorKind::BrokenPipe));
}

pub(crate) async fn what_came_before_a_reset_can_be_read(world: &World) {
    let (mut client, mut server) = world.pair().await;
    client.write_all(b"unread").await.unwrap();
    server.write_all(b"abc").await.unwrap();
    world.settle().await;
    drop(server);
    world.settle().await;
    let mut buffer = [0; 3];
    client.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"abc");
    assert_eq!(read_kind(&mut client).await, Err(ErrorKind::ConnectionReset));
}

pub(crate) async fn writing_to_one_that_has_gone_is_a_broken_pipe(world: &World) {
    let (mut client, server) = world.pair().await;
    drop(server);
    assert_eq!(read_kind(&mut client).await, Ok(0));
    // It may only have closed its direction.
    assert_eq!(write_kind(&mut client).await, Ok(1));
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(write_kind(&mut client).await, Err(ErrorKind::BrokenPipe));
    }
    assert_eq!(read_kind(&mut client).await, Ok(0));
}

pub(crate) async fn zero_linger_resets(world: &World) {
    let (mut client, server) = world.pair().await;
    server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    world.settle().await;
    assert_eq!(write_kind(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(write_kind(&mut client).await, Err(ErrorKind::BrokenPipe));
    assert_eq!(read_kind(&mut client).await, Ok(0));
}

pub(crate) async fn connections_that_nobody_accepts_are_reset(world: &World) {
    let (listener, address) = world.listener();
    let mut client = world.connect(address).await.unwrap();
    client.write_all(b"hello?").await.unwrap();
    world.settle().await;
    drop(listener);
    assert_eq!(read_kind(&mut client).await, Err(ErrorKind::ConnectionReset));
}

pub(crate) async fn both_directions_can_be_shut(world: &World) {
    let (mut client, mut server) = world.pair().await;
    client.shutdown(Shutdown::Read).unwrap();
    assert_eq!(read_kind(&mut client).await, Ok(0));
    assert_eq!(write_kind(&mut client).await, Ok(1));
    client.shutdown(Shutdown::Write).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(write_kind(&mut client).await, Err(ErrorKind::BrokenPipe));
    assert_eq!(read_kind(&mut server).await, Ok(1));
    assert_eq!(read_kind(&mut server).await, Ok(0));
}

pub(crate) async fn what_comes_when_both_directions_are_shut_resets(world: &World) {
    let (mut client, mut server) = world.pair().await;
    client.shutdown(Shutdown::Both).unwrap();
    world.settle().await;
    assert_eq!(read_kind(&mut server).await, Ok(0));
    assert_eq!(write_kind(&mut server).await, Ok(1));
    world.settle().await;
    assert_eq!(write_kind(&mut server).await, Err(ErrorKind::BrokenPipe));
    assert_eq!(read_kind(&mut server).await, Ok(0));
    assert_eq!(read_kind(&mut client).await, Err(ErrorKind::ConnectionReset));
    assert_eq!(read_kind(&mut client).await, Ok(0));
}

pub(crate) async fn a_reset_connection_has_no_peer(world: &World) {
    let (mut client, server) = world.pair().await;
    client.write_all(b"unread").await.unwrap();
    world.settle().await;
    drop(server);
    world.settle().await;
    assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(client.shutdown(Shutdown::Write).unwrap_err().kind(), ErrorKind::NotConnected);
    // Closing it all the same is no error.
    client.close().await.unwrap();
    assert_eq!(client.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
    assert!(client.take_error().unwrap().is_none());
}

pub(crate) async fn an_ended_connection_has_no_peer(world: &World) {
    let (client, server) = world.pair().await;
    client.shutdown(Shutdown::Write).unwrap();
    world.settle().await;
    assert!(client.peer_addr().is_ok() && server.peer_addr().is_ok());
    server.shutdown(Shutdown::Write).unwrap();
    world.settle().await;
    for stream in [&client, &server] {
        assert_eq!(stream.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(stream.shutdown(Shutdown::Write).unwrap_err().kind(), ErrorKind::NotConnected);
    }
}

pub(crate) async fn a_write_that_waits_is_told_of_a_reset(world: &World) {
    let (mut client, server) = world.pair().await;
    let writing = local::spawn(async move {
        loop {
            if let Err(error) = client.write(&[0; 64 * 1024]).await {
                return error.kind();
            }
        }
    });
    world.settle().await;
    assert!(!writing.is_finished());
    drop(server);
    assert_eq!(writing.await, ErrorKind::ConnectionReset);
}

pub(crate) async fn a_read_that_waits_is_told_of_a_reset(world: &World) {
    let (mut client, server) = world.pair().await;
    let reading = local::spawn(async move { read_kind(&mut client).await });
    world.settle().await;
    assert!(!reading.is_finished());
    server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    assert_eq!(reading.await, Err(ErrorKind::ConnectionReset));
}

/// Both have closed their direction, but one has sent something that the other did not read.
pub(crate) async fn an_end_is_no_error_after_a_reset(world: &World) {
    let (mut client, mut server) = world.pair().await;
    server.close().await.unwrap();
    client.write_all(b"unread").await.unwrap();
    world.settle().await;
    drop(server);
    world.settle().await;
    assert_eq!(read_kind(&mut client).await, Ok(0));
    assert_eq!(write_kind(&mut client).await, Err(ErrorKind::BrokenPipe));
    assert!(poll_once(client.read(&mut [0; 1])).await.is_some());
}
