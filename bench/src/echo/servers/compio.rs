//! compio, on a ring. It lends the buffer to the operation.

use compio::BufResult;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::Runtime;

use super::{ADDRESS, BUFFER, announce};

pub(super) fn serve() {
    let runtime = Runtime::new().expect("it could start before");
    runtime.block_on(async { compio::runtime::spawn(accept()).await.expect("it does not panic") });
}

async fn accept() {
    let listener = TcpListener::bind(ADDRESS).await.expect("a port is free");
    announce(listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("there are descriptors");
        compio::runtime::spawn(echo(stream)).detach();
    }
}

async fn echo(mut stream: TcpStream) {
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let BufResult(outcome, filled) = stream.read(buffer).await;
        let Ok(1..) = outcome else { break };
        let BufResult(outcome, mut written) = stream.write_all(filled).await;
        if outcome.is_err() {
            break;
        }
        written.clear();
        buffer = written;
    }
}
