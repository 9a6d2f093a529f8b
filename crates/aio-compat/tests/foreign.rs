//! The adapters under tokio: streams of `aio`, served by hyper, without a loop of `aio`.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use aio_compat::{HyperTimer, ToHyper};
use aio_net::TcpListener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

const WAIT: Duration = Duration::from_millis(200);

#[test]
fn a_server_under_tokio_answers_and_has_its_timeouts() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = thread::spawn(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream.write_all(b"GET /one HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            // No second request comes, and the server hangs up.
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let begin = Instant::now();
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(async |request: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(request.uri().path().to_owned()))
        });
        let connection = http1::Builder::new()
            .timer(HyperTimer)
            .header_read_timeout(WAIT)
            .serve_connection(ToHyper::new(stream), service);
        // On a slow machine not even the first request comes in time.
        let error = tokio::spawn(connection).await.unwrap().unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(begin.elapsed() >= WAIT);
        let answer = client.join().unwrap();
        assert!(answer.is_empty() || answer.ends_with("\r\n\r\n/one"), "{answer}");
    });
}
