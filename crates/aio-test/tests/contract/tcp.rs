//! Connections.

use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::time::Duration;

use aio_core::local;
use aio_io::{ReadExt, WriteExt};
use aio_net::{KeepAlive, TcpListener};
use futures_lite::future::{poll_fn, poll_once};
use futures_lite::{AsyncRead, AsyncWrite};

use super::World;

pub(crate) async fn a_half_closed_connection_still_answers(world: &World) {
    let (mut client, mut server) = world.pair().await;
    client.write_all(b"question").await.unwrap();
    client.close().await.unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).await.unwrap();
    assert_eq!(question, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
}

pub(crate) async fn an_end_comes_after_all_that_was_written(world: &World) {
    let (mut client, mut server) = world.pair().await;
    server.write_all(b"all").await.unwrap();
    drop(server);
    world.settle().await;
    let mut buffer = [0; 8];
    client.read_exact(&mut buffer[..3]).await.unwrap();
    assert_eq!(&buffer[..3], b"all");
    for _ in 0..2 {
        assert_eq!(client.read(&mut buffer).await.unwrap(), 0);
    }
}

pub(crate) async fn addresses_match(world: &World) {
    let (listener, address) = world.listener();
    assert_ne!(address.port(), 0);
    let client = world.connect(address).await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(server.local_addr().unwrap(), address);
    assert_eq!(client.peer_addr().unwrap(), address);
    assert_eq!(client.local_addr().unwrap(), peer);
    assert_eq!(server.peer_addr().unwrap(), peer);
    assert!(peer.port() >= 1024);
    assert!(format!("{client:?}").starts_with("TcpStream { addr: "), "{client:?}");
}

pub(crate) async fn a_port_is_taken_as_long_as_somebody_listens(world: &World) {
    let (listener, address) = world.listener();
    let bind = || world.at_server(|| TcpListener::bind(address));
    let error = bind().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("failed to listen at {address}: ")), "{error}");
    let all = world.at_server(|| TcpListener::bind(("0.0.0.0", address.port())));
    assert_eq!(all.unwrap_err().kind(), ErrorKind::AddrInUse);

    let client = world.connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    drop(listener);
    // The connection does not mind, nor does the next who listens.
    drop(bind().unwrap());
    drop((client, server));
    let elsewhere = world.at_server(|| TcpListener::bind("192.0.2.1:0"));
    assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::AddrNotAvailable);
}

pub(crate) async fn where_nobody_listens_is_refused(world: &World) {
    let (listener, address) = world.listener();
    drop(listener);
    let error = world.connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().starts_with(&format!("failed to connect to {address}: ")), "{error}");
}

pub(crate) async fn what_was_peeked_at_stays(world: &World) {
    let (mut client, mut server) = world.pair().await;
    let mut buffer = [0; 8];
    assert!(poll_once(pin!(server.peek(&mut buffer))).await.is_none());
    client.write_all(b"peek").await.unwrap();
    client.close().await.unwrap();
    world.settle().await;
    for _ in 0..2 {
        assert_eq!(server.peek(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"peek");
    }
    assert_eq!(server.peek(&mut buffer[..2]).await.unwrap(), 2);
    server.read_exact(&mut buffer[..4]).await.unwrap();
    assert_eq!(server.peek(&mut buffer).await.unwrap(), 0);
}

pub(crate) async fn halves_go_apart_and_together_again(world: &World) {
    let (mut client, server) = world.pair().await;
    let (mut read, mut write) = server.into_split();
    let echoing = local::spawn(async move {
        let mut buffer = [0; 3];
        read.read_exact(&mut buffer).await.unwrap();
        (read, buffer)
    });
    write.write_all(b"out").await.unwrap();
    client.write_all(b"in!").await.unwrap();
    let mut buffer = [0; 3];
    client.read_exact(&mut buffer).await.unwrap();
    let (read, echoed) = echoing.await;
    assert_eq!((&buffer, &echoed), (b"out", b"in!"));
    let mut server = read.reunite(write).unwrap();
    {
        let (mut read, mut write) = server.split();
        write.write_all(b"one").await.unwrap();
        client.write_all(b"two").await.unwrap();
        read.read_exact(&mut buffer).await.unwrap();
    }
    client.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"one");
}

pub(crate) async fn a_dropped_write_half_is_an_end(world: &World) {
    let (mut client, server) = world.pair().await;
    let (mut read, write) = server.into_split();
    drop(write);
    let mut buffer = [0; 3];
    assert_eq!(client.read(&mut buffer).await.unwrap(), 0);
    client.write_all(b"abc").await.unwrap();
    read.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"abc");
}

pub(crate) async fn several_pieces_are_written_and_read_at_once(world: &World) {
    let (mut client, mut server) = world.pair().await;
    let pieces = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
    let n = poll_fn(|cx| Pin::new(&mut client).poll_write_vectored(cx, &pieces)).await.unwrap();
    assert_eq!(n, 6);
    world.settle().await;
    let (mut a, mut b) = ([0; 4], [0; 4]);
    let n = poll_fn(|cx| {
        let mut buffers = [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)];
        Pin::new(&mut server).poll_read_vectored(cx, &mut buffers)
    });
    assert_eq!(n.await.unwrap(), 6);
    assert_eq!((&a, &b[..2]), (b"onet", &b"wo"[..]));
}

pub(crate) async fn who_writes_waits_until_somebody_reads(world: &World) {
    let (mut client, mut server) = world.pair().await;
    let chunk = vec![7; 64 * 1024];
    let mut written = 0;
    // Until nothing more fits.
    loop {
        match poll_once(client.write(&chunk)).await {
            Some(n) => written += n.unwrap(),
            None => {
                world.settle().await;
                match poll_once(client.write(&chunk)).await {
                    Some(n) => written += n.unwrap(),
                    None => break,
                }
            }
        }
    }
    assert!(poll_once(pin!(client.writable())).await.is_none());
    let reading = local::spawn(async move {
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        all
    });
    client.write_all(&chunk).await.unwrap();
    written += chunk.len();
    client.close().await.unwrap();
    let all = reading.await;
    assert_eq!(all.len(), written);
    assert!(all.iter().all(|byte| *byte == 7));
}

pub(crate) async fn cancelled_accepts_lose_no_connection(world: &World) {
    let (listener, address) = world.listener();
    for _ in 0..20 {
        let waiting = [(); 3].map(|()| Box::pin(listener.accept()));
        for mut accept in waiting {
            assert!(poll_once(&mut accept).await.is_none());
        }
        let client = world.connect(address).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!(client.local_addr().unwrap(), peer);
        drop(server);
    }
}

pub(crate) async fn a_client_that_is_gone_is_still_accepted(world: &World) {
    let (listener, address) = world.listener();
    let mut client = world.connect(address).await.unwrap();
    client.write_all(b"bye").await.unwrap();
    drop(client);
    world.settle().await;
    let (mut server, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    server.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "bye");
}

pub(crate) async fn readiness_is_told(world: &World) {
    let (mut client, server) = world.pair().await;
    client.writable().await.unwrap();
    assert!(poll_once(pin!(server.readable())).await.is_none());
    let mut buffer = [0; 2];
    // Any number may wait for it.
    let (first, second) = {
        let first = async { server.readable().await };
        let second = async { server.readable().await };
        let write = async { client.write_all(b"go").await.unwrap() };
        let (both, ()) = futures_lite::future::zip(futures_lite::future::zip(first, second), write).await;
        both
    };
    first.unwrap();
    second.unwrap();
    let mut server = server;
    server.read_exact(&mut buffer).await.unwrap();
    drop(client);
    server.readable().await.unwrap();
    assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
}

pub(crate) async fn a_buffer_without_room_reads_nothing(world: &World) {
    let (mut client, mut server) = world.pair().await;
    assert_eq!(client.write(b"").await.unwrap(), 0);
    client.write_all(b"x").await.unwrap();
    world.settle().await;
    assert_eq!(server.read(&mut []).await.unwrap(), 0);
    let mut buffer = [0; 2];
    assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
}

/// Of IPv4, to a socket of IPv6.
pub(crate) async fn mapped_addresses_stay_mapped(world: &World) {
    let listener = world.at_server(|| TcpListener::bind("[::ffff:127.0.0.1]:0").unwrap());
    let address = listener.local_addr().unwrap();
    assert!(address.is_ipv6());
    let client = world.connect_within(address).await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(client.peer_addr().unwrap(), address);
    assert_eq!(server.local_addr().unwrap(), address);
    assert_eq!((client.local_addr().unwrap(), server.peer_addr().unwrap()), (peer, peer));
    assert_eq!(peer.ip(), address.ip());
}

pub(crate) async fn all_addresses_are_this_host(world: &World) {
    for bound in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
        let listener = world.at_server(|| TcpListener::bind(bound).unwrap());
        let to = SocketAddr::from(([0; 4], listener.local_addr().unwrap().port()));
        let client = world.connect_within(to).await.unwrap();
        assert_eq!(client.peer_addr().unwrap(), SocketAddr::from(([127, 0, 0, 1], to.port())));
        let (server, _) = listener.accept().await.unwrap();
        assert_eq!(server.local_addr().unwrap().ip().to_canonical(), client.local_addr().unwrap().ip());
    }
    // Whichever it is reached at, it calls from the first.
    let listener = world.at_server(|| TcpListener::bind("127.0.0.2:0").unwrap());
    let client = world.connect_within(listener.local_addr().unwrap()).await.unwrap();
    assert_eq!(client.local_addr().unwrap().ip(), Ipv4Addr::LOCALHOST);
}

/// It accepts no more, those who are there are served to their end, and then it has ended.
pub(crate) async fn a_server_drains(world: &World) {
    let (listener, address) = world.listener();
    let server = aio_net::local::Server::new(listener);
    let handle = server.handle();
    let serving = local::spawn(server.serve(async |mut stream, _| {
        let mut line = [0; 4];
        while stream.read_exact(&mut line).await.is_ok() {
            stream.write_all(&line).await?;
        }
        Ok(())
    }));
    let mut client = world.connect(address).await.unwrap();
    let mut line = [0; 4];
    for text in [b"one.", b"two."] {
        client.write_all(text).await.unwrap();
        client.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, text);
        handle.drain(Duration::from_secs(10_000));
        world.settle().await;
    }
    assert_eq!(world.connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(!serving.is_finished());
    drop(client);
    serving.await.unwrap();
}

pub(crate) async fn options_are_kept(world: &World) {
    let (client, server) = world.pair().await;
    for stream in [&client, &server] {
        assert!(stream.nodelay().unwrap());
        stream.set_nodelay(false).unwrap();
        assert!(!stream.nodelay().unwrap());
        assert!(!stream.keep_alive().unwrap());
        stream.set_keep_alive(Some(&KeepAlive::after(Duration::from_secs(60)))).unwrap();
        assert!(stream.keep_alive().unwrap());
        stream.set_keep_alive(None).unwrap();
        assert!(!stream.keep_alive().unwrap());
        assert_eq!(stream.linger().unwrap(), None);
        stream.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(stream.linger().unwrap(), Some(Duration::ZERO));
        stream.set_ttl(7).unwrap();
        assert_eq!(stream.ttl().unwrap(), 7);
        assert!(stream.take_error().unwrap().is_none());
    }
}
