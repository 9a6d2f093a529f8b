//! Types that are read from and written to through a shared reference to a stream, which has the traits itself.

/// `AsyncRead` for a type, through what it refers to: `reads_through!(PipeReader, this => &this.0)`; for
/// a type with a parameter, `reads_through!(OwnedReadHalf<S>, this => &*this.0, for S)`.
macro_rules! reads_through {
    ($type:ty, $this:ident => $stream:expr $(, for $stream_type:ident)?) => {
        impl $(<$stream_type>)? futures_io::AsyncRead for $type
        $(
            where for<'a> &'a $stream_type: futures_io::AsyncRead
        )?
        {
            #[inline]
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_read(cx, buffer)
            }

            fn poll_read_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_read_vectored(cx, buffers)
            }
        }
    };
}

/// `AsyncWrite` for a type, in the same way.
macro_rules! writes_through {
    ($type:ty, $this:ident => $stream:expr $(, for $stream_type:ident)?) => {
        impl $(<$stream_type>)? futures_io::AsyncWrite for $type
        $(
            where for<'a> &'a $stream_type: futures_io::AsyncWrite
        )?
        {
            #[inline]
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_write(cx, buffer)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_write_vectored(cx, buffers)
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_flush(cx)
            }

            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                let $this = &*self;
                std::pin::Pin::new(&mut $stream).poll_close(cx)
            }
        }
    };
}

pub(crate) use {reads_through, writes_through};
