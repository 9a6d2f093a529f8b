//! The value of an option, and what it is taken for.

use std::fmt;

use proc_macro2::{Literal, Span, TokenStream};
use quote::ToTokens;
use syn::{Error, Ident, Lit, LitInt, LitStr, Path, Result, Token};

use crate::duration::{self, Millis};

/// What is given to an option.
pub(crate) struct Value {
    /// The option.
    pub(crate) name: Ident,
    pub(crate) equals: Option<Token![=]>,
    /// What stands behind the `=`.
    pub(crate) tokens: TokenStream,
    /// How the option is written.
    pub(crate) example: &'static str,
}

impl Value {
    /// A whole number, in decimal and where it stands in the user's text.
    ///
    /// # Errors
    /// If it is something else, or out of the range of `u64`.
    pub(crate) fn number(&self) -> Result<Number> {
        let Some(Lit::Int(number)) = self.literal() else { return Err(self.takes("a whole number")) };
        if !number.suffix().is_empty() {
            return Err(self.takes("a whole number without a suffix"));
        }
        let too_large = |_| self.error(format_args!("`{}` is at most {}", self.name, u64::MAX));
        Ok(Number { value: number.base10_parse().map_err(too_large)?, span: number.span() })
    }

    /// `true` or `false`; the name alone stands for `true`.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn flag(&self) -> Result<bool> {
        match self.literal() {
            None if self.equals.is_none() => Ok(true),
            Some(Lit::Bool(flag)) => Ok(flag.value),
            _ => Err(self.takes("`true` or `false`")),
        }
    }

    /// A duration.
    ///
    /// # Errors
    /// If it is something else, or not in the form of a duration.
    pub(crate) fn duration(&self) -> Result<Millis> {
        match self.literal() {
            Some(Lit::Str(text)) => duration::parse(&text.value()).map_err(|why| {
                self.error(format_args!("`{}` is no duration: {why}, such as `{}`", text.value(), self.example))
            }),
            Some(Lit::Int(number)) if duration::is_unit(number.suffix()) => Err(self.lacks_quotes(&number)),
            _ => Err(self.takes("a duration")),
        }
    }

    /// A path to a crate.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn path(&self) -> Result<Path> {
        let text = self.text("a path in quotes")?;
        let no_path = |_| self.error(format_args!("`{}` is no path, such as `{}`", text.value(), self.example));
        text.parse_with(Path::parse_mod_style).map_err(no_path)
    }

    /// A text.
    ///
    /// # Errors
    /// If it is something else: it `takes` a text.
    pub(crate) fn text(&self, takes: &str) -> Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) => Ok(text),
            _ => Err(self.takes(takes)),
        }
    }

    /// What is wrong with the value.
    pub(crate) fn error(&self, message: impl fmt::Display) -> Error {
        match &self.equals {
            Some(equals) if self.tokens.is_empty() => Error::new_spanned(equals, message),
            Some(_) => Error::new_spanned(&self.tokens, message),
            None => Error::new_spanned(&self.name, message),
        }
    }

    /// That the value is `text`, and none of those that there are.
    pub(crate) fn unknown(&self, text: &str, known: &[&str]) -> Error {
        let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
        self.error(format_args!("`{}` is none of {}", text, known.join(", ")))
    }

    fn takes(&self, what: &str) -> Error {
        self.error(format_args!("`{}` takes {what}, such as `{}`", self.name, self.example))
    }

    fn lacks_quotes(&self, number: &LitInt) -> Error {
        self.error(format_args!("a duration stands in quotes: `{} = \"{number}\"`", self.name))
    }

    /// The value, if it is one literal. (No option takes a negative number, which is none in Rust's grammar either.)
    fn literal(&self) -> Option<Lit> {
        let literal = syn::parse2(self.tokens.clone()).ok()?;
        let is_negative = matches!(&literal, Lit::Int(number) if number.base10_digits().starts_with('-'));
        (!is_negative).then_some(literal)
    }
}

/// The option as a whole.
impl ToTokens for Value {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.name.to_tokens(tokens);
        self.equals.to_tokens(tokens);
        self.tokens.to_tokens(tokens);
    }
}

/// A whole number of the user's.
pub(crate) struct Number {
    pub(crate) value: u64,
    span: Span,
}

/// Of whatever type is asked for.
impl ToTokens for Number {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut literal = Literal::u64_unsuffixed(self.value);
        literal.set_span(self.span);
        literal.to_tokens(tokens);
    }
}
