//! What is wrong with one use of an attribute: all of it, told in one go.

use std::fmt;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Result};

/// The faults found so far.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    /// Adds what is wrong with `tokens`.
    pub(crate) fn add(&mut self, tokens: impl ToTokens, message: impl fmt::Display) {
        self.add_error(Error::new_spanned(tokens, message));
    }

    fn add_error(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value; none, if there is a fault in its place.
    pub(crate) fn check<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add_error(error)).ok()
    }

    /// An error of the compiler for each.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }

    /// Each message, and the text of the user's that it points at.
    #[cfg(test)]
    pub(crate) fn told(self) -> Vec<(String, String)> {
        let at = |error: &Error| error.span().source_text().unwrap_or_default();
        self.0.into_iter().flatten().map(|error| (error.to_string(), at(&error))).collect()
    }
}
