//! The tests that `async-channel` ships, over the types of `aio-sync`.

include!(concat!(env!("OUT_DIR"), "/async-channel.rs"));

#[test]
fn all_of_them_are_here() {
    aio_published::assert_complete("async-channel");
}
