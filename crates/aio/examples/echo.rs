//! An echo server, and a client for it.
//!
//! ```sh
//! cargo run --release -p aio-rt --example echo -- serve 127.0.0.1:7000 &
//! echo hello | cargo run --release -p aio-rt --example echo -- send 127.0.0.1:7000
//! ```
//!
//! The server ends with Ctrl-C; any other client will do (`nc 127.0.0.1 7000`).

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use aio::io::copy;
use aio::{ReadExt, Server, TcpStream, WriteExt, run, to_thread, try_gather};

const USAGE: &str = "usage: echo serve ADDRESS:PORT | echo send ADDRESS:PORT";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", address] => run(serve(address)),
        ["send", address] => run(send(address)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(address: &str) -> io::Result<()> {
    let server = Server::bind(address)?.limit(10_000);
    println!("listening at {}", server.local_addr()?);
    io::stdout().flush()?;
    server
        .serve(async |mut stream, _| {
            let (mut read, mut write) = stream.split();
            copy(&mut read, &mut write).await?;
            write.close().await
        })
        .await
}

/// Sends what comes from stdin, and prints what comes back.
async fn send(address: &str) -> io::Result<()> {
    let address: SocketAddr = address
        .parse()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("`{address}`: {error}")))?;
    let (mut read, mut write) = TcpStream::connect(address).await?.into_split();
    let sending = async {
        loop {
            let block = to_thread(|| {
                let mut block = vec![0; 64 * 1024];
                let n = io::stdin().read(&mut block)?;
                block.truncate(n);
                Ok::<_, io::Error>(block)
            });
            match block.await? {
                block if block.is_empty() => return write.close().await,
                block => write.write_all(&block).await?,
            }
        }
    };
    let printing = async {
        let mut block = vec![0; 64 * 1024];
        loop {
            match read.read(&mut block).await? {
                0 => return io::stdout().flush(),
                n => io::stdout().write_all(&block[..n])?,
            }
        }
    };
    try_gather((sending, printing)).await.map(drop)
}
