//! Random programs over the primitives, in both homes: what must hold in any order, whoever is cancelled.
#![cfg(not(aio_loom))]

#[path = "../../../aio-test/tests/support/dice.rs"]
mod dice;

mod everyone;
mod lines;
mod locks;
mod meetings;
mod permits;
mod signals;

/// Runs programs under a thousand seeds, in both homes.
macro_rules! under_seeds {
    ($($(#[$doc:meta])* $name:ident: $program:ident;)*) => {$(
        $(#[$doc])*
        mod $name {
            #[test]
            fn shared() {
                let name = concat!(stringify!($name), "::shared");
                crate::dice::under_seeds(name, super::$program::<aio_base::Shared>);
            }

            #[test]
            fn local() {
                let name = concat!(stringify!($name), "::local");
                crate::dice::under_seeds(name, super::$program::<aio_base::Local>);
            }
        }
    )*};
}
pub(crate) use under_seeds;
