//! The sources line by line: which of them are library code, which are tests, and tests of what kind.
//!
//! The line-based view is enough because rustfmt has the last word on how the sources are laid out.

use std::collections::BTreeSet;

/// All files that are looked at.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
}

#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root, with slashes.
    pub(crate) path: String,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// As it stands in the file.
    pub(crate) text: String,
    /// Without comments; empty if it is one.
    pub(crate) code: String,
    /// Whether it is compiled for tests only.
    pub(crate) test: bool,
}

impl Tree {
    /// From pairs of path and content.
    pub(crate) fn new(texts: Vec<(String, String)>) -> Self {
        let mut sources: Vec<Source> = texts.into_iter().map(|(path, text)| Source::new(path, &text)).collect();
        // A file is a test if the `mod` line that declares it is; so are the files below it.
        let test_modules: BTreeSet<String> = sources.iter().flat_map(Source::test_modules).collect();
        for source in &mut sources {
            let below = |module: &String| source.path.starts_with(&format!("{module}/"));
            let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
            if test_modules.contains(stem) || test_modules.iter().any(below) {
                source.lines.iter_mut().for_each(|line| line.test = true);
            }
        }
        Self { sources }
    }

    pub(crate) fn find(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// The sources below `folder`.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.path.starts_with(&format!("{folder}/")))
    }
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let rust = path.ends_with(".rs");
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        let mut lines: Vec<Line> = text
            .lines()
            .map(|line| Line {
                text: line.to_owned(),
                code: if rust { code(line) } else { String::new() },
                test: is_test,
            })
            .collect();
        mark_tests(&mut lines);
        Self { path, lines }
    }

    /// Whether it is a part of a library of `crates/`. Its tests, examples and benches are not.
    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("crates/") && self.path.contains("/src/") && self.path.ends_with(".rs")
    }

    /// The lines of code that end up in the library, with their numbers.
    pub(crate) fn library_lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        let is_library = self.is_library();
        self.numbered().filter(move |(_, line)| is_library && !line.test && !line.code.is_empty())
    }

    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether it holds loom models, or declares the file that does: `#[cfg(aio_loom)]`, and only in tests.
    pub(crate) fn has_loom_models(&self) -> bool {
        self.lines.iter().any(|line| {
            let code = line.code.trim_start();
            let is_cfg = code.starts_with("#[cfg(") || code.starts_with("#![cfg(");
            line.test && is_cfg && code.contains("aio_loom") && !code.contains("not(aio_loom)")
        })
    }

    /// The names of the property tests: functions in a `proptest!` block, or with one inside.
    pub(crate) fn property_tests(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut block_indent: Option<usize> = None;
        let mut latest = None;
        for line in &self.lines {
            let code = line.code.trim_start();
            let indent = line.code.len() - code.len();
            if let Some(rest) = code.strip_prefix("fn ") {
                latest = rest.split(['(', '<']).next();
                if block_indent.is_some() {
                    names.extend(latest);
                }
            }
            if code == "}" && block_indent == Some(indent) {
                block_indent = None;
            } else if code.ends_with("proptest! {") {
                block_indent = Some(indent);
            } else if code.starts_with("proptest!(") {
                names.extend(latest);
            }
        }
        names
    }

    /// The comment on the line and those directly above it, without their slashes.
    pub(crate) fn comments(&self, number: usize) -> impl Iterator<Item = &str> {
        let is_comment = |line: &&Line| line.text.trim_start().starts_with("//");
        let above = self.lines[..number - 1].iter().rev().take_while(is_comment);
        std::iter::once(&self.lines[number - 1]).chain(above).filter_map(|line| {
            let comment = line.text.strip_prefix(&line.code).unwrap_or(&line.text);
            comment.trim_start().strip_prefix("// ")
        })
    }

    /// Whether a comment names `rule` and gives a reason.
    pub(crate) fn is_excepted(&self, number: usize, rule: &str) -> bool {
        let reason = |comment: &str| Some(!comment.strip_prefix(rule)?.strip_prefix(": ")?.trim().is_empty());
        self.comments(number).any(|comment| reason(comment) == Some(true))
    }

    /// The modules declared for tests only, as paths without extension.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let folder = ["/lib", "/main", "/mod"].iter().find_map(|root| stem.strip_suffix(root)).unwrap_or(stem);
        let declared = self.lines.iter().filter(|line| line.test).filter_map(|line| {
            let name = line.code.trim().strip_suffix(';')?;
            name.strip_prefix("mod ").or_else(|| name.strip_prefix("pub(crate) mod "))
        });
        declared.map(|name| format!("{folder}/{name}")).collect()
    }
}

/// The line without its comment. A `//` inside a string is one only after a space, which no path or URL has.
fn code(line: &str) -> String {
    let code = if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or(line) };
    code.trim_end().to_owned()
}

/// Marks every item under a `cfg` that asks for `test`. Such an item ends, as rustfmt lays it out, at the first line of
/// the same indentation that closes something; an attribute of the whole file ends with the file.
fn mark_tests(lines: &mut [Line]) {
    let mut end_at: Option<usize> = None;
    let mut whole_file = false;
    for line in lines {
        let indent = line.code.len() - line.code.trim_start().len();
        let trimmed = line.code.trim();
        if whole_file || (trimmed.starts_with("#![cfg(") && asks_for_test(trimmed)) {
            whole_file = true;
            line.test = true;
        } else if let Some(end) = end_at {
            line.test = true;
            if indent == end && trimmed.ends_with([';', '}', ',']) {
                end_at = None;
            }
        } else if trimmed.starts_with("#[cfg(") && asks_for_test(trimmed) {
            line.test = true;
            end_at = Some(indent);
        }
    }
}

fn asks_for_test(attribute: &str) -> bool {
    let words = attribute.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.into_iter().any(|word| word == "test") && !attribute.contains("not(test") && !attribute.contains("any(")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library_code(tree: &Tree) -> Vec<String> {
        tree.sources.iter().flat_map(|s| s.library_lines().map(|(_, line)| line.code.trim().to_owned())).collect()
    }

    fn tree(texts: &[(&str, &str)]) -> Tree {
        Tree::new(texts.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect())
    }

    #[test]
    fn tests_and_comments_are_no_library_code() {
        let text = "\
//! use nothing;
use a; // b
#[cfg(all(test, aio_loom))]
use c;
#[cfg(test)]
mod tests {
    fn d() {
    }
}
#[cfg(not(test))]
use e;
#[cfg(any(test, feature))]
use f;
";
        let expected = ["use a;", "#[cfg(not(test))]", "use e;", "#[cfg(any(test, feature))]", "use f;"];
        assert_eq!(library_code(&tree(&[("crates/x/src/lib.rs", text)])), expected);
    }

    #[test]
    fn a_module_declared_for_tests_is_a_test_with_all_below_it() {
        let declared = "#[cfg(test)]\nmod tests;";
        let tree = tree(&[
            ("crates/x/src/lib.rs", declared),
            ("crates/x/src/tests.rs", "use a;"),
            ("crates/x/src/tests/loom.rs", "use b;"),
            ("crates/x/src/wheel.rs", declared),
            ("crates/x/src/wheel/tests.rs", "use c;"),
            ("crates/x/src/wheel/slot.rs", "use d;"),
            ("crates/x/src/model.rs", "#![cfg(all(test, aio_loom))]\nuse e;"),
            ("crates/x/tests/lock.rs", "use f;"),
        ]);
        assert_eq!(library_code(&tree), ["use d;"]);
    }

    #[test]
    fn a_loom_model_is_a_cfg_in_a_test() {
        let holds = |path: &str, text: &str| tree(&[(path, text)]).sources[0].has_loom_models();
        assert!(holds("crates/x/src/a.rs", "#[cfg(all(test, aio_loom))]\nmod loom {\n}"));
        assert!(holds("crates/x/src/a.rs", "#![cfg(all(test, aio_loom))]"));
        assert!(holds("crates/x/src/a.rs", "#[cfg(test)]\nmod tests {\n    #[cfg(aio_loom)]\n    mod loom;\n}"));
        assert!(!holds("crates/x/src/a.rs", "#[cfg(aio_loom)]\nuse loom;"));
        assert!(!holds("crates/x/src/a.rs", "#[cfg(all(test, not(aio_loom)))]\nmod tests {\n}"));
        assert!(!holds("crates/x/tests/a.rs", "#![cfg(not(aio_loom))]"));
        assert!(!holds("crates/x/src/a.rs", "// #[cfg(all(test, aio_loom))]"));
    }

    #[test]
    fn property_tests_are_known_by_their_macro() {
        // Not as one string: this file is a source, too.
        let text = [
            "fn no() {}",
            "proptest! {",
            "    #![proptest_config(config())]",
            "    #[test]",
            "    fn in_a_block(ops in any::<u8>()) {",
            "    }",
            "}",
            "fn nor_this() {}",
            "fn around_it() {",
            "    proptest!(|(x in 0..9)| { });",
            "}",
        ]
        .join("\n");
        assert_eq!(tree(&[("crates/x/src/a.rs", &text)]).sources[0].property_tests(), ["in_a_block", "around_it"]);
    }

    #[test]
    fn an_exception_needs_its_rule_and_a_reason() {
        let text = "\
bad; // facade: because
// facade: because
// of this
bad;

bad; // facade:
bad; // clock: because
";
        let tree = tree(&[("crates/x/src/lib.rs", text)]);
        let excepted: Vec<usize> = (1..=7).filter(|&n| tree.sources[0].is_excepted(n, "facade")).collect();
        assert_eq!(excepted, [1, 2, 3, 4]);
    }
}
