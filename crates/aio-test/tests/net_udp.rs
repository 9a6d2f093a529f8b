//! Datagrams over a simulated network, and hours of them.
#![cfg(not(aio_loom))]

mod net_support;

use std::io::ErrorKind;
use std::pin::pin;
use std::time::Instant;

use aio_core::now;
use aio_net::UdpSocket;
use aio_test::net::{Host, Net};
use aio_timer::{interval, sleep, timeout};
use futures_lite::future::poll_once;

use net_support::{elapsed_since, ms, run, secs};

fn pair(server: &Host, client: &Host) -> (UdpSocket, UdpSocket) {
    let there = server.enter(|| UdpSocket::bind("0.0.0.0:53").unwrap());
    let here = client.enter(|| UdpSocket::bind("0.0.0.0:0").unwrap());
    here.connect((server.ip(), 53).into()).unwrap();
    (here, there)
}

/// The numbers of those that arrive, of a thousand, one each millisecond.
fn arrivals(net: fn(Net) -> Net) -> Vec<u32> {
    run(async {
        let net = net(Net::seeded(5));
        let (server, client) = (net.host("server"), net.host("client"));
        let (here, there) = pair(&server, &client);
        let mut numbers = Vec::new();
        let mut buffer = [0; 4];
        for number in 0..1100_u32 {
            // A socket has not room for all of them.
            loop {
                let received = poll_once(pin!(there.recv_from(&mut buffer))).await;
                let Some(received) = received else { break };
                assert_eq!(received.unwrap().1.ip(), client.ip());
                numbers.push(u32::from_ne_bytes(buffer));
            }
            if number < 1000 {
                assert_eq!(here.send(&number.to_ne_bytes()).await.unwrap(), 4);
            }
            sleep(ms(1)).await;
        }
        numbers
    })
}

#[test]
fn without_a_fault_all_arrive_in_order() {
    assert_eq!(arrivals(|net| net), (0..1000).collect::<Vec<_>>());
}

#[test]
fn some_are_lost() {
    let numbers = arrivals(|net| net.loss(0.2));
    assert!((700..900).contains(&numbers.len()), "{}", numbers.len());
    assert!(numbers.is_sorted());
}

#[test]
fn some_come_twice() {
    let numbers = arrivals(|net| net.duplication(0.2));
    assert!((1100..1300).contains(&numbers.len()), "{}", numbers.len());
    let mut unique = numbers.clone();
    unique.dedup();
    assert_eq!(unique, (0..1000).collect::<Vec<_>>());
}

#[test]
fn some_are_overtaken() {
    let mut numbers = arrivals(|net| net.reordering(0.2));
    let overtaken = numbers.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!((50..300).contains(&overtaken), "{overtaken}");
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}

#[test]
fn what_finds_no_room_is_lost() {
    run(async {
        let net = Net::seeded(1);
        let (server, client) = (net.host("server"), net.host("client"));
        let (here, there) = pair(&server, &client);
        for _ in 0..10 {
            here.send(&vec![0; 60_000]).await.unwrap();
        }
        sleep(secs(1)).await;
        let mut buffer = vec![0; 60_000];
        for _ in 0..3 {
            there.recv_from(&mut buffer).await.unwrap();
        }
        assert!(poll_once(pin!(there.recv_from(&mut buffer))).await.is_none());
        here.send(b"x").await.unwrap();
        assert_eq!(there.recv_from(&mut buffer).await.unwrap().0, 1);
    });
}

/// What Linux needs for a datagram counts, too: also an empty one takes room.
#[test]
fn there_is_room_for_as_many_datagrams_as_in_linux() {
    run(async {
        let _net = Net::seeded(1);
        for (len, n) in [(0, 256), (100, 256), (500, 166), (1000, 92), (4000, 25), (65_507, 3)] {
            let there = UdpSocket::bind("127.0.0.1:0").unwrap();
            let here = UdpSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..1000 {
                here.send_to(&vec![0; len], there.local_addr().unwrap()).await.unwrap();
            }
            let mut received = 0;
            while there.try_recv(&mut [0]).is_ok() {
                received += 1;
            }
            assert_eq!(received, n, "{len}");
        }
    });
}

#[test]
fn nothing_passes_a_partition_and_nothing_is_held() {
    run(async {
        let net = Net::seeded(1).latency(ms(10)..=ms(10));
        let (server, client) = (net.host("server"), net.host("client"));
        let (here, there) = pair(&server, &client);
        net.cut(&client, &server);
        here.send(b"x").await.unwrap();
        sleep(secs(1)).await;
        net.heal(&client, &server);
        here.send(b"underway").await.unwrap();
        net.cut(&client, &server);
        sleep(secs(1)).await;
        assert!(poll_once(pin!(there.readable())).await.is_none());
        // The other way is open.
        let here_at = here.local_addr().unwrap();
        assert_eq!(here_at.ip(), client.ip());
        there.send_to(b"back", here_at).await.unwrap();
        assert_eq!(here.recv(&mut [0; 8]).await.unwrap(), 4);
    });
}

#[test]
fn that_nobody_is_there_is_heard_after_a_round_trip_but_not_of_a_host_that_is_down() {
    run(async {
        let net = Net::seeded(1).latency(ms(10)..=ms(10));
        let (server, client) = (net.host("server"), net.host("client"));
        let (here, there) = pair(&server, &client);
        drop(there);
        here.send(b"x").await.unwrap();
        let begin = now();
        let error = here.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!((error.kind(), elapsed_since(begin)), (ErrorKind::ConnectionRefused, ms(20)));
        server.crash();
        here.send(b"x").await.unwrap();
        assert!(timeout(secs(100), here.recv(&mut [0; 8])).await.is_err());
    });
}

#[test]
fn groups_cannot_be_joined() {
    run(async {
        let _net = Net::seeded(1);
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let error = socket.join_multicast_v4("239.1.2.3".parse().unwrap(), "0.0.0.0".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}

/// A heartbeat each second over a bad link, for four hours; the link is cut for ten minutes of each.
#[test]
fn hours_of_heartbeats_take_no_time() {
    let begin = Instant::now(); // clock: that it takes little
    let (beats, alarms) = run(async {
        let net = Net::seeded(9).latency(ms(20)..=ms(300)).loss(0.3).duplication(0.05).reordering(0.1);
        let (server, client) = (net.host("server"), net.host("client"));
        let (here, there) = pair(&server, &client);
        let beating = client.spawn(async move {
            let mut ticks = interval(secs(1));
            for number in 0..4 * 3600_u32 {
                ticks.tick().await;
                let _ = here.send(&number.to_ne_bytes()).await;
            }
        });
        let watching = server.spawn(async move {
            let (mut beats, mut alarms) = (0, 0);
            let mut buffer = [0; 4];
            // Ten in a row are lost once in a hundred thousand times.
            while beats < 12_000 && alarms < 8 {
                match timeout(secs(10), there.recv_from(&mut buffer)).await {
                    Ok(received) => beats += u32::from(received.is_ok()),
                    Err(_) => {
                        alarms += 1;
                        if timeout(secs(700), there.recv_from(&mut buffer)).await.is_err() {
                            break;
                        }
                    }
                }
            }
            (beats, alarms)
        });
        for _ in 0..4 {
            sleep(secs(1500)).await;
            net.partition(&server, &client);
            sleep(secs(600)).await;
            net.heal(&server, &client);
            sleep(secs(1500)).await;
        }
        beating.await;
        watching.await
    });
    assert!((8_000..10_000).contains(&beats), "{beats}");
    // One for each cut, and one at the end.
    assert_eq!(alarms, 5);
    assert!(begin.elapsed() < secs(30), "{:?}", begin.elapsed());
}
