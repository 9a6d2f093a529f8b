//! Certificates and keys as text.

use std::fmt;
use std::io;

use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of `text`, of which there must be one; `role` is what they are to be.
pub(crate) fn certificates(text: &[u8], role: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| invalid(role, &error))?;
    if certificates.is_empty() {
        return Err(invalid(role, &"there is no `BEGIN CERTIFICATE` in the text"));
    }
    Ok(certificates)
}

/// The first private key of `text`.
pub(crate) fn private_key(text: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| invalid("private key", &error))
}

pub(crate) fn invalid(role: &str, cause: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("failed to read the {role}: {cause}"))
}
