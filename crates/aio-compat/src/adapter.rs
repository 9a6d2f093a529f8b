//! What all adapters have in common.

use std::io::{Error, ErrorKind, Result};

/// How one comes to an adapter, and back to what is in it.
macro_rules! adapter {
    ($adapter:ident { $($field:ident: $value:expr),* }) => {
        impl<T> $adapter<T> {
            /// Puts the adapter around `inner`.
            pub const fn new(inner: T) -> Self {
                Self { inner, $($field: $value),* }
            }

            /// What the adapter is around.
            pub const fn get_ref(&self) -> &T {
                &self.inner
            }

            /// What the adapter is around. The adapter keeps no bytes, so it may be read from and written to.
            pub const fn get_mut(&mut self) -> &mut T {
                &mut self.inner
            }

            /// Takes the adapter away.
            pub fn into_inner(self) -> T {
                self.inner
            }
        }

        impl<T> From<T> for $adapter<T> {
            fn from(inner: T) -> Self {
                Self::new(inner)
            }
        }
    };
}

pub(crate) use adapter;

/// A count that is larger than the buffer would give out bytes that nobody wrote.
pub(crate) fn checked(n: usize, len: usize) -> Result<usize> {
    if n > len {
        let message = format!("the reader claims {n} bytes of a buffer of {len}");
        return Err(Error::new(ErrorKind::InvalidData, message));
    }
    Ok(n)
}
