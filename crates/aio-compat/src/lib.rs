//! hyper and libraries written for tokio's traits, on streams and loops of aio.
