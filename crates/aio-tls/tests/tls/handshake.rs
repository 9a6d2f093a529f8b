//! Who is connected with whom, and who is refused.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use aio_core::now;
use aio_io::{DuplexStream, ReadExt, WriteExt, duplex};
use aio_tls::rustls::client::WebPkiServerVerifier;
use aio_tls::rustls::server::WebPkiClientVerifier;
use aio_tls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use aio_tls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::harness::{pair, run, run_virtual};
use crate::support::Certificates;

type Outcome = io::Result<TlsStream<DuplexStream>>;

/// Both sides of a handshake: the client's outcome, and the server's.
#[track_caller]
fn shake(connector: &TlsConnector, name: &str, acceptor: &TlsAcceptor, check: impl FnOnce(Outcome, Outcome)) {
    run(async {
        let (here, there) = duplex(1 << 16);
        let (client, server) = aio_group::gather((connector.connect(name, here), acceptor.accept(there))).await;
        check(client, server);
    });
}

#[test]
fn a_connection_knows_its_peer_protocol_and_version() {
    let certificates = Certificates::new();
    let connector = certificates.connector().alpn(["h3", "h2", "http/1.1"]);
    let acceptor = certificates.acceptor().alpn(["http/1.1", "h2"]);
    shake(&connector, "localhost", &acceptor, |client, server| {
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.alpn_protocol(), Some(&b"http/1.1"[..]), "the server's best");
        assert_eq!(server.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!((client.version(), server.version()), ("TLSv1.3", "TLSv1.3"));
        assert_eq!((client.server_name(), server.server_name()), (None, Some("localhost")));
        assert_eq!((client.peer_certificates().len(), server.peer_certificates().len()), (1, 0));
        assert!(client.peer_certificates().next().unwrap().windows(9).any(|part| part == b"localhost"));
    });
}

#[test]
fn without_protocols_none_is_agreed_on() {
    let certificates = Certificates::new();
    shake(&certificates.connector().alpn(["h2"]), "localhost", &certificates.acceptor(), |client, server| {
        assert_eq!((client.unwrap().alpn_protocol(), server.unwrap().alpn_protocol()), (None, None));
    });
}

#[test]
fn an_address_is_a_name_too() {
    let certificates = Certificates::new();
    shake(&certificates.connector(), "127.0.0.1", &certificates.acceptor(), |client, server| {
        client.unwrap();
        assert_eq!(server.unwrap().server_name(), None);
    });
}

/// Asserts that the client refuses the server, and that the server is told why.
#[track_caller]
fn is_refused(client: Outcome, server: Outcome, name: &str, why: &str, told: &str) {
    let error = client.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let text = error.to_string();
    assert!(text.starts_with(&format!("the TLS handshake with `{name}` failed: ")), "{text}");
    assert!(text.contains(why), "{text}");
    assert!(error.source().unwrap().is::<rustls::Error>(), "{error:?}");
    let error = server.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("the TLS handshake with a client failed: "), "{text}");
    assert!(text.contains(told), "{text}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let certificates = Certificates::new();
    shake(&certificates.connector(), "example.org", &certificates.acceptor(), |client, server| {
        is_refused(client, server, "example.org", "not valid for name \"example.org\"", "BadCertificate");
    });
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (known, unknown) = (Certificates::new(), Certificates::new());
    shake(&known.connector(), "localhost", &unknown.acceptor(), |client, server| {
        is_refused(client, server, "localhost", "UnknownIssuer", "UnknownCA");
    });
}

#[test]
fn a_client_that_offers_other_protocols_is_refused() {
    let certificates = Certificates::new();
    let connector = certificates.connector().alpn(["h2"]);
    shake(&connector, "localhost", &certificates.acceptor().alpn(["http/1.1"]), |client, server| {
        let (client, server) = (client.unwrap_err(), server.unwrap_err());
        assert!(client.to_string().contains("NoApplicationProtocol"), "{client}");
        assert_eq!(server.kind(), ErrorKind::InvalidData, "{server}");
    });
}

#[test]
fn an_invalid_name_is_an_error_that_names_it() {
    run(async {
        for name in ["", "exa mple.org", "http://example.org", ".example.org"] {
            let error = Certificates::new().connector().connect(name, duplex(64).0).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with(&format!("`{name}` is no name")), "{error}");
        }
    });
}

#[test]
fn what_is_no_certificate_or_key_is_an_error_that_says_so() {
    let (one, other) = (Certificates::new(), Certificates::new());
    let connect = |pem: &str| TlsConnector::with_roots_pem(pem.as_bytes()).map(|_| ());
    let accept = |pem: &str, key: &str| TlsAcceptor::from_pem(pem.as_bytes(), key.as_bytes()).map(|_| ());
    let broken = one.authority.replacen("MII", "AAA", 1);
    for (result, message) in [
        (connect(""), "failed to read the trusted certificates: there is no `BEGIN CERTIFICATE` in the text"),
        (connect(&one.key), "failed to read the trusted certificates: there is no `BEGIN CERTIFICATE` in the text"),
        (connect(&broken), "failed to read the trusted certificates: "),
        (accept("", &one.key), "failed to read the server's certificates: there is no `BEGIN CERTIFICATE`"),
        (accept(&one.certificate, "-----BEGIN PRIVATE KEY-----"), "failed to read the private key: "),
        (accept(&one.certificate, &other.key), "failed to read the server's certificate and key: "),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().starts_with(message), "{error}");
    }
}

#[test]
fn a_silent_peer_is_given_up_when_the_time_of_the_handshake_is_over() {
    let certificates = Certificates::new();
    run_virtual(async {
        for (limit, expected) in [(None, 60), (Some(Duration::from_secs(5)), 5)] {
            let (mut connector, mut acceptor) = (certificates.connector(), certificates.acceptor());
            if let Some(limit) = limit {
                (connector, acceptor) = (connector.handshake_timeout(limit), acceptor.handshake_timeout(limit));
            }
            let expected = Duration::from_secs(expected);
            let (here, _silent) = duplex(1 << 16);
            let begin = now();
            let error = connector.connect("localhost", here).await.unwrap_err();
            assert_eq!(now() - begin, expected);
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            let message = format!("the TLS handshake with `localhost` failed: timed out after {expected:?}");
            assert_eq!(error.to_string(), message);

            let (_silent, there) = duplex(1 << 16);
            let begin = now();
            let error = acceptor.accept(there).await.unwrap_err();
            assert_eq!((now() - begin, error.kind()), (expected, ErrorKind::TimedOut), "{error}");
        }
    });
}

#[test]
fn a_peer_that_hangs_up_or_speaks_something_else_is_an_error() {
    let certificates = Certificates::new();
    run(async {
        let (here, there) = duplex(1 << 16);
        drop(there);
        let error = certificates.connector().connect("localhost", here).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof), "{error:?}");

        let (mut here, there) = duplex(1 << 16);
        here.close().await.unwrap();
        let error = certificates.acceptor().accept(there).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");

        let (mut here, there) = duplex(1 << 16);
        here.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let error = certificates.acceptor().accept(there).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    });
}

/// What there is no function for: a server that asks for certificates, and only TLS 1.2.
#[test]
fn configurations_of_rustls_are_taken_as_they_are() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let certificates = Certificates::new();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificates.authority.as_bytes()).unwrap()).unwrap();
    let roots = Arc::new(roots);
    let chain = || vec![CertificateDer::from_pem_slice(certificates.certificate.as_bytes()).unwrap()];
    let key = || PrivateKeyDer::from_pem_slice(certificates.key.as_bytes()).unwrap();

    let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone()).build().unwrap();
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(chain(), key())
        .unwrap();
    let servers = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build().unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(servers)
        .with_client_auth_cert(chain(), key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    shake(&TlsConnector::from(Arc::new(client)), "localhost", &acceptor, |client, server| {
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!((client.version(), server.version()), ("TLSv1.2", "TLSv1.2"));
        assert_eq!(server.peer_certificates().len(), 1);
    });
    // One without a certificate is refused, and told.
    shake(&certificates.connector(), "localhost", &acceptor, |client, server| {
        assert!(client.unwrap_err().to_string().contains("alert"));
        assert_eq!(server.unwrap_err().kind(), ErrorKind::InvalidData);
    });
}

#[test]
fn a_stream_in_use_goes_on_with_tls() {
    let certificates = Certificates::new();
    run(async {
        let (mut here, mut there) = duplex(1 << 16);
        let client = async {
            here.write_all(b"STARTTLS\n").await.unwrap();
            let mut answer = [0; 3];
            here.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"OK\n");
            let mut stream = certificates.connector().connect("localhost", here).await.unwrap();
            stream.write_all(b"secret").await.unwrap();
            stream.close().await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        };
        let server = async {
            let mut command = [0; 9];
            there.read_exact(&mut command).await.unwrap();
            there.write_all(b"OK\n").await.unwrap();
            let mut stream = certificates.acceptor().accept(there).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "secret");
            stream.close().await.unwrap();
        };
        aio_group::gather((client, server)).await;
    });
}

#[test]
fn tls_goes_through_tls() {
    let certificates = Certificates::new();
    run(async {
        let (outer_client, outer_server) = pair(&certificates, 1 << 16).await;
        let (connector, acceptor) = (certificates.connector(), certificates.acceptor());
        let both = (connector.connect("localhost", outer_client), acceptor.accept(outer_server));
        let (client, server) = aio_group::gather(both).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        client.write_all(b"twice").await.unwrap();
        client.close().await.unwrap();
        let mut text = String::new();
        server.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "twice");
    });
}
