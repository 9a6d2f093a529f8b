//! Datagrams.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;

use aio_net::UdpSocket;
use aio_timer::timeout;
use futures_lite::StreamExt;
use futures_lite::future::poll_once;

use super::World;

/// Sends it until it arrives.
async fn send(world: &World, socket: &UdpSocket, datagram: &[u8], to: std::net::SocketAddr, there: &UdpSocket) {
    for _ in 0..100 {
        assert_eq!(socket.send_to(datagram, to).await.unwrap(), datagram.len());
        if world.is_reliable() || timeout(std::time::Duration::from_secs(1), there.readable()).await.is_ok() {
            return;
        }
    }
    panic!("a hundred datagrams were lost");
}

pub(crate) async fn a_datagram_arrives_and_tells_who_sent_it(world: &World) {
    let ((server, address), client) = (world.udp_server(), world.udp_client());
    let mut buffer = [0; 16];
    assert!(poll_once(pin!(server.recv_from(&mut buffer))).await.is_none());
    send(world, &client, b"hello", address, &server).await;
    let (n, peer) = server.peek_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..n], peer.port()), (&b"hello"[..], client.local_addr().unwrap().port()));
    assert_eq!(server.recv_from(&mut buffer).await.unwrap(), (5, peer));
    assert!(poll_once(pin!(server.recv_from(&mut buffer))).await.is_none());
    send(world, &server, b"back", peer, &client).await;
    assert_eq!(client.recv_from(&mut buffer).await.unwrap(), (4, address));
}

pub(crate) async fn what_does_not_fit_is_cut_off(world: &World) {
    let ((server, address), client) = (world.udp_server(), world.udp_client());
    let mut buffer = [0; 4];
    send(world, &client, b"abcdefg", address, &server).await;
    assert_eq!(server.recv_from(&mut buffer).await.unwrap().0, 4);
    assert_eq!(&buffer, b"abcd");
    assert!(poll_once(pin!(server.recv_from(&mut buffer))).await.is_none());
    send(world, &client, &[7; 65_507], address, &server).await;
    let (datagram, _) = server.datagrams(70_000).next().await.unwrap().unwrap();
    assert_eq!(datagram, [7; 65_507]);
}

pub(crate) async fn an_empty_datagram_is_a_datagram(world: &World) {
    let ((server, address), client) = (world.udp_server(), world.udp_client());
    send(world, &client, b"", address, &server).await;
    assert_eq!(server.recv_from(&mut [0; 4]).await.unwrap().0, 0);
}

pub(crate) async fn who_is_connected_hears_of_nobody_else(world: &World) {
    let ((server, address), client, other) = (world.udp_server(), world.udp_client(), world.udp_client());
    client.connect(address).unwrap();
    assert_eq!(client.peer_addr().unwrap(), address);
    let client_at = client.local_addr().unwrap();
    let other_is = other.local_addr().unwrap();
    if world.is_reliable() {
        other.send_to(b"not for you", client_at).await.unwrap();
    }
    assert_eq!(other.local_addr().unwrap(), other_is);
    send(world, &server, b"for you", client_at, &client).await;
    let mut buffer = [0; 16];
    assert_eq!(client.recv(&mut buffer).await.unwrap(), 7);
    assert!(poll_once(pin!(client.recv(&mut buffer))).await.is_none());
}

pub(crate) async fn that_nobody_is_there_is_told_once(world: &World) {
    let ((server, address), client) = (world.udp_server(), world.udp_client());
    drop(server);
    let mut buffer = [0; 16];
    // Who is not connected never hears of it.
    client.send_to(b"?", address).await.unwrap();
    world.settle().await;
    assert!(poll_once(pin!(client.recv_from(&mut buffer))).await.is_none());
    client.connect(address).unwrap();
    let mut error = None;
    for _ in 0..100 {
        client.send(b"?").await.unwrap();
        world.settle().await;
        error = poll_once(pin!(client.recv(&mut buffer))).await;
        if error.is_some() {
            break;
        }
    }
    let error = error.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().starts_with(&format!("failed to receive from {address} at ")), "{error}");
    assert!(poll_once(pin!(client.recv(&mut buffer))).await.is_none());
    // The next operation may also be a send; and the socket goes on.
    let again = world.at_server(|| UdpSocket::bind(address)).unwrap();
    send(world, &client, b"!", address, &again).await;
    assert_eq!(again.recv_from(&mut buffer).await.unwrap().0, 1);
}

pub(crate) async fn errors_of_sending(world: &World) {
    let ((_server, address), client) = (world.udp_server(), world.udp_client());
    let error = client.send_to(&[0; 65_508], address).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("failed to send to {address}: ")), "{error}");
    assert!(error.to_string().to_lowercase().contains("message too long"), "{error}");
    let error = client.send(b"x").await.unwrap_err();
    assert!(error.to_string().starts_with("failed to send on a UDP socket that is not connected: "), "{error}");
    assert_eq!(client.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    client.send_to(b"x", "[::1]:9".parse().unwrap()).await.unwrap_err();
}

pub(crate) async fn an_address_is_taken_once(world: &World) {
    let (server, address) = world.udp_server();
    let bind = || world.at_server(|| UdpSocket::bind(address));
    let error = bind().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("failed to bind a UDP socket to {address}: ")), "{error}");
    drop(server);
    bind().unwrap();
    // A port of UDP is none of TCP. (A stranger may have it there.)
    let is_free = |_| {
        let (_server, address) = world.udp_server();
        world.at_server(|| aio_net::TcpListener::bind(address)).is_ok()
    };
    assert!((0..10).any(is_free));
}

pub(crate) async fn datagrams_to_all_addresses_come_to_this_host(world: &World) {
    for bound in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
        let server = world.at_server(|| UdpSocket::bind(bound).unwrap());
        let client = world.at_server(|| UdpSocket::bind("0.0.0.0:0").unwrap());
        let port = server.local_addr().unwrap().port();
        client.connect(SocketAddr::from(([0; 4], port))).unwrap();
        assert_eq!(client.peer_addr().unwrap(), SocketAddr::from(([127, 0, 0, 1], port)));
        let other = world.at_server(|| UdpSocket::bind("0.0.0.0:0").unwrap());
        let mut buffer = [0; 4];
        client.send(b"one").await.unwrap();
        let (n, peer) = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(n, 3);
        assert_eq!(peer.port(), client.local_addr().unwrap().port());
        server.send_to(b"back", peer).await.unwrap();
        assert_eq!(client.recv(&mut buffer).await.unwrap(), 4);
        other.send_to(b"two", SocketAddr::from(([0; 4], port))).await.unwrap();
        let (_, peer) = server.recv_from(&mut buffer).await.unwrap();
        assert!(peer.ip().to_canonical().is_loopback());
    }
}

pub(crate) async fn an_address_of_one_family_does_not_reach_the_other(world: &World) {
    let (_server, address) = world.udp_server();
    let socket = world.at_client(|| UdpSocket::bind("[::1]:0").unwrap());
    assert_eq!(socket.send_to(b"x", address).await.unwrap_err().kind(), ErrorKind::NetworkUnreachable);
    socket.connect(address).unwrap_err();
    let socket = world.at_client(|| UdpSocket::bind("[::ffff:127.0.0.1]:0").unwrap());
    socket.send_to(b"x", "[::1]:9".parse().unwrap()).await.unwrap_err();
}

pub(crate) async fn what_does_not_wait_is_tried(world: &World) {
    let ((server, address), client) = (world.udp_server(), world.udp_client());
    let mut buffer = [0; 4];
    assert_eq!(server.try_recv_from(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.connect(address).unwrap();
    assert_eq!(client.try_send(b"one").unwrap(), 3);
    assert_eq!(client.try_send_to(b"one", address).unwrap(), 3);
    if world.is_reliable() {
        server.readable().await.unwrap();
        assert_eq!(server.try_recv(&mut buffer).unwrap(), 3);
    }
    client.set_broadcast(true).unwrap();
    client.set_ttl(3).unwrap();
    assert_eq!((client.broadcast().unwrap(), client.ttl().unwrap()), (true, 3));
}
