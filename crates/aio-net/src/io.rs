//! A socket: of the system, or of a simulated network.

use std::net;

use aio_reactor::{AsSource, Async};

#[cfg(feature = "simulation")]
use crate::simulation::{self, Simulated};

/// What an operation is to a socket of the system, and to a simulated one:
/// `either!(&self.io, io => io.get_ref().ttl(), it => it.ttl())`.
macro_rules! either {
    ($io:expr, $system:ident => $by_system:expr, $simulated:ident => $by_simulation:expr) => {
        match $io {
            crate::io::Io::System($system) => $by_system,
            #[cfg(feature = "simulation")]
            crate::io::Io::Simulated($simulated) => $by_simulation,
        }
    };
}

pub(crate) use either;

/// A socket of the system; and what stands for it in a simulated network.
pub(crate) trait Kind: AsSource {
    #[cfg(feature = "simulation")]
    type Simulated: simulation::Socket + ?Sized;
}

impl Kind for net::TcpStream {
    #[cfg(feature = "simulation")]
    type Simulated = dyn simulation::Stream;
}

impl Kind for net::TcpListener {
    #[cfg(feature = "simulation")]
    type Simulated = dyn simulation::Listener;
}

impl Kind for net::UdpSocket {
    #[cfg(feature = "simulation")]
    type Simulated = dyn simulation::Datagrams;
}

/// Where the operations of a socket end. Without the feature `simulation` that is the system, and nothing else.
pub(crate) enum Io<T: Kind> {
    System(Async<T>),
    #[cfg(feature = "simulation")]
    Simulated(Simulated<T::Simulated>),
}

impl<T: Kind> Io<T> {
    /// The socket of the system, for what needs one.
    #[cfg_attr(feature = "simulation", track_caller)]
    #[inline]
    pub(crate) fn system(&self) -> &T {
        either!(self, io => io.get_ref(), it => it.has_no_descriptor())
    }

    /// The same, to keep.
    #[cfg_attr(feature = "simulation", track_caller)]
    #[inline]
    pub(crate) fn into_system(self) -> T {
        either!(self, io => io.into_inner(), it => it.has_no_descriptor())
    }
}
