//! Servers whose connections stay on their loop: nothing need be `Send`.

use crate::{TcpListener, generic};

/// A [server](generic::Server) whose connections stay on their loop.
pub type Server<L = TcpListener> = generic::Server<L, aio_base::Local>;
