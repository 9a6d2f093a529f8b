//! Streams below that take nothing, and what callers get wrong.
#![cfg(not(aio_loom))]

mod support;

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_io::{AsyncRead, AsyncWrite, DuplexStream, ReadExt, WriteExt, duplex};
use aio_net::{TcpListener, TcpStream};
use aio_tls::{TlsAcceptor, TlsConnector};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use support::{Certificates, noise};

/// Runs it; one that never gives its thread back fails, too.
fn run(main: impl Future<Output = ()> + Send + 'static) {
    let (done, wait) = channel();
    std::thread::spawn(move || {
        leak_check(|| aio_core::block_on(aio_timer::timeout(Duration::from_secs(50), main))).expect("it does not hang");
        let _ = done.send(());
    });
    wait.recv_timeout(Duration::from_secs(60)).expect("it has failed, or it hangs");
}

/// A stream that takes no more than `room` bytes.
#[derive(Debug)]
struct Full {
    stream: DuplexStream,
    room: usize,
}

impl AsyncRead for Full {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Full {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let len = buffer.len().min(self.room);
        if len == 0 {
            return Poll::Ready(Ok(0));
        }
        let poll = Pin::new(&mut self.stream).poll_write(cx, &buffer[..len]);
        if let Poll::Ready(Ok(n)) = poll {
            self.room -= n;
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[test]
fn a_stream_that_takes_nothing_more_is_an_error() {
    run(async {
        let certificates = Certificates::new();
        let (here, there) = duplex(1 << 16);
        let here = Full { stream: here, room: 10 };
        let error = certificates.connector().connect("localhost", here).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero, "{error}");
        drop(there);

        let (here, there) = duplex(1 << 20);
        let (connector, acceptor) = (certificates.connector(), certificates.acceptor());
        let here = Full { stream: here, room: usize::MAX };
        let (client, server) = aio_group::gather((connector.connect("localhost", here), acceptor.accept(there))).await;
        let (mut client, _server) = (client.unwrap(), server.unwrap());
        client.get_mut().room = 5;
        assert_eq!(client.write_all(&[0; 1000]).await.unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(client.flush().await.unwrap_err().kind(), ErrorKind::WriteZero);
        assert_eq!(client.close().await.unwrap_err().kind(), ErrorKind::WriteZero);
    });
}

#[test]
fn a_certificate_that_vouches_for_itself_is_trusted_unless_it_is_that_of_an_authority() {
    run(async {
        let key = KeyPair::generate().unwrap();
        for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
            let is_authority = matches!(is_ca, IsCa::Ca(_));
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.is_ca = is_ca;
            let certificate = params.self_signed(&key).unwrap().pem();
            let connector = TlsConnector::with_roots_pem(certificate.as_bytes()).unwrap();
            let acceptor = TlsAcceptor::from_pem(certificate.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
            let (here, there) = duplex(1 << 16);
            let (client, _server) =
                aio_group::gather((connector.connect("localhost", here), acceptor.accept(there))).await;
            match client {
                Ok(_) => assert!(!is_authority),
                Err(error) => assert!(is_authority && error.to_string().contains("CaUsedAsEndEntity"), "{error}"),
            }
        }
    });
}

#[test]
fn text_that_is_no_pem_is_an_error() {
    let Certificates { authority, certificate, key } = Certificates::new();
    let text = [authority, certificate, key].concat();
    for round in 0..2000_u64 {
        let mut text = text.clone().into_bytes();
        for change in noise(15, round).chunks(3) {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % text.len();
            text[place] = change[2];
        }
        text.truncate(text.len() - (round as usize * 7) % text.len());
        let _ = TlsConnector::with_roots_pem(&text);
        let _ = TlsAcceptor::from_pem(&text, &text);
    }
}

#[test]
fn the_longest_protocol_can_be_agreed_on() {
    run(async {
        let certificates = Certificates::new();
        let longest = "x".repeat(255);
        let (connector, acceptor) =
            (certificates.connector().alpn([&longest]), certificates.acceptor().alpn([&longest]));
        let (here, there) = duplex(1 << 16);
        let (client, server) = aio_group::gather((connector.connect("localhost", here), acceptor.accept(there))).await;
        assert_eq!(client.unwrap().alpn_protocol(), Some(longest.as_bytes()));
        assert_eq!(server.unwrap().alpn_protocol(), Some(longest.as_bytes()));
    });
}

#[test]
#[should_panic(expected = "a protocol (ALPN) has 1 to 255 bytes, and not 256")]
fn a_protocol_that_is_too_long_is_a_panic() {
    let _ = Certificates::new().connector().alpn(["h2".to_owned(), "x".repeat(256)]);
}

#[test]
#[should_panic(expected = "a protocol (ALPN) has 1 to 255 bytes, and not 0")]
fn a_protocol_without_a_name_is_a_panic() {
    let _ = Certificates::new().acceptor().alpn(["h2", ""]);
}

/// Without reading, the tickets of the server would find nobody, and TCP would throw away most of the rest.
#[test]
fn all_that_was_written_arrives_if_it_is_read_to_the_end_after_closing() {
    run(async {
        let certificates = Certificates::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let data = noise(600_000, 3);
        let client = async {
            let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let mut stream = certificates.connector().connect("localhost", tcp).await.unwrap();
            stream.write_all(&data).await.unwrap();
            stream.close().await.unwrap();
            assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
        };
        let server = async {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut stream = certificates.acceptor().accept(tcp).await.unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).await.unwrap();
            stream.close().await.unwrap();
            received
        };
        let ((), received) = aio_group::gather((client, server)).await;
        assert!(received == data);
    });
}
