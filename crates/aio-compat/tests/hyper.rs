//! hyper's client and server over sockets of `aio`, on a loop of `aio`.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, pending};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_compat::{FromHyper, HyperExecutor, HyperGroupExecutor, HyperLocalExecutor, HyperTimer, ToHyper};
use aio_core::{EventLoop, Task, ThreadPark, defer, local, spawn, yield_now};
use aio_group::TaskGroup;
use aio_io::{AsyncRead, AsyncWrite, ReadExt, WriteExt};
use aio_net::{Server, ServerHandle, TcpListener, TcpStream};
use aio_reactor::Reactor;
use aio_sync::Event;
use aio_timer::{Timers, timeout};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::client::conn;
use hyper::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use hyper::rt::Read;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it on a loop, and fails rather than hangs.
fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| {
        EventLoop::new(Timers::new(Reactor::new(ThreadPark::new())))
            .run(async { timeout(PATIENCE, main).await.unwrap_or_else(|_| panic!("not done within {PATIENCE:?}")) })
    })
}

async fn pair() -> (ToHyper<TcpStream>, ToHyper<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (there, _) = listener.accept().await.unwrap();
    (ToHyper::new(here), ToHyper::new(there))
}

fn pattern(len: usize) -> Bytes {
    (0..len as u32).flat_map(u32::to_ne_bytes).take(len).collect()
}

fn full(bytes: impl Into<Bytes>) -> BoxBody<Bytes, Infallible> {
    Full::new(bytes.into()).boxed()
}

/// A body that comes in pieces, and whose length is not known before.
fn in_pieces(bytes: Bytes, len: usize) -> BoxBody<Bytes, Infallible> {
    let pieces: Vec<_> = bytes.chunks(len).map(|piece| Ok(Frame::data(bytes.slice_ref(piece)))).collect();
    BodyExt::boxed(StreamBody::new(futures_lite::stream::iter(pieces)))
}

/// What a request asks for: its own body, at once or in pieces, or a number of bytes.
async fn answer(request: Request<Incoming>) -> io::Result<Response<BoxBody<Bytes, Infallible>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let number = |text: &str| text.parse().map_err(io::Error::other);
    let respond = |body| Ok(Response::new(body));
    match (head.method, head.uri.path().split_at(1).1.split_once('/')) {
        (Method::POST, Some(("echo", _))) => respond(full(body)),
        (Method::POST, Some(("pieces", len))) => respond(in_pieces(body, number(len)?)),
        (Method::GET, Some(("bytes", len))) => respond(full(pattern(number(len)?))),
        _ => {
            let mut response = Response::new(full(""));
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    }
}

fn get(path: &str) -> Request<BoxBody<Bytes, Infallible>> {
    Request::get(path).header(HOST, "localhost").body(Empty::new().boxed()).unwrap()
}

fn post(path: &str, body: BoxBody<Bytes, Infallible>) -> Request<BoxBody<Bytes, Infallible>> {
    Request::post(path).header(HOST, "localhost").body(body).unwrap()
}

async fn body<B: Body<Error = hyper::Error>>(response: Response<B>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

/// A server of HTTP/1.1 that counts its connections.
fn start() -> (SocketAddr, ServerHandle, Arc<AtomicUsize>, Task<io::Result<()>>) {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    let serving = spawn(server.serve(move |stream, _| {
        count.fetch_add(1, Ordering::Relaxed);
        let connection = http1::Builder::new()
            .timer(HyperTimer)
            .header_read_timeout(Duration::from_secs(30))
            .serve_connection(ToHyper::new(stream), service_fn(answer));
        async { connection.await.map_err(io::Error::other) }
    }));
    (address, handle, accepted, serving)
}

type Sender<B> = conn::http1::SendRequest<B>;

/// A client on a connection of its own, and the task that runs it.
async fn connect<B>(address: SocketAddr) -> (Sender<B>, Task<hyper::Result<()>>)
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let stream = ToHyper::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = conn::http1::handshake(stream).await.unwrap();
    (sender, spawn(connection))
}

#[test]
fn many_requests_go_over_one_connection() {
    run(async {
        let (address, handle, accepted, serving) = start();
        let (mut client, connection) = connect(address).await;
        for i in 0..200 {
            client.ready().await.unwrap();
            let response = client.send_request(post("/echo/", full(format!("request {i}")))).await.unwrap();
            assert_eq!(response.headers()[CONTENT_LENGTH], format!("request {i}").len().to_string());
            assert_eq!(body(response).await, format!("request {i}"));
        }
        let missing = client.send_request(get("/nothing")).await.unwrap();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
        assert_eq!(accepted.load(Ordering::Relaxed), 1);
        drop(client);
        connection.await.unwrap();
        handle.close();
        serving.await.unwrap();
    });
}

#[test]
fn bodies_in_pieces_are_chunked_both_ways() {
    run(async {
        let (address, handle, _, serving) = start();
        let (mut client, connection) = connect(address).await;
        let bytes = pattern(300_000);
        let response = client.send_request(post("/pieces/777", in_pieces(bytes.clone(), 1000))).await.unwrap();
        assert_eq!(response.headers()[TRANSFER_ENCODING], "chunked");
        assert!(body(response).await == bytes);
        drop(client);
        connection.await.unwrap();
        handle.close();
        serving.await.unwrap();
    });
}

#[test]
fn large_bodies_come_through_on_several_connections_at_once() {
    run(async {
        let (address, handle, accepted, serving) = start();
        let group = TaskGroup::new();
        group
            .join(async {
                for len in [8_000_001, 5_000_000, 1] {
                    let child = async move {
                        let (mut client, connection) = connect(address).await;
                        let response = client.send_request(get(&format!("/bytes/{len}"))).await.unwrap();
                        assert!(body(response).await == pattern(len), "{len} bytes");
                        client.ready().await.unwrap();
                        let response = client.send_request(post("/echo/", full(pattern(len)))).await.unwrap();
                        assert!(body(response).await == pattern(len), "{len} bytes, echoed");
                        drop(client);
                        connection.await.unwrap();
                    };
                    group.spawn(child).detach();
                }
            })
            .await;
        assert_eq!(accepted.load(Ordering::Relaxed), 3);
        handle.close();
        serving.await.unwrap();
    });
}

#[test]
fn a_server_that_drains_lets_a_request_end_that_it_has_begun() {
    run(async {
        let (address, handle, _, serving) = start();
        let (mut client, connection) = connect(address).await;
        // So much does not fit into the buffers of the sockets: it is on its way.
        let response = client.send_request(get("/bytes/30000000")).await.unwrap();
        handle.drain(Duration::from_secs(50));
        // As soon as it has heard, nobody new is let in.
        while TcpStream::connect(address).await.is_ok() {
            yield_now().await;
        }
        assert_eq!(body(response).await.len(), 30_000_000);
        drop(client);
        connection.await.unwrap();
        serving.await.unwrap();
    });
}

#[test]
fn an_aborted_server_cuts_its_connections() {
    run(async {
        let (address, handle, _, serving) = start();
        let (mut client, connection) = connect(address).await;
        let response = client.send_request(get("/bytes/30000000")).await.unwrap();
        handle.abort();
        serving.await.unwrap();
        assert!(response.into_body().collect().await.is_err(), "a part of it was not sent");
        let _ = connection.await;
    });
}

/// Counts the writes, which are to be of several pieces.
struct Counting<T>(T, Arc<AtomicUsize>);

impl<T: AsyncRead + Unpin> AsyncRead for Counting<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counting<T> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic!("the pieces were copied together");
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(bufs.len() > 1, "the head and the body");
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

#[test]
fn head_and_body_go_out_in_one_write_of_two_pieces() {
    run(async {
        let (client, server) = pair().await;
        let writes = Arc::new(AtomicUsize::new(0));
        let server = ToHyper::new(Counting(server.into_inner(), writes.clone()));
        let serving = local::spawn(http1::Builder::new().serve_connection(server, service_fn(answer)));
        let mut client = client.into_inner();
        client.write_all(b"GET /bytes/10000 HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(&pattern(10_000)));
        serving.await.unwrap();
        assert_eq!(writes.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_reader_that_claims_too_much_is_an_error() {
    struct Liar;
    impl AsyncRead for Liar {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(room.len() + 1))
        }
    }
    let mut room = [0; 4];
    let mut room = hyper::rt::ReadBuf::new(&mut room);
    let mut cx = Context::from_waker(Waker::noop());
    let poll = Read::poll_read(Pin::new(&mut ToHyper::new(Liar)), &mut cx, room.unfilled());
    let Poll::Ready(Err(error)) = poll else { panic!("{poll:?}") };
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(room.filled().is_empty());
}

#[test]
fn an_upgraded_connection_is_a_stream_again_and_nothing_of_it_is_lost() {
    run(async {
        let (client, server) = pair().await;
        let echo = service_fn(async |mut request: Request<Incoming>| {
            let upgrade = hyper::upgrade::on(&mut request);
            spawn(async {
                let mut stream = FromHyper::new(upgrade.await.unwrap());
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                // What hyper was given is inside, with what it had read already.
                let parts = stream.into_inner().downcast::<ToHyper<TcpStream>>().unwrap();
                assert!(parts.read_buf.is_empty(), "it was read");
                let mut stream = parts.io.into_inner();
                stream.write_all(text.to_uppercase().as_bytes()).await.unwrap();
            })
            .detach();
            let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).header(UPGRADE, "shout");
            response.body(Empty::<Bytes>::new())
        });
        let serving = spawn(http1::Builder::new().serve_connection(server, echo).with_upgrades());
        let mut client = client.into_inner();
        // The first words come with the request.
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\nhello")
            .await
            .unwrap();
        client.write_all(b", world").await.unwrap();
        client.close().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nHELLO, WORLD"), "{answer}");
        serving.await.unwrap();
    });
}

/// A client of HTTP/2, and the task that runs its connection.
async fn connect2(
    stream: ToHyper<TcpStream>,
) -> (conn::http2::SendRequest<BoxBody<Bytes, Infallible>>, Task<hyper::Result<()>>) {
    let handshake = conn::http2::Builder::new(HyperExecutor).timer(HyperTimer).handshake(stream);
    let (sender, connection) = handshake.await.unwrap();
    (sender, spawn(connection))
}

#[test]
fn requests_of_http2_go_side_by_side_over_one_connection() {
    run(async {
        let (client, server) = pair().await;
        // No request is answered before all of them are there.
        let arrived = Arc::new((AtomicUsize::new(0), Event::new()));
        let all = arrived.clone();
        let service = service_fn(move |request| {
            let all = all.clone();
            async move {
                if all.0.fetch_add(1, Ordering::Relaxed) + 1 == 50 {
                    all.1.set();
                }
                all.1.wait().await;
                answer(request).await
            }
        });
        let serving = spawn(http2::Builder::new(HyperExecutor).timer(HyperTimer).serve_connection(server, service));
        let (sender, connection) = connect2(client).await;
        let group = TaskGroup::new();
        group
            .join(async {
                for i in 0..50 {
                    let mut sender = sender.clone();
                    let child = async move {
                        let bytes = pattern(1000 * i);
                        let request = post("http://localhost/echo/", full(bytes.clone()));
                        let response = sender.send_request(request).await.unwrap();
                        assert!(body(response).await == bytes, "request {i}");
                    };
                    group.spawn(child).detach();
                }
            })
            .await;
        assert_eq!(arrived.0.load(Ordering::Relaxed), 50);
        drop(sender);
        connection.await.unwrap();
        serving.await.unwrap();
    });
}

#[test]
fn services_of_http2_that_stay_on_their_loop_need_not_be_send() {
    run(async {
        let (client, server) = pair().await;
        let served = Rc::new(Cell::new(0));
        let count = served.clone();
        let service = service_fn(move |request| {
            let count = count.clone();
            async move {
                count.set(count.get() + 1);
                answer(request).await
            }
        });
        let serving = local::spawn(http2::Builder::new(HyperLocalExecutor).serve_connection(server, service));
        let (mut sender, connection) = connect2(client).await;
        for _ in 0..3 {
            let response = sender.send_request(get("http://localhost/bytes/100000")).await.unwrap();
            assert!(body(response).await == pattern(100_000));
        }
        drop(sender);
        connection.await.unwrap();
        serving.await.unwrap();
        assert_eq!(served.get(), 3);
    });
}

#[test]
fn requests_end_with_the_group_of_their_connection_cleanups_included() {
    run(async {
        let (client, server) = pair().await;
        let log = Arc::new(AtomicUsize::new(0));
        let begun = Arc::new(Event::new());
        let (cleaned, says) = (log.clone(), begun.clone());
        let serving = spawn(async move {
            let service = service_fn(move |_: Request<Incoming>| {
                let (cleaned, says) = (cleaned.clone(), says.clone());
                async move {
                    let _cleanup = defer(cleaned, async |cleaned| {
                        yield_now().await;
                        cleaned.fetch_add(1, Ordering::Relaxed);
                    });
                    says.set();
                    pending::<io::Result<Response<BoxBody<Bytes, Infallible>>>>().await
                }
            });
            let group = TaskGroup::new();
            let requests = HyperGroupExecutor::of(&group);
            group.join(http2::Builder::new(requests).serve_connection(server, service)).await
        });
        let (mut sender, connection) = connect2(client).await;
        let request = spawn(async move { sender.send_request(get("http://localhost/")).await });
        begun.wait().await;
        assert_eq!(log.load(Ordering::Relaxed), 0);
        // A scope, so that it can be seen when all of it is over.
        aio_timer::timeout(Duration::ZERO, async move {
            let _serving = serving;
            pending::<()>().await
        })
        .await
        .unwrap_err();
        assert_eq!(log.load(Ordering::Relaxed), 1, "the request has cleaned up");
        assert!(request.await.is_err());
        let _ = connection.await;
    });
}

#[test]
fn a_request_that_panics_in_a_group_takes_its_connection_with_it() {
    run(async {
        let (client, server) = pair().await;
        let serving = spawn(async move {
            let service = service_fn(|request: Request<Incoming>| async move {
                assert_ne!(request.uri().path(), "/panic", "the handler panics");
                answer(request).await
            });
            let group = TaskGroup::new();
            let requests = HyperGroupExecutor::new(group.handle());
            group.join(http2::Builder::new(requests).serve_connection(server, service)).await
        });
        let (mut sender, connection) = connect2(client).await;
        let response = sender.send_request(get("http://localhost/bytes/10")).await.unwrap();
        assert_eq!(body(response).await, pattern(10));
        assert!(sender.send_request(get("http://localhost/panic")).await.is_err());
        let payload = serving.join().await.unwrap_err().into_panic();
        assert!(payload.downcast_ref::<String>().unwrap().contains("the handler panics"));
        let _ = connection.await;
    });
}

#[test]
fn a_request_that_panics_in_a_discarding_group_is_reported_and_the_others_go_on() {
    let failures = Arc::new(AtomicUsize::new(0));
    let count = failures.clone();
    leak_check(|| {
        let event_loop = EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).on_failure(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let main = async {
            let (client, server) = pair().await;
            let serving = spawn(async move {
                let service = service_fn(|request: Request<Incoming>| async move {
                    assert_ne!(request.uri().path(), "/panic", "the handler panics");
                    answer(request).await
                });
                let group = TaskGroup::new().discarding(|never: Infallible| match never {});
                let requests = HyperGroupExecutor::of(&group);
                group.join(http2::Builder::new(requests).serve_connection(server, service)).await
            });
            let (mut sender, connection) = connect2(client).await;
            assert!(sender.send_request(get("http://localhost/panic")).await.is_err());
            let response = sender.send_request(get("http://localhost/bytes/10")).await.unwrap();
            assert_eq!(body(response).await, pattern(10));
            drop(sender);
            connection.await.unwrap();
            serving.await.unwrap();
        };
        event_loop.run(async { timeout(PATIENCE, main).await.expect("it ends") });
    });
    assert_eq!(failures.load(Ordering::Relaxed), 1);
}

#[test]
fn a_request_in_a_local_group_may_hold_what_stays_on_its_loop() {
    run(async {
        let (client, server) = pair().await;
        let serving = local::spawn(async move {
            let name = Rc::new(String::from("local"));
            let service = service_fn(move |_: Request<Incoming>| {
                let name = name.clone();
                async move { Ok::<_, Infallible>(Response::new(full(name.to_uppercase()))) }
            });
            let group = aio_group::local::TaskGroup::new();
            let requests = HyperGroupExecutor::of(&group);
            group.join(http2::Builder::new(requests).serve_connection(server, service)).await
        });
        let (mut sender, connection) = connect2(client).await;
        let response = sender.send_request(get("http://localhost/")).await.unwrap();
        assert_eq!(body(response).await, "LOCAL");
        drop(sender);
        connection.await.unwrap();
        serving.await.unwrap();
    });
}

#[test]
fn what_hyper_spawns_into_a_group_that_has_finished_panics() {
    use hyper::rt::Executor;
    run(async {
        let group = TaskGroup::new();
        let executor = HyperGroupExecutor::of(&group);
        group.join(async {}).await;
        let spawned = std::panic::catch_unwind(AssertUnwindSafe(|| executor.execute(async {})));
        assert!(spawned.is_err());
    });
}
