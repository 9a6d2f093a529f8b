//! Which published tests are run, and what becomes of their files.
//!
//! `build.rs` has this file, too: it prepares the tests, and the library checks that they are all there.

/// One file of published tests, as `suites.txt` has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Suite {
    /// The package that ships it.
    pub package: String,
    /// Its name, without the extension.
    pub file: String,
    /// How many of its tests are run.
    pub n_run: usize,
    /// The functions that are left out, tests and others; `*` stands for all of them.
    pub exceptions: Vec<String>,
}

/// What a file of a package begins with if it is one of those that are to be listed: nothing, for most packages.
pub fn prefix(package: &str) -> &'static str {
    if package == "tokio" { "sync_" } else { "" }
}

/// Reads `suites.txt`: entries `PACKAGE/FILE: NUMBER`, each with those of its exceptions below it,
/// `- FUNCTION, FUNCTION..: REASON`. An entry goes on in the lines that begin with spaces.
///
/// # Errors
/// The first entry that is neither.
pub fn read(list: &str) -> Result<Vec<Suite>, String> {
    let mut entries: Vec<String> = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match entries.last_mut() {
            Some(entry) if line.starts_with("  ") => *entry = format!("{entry} {}", line.trim()),
            _ => entries.push(line.to_owned()),
        }
    }
    let mut suites = Vec::new();
    for entry in entries {
        read_entry(&entry, &mut suites).ok_or_else(|| format!("suites.txt: what does this mean?\n{entry}"))?;
    }
    Ok(suites)
}

fn read_entry(entry: &str, suites: &mut Vec<Suite>) -> Option<()> {
    let (name, rest) = entry.split_once(": ")?;
    if let Some(functions) = name.strip_prefix("- ") {
        let has_reason = !rest.trim().is_empty();
        let functions = has_reason.then(|| functions.split(", ").map(str::to_owned))?;
        suites.last_mut()?.exceptions.extend(functions);
    } else {
        let (package, file) = name.split_once('/')?;
        let n_run = rest.trim().parse().ok()?;
        suites.push(Suite { package: package.to_owned(), file: file.to_owned(), n_run, exceptions: Vec::new() });
    }
    Some(())
}

/// The packages, each once.
pub fn packages(suites: &[Suite]) -> Vec<&str> {
    let mut packages: Vec<&str> = suites.iter().map(|suite| suite.package.as_str()).collect();
    packages.dedup();
    packages
}

/// # Errors
/// If `package` ships other files of tests (that begin with its [`prefix`]) than `suites` have.
pub fn assert_listed(package: &str, files: &[String], suites: &[Suite]) -> Result<(), String> {
    let mut shipped: Vec<&str> = files.iter().map(String::as_str).collect();
    shipped.retain(|file| file.starts_with(prefix(package)));
    let mut listed: Vec<&str> =
        suites.iter().filter(|suite| suite.package == package).map(|suite| suite.file.as_str()).collect();
    shipped.sort_unstable();
    listed.sort_unstable();
    if shipped == listed {
        Ok(())
    } else {
        Err(format!("{package} ships the tests {shipped:?}, and suites.txt has {listed:?}"))
    }
}

impl Suite {
    /// The text of the file as it is compiled: without its exceptions, and with what its paths begin with in scope.
    /// Line numbers stay.
    ///
    /// # Errors
    /// If it does not hold the tests that it should.
    pub fn prepare(&self, text: &str) -> Result<String, String> {
        let Self { package, file, n_run, exceptions } = self;
        if *n_run == 0 && *exceptions == ["*"] {
            return Ok(String::new());
        }
        let mut left: Vec<&str> = exceptions.iter().map(String::as_str).collect();
        let mut n_tests = 0;
        let mut prepared = String::new();
        // Whether there is `#[test]` above, in this paragraph.
        let mut is_test = false;
        let mut is_comment = false;
        for line in text.lines() {
            is_comment = line.starts_with("/*") || (is_comment && !line.ends_with("*/"));
            is_test = marks_test(line) || (is_test && !line.is_empty());
            if let Some(name) = function(line).filter(|_| !is_comment) {
                let n_left = left.len();
                left.retain(|exception| *exception != name);
                if left.len() < n_left {
                    prepared += "#[cfg(any())] ";
                } else {
                    n_tests += usize::from(is_test);
                }
                is_test = false;
            }
            prepared += line;
            prepared += "\n";
        }
        if let Some(exception) = left.first() {
            return Err(format!("{package}/{file} has no function `{exception}`"));
        }
        if n_tests != *n_run {
            return Err(format!(
                "{package}/{file}: suites.txt says {n_run} tests, without exceptions it has {n_tests}"
            ));
        }
        // The order of items does not matter.
        Ok(format!("{prepared}use ::aio_published::{}::{{self, names::*}};\n", package.replace('-', "_")))
    }

    /// # Errors
    /// If `tests`, the paths of those in a test target, are not those that it should have of this file.
    pub fn check<'a>(&self, tests: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
        let Self { package, file, n_run, exceptions } = self;
        let module = format!("{file}::");
        let found: Vec<&str> = tests.into_iter().filter_map(|test| test.strip_prefix(&module)).collect();
        if let Some(exception) = found.iter().find(|test| exceptions.iter().any(|exception| exception == *test)) {
            return Err(format!("{package}/{file}: `{exception}` is an exception, and is run"));
        }
        if found.len() != *n_run {
            return Err(format!("{package}/{file}: {n_run} tests are to be run, {} are: {found:?}", found.len()));
        }
        Ok(())
    }
}

/// Whether the line is `#[test]`, or one like `#[tokio::test(..)]`.
fn marks_test(line: &str) -> bool {
    line.strip_prefix("#[").and_then(|rest| rest.split(['(', ']']).next()).is_some_and(|path| path.ends_with("test"))
}

/// The name, if a function of the file begins on this line.
fn function(line: &str) -> Option<&str> {
    line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# not this\n\na-b/lock: 1\n- is_odd: we are even\na-b/event: 0\nc/queue: 7\n";
    const TEXT: &str =
        "mod common;\n\n#[test]\nfn is_odd() {\n}\n\n#[test]\n#[cfg(x)]\nfn is_even() {\n}\n\nfn of<T>() {\n}\n";

    fn lock() -> Suite {
        read(LIST).unwrap().swap_remove(0)
    }

    #[test]
    fn a_suite_is_a_line_with_its_exceptions_below() {
        let suites = read(LIST).unwrap();
        assert_eq!(packages(&suites), ["a-b", "c"]);
        let [lock, event, queue] = &suites[..] else { panic!("{suites:?}") };
        assert_eq!((&lock.package[..], &lock.file[..], lock.n_run), ("a-b", "lock", 1));
        assert_eq!(lock.exceptions, ["is_odd"]);
        assert_eq!((event.n_run, queue.n_run), (0, 7));
    }

    #[test]
    fn an_entry_goes_on_below() {
        let [suite] = &read("a/b: 1\n- is_odd,\n  is_even: since we\n  are neither\n").unwrap()[..] else { panic!() };
        assert_eq!(suite.exceptions, ["is_odd", "is_even"]);
    }

    #[test]
    fn an_exception_has_a_suite_and_a_reason() {
        for list in ["- is_odd: we are even", "a/b: 1\n- is_odd: ", "a/b: 1\n- is_odd", "a/b: many", "a/b"] {
            assert!(read(list).unwrap_err().contains(list.lines().last().unwrap()), "{list}");
        }
    }

    #[test]
    fn what_is_excepted_is_not_compiled_and_nothing_moves() {
        let prepared = lock().prepare(TEXT).unwrap();
        let expected = TEXT.replace("fn is_odd", "#[cfg(any())] fn is_odd");
        assert_eq!(prepared, format!("{expected}use ::aio_published::a_b::{{self, names::*}};\n"));
    }

    #[test]
    fn what_is_no_test_can_be_left_out_and_does_not_count() {
        let suite = Suite { n_run: 2, exceptions: vec!["of".to_owned()], ..lock() };
        assert!(suite.prepare(TEXT).unwrap().contains("\n\n#[cfg(any())] fn of<T>"));
    }

    #[test]
    fn what_is_commented_out_does_not_count() {
        assert!(lock().prepare(&format!("{TEXT}\n/*\n#[test]\nfn is_prime() {{\n}}\n*/\n")).is_ok());
    }

    #[test]
    fn a_test_is_one_under_any_executor() {
        let text =
            "#[tokio::test(flavor = \"x\")]\nasync fn is_odd() {\n}\n\n#[maybe_tokio_test]\nasync fn is_even() {\n}\n";
        assert!(lock().prepare(text).unwrap().contains("\n#[cfg(any())] async fn is_odd"));
    }

    #[test]
    fn a_file_of_which_nothing_is_run_may_hold_anything() {
        let suite = Suite { n_run: 0, exceptions: vec!["*".to_owned()], ..lock() };
        assert_eq!(suite.prepare(TEXT), Ok(String::new()));
        assert!(Suite { n_run: 1, ..suite }.prepare(TEXT).is_err());
    }

    #[test]
    fn an_exception_that_is_gone_is_an_error() {
        let text = TEXT.replace("is_odd", "is_very_odd");
        assert_eq!(lock().prepare(&text).unwrap_err(), "a-b/lock has no function `is_odd`");
    }

    #[test]
    fn another_number_of_tests_is_an_error() {
        for (text, n) in [("#[test]\nfn is_odd() {\n}\n", 0), (&format!("{TEXT}\n#[test]\nfn is_prime() {{\n}}\n"), 2)]
        {
            let error = lock().prepare(text).unwrap_err();
            assert_eq!(error, format!("a-b/lock: suites.txt says 1 tests, without exceptions it has {n}"));
        }
        assert!(lock().prepare("").is_err());
    }

    #[test]
    fn a_file_that_is_not_listed_is_an_error() {
        let suites = read(LIST).unwrap();
        let listed = |files: &[&str]| {
            let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
            assert_listed("a-b", &files, &suites).is_ok()
        };
        assert!(listed(&["lock", "event"]) && listed(&["event", "lock"]));
        assert!(!listed(&[]) && !listed(&["lock"]) && !listed(&["lock", "event", "queue"]));
    }

    #[test]
    fn a_test_target_has_those_that_are_to_be_run() {
        assert!(lock().check(["lock::is_even", "event::is_even", "all"]).is_ok());
        assert!(lock().check(["lock::is_odd"]).is_err());
        assert!(lock().check(["event::is_even"]).is_err());
        assert!(lock().check(["lock::is_even", "lock::is_prime"]).is_err());
    }
}
