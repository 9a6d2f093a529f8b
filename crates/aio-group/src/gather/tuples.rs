//! Children of different types.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Gather;
use super::keep::Keep;
use super::sealed::Sealed;
use super::slot::Slot;

macro_rules! tuple {
    ($Running:ident: $($F:ident $field:ident),+) => {
        pin_project! {
            /// A tuple of children.
            pub struct $Running<K, $($F),+>
            where
                $($F: Future, K: Keep<$F::Output>),+
            {
                $(#[pin] $field: Slot<$F, K>,)+
            }
        }

        impl<$($F: Future),+> Sealed for ($($F,)+) {}

        impl<K, E, $($F),+> Gather<K> for ($($F,)+)
        where
            $($F: Future, K: Keep<$F::Output, Failure = E>),+
        {
            type Outputs = ($(<K as Keep<$F::Output>>::Kept,)+);
            type Failure = E;
            type Running = $Running<K, $($F),+>;

            fn start(self) -> Self::Running {
                let ($($field,)+) = self;
                $Running { $($field: Slot::new($field)),+ }
            }

            fn is_empty(&self) -> bool {
                false
            }
        }

        impl<K, E, $($F),+> Future for $Running<K, $($F),+>
        where
            $($F: Future, K: Keep<$F::Output, Failure = E>),+
        {
            type Output = Result<($(<K as Keep<$F::Output>>::Kept,)+), E>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                let mut all_ended = true;
                $(all_ended &= this.$field.as_mut().poll(cx)?.is_ready();)+
                if all_ended { Poll::Ready(Ok(($(this.$field.take(),)+))) } else { Poll::Pending }
            }
        }
    };
}

tuple!(Tuple1: A a);
tuple!(Tuple2: A a, B b);
tuple!(Tuple3: A a, B b, C c);
tuple!(Tuple4: A a, B b, C c, D d);
tuple!(Tuple5: A a, B b, C c, D d, F f);
tuple!(Tuple6: A a, B b, C c, D d, F f, G g);
tuple!(Tuple7: A a, B b, C c, D d, F f, G g, H h);
tuple!(Tuple8: A a, B b, C c, D d, F f, G g, H h, I i);
tuple!(Tuple9: A a, B b, C c, D d, F f, G g, H h, I i, J j);
tuple!(Tuple10: A a, B b, C c, D d, F f, G g, H h, I i, J j, L l);
tuple!(Tuple11: A a, B b, C c, D d, F f, G g, H h, I i, J j, L l, M m);
tuple!(Tuple12: A a, B b, C c, D d, F f, G g, H h, I i, J j, L l, M m, N n);
