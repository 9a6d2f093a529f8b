//! `#[aio::main]`: a function that is run by a `Runner`.

#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use crate::faults::Faults;
use crate::function::Function;
use crate::options::{Attribute, Options};
use crate::value::Value;

const MAIN: Attribute = Attribute {
    name: "#[aio::main]",
    options: &[
        ("workers", "workers = 4"),
        ("debug", "debug = true"),
        ("grace", "grace = \"5s\""),
        ("crate", "crate = \"aio\""),
    ],
    elsewhere: &[
        ("worker_threads", "tokio's `worker_threads = 4` is `workers = 4`"),
        (
            "flavor",
            "tokio's `flavor` is `workers`: one thread without it, as many as the machine runs with `workers = 0`",
        ),
        ("start_paused", "tokio's `start_paused` is for tests: the time of an `#[aio::test]` is virtual"),
    ],
};

/// What `item` becomes with the attribute and these `options`, and what is wrong with it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> (TokenStream, Faults) {
    let mut faults = Faults::default();
    let Ok(function) = syn::parse2::<Function>(item.clone()) else {
        faults
            .add(&item, "`#[aio::main]` belongs on an `async fn` with a body: the program, from its start to its end");
        return (item, faults);
    };
    let options = Options::parse(&MAIN, options, &mut faults);
    let call = run(&function, &options, &mut faults);
    let expansion = if function.check("the start of the program", &mut faults) {
        function.replacement(TokenStream::new(), call)
    } else {
        function.stand_in()
    };
    (expansion, faults)
}

/// The call that runs the function.
fn run(function: &Function, options: &Options, faults: &mut Faults) -> TokenStream {
    let krate = options.read("crate", Value::path, faults);
    let workers = options.read("workers", Value::number, faults);
    let debug = options.read("debug", Value::flag, faults);
    let grace = options.read("grace", Value::duration, faults);

    let krate = krate.map_or_else(|| quote!(::aio), |path| quote!(#path));
    let mut settings = TokenStream::new();
    if let Some(workers) = workers {
        settings.extend(quote!(.workers(#workers)));
    }
    if let Some(debug) = debug {
        settings.extend(quote!(.debug(#debug)));
    }
    if let Some(grace) = grace {
        settings.extend(quote!(.shutdown_grace(#grace)));
    }
    let name = function.name();
    match settings.is_empty() {
        true => quote!(#krate::run(#name())),
        false => quote!(#krate::Runner::new() #settings .run(#name())),
    }
}
