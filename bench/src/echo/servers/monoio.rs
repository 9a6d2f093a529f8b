//! monoio, on epoll and on a ring. It lends the buffer to the operation.

use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
use monoio::net::{TcpListener, TcpStream};
use monoio::{IoUringDriver, LegacyDriver, RuntimeBuilder};

use super::{ADDRESS, BUFFER, announce};

pub(super) fn has_rings() -> bool {
    monoio::utils::detect_uring()
}

pub(super) fn serve_on_epoll() {
    let mut runtime = RuntimeBuilder::<LegacyDriver>::new().build().expect("an epoll instance");
    runtime.block_on(async { monoio::spawn(accept()).await });
}

pub(super) fn serve_on_ring() {
    let mut runtime = RuntimeBuilder::<IoUringDriver>::new().build().expect("a ring");
    runtime.block_on(async { monoio::spawn(accept()).await });
}

async fn accept() {
    let listener = TcpListener::bind(ADDRESS).expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        monoio::spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) {
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let (outcome, filled) = stream.read(buffer).await;
        let Ok(1..) = outcome else { break };
        let (outcome, mut written) = stream.write_all(filled).await;
        if outcome.is_err() {
            break;
        }
        written.clear();
        buffer = written;
    }
}
