//! A server of the files in a directory, over HTTP/1.1: hyper on the sockets of `aio`.
//!
//! ```sh
//! cargo run --release -p aio-rt --example http_files -- . 127.0.0.1:8000
//! curl -r 0-99 http://127.0.0.1:8000/README.md
//! ```
//!
//! Parts of files, lists of directories, and what a browser has already. Files are read in pieces, in threads. A client
//! that takes too long for its header is let go, and connections beyond a limit wait in the system. With Ctrl-C, nobody
//! new is let in, and what is on its way has some seconds to arrive. (How long a client takes to read its answer is not
//! limited until then.)
//!
//! - [`site`]: what is at a path, and who may see it.
//! - [`answer`]: what is said about it.

mod answer;
mod range;
mod site;
mod url;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aio::{Event, Server, TcpStream, defer, race, run, shield};
use aio_compat::{HyperTimer, ToHyper};
use hyper::server::conn::http1;
use hyper::service::service_fn;

use self::answer::answer;
use self::site::Site;

const USAGE: &str = "usage: http_files [--header-timeout SECONDS] DIRECTORY ADDRESS:PORT";
/// How many connections there are at a time.
const CONNECTIONS: usize = 1000;
/// How long what is on its way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [root, address] => run(serve(root.as_ref(), address, Duration::from_secs(10))),
        // Not more than a clock can be moved forward by.
        ["--header-timeout", seconds, root, address] => match seconds.parse::<u32>() {
            Ok(seconds) => run(serve(root.as_ref(), address, Duration::from_secs(seconds.into()))),
            Err(error) => Err(io::Error::other(format!("`{seconds}` is not a number of seconds: {error}"))),
        },
        _ => Err(io::Error::other(USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http_files: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(root: &Path, address: &str, header_timeout: Duration) -> io::Result<()> {
    let state = Arc::new(State { site: Site::new(root).await?, header_timeout, closing: Event::new() });
    let server = Server::bind(address)?.limit(CONNECTIONS).on_error(|error| eprintln!("http_files: {error}"));
    println!("listening at http://{}", server.local_addr()?);
    io::stdout().flush()?;

    let closing = (state.clone(), server.handle());
    let serving = pin!(shield(server.serve(move |stream, peer| connection(state.clone(), stream, peer))));
    // Ctrl-C cancels this function. What is shielded goes on, and this, which is dropped before it, has it end.
    let _drain = defer(closing, async |(state, handle)| {
        state.closing.set();
        handle.drain(GRACE);
    });
    serving.await
}

struct State {
    site: Site,
    header_timeout: Duration,
    /// Set when connections are to end after the request that they are at.
    closing: Event,
}

async fn connection(state: Arc<State>, stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
    let service = service_fn(|request| answer(&state.site, request));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(HyperTimer)
            .header_read_timeout(state.header_timeout)
            .serve_connection(ToHyper::new(stream), service)
    );
    let ended = async { Some(connection.as_mut().await) };
    let closing = async {
        state.closing.wait().await;
        None
    };
    let ended = match race((ended, closing)).await {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(|error| io::Error::other(format!("{peer}: {error}")))
}
