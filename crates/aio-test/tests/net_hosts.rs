//! Hosts, names and addresses; what the network of a thread is; what there is not.
#![cfg(not(aio_loom))]

mod net_support;

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;

use aio_base::live::leak_check;
use aio_base::waits;
use aio_core::{EventLoop, ThreadPark, local, now, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{Server, TcpListener, TcpStream, UdpSocket, connect, lookup, open_connection};
use aio_reactor::Reactor;
use aio_test::net::Net;
use aio_timer::{Timers, sleep};

use net_support::{elapsed_since, ms, run, secs};

#[test]
fn names_are_those_of_hosts() {
    run(async {
        let net = Net::seeded(1);
        let (one, two) = (net.host("one"), net.host("two"));
        assert_eq!(one.ip(), IpAddr::from([10, 0, 0, 2]));
        assert_eq!(two.ip(), IpAddr::from([10, 0, 0, 3]));
        assert_eq!(net.localhost().ip(), IpAddr::from([10, 0, 0, 1]));
        assert_eq!(net.host("one").ip(), one.ip());
        assert_eq!(lookup("two", 80).await.unwrap(), [SocketAddr::new(two.ip(), 80)]);
        assert_eq!(lookup("TWO.", 80).await.unwrap(), [SocketAddr::new(two.ip(), 80)]);
        let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        assert_eq!(two.run(lookup("localhost", 1)).await.unwrap(), here.map(|ip| SocketAddr::new(ip, 1)));
        let error = lookup("three", 80).await.unwrap_err();
        assert!(error.to_string().starts_with("failed to look up `three`: "), "{error}");
        assert_eq!(connect("three", 80).await.unwrap_err().to_string(), error.to_string());
    });
}

#[test]
fn what_runs_on_a_host_has_its_addresses_and_so_have_the_tasks_it_spawns() {
    run(async {
        let net = Net::seeded(1);
        let (one, two) = (net.host("one"), net.host("two"));
        let bound = |address: &str| UdpSocket::bind(address).map(|socket| socket.local_addr().unwrap().ip());
        let own = format!("{}:0", one.ip());
        let inside = one.run(async {
            let child = local::spawn(async move {
                yield_now().await;
                bound("10.0.0.2:0")
            });
            assert_eq!(two.enter(|| bound("10.0.0.2:0")).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
            yield_now().await;
            (bound(&own).unwrap(), child.await.unwrap())
        });
        assert_eq!(inside.await, (one.ip(), one.ip()));
        // Outside it is `localhost` again.
        assert_eq!(bound(&own).unwrap_err().kind(), ErrorKind::AddrNotAvailable);
        assert_eq!(bound("10.0.0.1:0").unwrap(), net.localhost().ip());
        assert_eq!(bound("127.0.0.1:0").unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(bound("[::1]:0").unwrap(), IpAddr::from(Ipv6Addr::LOCALHOST));
    });
}

#[test]
fn each_host_has_a_loopback_of_its_own() {
    run(async {
        let net = Net::seeded(1);
        let (one, two) = (net.host("one"), net.host("two"));
        let _listener = one.enter(|| TcpListener::bind("127.0.0.1:80").unwrap());
        let _other = two.enter(|| TcpListener::bind("127.0.0.1:80").unwrap());
        one.run(TcpStream::connect("localhost:80")).await.unwrap();
        let error = TcpStream::connect("localhost:80").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn all_of_ipv6_is_all_of_ipv4_as_well() {
    run(async {
        let net = Net::seeded(1);
        let server = net.host("server");
        let listener = server.enter(|| TcpListener::bind("[::]:80").unwrap());
        server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap_err());
        let client = TcpStream::connect("server:80").await.unwrap();
        let (accepted, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into(), peer.port()));
        assert_eq!(accepted.peer_addr().unwrap(), peer);
        assert_eq!(client.peer_addr().unwrap(), SocketAddr::new(server.ip(), 80));
        let client = server.run(TcpStream::connect("[::1]:80")).await.unwrap();
        assert_eq!(client.local_addr().unwrap().ip(), IpAddr::from(Ipv6Addr::LOCALHOST));
    });
}

#[test]
fn the_network_of_a_thread_is_the_last_that_was_made_and_is_left() {
    run(async {
        let binds_at = |ip: &str| UdpSocket::bind((ip, 0)).is_ok();
        assert!(!binds_at("10.0.0.1"));
        let first = Net::seeded(1);
        let taken = TcpListener::bind("127.0.0.1:80").unwrap();
        let second = Net::seeded(2);
        TcpListener::bind("127.0.0.1:80").unwrap();
        let clone = second.clone();
        drop(second);
        TcpListener::bind("127.0.0.1:80").unwrap();
        drop(clone);
        TcpListener::bind("127.0.0.1:80").unwrap_err();
        let third = Net::seeded(3);
        drop(first);
        assert!(binds_at("10.0.0.1"));
        drop(third);
        assert!(!binds_at("10.0.0.1"));
        // What was made there goes on there.
        assert_eq!(taken.local_addr().unwrap().port(), 80);
    });
}

#[test]
fn another_thread_has_the_system() {
    let net = Net::seeded(1);
    let there = std::thread::spawn(|| UdpSocket::bind("10.0.0.1:0").is_ok()); // facade: a thread without a network
    assert!(!there.join().unwrap());
    UdpSocket::bind("10.0.0.1:0").unwrap();
    drop(net);
}

#[track_caller]
fn panics_here<R>(line: u32, f: impl FnOnce() -> R) {
    let location = std::sync::Arc::new(std::sync::Mutex::new(None)); // facade: a hook asks for it
    let seen = location.clone();
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        *seen.lock().unwrap() = info.location().map(|it| (it.file().to_owned(), it.line()));
    }));
    let result = std::panic::catch_unwind(AssertUnwindSafe(f));
    std::panic::set_hook(former);
    let message = *result.err().unwrap().downcast::<String>().unwrap();
    assert!(message.contains(" is simulated: there is no socket of the system"), "{message}");
    assert_eq!(location.lock().unwrap().take(), Some((file!().to_owned(), line)));
}

#[test]
fn what_needs_a_descriptor_panics_and_names_the_line() {
    run(async {
        let _net = Net::seeded(1);
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let stream = TcpStream::connect("127.0.0.1:80").await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            panics_here(line!(), || drop(stream.as_fd().try_clone_to_owned()));
            panics_here(line!(), || drop(listener.as_fd().try_clone_to_owned()));
            panics_here(line!(), || drop(socket.as_fd().try_clone_to_owned()));
        }
        panics_here(line!(), || stream.into_std());
        panics_here(line!(), || listener.into_std());
        panics_here(line!(), || socket.into_std());
    });
}

#[test]
fn a_file_is_sent_by_reading_it() {
    run(async {
        let _net = Net::seeded(1);
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let mut here = TcpStream::connect("127.0.0.1:80").await.unwrap();
        let (mut there, _) = listener.accept().await.unwrap();
        let path = std::env::temp_dir().join(format!("aio-test-net-{}", std::process::id()));
        let content: Vec<u8> = (0..300_000_u32).map(|i| i as u8).collect();
        std::fs::File::create(&path).unwrap().write_all(&content).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let reading = local::spawn(async move {
            let mut all = Vec::new();
            there.read_to_end(&mut all).await.unwrap();
            all
        });
        // A thread reads the file; the clock is not to go on meanwhile.
        let outside = aio_core::outside();
        let mut part = 10..u64::MAX;
        assert_eq!(here.send_file(&file, &mut part).await.unwrap(), 299_990);
        drop((here, outside));
        assert!(reading.await == content[10..]);
    });
}

/// Clients talk to a server in lines; everything is drawn from the seed.
fn talk(seed: u64) -> (Vec<String>, Vec<String>) {
    run(async {
        let net = Net::seeded(seed).latency(ms(1)..=ms(200)).loss(0.1).logged();
        let host = net.host("server");
        let server = host.enter(|| Server::bind("0.0.0.0:7000").unwrap());
        let handle = server.handle();
        let serving = host.spawn(server.serve(async |stream: TcpStream, _| {
            let (read, mut write) = stream.into_split();
            let mut reader = aio_io::StreamReader::new(read);
            while let Some(line) = reader.read_line().await.map_err(std::io::Error::from)? {
                write.write_all(format!("{}\n", line.trim_end().to_uppercase()).as_bytes()).await?;
            }
            Ok(())
        }));
        let mut clients = Vec::new();
        for i in 0..5 {
            let client = net.host(&format!("client{i}"));
            clients.push(client.spawn(async move {
                let (mut reader, mut writer) = open_connection("server", 7000).await.unwrap();
                let mut answers = Vec::new();
                for line in ["one", "two", "three"] {
                    writer.write_all(format!("{line} {i}\n").as_bytes()).await.unwrap();
                    answers.push(reader.read_line().await.unwrap().unwrap().trim_end().to_owned());
                }
                answers.join("|")
            }));
        }
        let mut answers = Vec::new();
        for client in clients {
            answers.push(client.await);
        }
        handle.drain(secs(10_000));
        serving.await.unwrap();
        (answers, net.log())
    })
}

#[test]
fn the_same_seed_gives_the_same_log_and_another_one_another() {
    let (answers, log) = talk(1);
    assert_eq!(answers[4], "ONE 4|TWO 4|THREE 4");
    assert!(log.iter().any(|line| line.ends_with(" is lost")), "{log:#?}");
    assert!(log[0].ends_with("0.000000 tcp 0.0.0.0:7000 listens"), "{}", log[0]);
    for _ in 0..5 {
        assert_eq!(talk(1), (answers.clone(), log.clone()));
    }
    let (same, other) = talk(2);
    assert_eq!(same, answers);
    assert_ne!(other, log);
}

#[test]
fn who_waits_for_what_is_told() {
    run(async {
        let net = Net::seeded(1);
        let _server = net.host("server");
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let (mut here, _) = (TcpStream::connect("127.0.0.1:80").await.unwrap(), ());
        let (there, _) = listener.accept().await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        waits::track(true);
        let tasks = [
            local::spawn(async move { drop(here.read(&mut [0]).await) }),
            local::spawn(async move { drop(there.peek(&mut [0]).await) }),
            local::spawn(async move { drop(listener.accept().await) }),
            local::spawn(async move { drop(socket.recv(&mut [0]).await) }),
            local::spawn(async move {
                net.partition(&net.localhost(), &net.host("server"));
                drop(TcpStream::connect("server:80").await);
            }),
        ];
        sleep(ms(1)).await;
        let ids: Vec<u64> = tasks.iter().map(|task| task.id().get()).collect();
        let waits = || waits::waits().among(ids.iter().copied());
        let what: Vec<_> = waits().iter().map(|wait| wait.what).collect();
        assert_eq!(
            what,
            ["TcpStream::read", "TcpStream::peek", "TcpListener::accept", "UdpSocket::recv", "TcpStream::connect"]
        );
        drop(tasks);
        sleep(ms(1)).await;
        assert!(waits().is_empty(), "{}", waits::waits());
        waits::track(false);
    });
}

#[test]
fn latency_and_loss_are_also_those_of_two_hosts() {
    run(async {
        let net = Net::seeded(1);
        let (near, far) = (net.host("near"), net.host("far"));
        net.set_latency(&near, &far, secs(3)..=secs(3));
        net.set_latency(&far, &far, ms(7)..=ms(7));
        let _listener = far.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
        let begin = now();
        near.run(TcpStream::connect("far:80")).await.unwrap();
        assert_eq!(elapsed_since(begin), secs(6));
        let begin = now();
        far.run(TcpStream::connect("far:80")).await.unwrap();
        assert_eq!(elapsed_since(begin), ms(14));
        net.set_loss(&near, &far, 1.0);
        let error = near.run(TcpStream::connect("far:80")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

/// A loop that waits for real sockets as well, in real time.
#[test]
fn it_works_in_real_time_too() {
    let real = || EventLoop::new(Timers::new(Reactor::new(ThreadPark::new())));
    leak_check(|| {
        real().run(async {
            let net = Net::seeded(1);
            let server = net.host("server");
            let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
            let begin = now();
            let mut client = TcpStream::connect("server:80").await.unwrap();
            let (mut accepted, _) = listener.accept().await.unwrap();
            client.write_all(b"x").await.unwrap();
            accepted.read_exact(&mut [0]).await.unwrap();
            assert!(now() - begin >= ms(3));
        })
    });
}

#[test]
#[should_panic(expected = "1.5 is no probability")]
fn a_probability_is_one() {
    let _ = Net::seeded(1).loss(1.5);
}

#[test]
fn a_deadlock_over_sockets_is_seen() {
    let deadlocked = std::panic::catch_unwind(|| {
        run(async {
            let net = Net::seeded(1);
            let server = net.host("server");
            let listener = server.enter(|| TcpListener::bind("0.0.0.0:80").unwrap());
            let mut here = TcpStream::connect("server:80").await.unwrap();
            let (mut there, _) = listener.accept().await.unwrap();
            // Each waits for the other to begin.
            let (mut buffer, mut other) = ([0], [0]);
            let _ = futures_lite::future::zip(here.read(&mut buffer), there.read(&mut other)).await;
        });
    });
    assert!(deadlocked.is_err());
}

#[test]
fn it_may_cross_threads() {
    fn check<T: Send + Sync>(_: &T) {}
    let net = Net::seeded(1);
    let host = net.host("server");
    check(&net);
    check(&host);
    check(&host.run(TcpStream::connect("server:80")));
    check(&host.run(lookup("server", 80)));
}

/// Counts the wakers that refer to it.
struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: std::sync::Arc<Self>) {}
}

#[test]
fn a_wait_that_is_given_up_keeps_no_waker() {
    run(async {
        let _net = Net::seeded(1);
        let listener = TcpListener::bind("127.0.0.1:80").unwrap();
        let count = std::sync::Arc::new(Nobody); // facade: wakers are made of it
        let waker = count.clone().into();
        let mut cx = std::task::Context::from_waker(&waker);
        for _ in 0..3 {
            let mut accepting = Box::pin(listener.accept());
            assert!(accepting.as_mut().poll(&mut cx).is_pending());
            assert_eq!(std::sync::Arc::strong_count(&count), 3); // facade: as above
        }
        assert_eq!(std::sync::Arc::strong_count(&count), 2); // facade: as above
    });
}
