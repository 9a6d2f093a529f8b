//! Sockets: 64 bytes there and back over loopback, both ends on one loop.

use std::io;

use aio::local::TaskGroup;
use aio::{ReadExt, TcpListener, TcpStream, WriteExt};

use super::run;

/// `n` round trips, spread over so many connections.
pub(super) fn round_trips(connections: u64, n: u64) -> u64 {
    run(async move {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let group = TaskGroup::<io::Error>::new();
        let body = async {
            let mut clients = Vec::new();
            for _ in 0..connections {
                let client = TcpStream::connect(address).await?;
                group.try_spawn(echo(listener.accept().await?.0)).detach();
                clients.push(group.try_spawn(ask(client, n / connections)));
            }
            let mut done = 0;
            for client in clients {
                done += client.await;
            }
            Ok(done)
        };
        group.run(body).await.expect("nobody disturbs them")
    })
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 64];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}

async fn ask(mut stream: TcpStream, n: u64) -> io::Result<u64> {
    let mut buffer = [0; 64];
    for _ in 0..n {
        stream.write_all(&buffer).await?;
        stream.read_exact(&mut buffer).await?;
    }
    Ok(n)
}
