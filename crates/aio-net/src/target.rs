//! What a connection is made to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::parse_host_port;

/// Names what [`TcpStream::connect`](crate::TcpStream::connect) is to connect to: an address, a host with a port, or
/// both in one text (`"localhost:80"`, `"[::1]:80"`).
pub trait ToTarget {
    /// What it names.
    ///
    /// # Errors
    /// `InvalidInput`, with the text in it, if it is neither.
    fn to_target(&self) -> io::Result<Target<'_>>;
}

/// What a connection is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// An address, which need not be looked up.
    Address(SocketAddr),
    /// A host, by name or number, and a port.
    Host(&'a str, u16),
}

impl ToTarget for SocketAddr {
    fn to_target(&self) -> io::Result<Target<'_>> {
        Ok(Target::Address(*self))
    }
}

impl<I: Into<IpAddr> + Copy> ToTarget for (I, u16) {
    fn to_target(&self) -> io::Result<Target<'_>> {
        Ok(Target::Address(SocketAddr::new(self.0.into(), self.1)))
    }
}

impl ToTarget for str {
    fn to_target(&self) -> io::Result<Target<'_>> {
        match self.parse() {
            Ok(address) => Ok(Target::Address(address)),
            Err(_) => parse_host_port(self).map(|(host, port)| Target::Host(host, port)),
        }
    }
}

impl ToTarget for String {
    fn to_target(&self) -> io::Result<Target<'_>> {
        self.as_str().to_target()
    }
}

impl<T: ToTarget + ?Sized> ToTarget for &T {
    fn to_target(&self) -> io::Result<Target<'_>> {
        (**self).to_target()
    }
}
