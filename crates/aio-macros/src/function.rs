//! The function that an attribute stands on, and the one that takes its place.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::token::{Async, Brace};
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

    /// Where the type is that the function returns, for what is called with it: if the type does not fit there, this is
    /// told of the type, and not of the attribute.
    pub(crate) fn output_span(&self) -> Span {
        let ReturnType::Type(_, output) = &self.signature.output else { return Span::call_site() };
        let first = output.to_token_stream().into_iter().next();
        first.map_or_else(Span::call_site, |token| Span::call_site().located_at(token.span()))
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
        generics.params.is_empty() && inputs.is_empty() && variadic.is_none()
    }

    /// A function of this name and type that is not async, and does `run`, where the name stands for the user's.
    ///
    /// That one is an `async fn` to the letter, so the compiler says of it what it would say without the attribute,
    /// where it would say it. It has the same name, so that it hides nothing from the body but what hides it elsewhere.
    pub(crate) fn replacement(&self, further_attributes: TokenStream, run: TokenStream) -> TokenStream {
        let Self { attributes, visibility, body, .. } = self;
        let user = self.repaired();
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
        let Self { attributes, visibility, body, .. } = self;
        let (user, name) = (self.repaired(), self.name());
        if name != "main" {
            return quote!(#(#attributes)* #[allow(unused)] #visibility #user #body);
        }
        quote! {
            #(#attributes)*
            #visibility fn #name() {
                #[allow(unused)]
                #user #body
            }
        }
    }

    /// The signature without those [faults](Self::check) that can be mended.
    fn repaired(&self) -> Signature {
        let asyncness = self.signature.asyncness.unwrap_or_else(|| Async(self.signature.fn_token.span));
        let signature = self.signature.clone();
        Signature { constness: None, asyncness: Some(asyncness), unsafety: None, abi: None, ..signature }
    }
}
