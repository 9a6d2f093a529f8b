//! Connections over a simulated network: delays, losses, partitions, crashes.
#![cfg(not(aio_loom))]

mod net_support;

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::time::Duration;

use aio_core::{local, now};
use aio_io::{ReadExt, WriteExt, copy};
use aio_net::{TcpListener, TcpStream};
use aio_test::net::{Host, Net};
use aio_timer::{sleep, timeout};
use futures_lite::future::poll_once;

use net_support::{elapsed_since, ms, run, secs};

/// A network without chance: everything takes 10 ms.
fn steady() -> (Net, Host, Host) {
    let net = Net::seeded(1).latency(ms(10)..=ms(10));
    let (server, client) = (net.host("server"), net.host("client"));
    (net, server, client)
}

async fn pair(server: &Host, client: &Host) -> (TcpStream, TcpStream) {
    let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let client = client.run(TcpStream::connect((server.ip(), 80))).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (client, server)
}

/// Sends back whatever comes, for ever.
async fn echo() -> io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:7")?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        local::spawn(async move {
            let (mut read, mut write) = stream.split();
            copy(&mut read, &mut write).await
        })
        .try_detach();
    }
}

#[test]
fn a_connection_takes_a_round_trip_and_its_bytes_one_way() {
    run(async {
        let (_net, server, client) = steady();
        let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        let begin = now();
        let mut stream = client.run(TcpStream::connect("server:80")).await.unwrap();
        assert_eq!(elapsed_since(begin), ms(20));
        stream.write_all(b"x").await.unwrap();
        let (mut accepted, peer) = listener.accept().await.unwrap();
        assert_eq!(elapsed_since(begin), ms(30));
        assert_eq!(peer.ip(), client.ip());
        accepted.read_exact(&mut [0]).await.unwrap();
        assert_eq!(elapsed_since(begin), ms(30));
    });
}

#[test]
fn where_nobody_listens_is_refused_after_a_round_trip() {
    run(async {
        let (_net, server, client) = steady();
        let begin = now();
        let error = client.run(TcpStream::connect("server:80")).await.unwrap_err();
        assert_eq!((error.kind(), elapsed_since(begin)), (ErrorKind::ConnectionRefused, ms(20)));
        // Who listens on this host only does not listen there.
        let _inner = server.enter(|| TcpListener::bind("127.0.0.1:80").unwrap());
        let error = client.run(TcpStream::connect((server.ip(), 80))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        server.run(TcpStream::connect("127.0.0.1:80")).await.unwrap();
        let error = client.run(TcpStream::connect("192.0.2.1:80")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
    });
}

#[test]
fn a_connection_through_a_partition_fails_when_linux_gives_up() {
    run(async {
        let (net, server, client) = steady();
        let _listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        net.partition(&server, &client);
        let begin = now();
        let error = client.run(TcpStream::connect("server:80")).await.unwrap_err();
        assert_eq!((error.kind(), elapsed_since(begin)), (ErrorKind::TimedOut, secs(127)));
        // The answer is lost; the fourth request is answered.
        net.heal(&server, &client);
        net.cut(&server, &client);
        let connecting = client.spawn(TcpStream::connect("server:80"));
        let begin = now();
        sleep(secs(5)).await;
        net.heal(&server, &client);
        connecting.await.unwrap();
        assert_eq!(elapsed_since(begin), secs(7) + ms(20));
    });
}

#[test]
fn a_partition_holds_what_is_written_until_it_is_healed() {
    run(async {
        let (net, server, client) = steady();
        let (mut here, mut there) = pair(&server, &client).await;
        net.partition(&server, &client);
        for text in ["one ", "two ", "three"] {
            here.write_all(text.as_bytes()).await.unwrap();
            sleep(secs(10)).await;
        }
        here.close().await.unwrap();
        assert!(poll_once(pin!(there.readable())).await.is_none());
        net.heal(&server, &client);
        let mut text = String::new();
        there.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one two three");
    });
}

#[test]
fn what_is_underway_does_not_pass_a_partition_either() {
    run(async {
        let (net, server, client) = steady();
        let (mut here, mut there) = pair(&server, &client).await;
        here.write_all(b"x").await.unwrap();
        net.cut(&client, &server);
        sleep(secs(1)).await;
        assert!(poll_once(pin!(there.readable())).await.is_none());
        // The other way is open.
        there.write_all(b"y").await.unwrap();
        here.read_exact(&mut [0]).await.unwrap();
        net.heal(&client, &server);
        there.read_exact(&mut [0]).await.unwrap();
    });
}

#[test]
fn a_connection_dies_after_a_quarter_of_an_hour_without_an_answer() {
    run(async {
        let (net, server, client) = steady();
        let (mut here, mut there) = pair(&server, &client).await;
        net.partition(&server, &client);
        here.write_all(b"x").await.unwrap();
        let begin = now();
        let error = here.read(&mut [0]).await.unwrap_err();
        // 0.2 + 0.4 + ... + 102.4, and six times 120.
        assert_eq!((error.kind(), elapsed_since(begin)), (ErrorKind::TimedOut, ms(924_600)));
        assert_eq!(here.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        // The other side has not sent anything. It learns of it when it does.
        sleep(secs(10_000)).await;
        net.heal(&server, &client);
        assert!(poll_once(pin!(there.readable())).await.is_none());
        there.write_all(b"y").await.unwrap();
        assert_eq!(there.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn who_only_reads_goes_on_after_the_longest_partition() {
    run(async {
        let net = Net::seeded(1).capacity(10);
        let (server, client) = (net.host("server"), net.host("client"));
        let (mut here, mut there) = pair(&server, &client).await;
        here.write_all(b"0123456789").await.unwrap();
        sleep(secs(1)).await;
        net.partition(&server, &client);
        there.read_exact(&mut [0; 10]).await.unwrap();
        // That they were read is not known there yet.
        assert!(poll_once(here.write(b"x")).await.is_none());
        sleep(secs(10_000)).await;
        net.heal(&server, &client);
        here.write_all(b"x").await.unwrap();
        there.read_exact(&mut [0]).await.unwrap();
    });
}

#[test]
fn who_writes_after_the_longest_wait_is_told_that_it_is_in_vain() {
    run(async {
        let (net, server, client) = steady();
        let (mut here, mut there) = pair(&server, &client).await;
        here.write_all(b"x").await.unwrap();
        sleep(secs(1)).await;
        net.partition(&server, &client);
        there.read_exact(&mut [0]).await.unwrap();
        sleep(secs(10_000)).await;
        there.write_all(b"y").await.unwrap();
        assert_eq!(there.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn a_reset_is_told_to_both_ends_at_once() {
    run(async {
        let (net, server, client) = steady();
        let other = net.host("other");
        let (mut here, mut there) = pair(&server, &client).await;
        net.reset(&server, &other);
        assert!(poll_once(pin!(here.readable())).await.is_none());
        let reading = local::spawn(async move { here.read(&mut [0]).await.unwrap_err().kind() });
        aio_core::yield_now().await;
        net.reset(&client, &server);
        assert_eq!(there.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(reading.await, ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_crash_resets_the_peers_and_what_runs_there_can_do_nothing() {
    run(async {
        let (_net, server, client) = steady();
        let (listener, mut there) = server
            .run(async {
                let listener = TcpListener::bind("0.0.0.0:80").unwrap();
                let connecting = client.spawn(TcpStream::connect("server:80"));
                let (there, _) = listener.accept().await.unwrap();
                (listener, (there, connecting.await.unwrap()))
            })
            .await;
        let spawned = server.spawn(std::future::pending::<()>());
        let begin = now();
        server.crash();
        assert_eq!(there.1.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(elapsed_since(begin), ms(10));
        assert!(spawned.task_ref().is_cancelled());
        assert_eq!(listener.accept().await.unwrap_err().kind(), ErrorKind::NetworkDown);
        assert_eq!(there.0.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::NetworkDown);
        let bind = || server.enter(|| TcpListener::bind("0.0.0.0:80"));
        assert_eq!(bind().unwrap_err().kind(), ErrorKind::NetworkDown);
        let error = server.run(TcpStream::connect("client:80")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NetworkDown);

        // Who connects meanwhile is answered when it is there again.
        let connecting = client.spawn(TcpStream::connect("server:80"));
        sleep(secs(20)).await;
        server.restart();
        let listener = bind().unwrap();
        let (_accepted, _) = listener.accept().await.unwrap();
        connecting.await.unwrap();
        assert_eq!(elapsed_since(begin), secs(31) + ms(40));
    });
}

#[test]
fn a_server_that_has_crashed_is_started_again() {
    run(async {
        let (_net, server, client) = steady();
        let ask = async || {
            let mut stream = client.run(TcpStream::connect("server:7")).await?;
            stream.write_all(b"ping").await?;
            stream.read_exact(&mut [0; 4]).await
        };
        let first = server.spawn(echo());
        ask().await.unwrap();
        server.crash();
        server.restart();
        assert_eq!(ask().await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        drop(first);
        let _second = server.spawn(echo());
        ask().await.unwrap();
    });
}

#[test]
fn loss_is_a_delay_and_no_byte_is_missing() {
    run(async {
        let net = Net::seeded(3).loss(0.3);
        let (server, client) = (net.host("server"), net.host("client"));
        let (mut here, mut there) = pair(&server, &client).await;
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| (i * 7 / 3) as u8).collect();
        let sent = bytes.clone();
        let begin = now();
        let writing = local::spawn(async move {
            for piece in sent.chunks(1000) {
                here.write_all(piece).await.unwrap();
            }
        });
        let mut received = Vec::new();
        there.read_to_end(&mut received).await.unwrap();
        writing.await;
        assert_eq!(received, bytes);
        assert!(elapsed_since(begin) > secs(1));
    });
}

#[test]
fn bandwidth_bounds_what_arrives() {
    run(async {
        let net = Net::seeded(1).latency(ms(10)..=ms(10)).bandwidth(100_000).capacity(10_000_000);
        let (server, client) = (net.host("server"), net.host("client"));
        let (mut here, mut there) = pair(&server, &client).await;
        let begin = now();
        here.write_all(&vec![0; 1_000_000]).await.unwrap();
        assert_eq!(elapsed_since(begin), ms(0));
        drop(here);
        there.read_to_end(&mut Vec::new()).await.unwrap();
        assert_eq!(elapsed_since(begin), secs(10) + ms(10));
    });
}

#[test]
fn a_full_backlog_has_the_next_one_wait() {
    run(async {
        let net = Net::seeded(1).latency(ms(10)..=ms(10)).backlog(1);
        let (server, client) = (net.host("server"), net.host("client"));
        let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        let _first = client.run(TcpStream::connect("server:80")).await.unwrap();
        sleep(ms(100)).await;
        let begin = now();
        let second = client.spawn(TcpStream::connect("server:80"));
        sleep(ms(500)).await;
        assert!(!second.is_finished());
        listener.accept().await.unwrap();
        second.await.unwrap();
        assert_eq!(elapsed_since(begin), secs(1) + ms(20));
    });
}

#[test]
fn an_attempt_that_is_dropped_is_not_accepted() {
    run(async {
        let (_net, server, client) = steady();
        let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        assert!(timeout(ms(15), client.run(TcpStream::connect("server:80"))).await.is_err());
        assert!(timeout(secs(1000), listener.accept()).await.is_err());
    });
}

#[test]
fn writes_between_hosts_are_broken_up_at_random() {
    run(async {
        let (_net, server, client) = steady();
        let (mut here, mut there) = pair(&server, &client).await;
        let mut short = 0;
        for _ in 0..100 {
            here.write_all(&[7; 100]).await.unwrap();
            sleep(Duration::from_millis(10)).await;
            let n = there.read(&mut [0; 100]).await.unwrap();
            short += u32::from(n < 100);
            there.read_exact(&mut vec![0; 100 - n]).await.unwrap();
        }
        // With this latency both pieces arrive at once; so none is seen in two.
        assert_eq!(short, 0);
        let net = Net::seeded(1);
        let (server, client) = (net.host("server"), net.host("client"));
        let (mut here, mut there) = pair(&server, &client).await;
        for _ in 0..100 {
            here.write_all(&[7; 100]).await.unwrap();
            let n = there.read(&mut [0; 100]).await.unwrap();
            short += u32::from(n < 100);
            there.read_exact(&mut vec![0; 100 - n]).await.unwrap();
        }
        assert!((5..50).contains(&short), "{short}");
    });
}

#[test]
fn listeners_that_share_an_address_share_the_connections() {
    run(async {
        let (_net, server, client) = steady();
        let listeners = server.enter(|| [(); 2].map(|()| TcpListener::bind_shared("0.0.0.0:80").unwrap()));
        server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap_err());
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(client.run(TcpStream::connect("server:80")).await.unwrap());
        }
        sleep(secs(1)).await;
        let mut counts = [0; 2];
        for (listener, count) in listeners.iter().zip(&mut counts) {
            while let Some(accepted) = poll_once(pin!(listener.accept())).await {
                accepted.unwrap();
                *count += 1;
            }
        }
        assert_eq!(counts, [10, 10]);
    });
}
