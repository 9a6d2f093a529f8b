//! UDP sockets, on the loopback interface.

use std::future::Future;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::pin::pin;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local};
use aio_net::UdpSocket;
use aio_reactor::Reactor;
use aio_timer::Timers;
use futures_lite::StreamExt;
use futures_lite::future::poll_once;
use proptest::prelude::*;

fn on_a_loop<T>(future: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(future))
}

fn pair() -> (UdpSocket, UdpSocket) {
    let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    a.connect(b.local_addr().unwrap()).unwrap();
    b.connect(a.local_addr().unwrap()).unwrap();
    (a, b)
}

#[test]
fn a_datagram_arrives_and_tells_who_sent_it() {
    on_a_loop(async {
        let (here, there) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut buffer = [0; 16];
        assert!(poll_once(pin!(there.recv_from(&mut buffer))).await.is_none());
        assert_eq!(here.send_to(b"hello", there.local_addr().unwrap()).await.unwrap(), 5);
        assert_eq!(there.peek_from(&mut buffer).await.unwrap(), (5, here.local_addr().unwrap()));
        assert_eq!(there.recv_from(&mut buffer).await.unwrap(), (5, here.local_addr().unwrap()));
        assert_eq!(&buffer[..5], b"hello");
        assert!(poll_once(pin!(there.recv_from(&mut buffer))).await.is_none());
    });
}

#[test]
fn who_waits_is_woken() {
    on_a_loop(async {
        let (here, there) = pair();
        let received = local::spawn(async move {
            let mut buffer = [0; 16];
            let n = there.recv(&mut buffer).await.unwrap();
            buffer[..n].to_vec()
        });
        aio_core::yield_now().await;
        here.send(b"hello").await.unwrap();
        assert_eq!(received.await, b"hello");
    });
}

/// 100,000 of them: each datagram arrives once, at whoever is not cancelled.
#[test]
fn cancelled_receives_lose_no_datagram() {
    on_a_loop(async {
        let (here, there) = pair();
        let (mut sent, mut received) = (0_u32, 0_u32);
        let mut cancelled = 0;
        while cancelled < 100_000 {
            let mut buffer = [0; 8];
            cancelled += u32::from(poll_once(pin!(there.readable())).await.is_none());
            cancelled += u32::from(poll_once(pin!(there.peek_from(&mut buffer))).await.is_none());
            let result = match cancelled % 2 {
                0 => poll_once(pin!(there.recv(&mut buffer))).await,
                _ => poll_once(pin!(there.recv_from(&mut buffer))).await.map(|result| result.map(|(n, _)| n)),
            };
            match result {
                Some(n) => {
                    assert_eq!(n.unwrap(), 4);
                    assert_eq!(buffer[..4], received.to_ne_bytes());
                    received += 1;
                }
                None => cancelled += 1,
            }
            // No more than the system keeps.
            if cancelled >= 5 * sent && sent - received < 100 {
                assert_eq!(here.send(&sent.to_ne_bytes()).await.unwrap(), 4);
                sent += 1;
            }
            aio_core::yield_now().await;
        }
        let mut buffer = [0; 8];
        while received < sent {
            assert_eq!(there.recv(&mut buffer).await.unwrap(), 4);
            assert_eq!(buffer[..4], received.to_ne_bytes());
            received += 1;
        }
        assert!(poll_once(pin!(there.recv(&mut buffer))).await.is_none(), "there are more than were sent");
        assert!(sent > 1_000, "{sent} datagrams");
    });
}

#[test]
fn an_empty_datagram_is_a_datagram() {
    on_a_loop(async {
        let (here, there) = pair();
        here.send(b"").await.unwrap();
        here.send(b"x").await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 0);
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 1);
    });
}

#[test]
fn datagrams_are_cut_off_and_the_stream_goes_on() {
    on_a_loop(async {
        let (here, there) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        let peer = here.local_addr().unwrap();
        let mut datagrams = there.datagrams(4);
        for text in ["ab", "", "abcdefg", "xyz"] {
            here.send_to(text.as_bytes(), there.local_addr().unwrap()).await.unwrap();
        }
        for text in ["ab", "", "abcd", "xyz"] {
            assert_eq!(datagrams.next().await.unwrap().unwrap(), (text.as_bytes().to_vec(), peer));
        }
        assert!(poll_once(datagrams.next()).await.is_none());
    });
}

#[test]
fn a_peer_that_is_not_there_is_told_once_and_the_socket_goes_on() {
    on_a_loop(async {
        let here = UdpSocket::bind("127.0.0.1:0").unwrap();
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        here.connect(address).unwrap();
        here.send(b"is anybody there?").await.unwrap();
        let mut buffer = [0; 16];
        let error = here.recv(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let here_at = here.local_addr().unwrap();
        assert!(error.to_string().starts_with(&format!("failed to receive from {address} at {here_at}: ")), "{error}");
        // Not a second time: it waits.
        assert!(poll_once(pin!(here.recv(&mut buffer))).await.is_none());

        let somebody = UdpSocket::bind(address).unwrap();
        here.send(b"and now?").await.unwrap();
        let (n, peer) = somebody.recv_from(&mut buffer).await.unwrap();
        assert_eq!((n, peer), (8, here_at));
        somebody.send_to(b"yes", peer).await.unwrap();
        assert_eq!(here.recv(&mut buffer).await.unwrap(), 3);
    });
}

#[test]
fn what_is_not_there_is_not_waited_for_by_try() {
    on_a_loop(async {
        let (here, there) = pair();
        let mut buffer = [0; 16];
        assert_eq!(there.try_recv(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(there.try_recv_from(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(here.try_send(b"one").unwrap(), 3);
        there.readable().await.unwrap();
        assert_eq!(there.try_recv(&mut buffer).unwrap(), 3);

        let unconnected = UdpSocket::bind("127.0.0.1:0").unwrap();
        let alone = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(unconnected.try_send_to(b"four", alone.local_addr().unwrap()).unwrap(), 4);
        alone.readable().await.unwrap();
        assert_eq!(alone.try_recv_from(&mut buffer).unwrap(), (4, unconnected.local_addr().unwrap()));
    });
}

#[test]
fn errors_tell_what_was_attempted_on_which_address() {
    on_a_loop(async {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = UdpSocket::bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("failed to bind a UDP socket to {address}: ")), "{error}");

        let error = taken.send_to(&vec![0; 70_000], address).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("failed to send to {address}: ")), "{error}");
        let error = taken.send(b"x").await.unwrap_err();
        assert!(error.to_string().starts_with("failed to send on a UDP socket that is not connected: "), "{error}");
        let error = taken.join_multicast_v4(Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED).unwrap_err();
        assert!(error.to_string().starts_with("failed to join the group 127.0.0.1 at 0.0.0.0: "), "{error}");
    });
}

#[test]
fn a_group_is_joined_and_left() {
    on_a_loop(async {
        let group = Ipv4Addr::new(239, 255, 47, 11);
        let member = UdpSocket::bind("0.0.0.0:0").unwrap();
        member.join_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        let error = member.join_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        member.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        member.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap_err();
    });
}

#[test]
fn options_are_kept() {
    on_a_loop(async {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for on in [true, false] {
            socket.set_broadcast(on).unwrap();
            socket.set_multicast_loop_v4(on).unwrap();
            assert_eq!((socket.broadcast().unwrap(), socket.multicast_loop_v4().unwrap()), (on, on));
        }
        socket.set_ttl(7).unwrap();
        socket.set_multicast_ttl_v4(9).unwrap();
        assert_eq!((socket.ttl().unwrap(), socket.multicast_ttl_v4().unwrap()), (7, 9));
    });
}

#[test]
fn it_goes_to_the_standard_library_and_back() {
    on_a_loop(async {
        let (here, there) = pair();
        let mut buffer = [0; 16];
        assert!(poll_once(pin!(there.recv(&mut buffer))).await.is_none());
        let there = UdpSocket::from_std(there.into_std()).unwrap();
        here.send(b"hello").await.unwrap();
        assert_eq!(there.recv(&mut buffer).await.unwrap(), 5);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    /// On the loopback interface, and as long as they fit into the buffer of the system, none is lost or overtaken.
    #[test]
    fn datagrams_arrive_whole_and_in_order(
        datagrams in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..40),
    ) {
        on_a_loop(async {
            let (here, there) = pair();
            let mut sent = std::collections::VecDeque::new();
            let mut buffer = [0; 64];
            for (datagram, receives) in &datagrams {
                here.send(datagram).await.unwrap();
                sent.push_back(datagram);
                if *receives {
                    // One that is dropped unpolled takes nothing away.
                    drop(there.recv(&mut buffer));
                    let n = there.recv(&mut buffer).await.unwrap();
                    assert_eq!(Some(&buffer[..n]), sent.pop_front().map(|datagram| &datagram[..]));
                }
            }
            for datagram in sent {
                let n = there.recv(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..n], datagram);
            }
            assert!(poll_once(pin!(there.recv(&mut buffer))).await.is_none());
        });
    }
}
