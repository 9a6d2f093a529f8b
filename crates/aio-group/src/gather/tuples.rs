//! Children of different types.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use aio_core::cutting;
use pin_project_lite::pin_project;

use super::Gather;
use super::keep::Keep;
use super::release::Release;
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

            impl<K, $($F),+> PinnedDrop for $Running<K, $($F),+>
            where
                $($F: Future, K: Keep<$F::Output>),+
            {
                fn drop(this: Pin<&mut Self>) {
                    this.release();
                }
            }
        }

        impl<K, $($F),+> $Running<K, $($F),+>
        where
            $($F: Future, K: Keep<$F::Output>),+
        {
            /// Drops the children that still run.
            #[inline]
            fn release(self: Pin<&mut Self>) {
                // Nearly always none when this is dropped.
                if $(self.$field.is_running())||+ {
                    self.release_running();
                }
            }

            fn release_running(self: Pin<&mut Self>) {
                let this = self.project();
                let mut release = Release::default();
                $(release.child(this.$field);)+
                release.finish();
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

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.as_mut().project();
                let mut all_ended = true;
                $(match this.$field.as_mut().poll(cx) {
                    Poll::Ready(Err(failure)) => {
                        cutting(<K as Keep<$F::Output>>::WHY, || self.release());
                        return Poll::Ready(Err(failure));
                    }
                    poll => all_ended &= poll.is_ready(),
                })+
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
