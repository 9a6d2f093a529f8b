//! `Debug` for what holds a stream and closures, which have nothing to show.

/// Shows the stream, and what else is named.
macro_rules! debug_stream {
    ($type:ident<$stream:ident $(, $other:ident)*> $(, $field:ident)*) => {
        impl<$stream: std::fmt::Debug $(, $other)*> std::fmt::Debug for $type<$stream $(, $other)*> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    .field("stream", &self.stream)
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use debug_stream;
