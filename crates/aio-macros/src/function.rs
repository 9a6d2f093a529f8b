//! The function that an attribute stands on, and the one that takes its place.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::token::Brace;
use syn::{Attribute, Ident, Result, ReturnType, Signature, Visibility};

use crate::faults::Faults;

/// A function as the user wrote it. What is in its body is passed on as it is.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: TokenTree,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: if input.peek(Brace) { input.parse()? } else { return Err(input.error("expected a body")) },
        })
    }
}

impl Function {
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// The name, for the place where the function is handed over: if what it returns does not fit there, this is told
    /// of the type that it returns.
    pub(crate) fn name_at_output(&self) -> Ident {
        let mut name = self.name().clone();
        if let ReturnType::Type(_, output) = &self.signature.output {
            let span = output.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span());
            name.set_span(name.span().located_at(span));
        }
        name
    }

    /// Adds what does not fit a function that is called by `caller`, without arguments, to be run as a whole. Whether
    /// there can be a [replacement](Self::replacement) in spite of it.
    pub(crate) fn check(&self, caller: &str, faults: &mut Faults) -> bool {
        let Signature { constness, asyncness, unsafety, abi, fn_token, generics, inputs, variadic, .. } =
            &self.signature;
        if constness.is_some() {
            faults.add(constness, format_args!("{caller} runs it, and not the compiler: remove `const`"));
        }
        if unsafety.is_some() {
            faults.add(unsafety, format_args!("{caller} calls it without any promise: remove `unsafe`"));
        }
        if abi.is_some() {
            faults.add(abi, format_args!("{caller} calls it as Rust does: remove `extern`"));
        }
        if asyncness.is_none() {
            faults.add(fn_token, "the function is not async: write `async fn`");
        }
        if !generics.params.is_empty() {
            faults.add(generics, format_args!("{caller} has nothing to put in for generic parameters"));
        }
        if !inputs.is_empty() || variadic.is_some() {
            let arguments = quote!(#inputs #variadic);
            faults.add(arguments, format_args!("{caller} has no arguments to pass"));
        }
        asyncness.is_some() && generics.params.is_empty() && inputs.is_empty() && variadic.is_none()
    }

    /// A function of this name and type that is not async, and does `run`, where the name stands for the user's.
    ///
    /// That one is an `async fn` to the letter, so the compiler says of it what it would say without the attribute,
    /// where it would say it. It has the same name, so that it hides nothing from the body but what hides it elsewhere.
    pub(crate) fn replacement(&self, further_attributes: TokenStream, run: TokenStream) -> TokenStream {
        let Self { attributes, visibility, signature, body } = self;
        let user = Signature { constness: None, unsafety: None, abi: None, ..signature.clone() };
        let outer = Signature { asyncness: None, ..user.clone() };
        // It has to be async, whether it awaits or not.
        quote! {
            #(#attributes)*
            #further_attributes
            #visibility #outer {
                #[allow(clippy::unused_async)]
                #user #body
                #run
            }
        }
    }

    /// Where there can be no replacement: what spares the user the errors that would follow from this one. The function
    /// itself, or, since an async `main` is an error of its own, a `main` that has it inside.
    pub(crate) fn stand_in(&self) -> TokenStream {
        let Self { attributes, visibility, signature, body } = self;
        let user = Signature { constness: None, unsafety: None, abi: None, ..signature.clone() };
        if signature.ident != "main" || signature.asyncness.is_none() {
            return quote!(#(#attributes)* #[allow(unused)] #visibility #user #body);
        }
        let name = &signature.ident;
        quote! {
            #(#attributes)*
            #visibility fn #name() {
                #[allow(unused)]
                #user #body
            }
        }
    }
}
