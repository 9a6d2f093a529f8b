//! smol: an executor driven by its `block_on`, whose thread waits for events when there is nothing to run.

use smol::Executor;
use smol::net::TcpListener;

use super::{ADDRESS, announce, echo};

static EXECUTOR: Executor<'static> = Executor::new();

pub(super) fn serve() {
    smol::block_on(EXECUTOR.run(EXECUTOR.spawn(accept())));
}

async fn accept() {
    let listener = TcpListener::bind(ADDRESS).await.expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        EXECUTOR.spawn(echo(stream)).detach();
    }
}
