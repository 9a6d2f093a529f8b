//! The tests of `tokio::sync` that `tokio` ships, over the types of `aio-sync`.

include!(concat!(env!("OUT_DIR"), "/tokio.rs"));

#[test]
fn all_of_them_are_here() {
    aio_published::assert_complete("tokio");
}
