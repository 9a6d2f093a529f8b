//! A source file as the rules see it: which lines are library code, which are tests, which are comments.

use std::collections::BTreeSet;

/// All files that are looked at.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) sources: Vec<Source>,
}

#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the root, with slashes.
    pub(super) path: String,
    pub(super) lines: Vec<Line>,
}

#[derive(Debug)]
pub(super) struct Line {
    /// As it stands in the file.
    pub(super) text: String,
    /// Without comments; empty if it is one.
    pub(super) code: String,
    /// Whether it is compiled for tests only.
    pub(super) test: bool,
}

impl Tree {
    /// From pairs of path and content.
    pub(super) fn new(texts: Vec<(String, String)>) -> Self {
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

    pub(super) fn find(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let rust = path.ends_with(".rs");
        let outside = path.contains("/tests/") && !path.contains("/src/");
        let mut lines: Vec<Line> = text
            .lines()
            .map(|line| Line {
                text: line.to_owned(),
                code: if rust { code(line) } else { String::new() },
                test: outside,
            })
            .collect();
        mark_tests(&mut lines);
        Self { path, lines }
    }

    /// Whether it is a part of a library of `crates/`. Its tests, examples and benches are not.
    pub(super) fn is_library(&self) -> bool {
        self.path.starts_with("crates/") && self.path.contains("/src/") && self.path.ends_with(".rs")
    }

    /// The lines of code that end up in the library, with their numbers.
    pub(super) fn library_lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        let is_library = self.is_library();
        self.numbered().filter(move |(_, line)| is_library && !line.test && !line.code.is_empty())
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the line, or the comment directly above it, names `rule` and gives a reason.
    pub(super) fn is_excepted(&self, number: usize, rule: &str) -> bool {
        let gives_reason = |line: &Line| {
            let comment = line.text.strip_prefix(&line.code).unwrap_or(&line.text).trim_start();
            let reason = comment.strip_prefix("// ").and_then(|comment| comment.strip_prefix(rule));
            reason.and_then(|reason| reason.strip_prefix(": ")).is_some_and(|reason| !reason.trim().is_empty())
        };
        let above = self.lines[..number - 1].iter().rev().take_while(|line| line.text.trim_start().starts_with("//"));
        std::iter::once(&self.lines[number - 1]).chain(above).any(gives_reason)
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
