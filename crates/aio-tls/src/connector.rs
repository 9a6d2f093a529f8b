//! The client's side.

use std::fmt;
use std::io;
use std::sync::Arc; // facade: shared data without a protocol
use std::time::Duration;

use aio_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};

use crate::below::Below;
use crate::error::handshake;
use crate::timeouts::Timeouts;
use crate::{TlsStream, alpn, pem};

/// Makes TLS connections to servers whose certificates it trusts. Cloning it is cheap, and clones share their sessions,
/// so that connecting again takes less.
///
/// ```no_run
/// use aio_io::{ReadExt, WriteExt};
/// use aio_tls::TlsConnector;
///
/// # async fn example() -> std::io::Result<()> {
/// let connector = TlsConnector::with_native_roots()?;
/// let mut stream = connector.connect_to("example.org", 443).await?;
/// stream.write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n").await?;
/// stream.flush().await?;
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer).await?;
/// # Ok(())
/// # }
/// ```
///
/// What it has no function for (certificates of clients, who is trusted by other rules) is set in a `ClientConfig` of
/// [`rustls`](crate::rustls), from which it is made by [`From`].
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    timeouts: Timeouts,
}

impl TlsConnector {
    /// Trusts whom the system trusts; or, if they are set, the files that the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name. This reads files: one connector is for the whole program.
    ///
    /// # Errors
    /// [`NotFound`](io::ErrorKind::NotFound), if there is not one certificate; with what went wrong.
    #[cfg(feature = "native-roots")]
    pub fn with_native_roots() -> io::Result<Self> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Systems have some that are odd. A server that is vouched for by these is refused, and no other.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let mut message = "failed to find a certificate that the system trusts".to_owned();
            for error in found.errors {
                message.push_str(&format!("; {error}"));
            }
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        Ok(Self::with_roots(roots))
    }

    /// Trusts whom Mozilla trusts, by the list that was compiled in: for where the system has none.
    #[cfg(feature = "webpki-roots")]
    pub fn with_webpki_roots() -> Self {
        Self::with_roots(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect())
    }

    /// Trusts these and nobody else: certificates of authorities, or of servers that vouch for themselves, as PEM. The
    /// latter must not be marked as authorities, as those are that `openssl req -x509` makes unless it is told
    /// `-addext basicConstraints=critical,CA:FALSE`: a server that shows an authority's certificate is refused.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), if there is none, or one cannot be read.
    pub fn with_roots_pem(certificates: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in pem::certificates(certificates, "trusted certificates")? {
            roots.add(certificate).map_err(|error| pem::invalid("trusted certificates", &error))?;
        }
        Ok(Self::with_roots(roots))
    }

    fn with_roots(roots: RootCertStore) -> Self {
        // Named, since there is no default when other crates of the program have `rustls` with another provider too.
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        match builder.with_safe_default_protocol_versions() {
            Ok(builder) => Arc::new(builder.with_root_certificates(roots).with_no_client_auth()).into(),
            Err(error) => unreachable!("ring can do each version: {error}"),
        }
    }

    /// Offers these protocols to the server (ALPN), the best first: `["h2", "http/1.1"]`.
    ///
    /// # Panics
    /// If one has no byte, or more than 255.
    #[track_caller]
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = alpn::protocols(protocols);
        self
    }

    /// Bounds how long the handshake may take, the 60 seconds of asyncio (and nginx) otherwise: a peer that says
    /// nothing would be waited for for ever.
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.handshake = timeout;
        self
    }

    /// Bounds how long closing a connection may take, 30 seconds otherwise: a peer that does not read what was written
    /// would be waited for for ever.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.shutdown = timeout;
        self
    }

    /// Does the handshake with the server called `name`, a host name or an address, over `stream`. That may be fresh,
    /// or one on which the two sides have agreed to begin with TLS: asyncio's `start_tls`.
    ///
    /// # Cancel safety
    /// Dropping the future drops `stream`, which closes it.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), if `name` is none;
    /// [`InvalidData`](io::ErrorKind::InvalidData), if the server's certificate is not trusted, or not for this name,
    /// or the server refuses or does not speak TLS; [`TimedOut`](io::ErrorKind::TimedOut);
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), if the server closes the stream instead of an answer; the
    /// errors of `stream`. The `source` of an error is the one of [`rustls`](crate::rustls), if there is one.
    pub async fn connect<S>(&self, name: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let server = ServerName::try_from(name.to_owned()).map_err(|error| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is no name for a TLS server: {error}"))
        })?;
        let connecting = futures_rustls::TlsConnector::from(self.config.clone()).connect(server, Below(stream));
        let stream = handshake(|| format!("with `{name}`"), self.timeouts.handshake, connecting).await?;
        Ok(TlsStream::new(stream.into(), self.timeouts.shutdown))
    }

    /// Connects to `host` by TCP, as [`aio_net::connect`] does, and then by TLS: asyncio's `create_connection` with
    /// `ssl`.
    ///
    /// # Cancel safety
    /// Dropping the future gives up, and closes what it has opened.
    ///
    /// # Errors
    /// Those of [`aio_net::connect`] and of [`connect`](Self::connect).
    pub async fn connect_to(&self, host: &str, port: u16) -> io::Result<TlsStream<TcpStream>> {
        let stream = aio_net::connect(host, port).await?;
        self.connect(host, stream).await
    }
}

/// With everything else that there is to set. The timeouts are the usual ones.
impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, timeouts: Timeouts::default() }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
