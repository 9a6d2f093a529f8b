//! Buffered reading and writing, lines, exact and delimited reads, copies: asyncio's streams over the futures_io traits.
