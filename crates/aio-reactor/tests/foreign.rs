//! Without a loop of `aio`: the thread of the process.

#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use aio_reactor::Async;

async fn echo() {
    let (here, there) = UnixStream::pair().unwrap();
    let (here, there) = (Async::new(here).unwrap(), Async::new(there).unwrap());
    for i in 0..100_u8 {
        let writer = async { here.write_with(|mut io| io.write(&[i])).await.unwrap() };
        let mut buffer = [0];
        let reader = async { there.read_with(|mut io| io.read(&mut buffer)).await.unwrap() };
        futures_lite::future::zip(reader, writer).await;
        assert_eq!(buffer, [i]);
    }
}

#[test]
fn descriptors_are_served_under_tokio() {
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(echo());
}

#[test]
fn descriptors_are_served_under_smol() {
    smol::block_on(echo());
}

#[test]
fn descriptors_are_served_in_block_on() {
    aio_core::block_on(echo());
}
