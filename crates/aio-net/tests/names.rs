//! Names of hosts, and their addresses.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::pin;

use aio_base::live::{self, Kind, leak_check};
use aio_core::{EventLoop, ThreadPark};
use aio_net::{lookup, parse_host_port, reverse_lookup};
use aio_reactor::Reactor;
use aio_timer::Timers;
use futures_lite::future::poll_once;
use proptest::prelude::*;

fn on_a_loop<T>(future: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(future))
}

#[test]
fn a_number_is_its_own_address_and_needs_no_thread() {
    on_a_loop(async {
        for (host, address) in
            [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("255.255.255.255", "255.255.255.255:80")]
        {
            let addresses = poll_once(pin!(lookup(host, 80))).await.expect("it waits").unwrap();
            assert_eq!(addresses, [address.parse::<SocketAddr>().unwrap()]);
        }
        assert_eq!(live::count(Kind::Thread), 0);
    });
}

#[test]
fn localhost_is_this_machine() {
    on_a_loop(async {
        let addresses = lookup("localhost", 4711).await.unwrap();
        assert!(!addresses.is_empty());
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 4711), "{addresses:?}");
    });
}

#[test]
fn the_error_tells_which_name_it_was() {
    on_a_loop(async {
        let error = lookup("nohost.invalid", 80).await.unwrap_err();
        assert!(error.to_string().starts_with("failed to look up `nohost.invalid`: "), "{error}");
        let system = std::net::ToSocketAddrs::to_socket_addrs(&("nohost.invalid", 80)).unwrap_err();
        assert_eq!(error.kind(), system.kind());
    });
}

#[test]
fn an_impossible_name_is_refused() {
    on_a_loop(async {
        for host in ["", "a\0b"] {
            let error = lookup(host, 80).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with(&format!("failed to look up `{host}`: ")), "{error}");
        }
    });
}

#[test]
fn many_lookups_at_the_same_time_take_few_threads() {
    on_a_loop(async {
        let mut lookups: Vec<_> = (0..64).map(|_| Box::pin(lookup("localhost", 1))).collect();
        for lookup in &mut lookups {
            assert!(poll_once(lookup).await.is_none());
        }
        assert!((1..=4).contains(&live::count(Kind::Thread)), "{}", live::count(Kind::Thread));
        for lookup in lookups {
            assert!(!lookup.await.unwrap().is_empty());
        }
    });
}

#[test]
fn a_lookup_may_be_dropped_at_any_time() {
    on_a_loop(async {
        for _ in 0..32 {
            drop(lookup("localhost", 1));
            assert!(poll_once(pin!(lookup("localhost", 1))).await.is_none());
        }
        assert!(!lookup("localhost", 1).await.unwrap().is_empty());
    });
}

#[test]
fn what_is_not_host_and_port_is_refused_and_named() {
    for text in [
        "",
        "localhost",
        ":80",
        "localhost:",
        "localhost:+80",
        "localhost:65536",
        "localhost:http",
        "::1:80",
        "[::1",
        "[::1]80",
        "[]:80",
    ] {
        let error = parse_host_port(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
    }
}

proptest! {
    #[test]
    fn an_address_as_it_is_printed_is_host_and_port(address: SocketAddr) {
        // A scope is printed, too, and is no part of a host.
        let address = SocketAddr::new(address.ip(), address.port());
        let text = address.to_string();
        let (host, port) = parse_host_port(&text).unwrap();
        prop_assert_eq!(SocketAddr::new(host.parse().unwrap(), port), address);
    }
}

#[test]
fn an_address_has_a_name_or_its_number() {
    on_a_loop(async {
        let name = reverse_lookup([127, 0, 0, 1]).await.unwrap();
        let addresses = lookup(&name, 0).await.unwrap();
        assert!(addresses.iter().any(|address| address.ip().is_loopback()), "{name}: {addresses:?}");
        // Of the block for documentation (RFC 5737): nobody has it. Without a server of names, that may be an error.
        match reverse_lookup([192, 0, 2, 7]).await {
            Ok(name) => assert_eq!(name, "192.0.2.7"),
            Err(error) => assert!(error.to_string().contains("192.0.2.7"), "{error}"),
        }
    });
}
