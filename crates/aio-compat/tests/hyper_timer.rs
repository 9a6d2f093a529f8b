//! hyper's timeouts in virtual time, over connections in memory.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aio_base::live::leak_check;
use aio_compat::{HyperTimer, ToHyper};
use aio_core::{local, now};
use aio_io::{ReadExt, WriteExt, duplex};
use aio_test::Test;
use aio_timer::sleep;
use hyper::body::Incoming;
use hyper::rt::{Sleep, Timer};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

/// In the order of production, and in a hundred others.
fn run(test: impl AsyncFn()) {
    leak_check(|| {
        Test::new("hyper_timer").run(&test);
        Test::new("hyper_timer").schedules(100).preemptive(true).run(&test);
    });
}

const SECOND: Duration = Duration::from_secs(1);

async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".into()))
}

/// A server that waits for the header of a request for ten seconds.
async fn serve(stream: aio_io::DuplexStream) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(HyperTimer)
        .header_read_timeout(10 * SECOND)
        .serve_connection(ToHyper::new(stream), service_fn(hello))
        .await
}

#[test]
fn a_client_that_does_not_finish_its_header_is_let_go_at_the_deadline() {
    run(async || {
        let begin = now();
        let (mut client, server) = duplex(4096);
        let serving = local::spawn(serve(server));
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        // A byte now and then does not put it off.
        for _ in 0..9 {
            sleep(SECOND).await;
            client.write_all(b"x").await.unwrap();
        }
        let error = serving.await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(now() - begin, 10 * SECOND);
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "{rest:?}");
    });
}

#[test]
fn each_request_on_a_connection_has_a_deadline_of_its_own() {
    run(async || {
        let begin = now();
        let (mut client, server) = duplex(4096);
        let serving = local::spawn(serve(server));
        let mut answer = [0; 4096];
        for i in 1..=5 {
            sleep(6 * SECOND).await;
            client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
            let n = client.read(&mut answer).await.unwrap();
            assert!(answer[..n].ends_with(b"\r\n\r\nhello"), "{:?}", String::from_utf8_lossy(&answer[..n]));
            assert_eq!(now() - begin, i * 6 * SECOND);
        }
        // And one who is silent from then on.
        let error = serving.await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(now() - begin, 40 * SECOND);
    });
}

#[test]
fn a_sleep_lasts_as_long_as_it_was_last_told_to() {
    run(async || {
        let timer = HyperTimer;
        let begin = timer.now();
        assert_eq!(begin, now());
        timer.sleep(SECOND).await;
        assert_eq!(now() - begin, SECOND);
        timer.sleep_until(begin + 5 * SECOND).await;
        assert_eq!(now() - begin, 5 * SECOND);

        // Later, earlier, and once more when it was over.
        let mut sleep = timer.sleep(SECOND);
        assert!(poll(&mut sleep).await.is_pending());
        timer.reset(&mut sleep, begin + 60 * SECOND);
        assert!(poll(&mut sleep).await.is_pending());
        for to in [20 * SECOND, 30 * SECOND] {
            timer.reset(&mut sleep, begin + to);
            (&mut sleep).await;
            assert_eq!(now() - begin, to);
        }
    });

    async fn poll(sleep: &mut Pin<Box<dyn Sleep>>) -> Poll<()> {
        std::future::poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx))).await
    }
}

#[test]
fn a_reset_goes_in_place_and_replaces_the_sleep_of_another_timer() {
    /// Never over.
    struct Foreign;
    impl Future for Foreign {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    impl Sleep for Foreign {}

    run(async || {
        let address = |sleep: &Pin<Box<dyn Sleep>>| std::ptr::from_ref(&**sleep).cast::<()>();
        let mut ours = HyperTimer.sleep(SECOND);
        let before = address(&ours);
        HyperTimer.reset(&mut ours, now() + SECOND);
        assert_eq!(address(&ours), before, "without another allocation");

        let begin: Instant = now();
        let mut foreign: Pin<Box<dyn Sleep>> = Box::pin(Foreign);
        HyperTimer.reset(&mut foreign, begin + 3 * SECOND);
        foreign.await;
        assert_eq!(now() - begin, 3 * SECOND);
    });
}

#[test]
fn a_handler_that_is_slow_is_not_cut_by_the_deadline_of_the_header() {
    run(async || {
        let begin = now();
        let (mut client, server) = duplex(4096);
        let slow = service_fn(async |_: Request<Incoming>| {
            sleep(100 * SECOND).await;
            Ok::<_, Infallible>(Response::new(String::from("late")))
        });
        let connection = http1::Builder::new()
            .timer(HyperTimer)
            .header_read_timeout(10 * SECOND)
            .serve_connection(ToHyper::new(server), slow);
        let serving = local::spawn(connection);
        client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\nlate"), "{answer}");
        assert_eq!(now() - begin, 100 * SECOND);
        serving.await.unwrap();
    });
}

/// Not waited for: what it would take is nothing.
#[test]
fn a_dropped_connection_leaves_no_timer_behind() {
    run(async || {
        let (client, server) = duplex(4096);
        let serving = local::spawn(serve(server));
        sleep(SECOND).await;
        drop(serving);
        drop(client);
        let begin = now();
        let never = local::spawn(pending::<()>());
        sleep(SECOND).await;
        drop(never);
        assert_eq!(now() - begin, SECOND);
    });
}
