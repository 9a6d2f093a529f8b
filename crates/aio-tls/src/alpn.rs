//! The protocols that may be agreed on in a handshake.

/// As `rustls` wants them, which does not look whether they are what the standard allows.
#[track_caller]
pub(crate) fn protocols<P: AsRef<[u8]>>(protocols: impl IntoIterator<Item = P>) -> Vec<Vec<u8>> {
    // A loop, so that a panic is at the line of the caller.
    let mut checked = Vec::new();
    for protocol in protocols {
        let protocol = protocol.as_ref();
        let len = protocol.len();
        assert!((1..=255).contains(&len), "a protocol (ALPN) has 1 to 255 bytes, and not {len}");
        checked.push(protocol.to_vec());
    }
    checked
}
