//! Gets a page over HTTPS, by hand.
//!
//! ```sh
//! cargo run --package aio-tls --example https_get -- example.org 443 /
//! ```
//!
//! It trusts whom the system trusts. `SSL_CERT_FILE=FILE` in its environment has it trust others.

use std::io::{self, Write};
use std::process::ExitCode;

use aio_core::{EventLoop, ThreadPark};
use aio_io::{StreamReader, WriteExt};
use aio_reactor::Reactor;
use aio_timer::Timers;
use aio_tls::TlsConnector;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, path] = args.as_slice() else {
        eprintln!("usage: https_get HOST PORT PATH");
        return ExitCode::from(2);
    };
    let Ok(port) = port.parse() else {
        eprintln!("not a port: `{port}`");
        return ExitCode::from(2);
    };
    match EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(get(host, port, path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the status, and what follows the headers.
async fn get(host: &str, port: u16, path: &str) -> io::Result<()> {
    let connector = TlsConnector::with_native_roots()?.alpn(["http/1.1"]);
    let mut stream = connector.connect_to(host, port).await?;
    eprintln!("connected by {}", stream.version());
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;

    let mut reader = StreamReader::new(stream);
    while let Some(line) = reader.read_line().await? {
        eprint!("{line}");
        if line.trim_end().is_empty() {
            break;
        }
    }
    io::stdout().write_all(&reader.read_to_end().await?)?;
    reader.get_mut().close().await
}
