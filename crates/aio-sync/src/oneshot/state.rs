//! What the bits of the word say: see [`block`](super::block) for who sets them when.

/// There is a waker in the receiver's slot.
pub(super) const RECEIVER_WAITS: u8 = 1 << 0;
/// There is a waker in the sender's slot.
pub(super) const SENDER_WAITS: u8 = 1 << 1;
/// With DONE: there is, or was, a value.
pub(super) const VALUE: u8 = 1 << 2;
/// The sender will not send any more.
pub(super) const DONE: u8 = 1 << 3;
/// The receiver takes nothing any more that was not sent before.
pub(super) const CLOSED: u8 = 1 << 4;
/// The sender does not touch the block any more.
pub(super) const SENDER_LEFT: u8 = 1 << 5;
/// The receiver does not touch the block any more.
pub(super) const RECEIVER_LEFT: u8 = 1 << 6;

/// A snapshot of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u8);

impl State {
    pub(super) fn has(self, bits: u8) -> bool {
        self.0 & bits == bits
    }

    /// Whether there is nothing to wait for, for the receiver.
    pub(super) fn is_over(self) -> bool {
        self.0 & (DONE | CLOSED) != 0
    }

    /// Whether a value was sent.
    pub(super) fn has_value(self) -> bool {
        self.has(VALUE)
    }

    /// Whether the receiver is closed or dropped.
    pub(super) fn is_closed(self) -> bool {
        self.has(CLOSED)
    }
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Receiver,
    Sender,
}

impl End {
    pub(super) fn waits(self) -> u8 {
        match self {
            End::Receiver => RECEIVER_WAITS,
            End::Sender => SENDER_WAITS,
        }
    }

    /// What ends its waiting: edge 2 of the other one.
    pub(super) fn over(self) -> u8 {
        match self {
            End::Receiver => DONE,
            End::Sender => CLOSED,
        }
    }

    pub(super) fn left(self) -> u8 {
        match self {
            End::Receiver => RECEIVER_LEFT,
            End::Sender => SENDER_LEFT,
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            End::Receiver => End::Sender,
            End::Sender => End::Receiver,
        }
    }
}
