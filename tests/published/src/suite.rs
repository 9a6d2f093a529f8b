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
    /// The names of those that are not.
    pub exceptions: Vec<String>,
}

/// Reads `suites.txt`: lines `PACKAGE/FILE: NUMBER`, each with those of its exceptions below it, `- TEST: REASON`.
///
/// # Errors
/// The first line that is neither.
pub fn read(list: &str) -> Result<Vec<Suite>, String> {
    let mut suites = Vec::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        read_line(line, &mut suites).ok_or_else(|| format!("suites.txt: what does this line mean?\n{line}"))?;
    }
    Ok(suites)
}

fn read_line(line: &str, suites: &mut Vec<Suite>) -> Option<()> {
    let (name, rest) = line.split_once(": ")?;
    if let Some(test) = name.strip_prefix("- ") {
        let has_reason = !rest.trim().is_empty();
        suites.last_mut()?.exceptions.push(has_reason.then(|| test.to_owned())?);
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
/// If `package` ships other files of tests than `suites` have.
pub fn assert_listed(package: &str, files: &[String], suites: &[Suite]) -> Result<(), String> {
    let mut shipped: Vec<&str> = files.iter().map(String::as_str).collect();
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
        let n_published = text.lines().filter(|line| line.trim() == "#[test]").count();
        if n_published != n_run + exceptions.len() {
            let n_exceptions = exceptions.len();
            return Err(format!("{package}/{file} has {n_published} tests, suites.txt {n_run} + {n_exceptions}"));
        }
        let mut prepared = text.to_owned();
        for exception in exceptions {
            let function = format!("\nfn {exception}() {{");
            if prepared.matches(&function).count() != 1 {
                return Err(format!("{package}/{file} has no test `{exception}`"));
            }
            prepared = prepared.replace(&function, &format!("\n#[cfg(any())] fn {exception}() {{"));
        }
        // The order of items does not matter.
        Ok(format!("{prepared}\nuse ::aio_published::{}::{{self, names::*}};\n", package.replace('-', "_")))
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# not this\n\na-b/lock: 1\n- is_odd: we are even\na-b/event: 0\nc/queue: 7\n";
    const TEXT: &str = "mod common;\n\n#[test]\nfn is_odd() {\n}\n\n#[cfg(x)]\n#[test]\nfn is_even() {\n}\n";

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
    fn an_exception_has_a_suite_and_a_reason() {
        for list in ["- is_odd: we are even", "a/b: 1\n- is_odd: ", "a/b: 1\n- is_odd", "a/b: many", "a/b"] {
            assert!(read(list).unwrap_err().contains(list.lines().last().unwrap()), "{list}");
        }
    }

    #[test]
    fn what_is_excepted_is_not_compiled_and_nothing_moves() {
        let prepared = lock().prepare(TEXT).unwrap();
        let lines: Vec<&str> = prepared.lines().collect();
        assert_eq!(lines[..4], ["mod common;", "", "#[test]", "#[cfg(any())] fn is_odd() {"]);
        assert_eq!(lines[4..10].join("\n"), TEXT.lines().skip(4).collect::<Vec<_>>().join("\n"));
        assert_eq!(lines[10..], ["", "use ::aio_published::a_b::{self, names::*};"]);
    }

    #[test]
    fn an_exception_that_is_gone_is_an_error() {
        let text = TEXT.replace("is_odd", "is_very_odd");
        assert_eq!(lock().prepare(&text).unwrap_err(), "a-b/lock has no test `is_odd`");
    }

    #[test]
    fn another_number_of_tests_is_an_error() {
        for text in ["", "#[test]\nfn is_odd() {\n}\n", &TEXT.repeat(2)] {
            let error = lock().prepare(text).unwrap_err();
            assert!(error.starts_with("a-b/lock has ") && error.ends_with("tests, suites.txt 1 + 1"), "{error}");
        }
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
