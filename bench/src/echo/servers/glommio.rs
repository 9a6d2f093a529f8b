//! glommio, on its rings.

use glommio::net::TcpListener;
use glommio::{LocalExecutorBuilder, Placement};

use super::{ADDRESS, announce, echo};
use crate::runtimes::GLOMMIO_IO_MEMORY;

pub(super) fn serve() {
    let builder = LocalExecutorBuilder::new(Placement::Unbound).io_memory(GLOMMIO_IO_MEMORY);
    let executor = builder.make().expect("it could start before");
    executor.run(async { glommio::spawn_local(accept()).await });
}

async fn accept() {
    let listener = TcpListener::bind(ADDRESS).expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let stream = listener.accept().await.expect("there are descriptors");
        glommio::spawn_local(echo(stream)).detach();
    }
}
