//! Loops, and connections in memory.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, VirtualTime};
use aio_io::{DuplexStream, duplex};
use aio_reactor::Reactor;
use aio_timer::{Timers, timeout};
use aio_tls::rustls::pki_types::pem::PemObject;
use aio_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use aio_tls::rustls::{self, ServerConfig};
use aio_tls::{TlsAcceptor, TlsStream};

use crate::support::Certificates;

/// A connection in memory: the client's end and the server's. The server sends no tickets for further sessions: with a
/// small `capacity` it would wait for the client to read them, which has finished its handshake by then.
pub(crate) async fn pair(
    certificates: &Certificates,
    capacity: usize,
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificates.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(certificates.key.as_bytes()).unwrap(),
        )
        .unwrap();
    server.send_tls13_tickets = 0;
    let (here, there) = duplex(capacity);
    let (connector, acceptor) = (certificates.connector(), TlsAcceptor::from(Arc::new(server)));
    let (client, server) = aio_group::gather((connector.connect("localhost", here), acceptor.accept(there))).await;
    (client.unwrap(), server.unwrap())
}

/// Runs it on a loop, which leaves nothing behind; what hangs fails.
#[track_caller]
pub(crate) fn run<T>(main: impl Future<Output = T>) -> T {
    let in_time = timeout(Duration::from_secs(60), main);
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(in_time).expect("it does not hang"))
}

/// On a loop whose time goes on when there is nothing to do; what hangs fails at once.
#[track_caller]
pub(crate) fn run_virtual<T>(main: impl Future<Output = T>) -> T {
    let in_time = timeout(Duration::from_secs(3600), main);
    let event_loop = EventLoop::new(Timers::new(VirtualTime::new(ThreadPark::new())));
    leak_check(|| event_loop.run(in_time).expect("it does not hang"))
}

/// Polls once, and drops the future.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
