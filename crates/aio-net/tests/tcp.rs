//! TCP connections on loopback.

#[path = "support/cancels.rs"]
mod cancels;
mod support;

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{self, Shutdown, SocketAddr};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use aio_core::local;
use aio_io::{AsyncRead, ReadExt, WriteExt};
use aio_net::{KeepAlive, TcpListener, TcpStream};
use aio_timer::timeout;

use support::run;

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let here = TcpStream::connect(address).await.unwrap();
    let (there, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, here.local_addr().unwrap());
    (here, there)
}

fn poll_once<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// A connection that is reset when it is dropped.
fn resets(stream: &TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_and_a_server_talk() {
    run(async {
        let (mut client, mut server) = pair().await;
        for i in 0..1000_u32 {
            client.write_all(&i.to_ne_bytes()).await.unwrap();
            let mut buffer = [0; 4];
            server.read_exact(&mut buffer).await.unwrap();
            assert_eq!(buffer, i.to_ne_bytes());
            server.write_all(&buffer).await.unwrap();
            client.read_exact(&mut buffer).await.unwrap();
            assert_eq!(buffer, i.to_ne_bytes());
        }
    });
}

#[test]
fn each_direction_is_closed_on_its_own() {
    run(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"question").await.unwrap();
        client.close().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "question");
        server.write_all(b"answer").await.unwrap();
        server.close().await.unwrap();
        text.clear();
        client.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "answer");
        assert_eq!(client.write_all(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_peer_that_resets_is_an_error_to_who_reads_and_to_who_writes() {
    run(async {
        // While the read waits.
        let (mut client, server) = pair().await;
        resets(&server);
        let reader = local::spawn(async move { client.read(&mut [0; 8]).await });
        aio_core::yield_now().await;
        drop(server);
        assert_eq!(reader.await.unwrap_err().kind(), ErrorKind::ConnectionReset);

        // Before it, and with something unread on the other side.
        let (mut client, server) = pair().await;
        client.write_all(b"unread").await.unwrap();
        server.readable().await.unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);

        // While the write waits for room.
        let (mut client, server) = pair().await;
        let writer = local::spawn(async move { client.write_all(&vec![0; 64 << 20]).await });
        server.readable().await.unwrap();
        resets(&server);
        drop(server);
        let error = writer.await.unwrap_err().kind();
        assert!(matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error:?}");

        // Before it is accepted: who accepts gets it, or passes it over.
        let (listener, address) = listener();
        let client = TcpStream::connect(address).await.unwrap();
        resets(&client);
        drop(client);
        let alive = TcpStream::connect(address).await.unwrap();
        loop {
            let (mut stream, peer) = listener.accept().await.unwrap();
            if peer == alive.local_addr().unwrap() {
                break;
            }
            assert_eq!(stream.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn a_refused_connection_names_its_address() {
    run(async {
        let address = listener().1;
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    });
}

#[test]
fn an_address_that_is_taken_is_named() {
    run(async {
        let (_listener, address) = listener();
        let error = TcpListener::bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    });
}

/// The queue of the listener is full, so that nobody answers.
#[test]
fn a_connection_that_is_not_answered_can_be_given_up() {
    run(async {
        let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        full.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        full.listen(0).unwrap();
        let address = full.local_addr().unwrap().as_socket().unwrap();
        let mut connected = Vec::new();
        let outcome = loop {
            match timeout(Duration::from_millis(50), TcpStream::connect(address)).await {
                Ok(stream) => connected.push(stream.unwrap()),
                Err(elapsed) => break elapsed,
            }
            assert!(connected.len() < 1000, "the queue is never full");
        };
        assert!(outcome.to_string().contains("time"), "{outcome}");
    });
}

#[test]
fn an_accept_that_is_cancelled_loses_no_connection() {
    run(async {
        let (listener, address) = listener();
        for _ in 0..100 {
            assert!(!poll_once(listener.accept()));
            let client = TcpStream::connect(address).await.unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
    });
}

#[test]
fn cancelled_reads_and_writes_lose_no_byte_that_was_not_reported() {
    run(async {
        let (here, there) = pair().await;
        cancels::lose_nothing(here, there).await;
    });
}

#[test]
fn several_pieces_are_written_at_once() {
    run(async {
        let (mut here, mut there) = pair().await;
        let pieces: Vec<IoSlice<'_>> = (0..3000).map(|_| IoSlice::new(b"abc")).collect();
        let mut write = 0;
        while write < 3000 {
            write += here.write_vectored(&pieces[write..]).await.unwrap() / 3;
        }
        here.close().await.unwrap();
        let mut text = String::new();
        there.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abc".repeat(3000));
    });
}

/// A read ends short in front of an urgent byte, with more behind it.
#[cfg(target_os = "linux")]
#[test]
fn an_urgent_byte_does_not_hold_up_what_comes_after_it() {
    run(async {
        let (here, mut there) = pair().await;
        assert!(!poll_once(there.read(&mut [0; 8])));
        let mut here = here.into_std();
        here.write_all(b"abc").unwrap();
        rustix::net::send(&here, b"X", rustix::net::SendFlags::OOB).unwrap();
        here.write_all(b"def").unwrap();
        let mut got = [0; 6];
        there.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"abcdef");
    });
}

#[test]
fn more_buffers_than_the_system_fills_at_once_are_no_short_read() {
    run(async {
        let (mut here, mut there) = pair().await;
        assert!(!poll_once(there.read(&mut [0; 8])));
        here.write_all(&[1; 3000]).await.unwrap();
        let mut got = 0;
        while got < 3000 {
            let mut memory = vec![[0; 1]; 1100];
            let mut buffers: Vec<_> = memory.iter_mut().map(|byte| io::IoSliceMut::new(byte)).collect();
            let read = |cx: &mut Context<'_>| std::pin::Pin::new(&mut there).poll_read_vectored(cx, &mut buffers);
            got += std::future::poll_fn(read).await.unwrap();
        }
        assert_eq!(got, 3000);
    });
}

#[test]
fn what_is_peeked_at_stays() {
    run(async {
        let (mut here, mut there) = pair().await;
        here.write_all(b"abc").await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(there.peek(&mut buffer).await.unwrap(), 3);
        assert_eq!(there.read(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer[..3], b"abc");
    });
}

#[test]
fn the_halves_are_for_two_tasks_and_can_be_reunited() {
    run(async {
        let (here, mut there) = pair().await;
        let (mut read, mut write) = here.into_split();
        let reader = local::spawn(async move {
            let mut buffer = [0; 5];
            read.read_exact(&mut buffer).await.unwrap();
            (read, buffer)
        });
        write.write_all(b"hello").await.unwrap();
        let mut buffer = [0; 5];
        there.read_exact(&mut buffer).await.unwrap();
        there.write_all(&buffer).await.unwrap();
        let (read, buffer) = reader.await;
        assert_eq!(&buffer, b"hello");

        let (other_read, other_write) = pair().await.0.into_split();
        let error = read.reunite(other_write).unwrap_err();
        let stream = error.0.reunite(write).unwrap();
        drop((other_read, error.1));
        // It was not closed by being reunited; it is by dropping the half that writes.
        let (read, write) = stream.into_split();
        drop(write);
        assert_eq!(there.read(&mut [0; 8]).await.unwrap(), 0);
        drop(read);
    });
}

#[test]
fn options_are_what_they_were_set_to() {
    run(async {
        let (here, there) = pair().await;
        let listener = TcpListener::from_std(std::net::TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        for stream in [&here, &there, &TcpStream::from_std(client).unwrap(), &accepted] {
            assert!(stream.nodelay().unwrap(), "as in asyncio");
        }
        here.set_nodelay(false).unwrap();
        assert!(!here.nodelay().unwrap());
        here.set_keep_alive(Some(&KeepAlive::after(Duration::from_secs(30)))).unwrap();
        assert!(here.keep_alive().unwrap());
        here.set_keep_alive(None).unwrap();
        assert!(!here.keep_alive().unwrap());
        here.set_linger(Some(Duration::from_secs(3))).unwrap();
        assert_eq!(here.linger().unwrap(), Some(Duration::from_secs(3)));
        here.set_ttl(42).unwrap();
        assert_eq!(here.ttl().unwrap(), 42);
        assert!(here.take_error().unwrap().is_none());
    });
}

#[test]
fn streams_of_the_standard_library_come_and_go() {
    run(async {
        let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let mut client = TcpStream::from_std(net::TcpStream::connect(address).unwrap()).unwrap();
        let (server, _) = listener.accept().await.unwrap();
        client.write_all(b"x").await.unwrap();
        let mut server = server.into_std();
        server.set_nonblocking(false).unwrap();
        server.read_exact(&mut [0]).unwrap();
        server.write_all(b"y").unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 1);
        client.shutdown(Shutdown::Both).unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn a_thousand_connections_come_and_go_and_leave_nothing() {
    run(async {
        let (listener, address) = listener();
        for _ in 0..1000 {
            let mut client = TcpStream::connect(address).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            resets(&client);
            client.write_all(b"x").await.unwrap();
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 1);
        }
    });
}

#[test]
fn what_is_sent_may_cross_threads() {
    fn is_send<T: Send>(_: &T) {}
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    is_send(&TcpStream::connect(address));
    let accept = async |listener: TcpListener| -> io::Result<()> {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"x").await
    };
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    is_send(&accept(TcpListener::from_std(listener).unwrap()));
}

#[test]
fn a_target_is_an_address_or_a_host_or_a_text() {
    run(async {
        let (listener, address) = listener();
        let port = address.port();
        for text in [address.to_string(), format!("localhost:{port}")] {
            TcpStream::connect(&text).await.unwrap();
            TcpStream::connect(text).await.unwrap();
        }
        TcpStream::connect(([127, 0, 0, 1], port)).await.unwrap();
        for _ in 0..5 {
            listener.accept().await.unwrap();
        }
        let error = TcpStream::connect("localhost").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("`localhost`"), "{error}");
    });
}
