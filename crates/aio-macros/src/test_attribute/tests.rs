use proc_macro2::TokenStream;

use super::Home;
use crate::faults::Faults;
use crate::testing::{assert_fault, call, expanded, normal, tokens};

const ONE: &str = "async fn one() {}";

fn expand(options: TokenStream, item: TokenStream) -> (TokenStream, Faults) {
    super::expand(options, item, Home::Umbrella)
}

fn expand_in_aio_test(options: TokenStream, item: TokenStream) -> (TokenStream, Faults) {
    super::expand(options, item, Home::AioTest)
}

/// The test itself, with the calls `settings` and those that are always there.
fn test(home: &str, settings: &str) -> String {
    let path = "::core::concat!(::core::module_path!(), \"::\", ::core::stringify!(one))";
    let path = format!("{path}.split_once(\"::\").map_or(\"\", |(_, path)| path)");
    normal(&format!("{home}::Test::new({path}) {settings} .run(one)"))
}

#[test]
fn the_function_becomes_a_test_of_the_harness() {
    let run = test("::aio::testing", "");
    assert_eq!(
        expanded(expand, "", "/// Docs.\n#[should_panic(expected = \"a\")] async fn one() -> R { work().await }"),
        normal(&format!(
            "/// Docs.\n #[should_panic(expected = \"a\")]
            #[::core::prelude::v1::test]
            fn one() -> R {{
                #[allow(clippy::unused_async)]
                async fn one() -> R {{ work().await }}
                {run}
            }}"
        )),
    );
}

#[test]
fn options_are_settings_of_the_test() {
    let here = "::aio::testing";
    for (options, settings) in [
        ("seed = 7", ".seed(7)".to_owned()),
        ("seed = 0xFFFF_FFFF_FFFF_FFFF", ".seed(18446744073709551615)".to_owned()),
        ("schedules = 1_000", ".schedules(1000)".to_owned()),
        ("schedules = 1000, seed = 7", ".seed(7).schedules(1000)".to_owned()),
        ("seed = 7, strategy = \"uniform\"", format!(".seed(7).strategy({here}::Strategy::Uniform)")),
        ("schedules = 9, strategy = \"pct\"", format!(".schedules(9).strategy({here}::Strategy::Pct {{ depth: 3 }})")),
        (
            "schedules = 9, strategy = \"pct:5\"",
            format!(".schedules(9).strategy({here}::Strategy::Pct {{ depth: 5 }})"),
        ),
        ("seed = 1, preemptive", ".seed(1).preemptive(true)".to_owned()),
        ("seed = 1, preemptive = false", ".seed(1).preemptive(false)".to_owned()),
        ("faults = \"all\"", format!(".faults({here}::Faults::all())")),
        ("faults = \"none\"", format!(".faults({here}::Faults::none())")),
        ("clock = \"virtual\"", format!(".clock({here}::Clock::Virtual)")),
        ("clock = \"real\"", format!(".clock({here}::Clock::Real)")),
        ("timeout = \"30s\"", ".timeout(::core::time::Duration::from_millis(30000))".to_owned()),
        ("leaks = \"allow\"", format!(".leaks({here}::Leaks::Allow)")),
        ("leaks = \"fail\"", format!(".leaks({here}::Leaks::Fail)")),
        (
            "leaks = \"fail\", timeout = \"1ms\", clock = \"virtual\", strategy = \"uniform\", schedules = 2, \
             seed = 1,",
            format!(
                ".seed(1).schedules(2).strategy({here}::Strategy::Uniform).clock({here}::Clock::Virtual)
                 .timeout(::core::time::Duration::from_millis(1)).leaks({here}::Leaks::Fail)"
            ),
        ),
    ] {
        assert_eq!(call(expand, options, ONE), test(here, &settings), "{options}");
    }
}

#[test]
fn each_home_has_a_path_of_its_own() {
    let real = |home: &str| test(home, &format!(".clock({home}::Clock::Real)"));
    let options = "clock = \"real\", crate = \"renamed\"";
    assert_eq!(call(expand, options, ONE), real("renamed::testing"));
    assert_eq!(call(expand_in_aio_test, options, ONE), real("renamed"));
    assert_eq!(call(expand_in_aio_test, "clock = \"real\"", ONE), real("::aio_test"));
}

#[test]
fn options_that_are_not_there_are_told_which_there_are() {
    let known = "but `seed`, `schedules`, `strategy`, `preemptive`, `faults`, `clock`, `timeout`, `leaks` and `crate`";
    let orders = "; a test runs on one thread, and `schedules = 1000` tries orders that several would give";
    for (options, name, hint) in [
        ("iterations = 4", "iterations", ""),
        ("grace = \"5s\"", "grace", ""),
        ("start_paused = true", "start_paused", "; time is virtual without tokio's `start_paused`"),
        ("flavor = \"multi_thread\"", "flavor", orders),
        ("worker_threads = 4", "worker_threads", orders),
        ("workers = 4", "workers", orders),
    ] {
        let message = format!("`#[aio::test]` has no option `{name}`, {known}{hint}");
        assert_fault(expand, options, ONE, &message, name);
    }
}

#[test]
fn a_value_of_another_type_is_told_what_is_taken() {
    let strategy = "`strategy` takes `\"uniform\"`, or `\"pct\"` with or without a depth, such as `strategy = \"pct\"`";
    let depth = "the depth of `pct` is a whole number from 1 on, such as `strategy = \"pct:5\"`";
    for (options, message, at) in [
        ("seed = \"7\"", "`seed` takes a whole number, such as `seed = 7`", "\"7\""),
        ("seed = -7", "`seed` takes a whole number, such as `seed = 7`", "-7"),
        ("seed", "`seed` takes a whole number, such as `seed = 7`", "seed"),
        ("schedules = 1e3", "`schedules` takes a whole number, such as `schedules = 1000`", "1e3"),
        ("seed = 1, strategy = pct", strategy, "pct"),
        ("seed = 1, strategy = \"random\"", "`random` is none of `uniform`, `pct`, `pct:5`", "\"random\""),
        ("seed = 1, strategy = \"pct:\"", depth, "\"pct:\""),
        ("seed = 1, strategy = \"pct:0\"", depth, "\"pct:0\""),
        ("seed = 1, strategy = \"pct:x\"", depth, "\"pct:x\""),
        ("seed = 1, strategy = \"uniform:2\"", "the strategy `uniform` has no depth", "\"uniform:2\""),
        ("faults = \"some\"", "`some` is none of `all`, `none`", "\"some\""),
        ("faults", "`faults` takes `\"all\"` or `\"none\"`, such as `faults = \"all\"`", "faults"),
        ("clock = true", "`clock` takes `\"virtual\"` or `\"real\"`, such as `clock = \"real\"`", "true"),
        ("clock = \"paused\"", "`paused` is none of `virtual`, `real`", "\"paused\""),
        ("timeout = 30s", "a duration stands in quotes: `timeout = \"30s\"`", "30s"),
        ("leaks = false", "`leaks` takes `\"fail\"` or `\"allow\"`, such as `leaks = \"allow\"`", "false"),
        ("leaks = \"ignore\"", "`ignore` is none of `fail`, `allow`", "\"ignore\""),
    ] {
        assert_fault(expand, options, ONE, message, at);
    }
}

#[test]
fn what_would_test_nothing_is_refused() {
    let none = "no schedules are no test: `schedules` is at least 1";
    assert_fault(expand, "schedules = 0", ONE, none, "0");
    let none = "a `timeout` of zero leaves no time to run in: for no limit, say a long one";
    assert_fault(expand, "timeout = \"0s\"", ONE, none, "\"0s\"");
}

#[test]
fn a_strategy_needs_orders_to_choose_from() {
    let message = "a `strategy` chooses among orders: say how many with `schedules`, or which one with `seed`";
    assert_fault(expand, "strategy = \"pct\", leaks = \"allow\"", ONE, message, "strategy = \"pct\"");
    let message =
        "`preemptive` lets others get in, in some orders: say how many with `schedules`, or which one with `seed`";
    assert_fault(expand, "preemptive", ONE, message, "preemptive");
}

#[test]
fn real_time_repeats_no_order() {
    for (name, option) in
        [("schedules", "schedules = 10"), ("seed", "seed = 7"), ("strategy", "strategy = \"uniform\"")]
    {
        let message = format!("no `{name}` with `clock = \"real\"`: orders cannot be repeated in real time");
        assert_fault(expand, &format!("{option}, clock = \"real\""), ONE, &message, option);
    }
}

#[test]
fn a_function_is_one_test_and_not_two() {
    let message = "with `#[aio::test]` the function is a test already, and would be run twice: remove this";
    for other in ["#[test]", "#[core::prelude::v1::test]", "#[aio::test(seed = 1)]", "#[tokio::test]"] {
        assert_fault(expand, "", &format!("#[cfg(test)] {other} {ONE}"), message, other);
    }
}

#[test]
fn a_function_that_cannot_be_run_is_told_why() {
    let harness = "the test harness";
    for (item, message, at) in [
        ("fn one() {}", "the function is not async: write `async fn`".to_owned(), "fn"),
        ("async fn one(n: u8) {}", format!("{harness} has no arguments to pass"), "n: u8"),
        ("async fn one<T>() {}", format!("{harness} has nothing to put in for generic parameters"), "<T>"),
        ("const async fn one() {}", format!("{harness} runs it, and not the compiler: remove `const`"), "const"),
        ("async unsafe fn one() {}", format!("{harness} calls it without any promise: remove `unsafe`"), "unsafe"),
        ("async extern fn one() {}", format!("{harness} calls it as Rust does: remove `extern`"), "extern"),
    ] {
        assert_fault(expand, "", item, &message, at);
    }
    let message = "`#[aio::test]` belongs on an `async fn` with a body: the test, from its start to its end";
    assert_fault(expand, "", "mod tests {}", message, "mod tests {}");
}

#[test]
fn a_return_type_that_is_no_outcome_is_told_of_in_the_signature() {
    let (expansion, _) = expand(tokens(""), tokens("async fn one() -> Vec<u8> {}"));
    let file: syn::File = syn::parse2(expansion).unwrap();
    let [syn::Item::Fn(outer)] = &file.items[..] else { panic!("one function") };
    let Some(syn::Stmt::Expr(syn::Expr::MethodCall(run), None)) = outer.block.stmts.last() else { panic!("a call") };
    assert_eq!(run.method, "run");
    assert_eq!(run.method.span().source_text().as_deref(), Some("Vec"));
}
