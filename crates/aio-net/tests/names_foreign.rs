//! Names without a loop of `aio`. In a program of its own: the threads of the pool of the process stay for a while.

use aio_net::lookup;

#[test]
fn names_are_looked_up_without_a_loop_too() {
    let addresses = futures_lite::future::block_on(lookup("localhost", 9)).unwrap();
    assert!(addresses.iter().all(|address| address.ip().is_loopback()));
}
