//! The attributes of `aio`.

mod duration;
mod faults;
mod function;
mod main_attribute;
mod options;
mod test_attribute;
#[cfg(test)]
mod testing;
mod value;

use proc_macro::TokenStream;

use crate::test_attribute::Home;

/// main
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(main_attribute::expand(options.into(), item.into()))
}

/// test
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(test_attribute::expand(options.into(), item.into(), Home::Umbrella))
}

/// [`macro@test`], for users of the crate `aio-test` alone, which exports it as `test`.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn test_of_aio_test(options: TokenStream, item: TokenStream) -> TokenStream {
    finish(test_attribute::expand(options.into(), item.into(), Home::AioTest))
}

fn finish((mut expansion, faults): (proc_macro2::TokenStream, faults::Faults)) -> TokenStream {
    expansion.extend(faults.into_tokens());
    expansion.into()
}
