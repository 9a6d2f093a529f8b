//! The tests that `async-lock` ships, over the types of `aio-sync`.

include!(concat!(env!("OUT_DIR"), "/async-lock.rs"));

#[test]
fn all_of_them_are_here() {
    aio_published::assert_complete("async-lock");
}
