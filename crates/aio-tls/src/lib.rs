//! TLS over any stream of the aio runtime, by rustls.
