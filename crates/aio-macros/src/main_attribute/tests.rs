use super::expand;
use crate::faults::Faults;
use crate::testing::{assert_fault, call, expanded, normal, tokens};

const MAIN: &str = "async fn main() {}";

#[test]
fn without_options_the_function_is_run_by_run() {
    assert_eq!(
        expanded(expand, "", "/// Docs.\n#[inline] pub(crate) async fn main() -> Result<(), Error> { work().await }"),
        normal(
            "/// Docs.\n #[inline]
            pub(crate) fn main() -> Result<(), Error> {
                #[allow(clippy::unused_async)]
                async fn main() -> Result<(), Error> { work().await }
                ::aio::run(main())
            }"
        ),
    );
}

#[test]
fn options_are_settings_of_a_runner() {
    for (options, run) in [
        ("workers = 4", "::aio::Runner::new().workers(4).run(main())"),
        ("workers = 0", "::aio::Runner::new().workers(0).run(main())"),
        ("workers = 0x1_0", "::aio::Runner::new().workers(16).run(main())"),
        ("debug", "::aio::Runner::new().debug(true).run(main())"),
        ("debug = true", "::aio::Runner::new().debug(true).run(main())"),
        ("debug = false,", "::aio::Runner::new().debug(false).run(main())"),
        (
            "grace = \"2m\"",
            "::aio::Runner::new().shutdown_grace(::core::time::Duration::from_millis(120000)).run(main())",
        ),
        (
            "grace = \"0s\", debug, workers = 2",
            "::aio::Runner::new().workers(2).debug(true).shutdown_grace(::core::time::Duration::from_millis(0)) \
             .run(main())",
        ),
        ("crate = \"crate::runtime\"", "crate::runtime::run(main())"),
        ("crate = \"::renamed\", debug", "::renamed::Runner::new().debug(true).run(main())"),
    ] {
        assert_eq!(call(expand, options, MAIN), normal(run), "{options}");
    }
}

#[test]
fn a_function_may_have_any_name_and_visibility_and_inner_attributes() {
    assert_eq!(
        expanded(expand, "", "pub async fn serve() -> ! { #![allow(unused)] loop {} }"),
        normal(
            "pub fn serve() -> ! {
                #[allow(clippy::unused_async)]
                async fn serve() -> ! { #![allow(unused)] loop {} }
                ::aio::run(serve())
            }"
        ),
    );
}

#[test]
fn options_that_are_not_there_are_told_which_there_are() {
    let known = "but `workers`, `debug`, `grace` and `crate`";
    for (options, name, hint) in [
        ("worker = 4", "worker", ""),
        ("Workers = 4", "Workers", ""),
        ("seed = 4", "seed", ""),
        ("worker_threads = 4", "worker_threads", "; tokio's `worker_threads = 4` is `workers = 4`"),
        (
            "flavor = \"multi_thread\"",
            "flavor",
            "; tokio's `flavor` is `workers`: one thread without it, as many as the machine runs with `workers = 0`",
        ),
        (
            "start_paused = true",
            "start_paused",
            "; tokio's `start_paused` is for tests: the time of an `#[aio::test]` is virtual",
        ),
    ] {
        let message = format!("`#[aio::main]` has no option `{name}`, {known}{hint}");
        assert_fault(expand, options, MAIN, &message, name);
    }
}

#[test]
fn an_option_is_given_once() {
    assert_fault(expand, "debug, debug = true", MAIN, "`debug` is given twice", "debug");
    assert_fault(expand, "workers = 1, debug, workers = 2", MAIN, "`workers` is given twice", "workers");
}

#[test]
fn a_value_of_another_type_is_told_what_is_taken() {
    let workers = "`workers` takes a whole number, such as `workers = 4`";
    let debug = "`debug` takes `true` or `false`, such as `debug = true`";
    let grace = "`grace` takes a duration, such as `grace = \"5s\"`";
    let krate = "`crate` takes a path in quotes, such as `crate = \"aio\"`";
    for (options, message, at) in [
        ("workers", workers, "workers"),
        ("workers =", workers, "="),
        ("workers = , debug", workers, "="),
        ("workers = \"4\"", workers, "\"4\""),
        ("workers = 4.0", workers, "4.0"),
        ("workers = -4", workers, "-4"),
        ("workers = 2 * N", workers, "2 * N"),
        ("workers = true", workers, "true"),
        ("workers = 4u8", "`workers` takes a whole number without a suffix, such as `workers = 4`", "4u8"),
        ("workers = 99999999999999999999", "`workers` is at most 18446744073709551615", "99999999999999999999"),
        ("debug = 1", debug, "1"),
        ("debug = \"true\"", debug, "\"true\""),
        ("debug =", debug, "="),
        ("grace", grace, "grace"),
        ("grace = 5", grace, "5"),
        ("grace = 5.0", grace, "5.0"),
        ("grace = -5s", grace, "-5s"),
        ("grace = Duration::from_secs(5)", grace, "Duration::from_secs(5)"),
        ("grace = 5s", "a duration stands in quotes: `grace = \"5s\"`", "5s"),
        ("crate = aio", krate, "aio"),
        ("crate = 5", krate, "5"),
        ("crate = \"a b\"", "`a b` is no path, such as `crate = \"aio\"`", "\"a b\""),
        ("crate = \"\"", "`` is no path, such as `crate = \"aio\"`", "\"\""),
    ] {
        assert_fault(expand, options, MAIN, message, at);
    }
}

#[test]
fn a_duration_that_is_none_is_told_why() {
    for (text, why) in [
        ("soon", "it has to begin with a whole number"),
        ("5", "it lacks a unit: one of `ms`, `s`, `m` and `h`"),
        ("5 sec", "it has to be a whole number and one of the units `ms`, `s`, `m` and `h`"),
        ("99999999999999999999h", "it is too long"),
    ] {
        let message = format!("`{text}` is no duration: {why}, such as `grace = \"5s\"`");
        assert_fault(expand, &format!("grace = \"{text}\""), MAIN, &message, &format!("\"{text}\""));
    }
}

#[test]
fn what_is_no_list_of_options_is_told_where() {
    assert_fault(expand, "workers 4", MAIN, "expected `,`", "4");
    assert_fault(expand, "4", MAIN, "expected the name of an option", "4");
    assert_fault(expand, "debug,,", MAIN, "expected the name of an option", ",");
}

#[test]
fn a_function_that_cannot_be_run_is_told_why() {
    let start = "the start of the program";
    for (item, message, at) in [
        ("fn main() {}", "the function is not async: write `async fn`".to_owned(), "fn"),
        ("async fn main(a: A, b: B) {}", format!("{start} has no arguments to pass"), "a: A, b: B"),
        ("async fn run(&self) {}", format!("{start} has no arguments to pass"), "&self"),
        ("async fn main<T: Copy>() {}", format!("{start} has nothing to put in for generic parameters"), "<T: Copy>"),
        ("async fn main<'a>() {}", format!("{start} has nothing to put in for generic parameters"), "<'a>"),
        ("const async fn main() {}", format!("{start} runs it, and not the compiler: remove `const`"), "const"),
        ("async unsafe fn main() {}", format!("{start} calls it without any promise: remove `unsafe`"), "unsafe"),
        ("async extern \"C\" fn main() {}", format!("{start} calls it as Rust does: remove `extern`"), "extern \"C\""),
    ] {
        if item.contains("&self") {
            // Not in a file, but in an `impl`.
            assert_eq!(told(item), [(message, at.to_owned())]);
        } else {
            assert_fault(expand, "", item, &message, at);
        }
    }
}

#[test]
fn what_is_no_function_is_told_so_and_left_alone() {
    let message = "`#[aio::main]` belongs on an `async fn` with a body: the program, from its start to its end";
    for item in ["struct Main;", "mod main {}", "static MAIN: u8 = 1;", "impl Main { async fn main() {} }"] {
        assert_fault(expand, "", item, message, item);
        assert_eq!(expand(tokens(""), tokens(item)).0.to_string(), normal(item));
    }
    assert_eq!(told("async fn main();"), [(message.to_owned(), "async fn main();".to_owned())]);
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = expand(tokens("flavor = 1, workers = \"4\", grace = \"5\""), tokens("unsafe fn main(a: u8) {}")).1;
    let at: Vec<String> = faults.told().into_iter().map(|(_, at)| at).collect();
    assert_eq!(at, ["flavor", "\"4\"", "\"5\"", "unsafe", "fn", "a: u8"]);
}

#[test]
fn a_fault_does_not_make_others() {
    let left = |options: &str, item: &str| expand(tokens(options), tokens(item)).0.to_string();
    // A wrong option is left out, and what is right about the function stays.
    assert_eq!(left("workers = -1, debug", MAIN), left("debug", MAIN));
    for item in ["async unsafe fn main() {}", "const async extern fn main() {}", "fn main() {}"] {
        assert_eq!(left("", item), left("", MAIN));
    }
    // There still is a `main`, and it is not async.
    assert_eq!(
        left("", "async fn main(n: u8) { work(n).await }"),
        normal("fn main() { #[allow(unused)] async fn main(n: u8) { work(n).await } }"),
    );
    // Others call it with arguments, and await it.
    assert_eq!(
        left("", "pub async fn serve(n: u8) { work(n).await }"),
        normal("#[allow(unused)] pub async fn serve(n: u8) { work(n).await }"),
    );
}

#[test]
fn every_fault_is_an_error_of_the_compiler() {
    let errors = |faults: Faults| faults.into_tokens().to_string().matches("compile_error").count();
    assert_eq!(errors(expand(tokens(""), tokens(MAIN)).1), 0);
    assert_eq!(errors(expand(tokens("seed = 1, debug = 1"), tokens(MAIN)).1), 2);
}

#[test]
fn the_body_and_the_signature_keep_their_places_in_the_users_text() {
    let (expansion, _) =
        expand(tokens("debug"), tokens("async fn main() -> Result<(), Error> { work().await?; Ok(()) }"));
    let file: syn::File = syn::parse2(expansion).unwrap();
    let [syn::Item::Fn(outer)] = &file.items[..] else { panic!("one function") };
    let syn::Stmt::Item(syn::Item::Fn(inner)) = &outer.block.stmts[0] else { panic!("a function inside") };
    let text =
        |tokens: &dyn quote::ToTokens| syn::Error::new_spanned(tokens.to_token_stream(), "").span().source_text();
    assert_eq!(text(&inner.sig).unwrap(), "async fn main() -> Result<(), Error>");
    assert_eq!(text(&inner.block).unwrap(), "{ work().await?; Ok(()) }");
    assert_eq!(text(&outer.sig.output).unwrap(), "-> Result<(), Error>");
}

fn told(item: &str) -> Vec<(String, String)> {
    expand(tokens(""), tokens(item)).1.told()
}
