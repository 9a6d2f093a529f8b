//! Sockets, servers, name lookup and connections for the aio runtime.
