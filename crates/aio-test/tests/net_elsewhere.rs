//! Simulated sockets that leave the thread of their network, or outlive it.
#![cfg(not(aio_loom))]

use std::time::Duration;

use aio_blocking::to_thread;
use aio_core::{Driver, EventLoop, ThreadPark, block_on, local, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream, UdpSocket};
use aio_test::net::Net;
use aio_test::{Test, elapsed};
use aio_timer::{Timers, sleep, timeout};
use futures_lite::future::poll_once;

const WAY: Duration = Duration::from_millis(10);

async fn pair(net: &Net) -> (TcpStream, TcpStream) {
    let (server, client) = (net.host("server"), net.host("client"));
    let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
    let here = client.run(TcpStream::connect("server:80")).await.unwrap();
    let (there, _) = listener.accept().await.unwrap();
    (here, there)
}

#[test]
fn a_stream_that_a_thread_drops_ends_after_the_time_of_the_network() {
    Test::new("dropped elsewhere").run(async || {
        let net = Net::new().latency(WAY..=WAY);
        let (here, mut there) = pair(&net).await;
        sleep(Duration::from_secs(3600)).await;
        let reading = local::spawn(async move { there.read(&mut [0; 4]).await.map(|n| (n, elapsed())) });
        sleep(Duration::from_secs(1)).await;
        let before = elapsed();
        to_thread(move || drop(here)).await;
        let (n, at) = reading.await.unwrap();
        assert_eq!(n, 0);
        // A thread does not know the time of the network.
        assert!(at <= before + WAY, "{at:?}");
    });
}

#[test]
fn what_is_underway_arrives_though_a_thread_has_dropped_something() {
    Test::new("underway").run(async || {
        let net = Net::new().latency(WAY..=WAY);
        let (mut here, mut there) = pair(&net).await;
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        here.write_all(b"text").await.unwrap();
        let before = elapsed();
        // clock: real time that is to make no difference
        to_thread(move || (std::thread::sleep(3 * WAY), drop(other))).await;
        assert_eq!(elapsed(), before);
        there.read_exact(&mut [0; 4]).await.unwrap();
        assert_eq!(elapsed(), before + WAY);
    });
}

#[test]
fn nobody_waits_for_the_time_of_the_network() {
    let failure = Test::new("alarm").try_run(async || {
        let net = Net::new().latency(WAY..=WAY);
        let _pair = pair(&net).await;
        assert_eq!(elapsed(), Duration::ZERO, "looked at");
    });
    let failure = failure.unwrap_err();
    assert!(failure.log.contains("waits for TcpStream::connect 1"), "{}", failure.log);
    assert!(!failure.log.contains("until"), "{}", failure.log);
}

#[test]
fn a_read_that_was_given_up_is_not_waited_for() {
    let failure = Test::new("given up").try_run(async || {
        let net = Net::new().latency(WAY..=WAY);
        let (mut here, _there) = pair(&net).await;
        timeout(WAY, here.read(&mut [0; 4])).await.unwrap_err();
        // With the next turn of the task it is known.
        yield_now().await;
        std::future::pending::<()>().await;
    });
    let failure = failure.unwrap_err();
    assert!(!failure.message.contains("TcpStream::read"), "{}", failure.message);
}

fn new_loop() -> EventLoop<impl Driver> {
    EventLoop::new(Timers::new(ThreadPark::new()))
}

#[test]
fn what_is_underway_when_a_loop_ends_arrives_in_the_next() {
    let (here, mut there) = new_loop().run(async {
        let net = Net::seeded(1);
        let (mut here, there) = pair(&net).await;
        here.write_all(b"x").await.unwrap();
        (here, there)
    });
    // Without a loop there is no time.
    assert!(block_on(poll_once(there.read(&mut [0]))).is_none());
    new_loop().run(async {
        timeout(Duration::from_secs(10), there.read_exact(&mut [0])).await.unwrap().unwrap();
    });
    drop(here);
}

#[test]
fn a_thread_without_a_loop_may_read_and_write() {
    new_loop().run(async {
        let net = Net::seeded(1);
        let (mut here, mut there) = pair(&net).await;
        let thread = std::thread::spawn(move || {
            block_on(async {
                there.read_exact(&mut [0; 3]).await.unwrap();
                there.write_all(b"back").await.unwrap();
            });
            there
        });
        here.write_all(b"out").await.unwrap();
        timeout(Duration::from_secs(10), here.read_exact(&mut [0; 4])).await.unwrap().unwrap();
        drop(thread.join().unwrap());
    });
}

/// What runs on a host that crashes is cancelled, and does not fail first because its sockets do.
#[test]
fn a_server_that_crashes_does_not_fail() {
    Test::new("crash").schedules(50).run(async || {
        let net = Net::new();
        let server = net.host("server");
        let serving = server.spawn(async {
            let listener = TcpListener::bind("0.0.0.0:80").unwrap();
            let server = aio_net::local::Server::new(listener);
            server.serve(async |mut stream, _| stream.read_exact(&mut [0; 4]).await).await
        });
        let mut stream = net.host("client").run(TcpStream::connect("server:80")).await.unwrap();
        sleep(WAY).await;
        server.crash();
        stream.read(&mut [0]).await.unwrap_err();
        drop(serving);
    });
}

/// Who reads has told that there is room again, and was not heard.
#[test]
fn a_writer_goes_on_when_a_link_loses_no_more() {
    Test::new("lossy").run(async || {
        let net = Net::new().capacity(10);
        let (mut here, mut there) = pair(&net).await;
        let (server, client) = (net.host("server"), net.host("client"));
        here.write_all(&[1; 10]).await.unwrap();
        sleep(WAY).await;
        net.set_loss(&server, &client, 1.0);
        there.read_exact(&mut [0; 10]).await.unwrap();
        let writing = local::spawn(async move { here.write_all(&[2; 10]).await });
        sleep(Duration::from_secs(3600)).await;
        net.set_loss(&server, &client, 0.0);
        timeout(Duration::from_secs(300), there.read_exact(&mut [0; 10])).await.unwrap().unwrap();
        writing.await.unwrap();
    });
}
