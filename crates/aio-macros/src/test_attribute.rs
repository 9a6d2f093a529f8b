//! `#[aio::test]`: a function that is run by a `Test`, as a test of the standard harness.

#[cfg(test)]
mod tests;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use syn::{Ident, Result};

use crate::duration::Millis;
use crate::faults::Faults;
use crate::function::Function;
use crate::options::{Attribute, Options};
use crate::value::Value;

const TEST: Attribute = Attribute {
    name: "#[aio::test]",
    options: &[
        ("seed", "seed = 7"),
        ("schedules", "schedules = 1000"),
        ("strategy", "strategy = \"pct\""),
        ("preemptive", "preemptive = true"),
        ("faults", "faults = \"all\""),
        ("clock", "clock = \"real\""),
        ("timeout", "timeout = \"30s\""),
        ("leaks", "leaks = \"allow\""),
        ("crate", "crate = \"aio\""),
    ],
    elsewhere: &[
        ("start_paused", "time is virtual without tokio's `start_paused`"),
        ("flavor", "a test runs on one thread, and `schedules = 1000` tries orders that several would give"),
        ("worker_threads", "a test runs on one thread, and `schedules = 1000` tries orders that several would give"),
        ("workers", "a test runs on one thread, and `schedules = 1000` tries orders that several would give"),
    ],
};

const ONLY_IN_SOME_ORDERS: &str = "`preemptive` lets others get in, in some orders";

/// How many steps have to come in a certain order, for `"pct"` to look for it, if it does not say.
const PCT_DEPTH: u64 = 3;

/// What `item` becomes with the attribute and these `options`, and what is wrong with it. `home` is where `Test` is,
/// below the crate.
pub(crate) fn expand(options: TokenStream, item: TokenStream, home: Home) -> (TokenStream, Faults) {
    let mut faults = Faults::default();
    let Ok(function) = syn::parse2::<Function>(item.clone()) else {
        faults.add(&item, "`#[aio::test]` belongs on an `async fn` with a body: the test, from its start to its end");
        return (item, faults);
    };
    let options = Options::parse(&TEST, options, &mut faults);
    check_combination(&options, &mut faults);
    for attribute in &function.attributes {
        if attribute.path().segments.last().is_some_and(|segment| segment.ident == "test") {
            faults.add(
                attribute,
                "with `#[aio::test]` the function is a test already, and would be run twice: remove this",
            );
        }
    }
    let call = run(&function, &options, home, &mut faults);
    let expansion = if function.check("the test harness", &mut faults) {
        function.replacement(quote!(#[::core::prelude::v1::test]), call)
    } else {
        function.stand_in()
    };
    (expansion, faults)
}

/// Where `Test` is.
#[derive(Clone, Copy)]
pub(crate) enum Home {
    /// In `::aio::testing`.
    Umbrella,
    /// In `::aio_test`.
    AioTest,
}

/// Adds what cannot be given together.
fn check_combination(options: &Options, faults: &mut Faults) {
    let is_real = |value: &&Value| value.text("").is_ok_and(|text| text.value() == "real");
    if options.get("clock").filter(is_real).is_some() {
        for name in ["schedules", "seed", "strategy", "preemptive", "faults"] {
            if let Some(value) = options.get(name) {
                faults.add(
                    value,
                    format_args!("no `{name}` with `clock = \"real\"`: orders cannot be repeated in real time"),
                );
            }
        }
    } else if options.get("schedules").is_none() && options.get("seed").is_none() {
        for (name, what) in [("strategy", "a `strategy` chooses among orders"), ("preemptive", ONLY_IN_SOME_ORDERS)] {
            if let Some(value) = options.get(name) {
                faults.add(value, format_args!("{what}: say how many with `schedules`, or which one with `seed`"));
            }
        }
    }
}

/// The call that runs the function.
fn run(function: &Function, options: &Options, home: Home, faults: &mut Faults) -> TokenStream {
    let krate = options.read("crate", Value::path, faults);
    let seed = options.read("seed", Value::number, faults);
    let schedules = options.read("schedules", schedules, faults);
    let strategy = options.read("strategy", strategy, faults);
    let preemptive = options.read("preemptive", Value::flag, faults);
    let goes_wrong = options.read("faults", goes_wrong, faults);
    let clock = options.read("clock", clock, faults);
    let timeout = options.read("timeout", timeout, faults);
    let leaks = options.read("leaks", leaks, faults);

    let home = match (home, krate) {
        (Home::Umbrella, None) => quote!(::aio::testing),
        (Home::Umbrella, Some(path)) => quote!(#path::testing),
        (Home::AioTest, None) => quote!(::aio_test),
        (Home::AioTest, Some(path)) => quote!(#path),
    };
    let seed = seed.map(|seed| quote!(.seed(#seed)));
    let schedules = schedules.map(|schedules| quote!(.schedules(#schedules)));
    let strategy = strategy.map(|strategy| quote!(.strategy(#home::Strategy::#strategy)));
    let preemptive = preemptive.map(|preemptive| quote!(.preemptive(#preemptive)));
    let goes_wrong = goes_wrong.map(|which| quote!(.faults(#home::Faults::#which())));
    let clock = clock.map(|clock| quote!(.clock(#home::Clock::#clock)));
    let timeout = timeout.map(|timeout| quote!(.timeout(#timeout)));
    let leaks = leaks.map(|leaks| quote!(.leaks(#home::Leaks::#leaks)));
    let name = function.name();
    // As the harness calls the test: without the name of the crate, up to the first `::`.
    let path = quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)));
    let path = quote!(#path.split_once("::").map_or("", |(_, path)| path));
    let run = Ident::new("run", function.output_span());
    let settings = quote!(#seed #schedules #strategy #preemptive #goes_wrong #clock #timeout #leaks);
    quote!(#home::Test::new(#path) #settings .#run(#name))
}

fn schedules(value: &Value) -> Result<TokenStream> {
    let number = value.number()?;
    match number.value {
        0 => Err(value.error("no schedules are no test: `schedules` is at least 1")),
        _ => Ok(quote!(#number)),
    }
}

fn timeout(value: &Value) -> Result<Millis> {
    match value.duration()? {
        Millis(0) => Err(value.error("a `timeout` of zero leaves no time to run in: for no limit, say a long one")),
        duration => Ok(duration),
    }
}

fn strategy(value: &Value) -> Result<TokenStream> {
    let known = "`\"uniform\"`, or `\"pct\"` with or without a depth";
    let text = value.text(known)?.value();
    match text.split_once(':').map_or((&*text, None), |(name, depth)| (name, Some(depth))) {
        ("uniform", None) => Ok(quote!(Uniform)),
        ("uniform", Some(_)) => Err(value.error("the strategy `uniform` has no depth")),
        ("pct", depth) => match depth.map_or(Ok(PCT_DEPTH), str::parse::<u64>) {
            Ok(depth @ 1..) => {
                let depth = Literal::u64_unsuffixed(depth);
                Ok(quote!(Pct { depth: #depth }))
            }
            _ => Err(value.error("the depth of `pct` is a whole number from 1 on, such as `strategy = \"pct:5\"`")),
        },
        _ => Err(value.unknown(&text, &["uniform", "pct", "pct:5"])),
    }
}

fn goes_wrong(value: &Value) -> Result<TokenStream> {
    match &*value.text("`\"all\"` or `\"none\"`")?.value() {
        "all" => Ok(quote!(all)),
        "none" => Ok(quote!(none)),
        other => Err(value.unknown(other, &["all", "none"])),
    }
}

fn clock(value: &Value) -> Result<TokenStream> {
    match &*value.text("`\"virtual\"` or `\"real\"`")?.value() {
        "virtual" => Ok(quote!(Virtual)),
        "real" => Ok(quote!(Real)),
        other => Err(value.unknown(other, &["virtual", "real"])),
    }
}

fn leaks(value: &Value) -> Result<TokenStream> {
    match &*value.text("`\"fail\"` or `\"allow\"`")?.value() {
        "fail" => Ok(quote!(Fail)),
        "allow" => Ok(quote!(Allow)),
        other => Err(value.unknown(other, &["fail", "allow"])),
    }
}
