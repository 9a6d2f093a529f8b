//! What stands in the parentheses of an attribute: options with values, each at most once.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, Result, Token};

use crate::faults::Faults;
use crate::value::Value;

/// An attribute: its name, and the options it knows.
pub(crate) struct Attribute {
    /// As users write it.
    pub(crate) name: &'static str,
    /// The options, each with an example.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// What other runtimes call something, and what to do here.
    pub(crate) elsewhere: &'static [(&'static str, &'static str)],
}

/// The options that are given to one use of an attribute.
pub(crate) struct Options(Vec<Given>);

struct Given {
    name: &'static str,
    value: Value,
}

impl Options {
    /// Those in `tokens` that `attribute` knows, each once; everything else is a fault.
    pub(crate) fn parse(attribute: &Attribute, tokens: TokenStream, faults: &mut Faults) -> Self {
        let all = Punctuated::<(Ident, Option<Token![=]>, TokenStream), Token![,]>::parse_terminated_with;
        let all = (|input: ParseStream<'_>| all(input, option)).parse2(tokens);
        let mut given: Vec<Given> = Vec::new();
        for (name, equals, tokens) in faults.check(all).into_iter().flatten() {
            let Some((known, example)) = attribute.options.iter().find(|(known, _)| name == known) else {
                faults.add(&name, attribute.does_not_know(&name));
                continue;
            };
            if given.iter().any(|other| other.name == *known) {
                faults.add(&name, format_args!("`{name}` is given twice"));
                continue;
            }
            given.push(Given { name: known, value: Value { name, equals, tokens, example } });
        }
        Self(given)
    }

    /// The value of `name`, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|given| given.name == name).map(|given| &given.value)
    }

    /// What `read` takes the value of `name` for, if it is given. What `read` cannot take it for is a fault.
    pub(crate) fn read<T>(&self, name: &str, read: fn(&Value) -> Result<T>, faults: &mut Faults) -> Option<T> {
        self.get(name).and_then(|value| faults.check(read(value)))
    }
}

impl Attribute {
    fn does_not_know(&self, name: &Ident) -> String {
        let names: Vec<String> = self.options.iter().map(|(name, _)| format!("`{name}`")).collect();
        let (last, others) = names.split_last().expect("every attribute has options");
        let known = format!("`{}` has no option `{name}`, but {} and {last}", self.name, others.join(", "));
        match self.elsewhere.iter().find(|(elsewhere, _)| name == elsewhere) {
            Some((_, hint)) => format!("{known}; {hint}"),
            None => known,
        }
    }
}

/// One option: a name, and everything up to the next comma.
fn option(input: ParseStream<'_>) -> Result<(Ident, Option<Token![=]>, TokenStream)> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected the name of an option"));
    }
    let name = Ident::parse_any(input)?;
    let equals: Option<Token![=]> = input.parse()?;
    let mut tokens = TokenStream::new();
    while equals.is_some() && !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok((name, equals, tokens))
}
