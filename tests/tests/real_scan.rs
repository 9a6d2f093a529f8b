//! The example `scan`, on this machine.
#![cfg(not(aio_loom))]

use std::net::TcpListener;

#[test]
fn ports_that_answer_are_found_and_no_others() {
    let listeners: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for listener in &listeners {
        let port = listener.local_addr().unwrap().port();
        let around = format!("{}-{}", port.saturating_sub(200), port.saturating_add(200));
        let output = aio_tests::example("scan").args(["127.0.0.1", &around]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Vec<u16> = String::from_utf8(output.stdout).unwrap().lines().map(|it| it.parse().unwrap()).collect();
        assert!(found.contains(&port), "{port} is not in {found:?}");
        assert!(found.is_sorted());
    }
    let closed = listeners[0].local_addr().unwrap().port();
    drop(listeners);
    let output = aio_tests::example("scan").args(["127.0.0.1", &closed.to_string()]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
}

#[test]
fn what_is_wrong_is_named() {
    for (host, ports, named) in [
        ("127.0.0.1", "1-99999", "`99999`"),
        ("127.0.0.1", "9-1", "`9-1`"),
        ("127.0.0.1", "x", "`x`"),
        ("no host", "1", "no host"),
    ] {
        let output = aio_tests::example("scan").args([host, ports]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(named), "{message}");
    }
}
