//! aio: one loop, with tasks that stay on its thread, and with tasks that need not.

use aio::{TcpListener, TcpStream};

use super::{ADDRESS, announce, echo};

pub(super) fn serve_local() {
    aio::run(async { aio::local::spawn(accept(|stream| aio::local::spawn(echo(stream)).detach())).await });
}

pub(super) fn serve_shared() {
    aio::run(async { aio::spawn(accept(|stream| aio::spawn(echo(stream)).detach())).await });
}

async fn accept(serve: impl Fn(TcpStream)) {
    let listener = TcpListener::bind(ADDRESS).expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        serve(stream);
    }
}
