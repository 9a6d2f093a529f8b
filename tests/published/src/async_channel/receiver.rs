//! The end that receives.

use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_sync::channel;
use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{RecvError, TryRecvError};

pin_project! {
    /// A [`channel::Receiver`], and a stream: ours, [made into one](channel::Receiver::into_stream).
    #[derive(Debug)]
    pub struct Receiver<T> {
        #[pin]
        stream: channel::IntoRecvStream<T>,
    }
}

impl<T> Receiver<T> {
    pub(super) fn new(receiver: channel::Receiver<T>) -> Self {
        Self { stream: receiver.into_stream() }
    }

    /// `recv`
    ///
    /// # Errors
    /// Its own.
    pub async fn recv(&self) -> Result<T, RecvError> {
        Ok(self.stream.receiver().recv().await?)
    }

    /// `try_recv`
    ///
    /// # Errors
    /// Its own.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        Ok(self.stream.receiver().try_recv()?)
    }

    /// `recv_blocking`
    ///
    /// # Errors
    /// Its own.
    pub fn recv_blocking(&self) -> Result<T, RecvError> {
        Ok(self.stream.receiver().recv_blocking()?)
    }
}

impl<T> Deref for Receiver<T> {
    type Target = channel::Receiver<T>;

    fn deref(&self) -> &Self::Target {
        self.stream.receiver()
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.stream.receiver().clone())
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.project().stream.poll_next(cx)
    }
}
