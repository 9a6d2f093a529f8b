//! Simulated sockets used by several workers at once, in real time.
#![cfg(not(aio_loom))]

use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, spawn};
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_test::net::Net;
use aio_timer::Timers;

#[test]
fn streams_may_move_to_other_workers() {
    leak_check(|| {
        EventLoop::with_workers(3, || Timers::new(ThreadPark::new())).run(async {
            let net = Net::seeded(1).latency(Duration::ZERO..=Duration::from_millis(2)).capacity(100);
            let (server, client) = (net.host("server"), net.host("client"));
            let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
            let mut tasks = Vec::new();
            for _ in 0..8 {
                let mut here = client.run(TcpStream::connect("server:80")).await.unwrap();
                let (mut there, _) = listener.accept().await.unwrap();
                tasks.push(spawn(async move {
                    let mut buffer = [0; 150];
                    for _ in 0..50 {
                        there.read_exact(&mut buffer).await.unwrap();
                        there.write_all(&buffer).await.unwrap();
                    }
                }));
                tasks.push(spawn(async move {
                    let (mut read, mut write) = here.split();
                    for i in 0..50 {
                        let mut answer = [0; 150];
                        let question = [i; 150];
                        let written = write.write_all(&question);
                        let (written, answered) =
                            futures_lite::future::zip(written, read.read_exact(&mut answer)).await;
                        written.unwrap();
                        answered.unwrap();
                        assert_eq!(answer, [i; 150]);
                    }
                }));
            }
            for task in tasks {
                task.await;
            }
        });
    });
}
