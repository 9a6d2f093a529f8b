//! tokio, on its current-thread runtime.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use super::{ADDRESS, BUFFER, announce};

pub(super) fn serve() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("an epoll instance");
    // Not as the root future, which is polled whenever anything happens.
    runtime.block_on(async { tokio::spawn(accept()).await.expect("it does not panic") });
}

async fn accept() {
    let listener = TcpListener::bind(ADDRESS).await.expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        tokio::spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) {
    let mut buffer = [0; BUFFER];
    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
}
