//! The simulated network in tests that try many schedules.
#![cfg(not(aio_loom))]

use std::cell::{Cell, RefCell};
use std::time::Duration;

use aio_core::local;
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};
use aio_test::Test;
use aio_test::net::Net;

/// A client asks a server over a bad link; what each run has logged.
fn logs(seed: u64) -> Vec<Vec<String>> {
    let logs = RefCell::new(Vec::new());
    Test::new("asks").seed(seed).schedules(20).run(async || {
        let net = Net::new().latency(Duration::from_millis(1)..=Duration::from_millis(100)).loss(0.1).logged();
        let (server, client) = (net.host("server"), net.host("client"));
        let serving = server.spawn(async {
            let listener = TcpListener::bind("0.0.0.0:80").unwrap();
            let mut tasks = Vec::new();
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                tasks.push(local::spawn(async move {
                    let mut question = [0; 100];
                    stream.read_exact(&mut question).await.unwrap();
                    stream.write_all(&question).await.unwrap();
                }));
            }
            for task in tasks {
                task.await;
            }
        });
        let asking = [0, 1].map(|i| {
            client.spawn(async move {
                let mut stream = TcpStream::connect("server:80").await.unwrap();
                stream.write_all(&[i; 100]).await.unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await.unwrap();
                assert_eq!(answer, [i; 100]);
            })
        });
        for task in asking {
            task.await;
        }
        serving.await;
        logs.borrow_mut().push(net.log());
    });
    logs.into_inner()
}

#[test]
fn each_run_has_a_network_of_its_own_and_a_seed_repeats_them_all() {
    let all = logs(7);
    assert!(all.len() >= 20);
    assert_ne!(all[0], all[1]);
    assert_eq!(logs(7), all);
}

/// The server may not listen yet when the client comes.
#[test]
fn a_race_between_two_hosts_is_found() {
    let refused = Cell::new(0);
    let accepted = Cell::new(0);
    Test::new("races").seed(1).schedules(50).run(async || {
        let net = Net::new();
        let here = net.localhost();
        let listening = here.spawn(async { TcpListener::bind("127.0.0.1:80").unwrap() });
        let outcome = here.spawn(TcpStream::connect("127.0.0.1:80")).await;
        let count = if outcome.is_ok() { &accepted } else { &refused };
        count.set(count.get() + 1);
        drop(listening.await);
    });
    assert!(accepted.get() > 0);
    assert!(refused.get() > 0);
}
