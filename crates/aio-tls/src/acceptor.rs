//! The server's side.

use std::fmt;
use std::io;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::crypto::ring;

use crate::below::Below;
use crate::error::handshake;
use crate::timeouts::Timeouts;
use crate::{TlsStream, alpn, pem};

/// Takes TLS connections of clients, to whom it shows a certificate. Cloning it is cheap.
///
/// ```no_run
/// use aio_io::copy;
/// use aio_net::Server;
/// use aio_tls::TlsAcceptor;
///
/// # async fn example(certificate: &[u8], key: &[u8]) -> std::io::Result<()> {
/// let acceptor = TlsAcceptor::from_pem(certificate, key)?;
/// Server::bind("0.0.0.0:443")?
///     .serve(move |stream, _peer| {
///         let acceptor = acceptor.clone();
///         async move {
///             let (mut reader, mut writer) = acceptor.accept(stream).await?.into_split();
///             copy(&mut reader, &mut writer).await?;
///             writer.close().await
///         }
///     })
///     .await
/// # }
/// # use aio_io::WriteExt;
/// ```
///
/// What it has no function for (asking clients for certificates, several certificates) is set in a `ServerConfig` of
/// [`rustls`](crate::rustls), from which it is made by [`From`].
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    timeouts: Timeouts,
}

impl TlsAcceptor {
    /// Shows this certificate to clients, followed by those that vouch for it; with its private key. Both as PEM.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), if one of them cannot be read, or they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> io::Result<Self> {
        let certificates = pem::certificates(certificates, "server's certificates")?;
        let key = pem::private_key(key)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
            .map_err(|error| pem::invalid("server's certificate and key", &error))?;
        Ok(Arc::new(config).into())
    }

    /// Speaks these protocols (ALPN), the best first. A client that offers protocols, but none of these, is refused.
    ///
    /// # Panics
    /// If one has no byte, or more than 255.
    #[track_caller]
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = alpn::protocols(protocols);
        self
    }

    /// As [`TlsConnector::handshake_timeout`](crate::TlsConnector::handshake_timeout). With a limit on connections,
    /// this is what keeps silent clients from using it up.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.handshake = timeout;
        self
    }

    /// As [`TlsConnector::shutdown_timeout`](crate::TlsConnector::shutdown_timeout).
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.shutdown = timeout;
        self
    }

    /// Does the handshake with the client at the other end of `stream`. This takes as long as the client likes, up to
    /// the timeout, so it belongs into the task of the connection, and not between two `accept`s of the listener.
    ///
    /// # Cancel safety
    /// Dropping the future drops `stream`, which closes it.
    ///
    /// # Errors
    /// As [`TlsConnector::connect`](crate::TlsConnector::connect).
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let accepting = futures_rustls::TlsAcceptor::from(self.config.clone()).accept(Below(stream));
        let stream = handshake(|| "with a client".to_owned(), self.timeouts.handshake, accepting).await?;
        Ok(TlsStream::new(stream.into(), self.timeouts.shutdown))
    }
}

/// With everything else that there is to set. The timeouts are the usual ones.
impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config, timeouts: Timeouts::default() }
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
