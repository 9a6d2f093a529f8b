//! Sockets of the Unix domain.
#![cfg(unix)]

#[path = "support/cancels.rs"]
mod cancels;

use std::fs;
use std::future::Future;
use std::io::{ErrorKind, IoSlice};
use std::os::unix::net as std_net;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{UnixDatagram, UnixListener, UnixStream};
use aio_reactor::Reactor;
use aio_timer::Timers;
use futures_lite::future::poll_once;

/// Runs it on a loop, with a directory that is removed afterwards.
fn on_a_loop<F: Future>(test: impl FnOnce(PathBuf) -> F) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("aio-net-unix-{}-{number}", process::id()));
    fs::create_dir(&directory).unwrap();
    leak_check(|| {
        EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(test(directory.clone()));
    });
    fs::remove_dir_all(&directory).unwrap();
}

async fn echo(listener: &UnixListener) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    stream.write_all(text.to_uppercase().as_bytes()).await.unwrap();
}

async fn ask(path: impl AsRef<Path>) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.close().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn a_client_is_answered_and_the_path_is_removed_at_the_end() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
        let client = local::spawn(ask(path.clone()));
        echo(&listener).await;
        assert_eq!(client.await, "HELLO");
        drop(listener);
        assert!(!path.exists());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_in_the_abstract_namespace_needs_no_file() {
    on_a_loop(|_| async {
        let name = format!("\0aio-net-test-{}", process::id());
        let listener = UnixListener::bind(&name).unwrap();
        let client = local::spawn(ask(name.clone()));
        echo(&listener).await;
        assert_eq!(client.await, "HELLO");
        assert_eq!(UnixListener::bind(&name).unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn what_an_earlier_listener_has_left_is_removed() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        drop(std_net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let listener = UnixListener::bind(&path).unwrap();
        let client = local::spawn(ask(path));
        echo(&listener).await;
        assert_eq!(client.await, "HELLO");
    });
}

#[test]
fn a_path_that_is_taken_is_left_alone() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        let first = UnixListener::bind(&path).unwrap();
        let error = UnixListener::bind(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("failed to listen at `{}`: ", path.display())), "{error}");
        let client = local::spawn(ask(path));
        // The attempt was a connection, too.
        let (mut attempt, _) = first.accept().await.unwrap();
        assert_eq!(attempt.read(&mut [0]).await.unwrap(), 0);
        echo(&first).await;
        assert_eq!(client.await, "HELLO");

        let file = directory.join("file");
        fs::write(&file, "precious").unwrap();
        assert_eq!(UnixListener::bind(&file).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(fs::read(&file).unwrap(), b"precious");

        let datagrams = directory.join("datagrams");
        let _there = UnixDatagram::bind(&datagrams).unwrap();
        assert_eq!(UnixListener::bind(&datagrams).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert!(datagrams.exists());
    });
}

#[test]
fn only_its_own_path_is_removed() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        let first = UnixListener::bind(&path).unwrap();
        // Renamed, so that the inode is not given to the second.
        fs::rename(&path, directory.join("elsewhere")).unwrap();
        let second = UnixListener::bind(&path).unwrap();
        drop(first);
        assert!(path.exists());
        // Nor what was given away.
        let std = second.into_std();
        assert!(path.exists());
        drop(UnixListener::from_std(std).unwrap());
        assert!(path.exists());
    });
}

#[test]
fn errors_tell_the_path() {
    on_a_loop(|directory| async move {
        let path = directory.join("nobody");
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&format!("failed to connect to `{}`: ", path.display())), "{error}");
        assert_eq!(UnixListener::bind("").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(UnixStream::connect("x".repeat(200)).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_waits_until_there_is_room_for_its_connection() {
    on_a_loop(|directory| async move {
        use socket2::{Domain, SockAddr, Socket, Type};
        let path = directory.join("socket");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let listener = UnixListener::from_std(socket.into()).unwrap();

        let _first = UnixStream::connect(&path).await.unwrap();
        let mut second = pin!(UnixStream::connect(&path));
        assert!(poll_once(&mut second).await.is_none());
        let (_one, _) = listener.accept().await.unwrap();
        second.await.unwrap();
    });
}

#[test]
fn a_pair_is_connected_and_ends_tell_of_each_other() {
    on_a_loop(|_| async {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let mut buffer = [0; 16];
        assert!(poll_once(pin!(other.read(&mut buffer))).await.is_none());
        assert_eq!(one.write_vectored(&[IoSlice::new(b"hel"), IoSlice::new(b"lo")]).await.unwrap(), 5);
        assert_eq!(other.read(&mut buffer).await.unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
        one.close().await.unwrap();
        assert_eq!(other.read(&mut buffer).await.unwrap(), 0);
        other.write_all(b"still open").await.unwrap();
        assert_eq!(one.read(&mut buffer).await.unwrap(), 10);
    });
}

#[test]
fn to_write_to_a_peer_that_is_gone_is_an_error_and_no_signal() {
    on_a_loop(|_| async {
        let (mut one, other) = UnixStream::pair().unwrap();
        drop(other);
        assert_eq!(one.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let error = one.write_vectored(&[IoSlice::new(b"x"), IoSlice::new(b"y")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn more_than_fits_arrives_whole_while_both_sides_wait() {
    on_a_loop(|_| async {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let data: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let sent = data.clone();
        let writer = local::spawn(async move {
            one.write_all(&sent).await.unwrap();
            one.close().await.unwrap();
        });
        let mut received = Vec::new();
        other.read_to_end(&mut received).await.unwrap();
        writer.await;
        assert!(received == data);
    });
}

#[test]
fn cancelled_reads_and_writes_lose_no_byte_that_was_not_reported() {
    on_a_loop(|_| async {
        let (here, there) = UnixStream::pair().unwrap();
        cancels::lose_nothing(here, there).await;
    });
}

/// 100,000 of them: of those that were sent each arrives once, and of the others none.
#[test]
fn cancelled_sends_and_receives_lose_no_datagram_that_was_not_reported() {
    on_a_loop(|_| async {
        let (here, there) = UnixDatagram::pair().unwrap();
        let (mut sent, mut received) = (0_u32, 0_u32);
        let (mut sends, mut receives) = (0, 0);
        while sends < 50_000 || receives < 50_000 {
            // Until there is no more room, and until there is nothing more, sometimes once more than that.
            for _ in 0..=received % 3 {
                while let Some(result) = poll_once(pin!(here.send(&sent.to_ne_bytes()))).await {
                    assert_eq!(result.unwrap(), 4);
                    sent += 1;
                }
                sends += 1;
            }
            for _ in 0..=sent % 3 {
                let mut buffer = [0; 8];
                loop {
                    let received_now = poll_once(pin!(there.recv(&mut buffer))).await;
                    let Some(result) = received_now else { break };
                    assert_eq!(result.unwrap(), 4);
                    assert_eq!(buffer[..4], received.to_ne_bytes());
                    received += 1;
                }
                receives += 1;
            }
            yield_now().await;
        }
        while received < sent {
            let mut buffer = [0; 8];
            assert_eq!(there.recv(&mut buffer).await.unwrap(), 4);
            assert_eq!(buffer[..4], received.to_ne_bytes());
            received += 1;
        }
        assert!(poll_once(pin!(there.recv(&mut [0; 8]))).await.is_none(), "there are more than were sent");
        assert!(sent > 10_000, "{sent} datagrams");
    });
}

#[test]
fn datagrams_are_whole_and_tell_who_sent_them() {
    on_a_loop(|directory| async move {
        let (here, there) = (directory.join("here"), directory.join("there"));
        let (one, other) = (UnixDatagram::bind(&here).unwrap(), UnixDatagram::bind(&there).unwrap());
        let mut buffer = [0; 16];
        assert!(poll_once(pin!(other.recv_from(&mut buffer))).await.is_none());
        for text in ["hello", "", "again"] {
            one.send_to(text.as_bytes(), &there).await.unwrap();
        }
        for text in ["hello", "", "again"] {
            let (n, peer) = other.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..n], peer.as_pathname()), (text.as_bytes(), Some(&*here)));
        }
        let client = UnixDatagram::unbound().unwrap();
        client.connect(&there).unwrap();
        client.send(b"x").await.unwrap();
        assert_eq!(other.recv(&mut buffer).await.unwrap(), 1);
        let error = client.send_to(b"x", directory.join("nobody")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("nobody"), "{error}");
    });
}

#[test]
fn who_sends_too_many_datagrams_waits_until_some_are_taken() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let count = 2_000u32;
        let connected = UnixDatagram::unbound().unwrap();
        connected.connect(&path).unwrap();
        let by_path = UnixDatagram::unbound().unwrap();
        let one = local::spawn(async move {
            for n in 0..count {
                connected.send(&n.to_ne_bytes()).await.unwrap();
            }
        });
        let other = local::spawn(async move {
            // Until the queue is full, and it must wait where no event tells.
            for n in 0..20u32 {
                by_path.send_to(&(count + n).to_ne_bytes(), &path).await.unwrap();
            }
        });
        for _ in 0..3 {
            yield_now().await;
        }
        let (mut next, mut next_by_path) = (0, count);
        for _ in 0..count + 20 {
            let mut buffer = [0; 4];
            receiver.recv(&mut buffer).await.unwrap();
            let n = u32::from_ne_bytes(buffer);
            let expected = if n < count { &mut next } else { &mut next_by_path };
            assert_eq!(n, *expected);
            *expected += 1;
        }
        one.await;
        other.await;
    });
}

#[test]
fn a_datagram_to_a_path_arrives_although_the_queue_there_was_full() {
    on_a_loop(|directory| async move {
        let path = directory.join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let others = std_net::UnixDatagram::unbound().unwrap();
        others.set_nonblocking(true).unwrap();
        while others.send_to(b"x", &path).is_ok() {}

        let sender = local::spawn(async move {
            let socket = UnixDatagram::unbound().unwrap();
            socket.send_to(b"last", &path).await.unwrap();
        });
        // So that the news that its own socket has room, which says nothing about the peer's, is over.
        for _ in 0..1000 {
            yield_now().await;
        }
        let mut buffer = [0; 16];
        while receiver.recv(&mut buffer).await.unwrap() != 4 {}
        sender.await;
    });
}
