//! Which ports of a host answer.
//!
//! ```sh
//! cargo run --release -p aio-rt --example scan -- localhost 1-10000
//! ```
//!
//! Five hundred attempts at a time, each with a second to answer. For hosts of your own.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use aio::net::lookup;
use aio::{TaskGroup, TcpStream, run, timeout};

const USAGE: &str = "usage: scan HOST FIRST-LAST";
const AT_A_TIME: usize = 500;
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [host, ports] => run(scan(host, ports)),
        _ => Err(invalid(USAGE.to_owned())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scan: {error}");
            ExitCode::FAILURE
        }
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn parse_ports(text: &str) -> io::Result<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let parse = |port: &str| port.parse().map_err(|error| invalid(format!("`{port}` is not a port: {error}")));
    let (first, last) = (parse(first)?, parse(last)?);
    if first > last { Err(invalid(format!("`{text}`: there is no port in it"))) } else { Ok(first..=last) }
}

async fn scan(host: &str, ports: &str) -> io::Result<()> {
    let ports = parse_ports(ports)?;
    let address = lookup(host, 0).await?.first().ok_or_else(|| invalid(format!("`{host}` has no address")))?.ip();
    let n_ports = ports.len();

    let group = TaskGroup::new().limit(AT_A_TIME);
    let mut open = group
        .join(async {
            let mut results = group.results();
            for port in ports {
                results.spawn(is_open(address, port));
            }
            let (mut open, mut n_done) = (Vec::new(), 0);
            while let Some(answer) = results.next().await {
                open.extend(answer);
                n_done += 1;
                show_progress(n_done, n_ports)?;
            }
            Ok::<_, io::Error>(open)
        })
        .await?;

    open.sort_unstable();
    for port in &open {
        println!("{port}");
    }
    eprintln!("{} of {n_ports} ports of {address} are open", open.len());
    Ok(())
}

async fn is_open(address: IpAddr, port: u16) -> Option<u16> {
    let attempt = timeout(PATIENCE, TcpStream::connect(SocketAddr::new(address, port)));
    matches!(attempt.await, Ok(Ok(_))).then_some(port)
}

/// A bar, where somebody looks.
fn show_progress(n_done: usize, n_all: usize) -> io::Result<()> {
    const WIDTH: usize = 40;
    let mut stderr = io::stderr();
    let (now, before) = (n_done * WIDTH / n_all, (n_done - 1) * WIDTH / n_all);
    if !stderr.is_terminal() || now == before {
        return Ok(());
    }
    write!(stderr, "\r[{:WIDTH$}]{}", "#".repeat(now), if n_done == n_all { "\n" } else { "" })?;
    stderr.flush()
}
