//! Buffered reading and writing, lines, exact and delimited reads, copies: asyncio's streams over the [`futures_io`]
//! traits.
//!
//! ```
//! use aio_io::{StreamReader, StreamWriter, duplex};
//!
//! futures_lite::future::block_on(async {
//!     let (client, server) = duplex(1024);
//!     let mut client = StreamWriter::new(client);
//!     client.write_all(b"first\nsecond\n").await?;
//!     client.close().await?;
//!
//!     let mut server = StreamReader::new(server);
//!     assert_eq!(server.read_line().await?.as_deref(), Some("first\n"));
//!     assert_eq!(server.read_line().await?.as_deref(), Some("second\n"));
//!     assert_eq!(server.read_line().await?, None);
//!     std::io::Result::Ok(())
//! })
//! .unwrap();
//! ```
//!
//! - [`StreamReader`] reads exact numbers of bytes, lines, anything up to a separator, and never loses a byte to a
//!   cancellation or an error. [`StreamWriter`] waits until what it writes is taken.
//! - [`ReadExt`] and [`WriteExt`] are what is done with any reader and writer.
//! - [`copy()`] and [`copy_bidirectional()`] join readers to writers.
//! - [`duplex()`] and [`simplex()`] are connections and pipes in memory.
//!
//! Nothing here knows of sockets or of a reactor: all of it works with whatever implements the traits, under any
//! executor.
//!
//! Not for parsers of whole protocols: those read into their own memory with [`ReadExt::read`], or look at
//! [`StreamReader::fill`].

mod copy;
mod copy_bidirectional;
mod duplex;
mod lines;
mod read_error;
mod read_ext;
mod separators;
mod simplex;
mod stream_reader;
mod stream_writer;
mod write_ext;

mod attempt;
mod buffer;
mod scratch;

pub use copy::{Copy, copy};
pub use copy_bidirectional::{Copied, CopyBidirectional, CopyError, copy_bidirectional};
pub use duplex::{DuplexStream, duplex};
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, IoSlice, IoSliceMut, SeekFrom};
pub use lines::{ByteLines, Lines};
pub use read_error::ReadError;
pub use read_ext::{Read, ReadExact, ReadExt, ReadToEnd, ReadToString, ReadVectored};
pub use separators::Separators;
pub use simplex::{SimplexReader, SimplexWriter, simplex};
pub use stream_reader::{DEFAULT_LIMIT, StreamReader};
pub use stream_writer::StreamWriter;
pub use write_ext::{Close, Flush, Write, WriteAll, WriteAllFrom, WriteAllVectored, WriteExt, WriteVectored};
