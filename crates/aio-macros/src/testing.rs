//! Expansions of texts, for the tests of this crate.

use proc_macro2::TokenStream;

use crate::faults::Faults;

/// An attribute, without what it knows from elsewhere.
pub(crate) type Expand = fn(TokenStream, TokenStream) -> (TokenStream, Faults);

pub(crate) fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap()
}

/// What `item` becomes with the attribute and `options`.
pub(crate) fn expanded(expand: Expand, options: &str, item: &str) -> String {
    let (expansion, faults) = expand(tokens(options), tokens(item));
    assert_eq!(faults.told(), [], "#[aio::_({options})] {item}");
    expansion.to_string()
}

/// What the expansion does with the function that it puts inside.
pub(crate) fn call(expand: Expand, options: &str, item: &str) -> String {
    let expansion = expanded(expand, options, item);
    expansion.rsplit_once("{ } ").expect("a function with an empty body").1.trim_end_matches('}').trim().to_owned()
}

/// Asserts the only fault, and the text that it points at; and that what it leaves still is Rust.
pub(crate) fn assert_fault(expand: Expand, options: &str, item: &str, message: &str, at: &str) {
    let (expansion, faults) = expand(tokens(options), tokens(item));
    assert_eq!(faults.told(), [(message.to_owned(), at.to_owned())], "#[aio::_({options})] {item}");
    syn::parse2::<syn::File>(expansion).unwrap();
}

/// The text that a program has in the place of `text`.
pub(crate) fn normal(text: &str) -> String {
    tokens(text).to_string()
}
