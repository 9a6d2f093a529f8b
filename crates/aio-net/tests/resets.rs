//! The peer resets the connection, at every stage of it. (Before it is accepted, and while who reads or writes waits:
//! see `tcp`.) What each system says then differs; here is what Linux says.

#![cfg(target_os = "linux")]

mod support;

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aio_core::{local, yield_now};
use aio_io::{ReadExt, StreamReader, WriteExt, copy_bidirectional};
use aio_net::{Server, TcpListener, TcpStream};
use futures_lite::future::{poll_once, zip};

use support::run;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (here, listener.accept().await.unwrap().0)
}

fn reset(stream: TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

#[track_caller]
fn is<T: std::fmt::Debug>(result: io::Result<T>, kind: ErrorKind) {
    assert_eq!(result.unwrap_err().kind(), kind);
}

#[test]
fn who_was_not_accepted_is_reset_with_the_listener() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let reader = local::spawn(async move {
            let result = client.read(&mut [0; 8]).await;
            (client, result)
        });
        yield_now().await;
        drop(listener);
        let (mut client, result) = reader.await;
        is(result, ErrorKind::ConnectionReset);
        is(client.write(b"x").await, ErrorKind::BrokenPipe);
        is(TcpStream::connect(address).await, ErrorKind::ConnectionRefused);
    });
}

#[test]
fn what_came_before_the_reset_is_read_before_the_error() {
    run(async {
        let (here, mut there) = pair().await;
        let mut reader = StreamReader::new(here);
        there.write_all(b"a line\nhalf a li").await.unwrap();
        assert_eq!(reader.read_line().await.unwrap().as_deref(), Some("a line\n"));
        reset(there);
        let error = reader.read_line().await.unwrap_err();
        assert!(error.is_io() && error.kind() == ErrorKind::ConnectionReset, "{error}");
        assert_eq!(reader.buffer(), b"half a li");
    });
}

/// The system tells it once: to whoever asks first.
#[test]
fn both_halves_that_wait_are_told() {
    run(async {
        let (here, there) = pair().await;
        let (mut read, mut write) = here.into_split();
        let reader = local::spawn(async move { read.read(&mut [0; 8]).await });
        let writer = local::spawn(async move { write.write_all(&vec![0; 64 << 20]).await });
        there.readable().await.unwrap();
        yield_now().await;
        assert!(!reader.is_finished() && !writer.is_finished());
        reset(there);
        let (read, written) = (reader.await, writer.await.unwrap_err().kind());
        match read {
            Ok(n) => assert_eq!((n, written), (0, ErrorKind::ConnectionReset)),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                assert!(matches!(written, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{written}");
            }
        }
    });
}

#[test]
fn who_has_closed_its_half_is_told_when_it_reads() {
    run(async {
        let (mut here, there) = pair().await;
        here.close().await.unwrap();
        assert!(poll_once(pin!(here.read(&mut [0; 8]))).await.is_none());
        reset(there);
        is(here.read(&mut [0; 8]).await, ErrorKind::ConnectionReset);
        is(here.write(b"x").await, ErrorKind::BrokenPipe);
        // The end, as of any connection that is gone.
        assert_eq!(here.read(&mut [0; 8]).await.unwrap(), 0);
        here.close().await.unwrap();
    });
}

#[test]
fn who_has_read_the_end_is_told_when_it_writes() {
    run(async {
        let (mut here, mut there) = pair().await;
        there.close().await.unwrap();
        assert_eq!(here.read(&mut [0; 8]).await.unwrap(), 0);
        here.write_all(b"still open").await.unwrap();
        reset(there);
        assert_eq!(here.read(&mut [0; 8]).await.unwrap(), 0, "it has ended before");
        let kind = here.write(b"x").await.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
        is(here.write(b"x").await, ErrorKind::BrokenPipe);
    });
}

#[test]
fn to_close_what_was_reset_is_no_error() {
    run(async {
        // Whether it was told of the reset before, or was not.
        for reads in [false, true] {
            let (mut here, there) = pair().await;
            reset(there);
            if reads {
                is(here.read(&mut [0; 8]).await, ErrorKind::ConnectionReset);
            }
            here.close().await.unwrap();
            here.close().await.unwrap();
            is(here.write(b"x").await, if reads { ErrorKind::BrokenPipe } else { ErrorKind::ConnectionReset });
        }
    });
}

/// While the other side waits for the end that was announced.
#[test]
fn a_reset_in_place_of_the_end_is_told() {
    run(async {
        let (mut here, mut there) = pair().await;
        here.write_all(b"question").await.unwrap();
        here.close().await.unwrap();
        let mut question = String::new();
        there.read_to_string(&mut question).await.unwrap();
        there.write_all(b"half an ans").await.unwrap();
        let mut answer = [0; 11];
        here.read_exact(&mut answer).await.unwrap();
        reset(there);
        is(here.read_to_end(&mut Vec::new()).await, ErrorKind::ConnectionReset);
    });
}

#[test]
fn who_waits_for_readiness_goes_on_and_the_error_can_be_taken() {
    run(async {
        let (mut here, there) = pair().await;
        assert!(poll_once(pin!(here.readable())).await.is_none());
        reset(there);
        zip(async { here.readable().await.unwrap() }, async { here.writable().await.unwrap() }).await;
        assert_eq!(here.take_error().unwrap().unwrap().kind(), ErrorKind::ConnectionReset);
        assert!(here.take_error().unwrap().is_none(), "it is told once");
        assert_eq!(here.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn a_proxy_says_which_side_was_reset() {
    run(async {
        let ((client, mut a), (mut b, mut server)) = (pair().await, pair().await);
        let joined = async { copy_bidirectional(&mut a, &mut b).await.unwrap_err() };
        let talk = async {
            let mut client = client;
            client.write_all(b"abc").await.unwrap();
            server.read_exact(&mut [0; 3]).await.unwrap();
            reset(client);
        };
        let (error, ()) = zip(joined, talk).await;
        assert!(error.is_a_to_b() && error.is_read(), "{error}");
        assert_eq!((error.kind(), error.copied().a_to_b), (ErrorKind::ConnectionReset, 3));
        drop(b);
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

#[test]
fn a_server_hears_of_it_and_serves_the_others() {
    run(async {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let told = errors.clone();
        let server =
            Server::bind("127.0.0.1:0").unwrap().on_error(move |error| told.lock().unwrap().push(error.kind()));
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(async |mut stream, _| {
            stream.read_exact(&mut [0; 8]).await?;
            stream.write_all(b"x").await
        }));
        for n in 0..10 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"12345678").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
            let mut other = TcpStream::connect(address).await.unwrap();
            other.write_all(b"1234").await.unwrap();
            reset(other);
            while errors.lock().unwrap().len() <= n {
                yield_now().await;
            }
        }
        assert_eq!(*errors.lock().unwrap(), vec![ErrorKind::ConnectionReset; 10]);
        handle.close();
        serving.await.unwrap();
    });
}
