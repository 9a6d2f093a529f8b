//! The rules, each a function from sources to findings.

use std::collections::BTreeSet;

use super::{Finding, UNMODELLED};
use crate::source::{Line, Source, Tree};

/// The files behind which the facade hides the standard library.
const FACADE: [&str; 2] = ["crates/aio-base/src/sync.rs", "crates/aio-base/src/thread.rs"];
/// The file that reads the clock.
const CLOCK: &str = "crates/aio-core/src/clock.rs";
const MAX_WIDTH: usize = 120;

fn finding(source: &Source, line: usize, rule: &'static str, message: String) -> Finding {
    Finding { path: source.path.clone(), line, rule, message }
}

/// Reports each of `lines` that contains one of `patterns` and is not excepted.
fn forbid<'a>(
    source: &'a Source,
    lines: impl Iterator<Item = (usize, &'a Line)>,
    rule: &'static str,
    patterns: &[(&str, &str)],
    findings: &mut Vec<Finding>,
) {
    for (number, line) in lines {
        if let Some((pattern, why)) = patterns.iter().find(|(pattern, _)| contains(&line.code, pattern))
            && !source.is_excepted(number, rule)
        {
            findings.push(finding(source, number, rule, format!("`{pattern}`: {why}")));
        }
    }
}

/// Whether `code` contains `pattern` other than as the end of a longer name.
fn contains(code: &str, pattern: &str) -> bool {
    code.match_indices(pattern).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

pub(super) fn facade(source: &Source, findings: &mut Vec<Finding>) {
    if FACADE.contains(&source.path.as_str()) {
        return;
    }
    let why = "take it from `aio_base::sync` or `aio_base::thread`, or say why not: `// facade: reason`";
    let patterns = [
        ("std::sync", why),
        ("core::sync", why),
        ("std::thread", why),
        ("loom::", "only the facade and the models know loom"),
        ("std::{", "one `use` for each module of std, so that what it takes can be seen"),
    ];
    // `panicking` looks at this thread only. `Wake` asks for std's `Arc`: its methods say so, elsewhere a comment does.
    let harmless = ["std::thread::panicking", "self: std::sync::Arc<Self>", "self: &std::sync::Arc<Self>"];
    let for_wake = |number, code: &str| {
        code.contains("std::sync::Arc") && source.comments(number).any(|comment| comment.contains("Wake"))
    };
    let lines = source.library_lines().filter(|(number, line)| {
        !harmless.iter().any(|harmless| line.code.contains(harmless)) && !for_wake(*number, &line.code)
    });
    forbid(source, lines, "facade", &patterns, findings);

    // The macro of the prelude; that of the facade comes with its path.
    let bare = source.library_lines().filter(|(_, line)| !line.code.contains("::thread_local!"));
    let why = "loom does not see it: use `aio_base::thread_local!`";
    forbid(source, bare, "facade", &[("thread_local!", why)], findings);
}

pub(super) fn clock(source: &Source, findings: &mut Vec<Finding>) {
    if source.path != CLOCK {
        let why = "ask the loop's clock: `aio_core::now()`";
        forbid(source, source.library_lines(), "clock", &[("Instant::now", why)], findings);
    }
    let why = "no test waits on the clock; if it asserts a lower bound only, say so: `// clock: reason`";
    let tests = source.numbered().filter(|(_, line)| line.test);
    forbid(source, tests, "clock", &[("thread::sleep", why)], findings);
}

pub(super) fn unfinished(source: &Source, findings: &mut Vec<Finding>) {
    if !source.path.starts_with("crates/") && !source.path.starts_with("tests/") {
        return;
    }
    let why = "finish it or cut it";
    let patterns =
        [("todo!", why), ("unimplemented!", why), ("dbg!", why), ("#[ignore", why), ("allow(dead_code", why)];
    forbid(source, source.numbered(), "unfinished", &patterns, findings);
}

pub(super) fn lines(source: &Source, findings: &mut Vec<Finding>) {
    let is_table = |text: &str| source.path.ends_with(".md") && text.starts_with('|');
    for (number, line) in source.numbered() {
        if is_table(&line.text) && !line.text.trim_end().ends_with('|') {
            findings.push(finding(source, number, "lines", "a row of a table is one line, to its last `|`".to_owned()));
        }
        let width = line.text.chars().count();
        if width > MAX_WIDTH && !is_table(&line.text) {
            findings.push(finding(source, number, "lines", format!("{width} characters, {MAX_WIDTH} are allowed")));
        }
    }
}

pub(super) fn model(tree: &Tree, findings: &mut Vec<Finding>) {
    let modelled: BTreeSet<&str> = tree
        .sources
        .iter()
        .filter(|source| source.is_library())
        .filter(|source| source.has_loom_models())
        .map(module)
        .collect();
    // Where a file without a model first does what a model is for.
    let needs = |source: &Source| {
        let is_bare = !FACADE.contains(&source.path.as_str()) && !modelled.contains(module(source));
        source.library_lines().find(|(_, line)| is_bare && is_atomic(&line.code)).map(|(number, _)| number)
    };

    let mut listed = BTreeSet::new();
    if let Some(list) = tree.find(UNMODELLED) {
        for (number, line) in list.numbered().filter(|(_, line)| !line.text.is_empty() && !line.text.starts_with('#')) {
            let (path, reason) = line.text.split_once(": ").unwrap_or((&line.text, ""));
            listed.insert(path);
            if reason.trim().is_empty() {
                findings.push(finding(list, number, "model", "say why: `path: reason`".to_owned()));
            }
            if tree.find(path).and_then(needs).is_none() {
                let message = format!("`{path}` needs no place here: it has a model, no atomics, or is not there");
                findings.push(finding(list, number, "model", message));
            }
        }
    }
    for source in &tree.sources {
        if let Some(number) = needs(source).filter(|_| !listed.contains(source.path.as_str())) {
            let message = format!("atomics without a loom model in this module: write one or list it in {UNMODELLED}");
            findings.push(finding(source, number, "model", message));
        }
    }
}

/// The top-level module of a file of a library, as a path: `crates/x/src/wheel` for `wheel.rs` and all of `wheel/`.
fn module(source: &Source) -> &str {
    let Some(src) = source.path.find("/src/").map(|at| at + "/src/".len()) else { return &source.path };
    let end = source.path[src..].find(['/', '.']).map_or(source.path.len(), |at| src + at);
    &source.path[..end]
}

/// Whether a line of code names an atomic type, an ordering or an `UnsafeCell`. The orderings find the state words of
/// code that is generic over its home.
fn is_atomic(code: &str) -> bool {
    let atomic_type = code.split("Atomic").skip(1).any(|rest| rest.starts_with(char::is_uppercase));
    let orderings = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
    atomic_type
        || contains(code, "UnsafeCell")
        || orderings.iter().any(|ordering| code.contains(&format!("Ordering::{ordering}")))
}

pub(super) fn manifest(tree: &Tree, members: &[String], findings: &mut Vec<Finding>) {
    for source in tree.sources.iter().filter(|source| members.contains(&source.path)) {
        let has = |wanted: &str| source.lines.iter().any(|line| line.text == wanted);
        if !source.lines.windows(2).any(|pair| pair[0].text == "[lints]" && pair[1].text == "workspace = true") {
            findings.push(finding(source, 1, "manifest", "no `[lints] workspace = true`".to_owned()));
        }
        if !has("rust-version.workspace = true") {
            findings.push(finding(source, 1, "manifest", "no `rust-version.workspace = true`".to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    /// The places of all findings, as `path:line rule`.
    fn found(texts: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::new(texts.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect());
        let members = ["crates/x/Cargo.toml".to_owned()];
        check(&tree, &members).iter().map(|found| format!("{}:{} {}", found.path, found.line, found.rule)).collect()
    }

    #[test]
    fn the_standard_library_is_seen_behind_the_facade_only() {
        let text = "\
use std::sync::Mutex;
use std::sync::Once; // facade: because
use aio_base::sync::Arc;
fn f() { std::thread::spawn(g) }
fn g() { std::thread::panicking() }
fn wake(self: std::sync::Arc<Self>) {}
// What `Wake` asks for.
use std::sync::Arc;
use std::{cell::Cell, sync::Arc};
thread_local! {}
aio_base::thread_local! {}
use loom::cell;
";
        let lines = |path: &str| -> Vec<String> {
            let all = found(&[(path, text)]);
            all.iter().map(|finding| finding[path.len() + 1..].to_owned()).collect()
        };
        assert_eq!(lines("crates/x/src/a.rs"), ["1 facade", "4 facade", "9 facade", "10 facade", "12 facade"]);
        for exempt in ["crates/aio-base/src/sync.rs", "crates/x/tests/a.rs", "crates/x/examples/a.rs", "bench/src/a.rs"]
        {
            assert_eq!(lines(exempt), [""; 0], "{exempt}");
        }
    }

    #[test]
    fn the_clock_is_read_in_one_file() {
        let text = "fn f() { std::time::Instant::now() }\nfn f() { Instant::now() }\n#[cfg(test)]\nuse Instant::now;";
        assert_eq!(found(&[("crates/x/src/a.rs", text)]), ["crates/x/src/a.rs:1 clock", "crates/x/src/a.rs:2 clock"]);
        for exempt in ["crates/aio-core/src/clock.rs", "crates/x/tests/a.rs", "crates/x/benches/a.rs"] {
            assert_eq!(found(&[(exempt, text)]), [""; 0], "{exempt}");
        }
    }

    #[test]
    fn a_test_that_sleeps_says_why() {
        let text = "thread::sleep(a);\nstd::thread::sleep(a);\nthread::sleep(a); // clock: a lower bound\n";
        assert_eq!(found(&[("tests/tests/a.rs", text)]), ["tests/tests/a.rs:1 clock", "tests/tests/a.rs:2 clock"]);
    }

    #[test]
    fn atomics_have_a_model_or_a_reason() {
        let atomics = "use Nothing;\nstatic N: AtomicUsize;";
        let model = "#[cfg(all(test, aio_loom))]\nmod models {}";
        assert_eq!(found(&[("crates/x/src/a.rs", atomics)]), ["crates/x/src/a.rs:2 model"]);
        assert_eq!(found(&[("crates/x/src/a.rs", "word.load(Ordering::Acquire)")]), ["crates/x/src/a.rs:1 model"]);
        assert_eq!(found(&[("crates/x/src/a.rs", "a: UnsafeCell<T>,")]), ["crates/x/src/a.rs:1 model"]);
        assert_eq!(found(&[("crates/x/src/a.rs", "a.cmp(b) == Ordering::Less")]), [""; 0]);
        assert_eq!(found(&[("crates/x/src/a.rs", atomics), ("crates/x/src/a/tests.rs", model)]), [""; 0]);
        assert_eq!(
            found(&[("crates/x/src/a.rs", atomics), ("crates/x/src/b.rs", model)]),
            ["crates/x/src/a.rs:2 model"]
        );
        let list = "# why not\ncrates/x/src/a.rs: a counter\n";
        assert_eq!(found(&[("crates/x/src/a.rs", atomics), (UNMODELLED, list)]), [""; 0]);
    }

    #[test]
    fn the_list_of_exceptions_cannot_go_stale() {
        let line = format!("{UNMODELLED}:1 model");
        let listed = (UNMODELLED, "crates/x/src/a.rs: a counter");
        assert_eq!(found(&[listed]), [line.as_str()]);
        assert_eq!(found(&[listed, ("crates/x/src/a.rs", "use Nothing;")]), [line.as_str()]);
        let modelled = "static N: AtomicUsize;\n#[cfg(all(test, aio_loom))]\nmod models {}";
        assert_eq!(found(&[listed, ("crates/x/src/a.rs", modelled)]), [line.as_str()]);
        let bare = ("crates/x/src/a.rs", "static N: AtomicUsize;");
        assert_eq!(found(&[(UNMODELLED, "crates/x/src/a.rs"), bare]), [line.as_str()]);
    }

    #[test]
    fn nothing_is_left_to_do() {
        let text = "todo!()\n#[ignore]\n#[allow(dead_code)]\ndbg!(x);\nunimplemented!()\n// todo!()";
        let expected: Vec<String> = (1..=5).map(|n| format!("crates/x/tests/a.rs:{n} unfinished")).collect();
        assert_eq!(found(&[("crates/x/tests/a.rs", text)]), expected);
    }

    #[test]
    fn long_lines_are_found_in_comments_and_documents_too() {
        let long = format!("// {}\n", "ä".repeat(118));
        assert_eq!(
            found(&[("bench/src/a.rs", &long), ("README.md", &long)]),
            ["README.md:1 lines", "bench/src/a.rs:1 lines"]
        );
        assert_eq!(
            found(&[("bench/src/a.rs", &"ä".repeat(120)), ("README.md", &format!("| {} |", long.trim_end()))]),
            [""; 0]
        );
        assert_eq!(found(&[("README.md", "| a row\nin two lines |")]), ["README.md:1 lines"]);
    }

    #[test]
    fn a_member_takes_the_lints_of_the_workspace() {
        let good = "rust-version.workspace = true\n\n[lints]\nworkspace = true\n";
        assert_eq!(found(&[("crates/x/Cargo.toml", good)]), [""; 0]);
        let bad = "[lints.rust]\nworkspace = true\n";
        assert_eq!(found(&[("crates/x/Cargo.toml", bad)]), ["crates/x/Cargo.toml:1 manifest"; 2]);
    }
}
