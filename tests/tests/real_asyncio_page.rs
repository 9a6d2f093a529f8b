//! The page for those who know asyncio: its programs in Python run, and its table leaves nothing out. (Its programs in
//! Rust are documentation tests, see `src/lib.rs`.)
#![cfg(not(aio_loom))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use aio_tests::workspace;

/// The rows of asyncio: how the first cell of each begins. All are to be there, in this order, and no other.
const ROWS: [&str; 86] = [
    "`run(main",
    "`Runner.run`",
    "the order of the teardown",
    "SIGINT in `run`",
    "`run_until_complete`",
    "`get_running_loop`",
    "`loop_factory`",
    "the iteration",
    "`call_soon`",
    "`call_soon_threadsafe`",
    "`call_later`",
    "`Handle.cancel`",
    "`create_future`",
    "`set_exception_handler`",
    "`set_debug`",
    "a coroutine that is never awaited",
    "an exception that is never retrieved",
    "a task destroyed while it is pending",
    "`Future`",
    "`add_done_callback`",
    "await",
    "`isfuture`",
    "`create_task(coro",
    "`eager_task_factory`",
    "`Task.cancel(msg)`",
    "one `cancel`, one `CancelledError`",
    "`uncancel`",
    "`current_task`",
    "`get_name`",
    "`sleep`",
    "`gather`",
    "`wait`",
    "`wait_for`",
    "`timeout`",
    "`shield`",
    "`as_completed`",
    "`run_coroutine_threadsafe`",
    "`to_thread`",
    "`TaskGroup`: enter and exit",
    "`TaskGroup.create_task`",
    "a child fails",
    "a child is cancelled",
    "the body raises",
    "the parent is cancelled",
    "what the group raises at its exit",
    "groups in groups",
    "eager children",
    "`Lock`",
    "`Event`",
    "`Condition`",
    "`Semaphore`",
    "`Barrier`",
    "`Queue`",
    "`LifoQueue`",
    "`task_done`",
    "`Queue.shutdown`",
    "`open_connection`",
    "`StreamReader.read`",
    "`StreamReader.readexactly`",
    "`StreamReader.readuntil`",
    "the rules of readers",
    "`StreamWriter`",
    "`Protocol`",
    "`BufferedProtocol`",
    "`Transport`",
    "`create_connection`",
    "happy eyeballs",
    "`create_server`",
    "unix servers",
    "TLS",
    "`loop.sendfile`",
    "`connect_read_pipe`",
    "`sock_recv`",
    "`add_reader`",
    "`create_datagram_endpoint`",
    "`getaddrinfo`",
    "`create_subprocess_exec`",
    "`add_signal_handler`",
    "async generators",
    "`contextvars`",
    "`capture_call_graph`",
    "`python -m asyncio ps`",
    "`python -m asyncio`",
    "exceptions",
    "the rest of `__all__`",
    "free threading",
];

/// The programs that the oldest Python that will do (3.11) does not know, and the version that does.
const NEWER: [(&str, u32); 5] = [
    ("Eager tasks", 12),
    ("Eager children", 12),
    ("`Queue.shutdown`", 13),
    ("Call graphs", 14),
    ("`python -m asyncio ps`, `pstree`", 14),
];

/// The programs that call another one, which may not be there.
const CALLING: [(&str, &str); 1] = [("TLS", "openssl")];

fn page() -> String {
    fs::read_to_string(workspace().join("docs/asyncio.md")).unwrap()
}

/// A program of the page.
#[derive(Debug)]
struct Program<'a> {
    heading: &'a str,
    is_python: bool,
    text: String,
}

impl Program<'_> {
    /// The minor version of Python that it says it needs.
    fn needs(&self) -> u32 {
        let first = self.text.lines().next().unwrap_or_default();
        first.strip_prefix("# Python 3.").map_or(11, |minor| minor.parse().unwrap())
    }
}

/// What is above the heading `until`, in order.
fn programs<'a>(page: &'a str, until: &str) -> Vec<Program<'a>> {
    let (mut programs, mut heading, mut in_program) = (Vec::<Program<'a>>::new(), "", false);
    for line in page.lines() {
        match line {
            "```" if in_program => in_program = false,
            _ if in_program => {
                let program = programs.last_mut().expect("its first line was seen");
                program.text.extend([line, "\n"]);
            }
            _ if line.starts_with("```") => {
                in_program = true;
                programs.push(Program { heading, is_python: line == "```python", text: String::new() });
            }
            _ if line == until => break,
            _ => heading = line.strip_prefix("### ").unwrap_or(heading),
        }
    }
    assert!(!in_program, "a program has no end");
    programs
}

/// The rows of the last table: the part that each belongs to, and its cells.
fn table(page: &str) -> Vec<(&str, [&str; 3])> {
    let (_, end) = page.split_once("\n## All rows\n").expect("the table has its heading");
    let mut rows = Vec::new();
    let mut part = "";
    for line in end.lines().filter(|line| line.starts_with('|')).skip(2) {
        let cells = line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
        let cells: [&str; 3] = cells.try_into().unwrap_or_else(|_| panic!("three cells: {line}"));
        match cells[0].strip_prefix("**") {
            Some(name) => part = name.trim_end_matches("**"),
            None => rows.push((part, cells)),
        }
    }
    rows
}

/// What is in code font.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// What is wrong with the table.
fn faults(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let rows = table(page);
    let mut faults = Vec::new();
    for (index, expected) in ROWS.iter().enumerate() {
        if !rows.get(index).is_some_and(|(_, [asyncio, ..])| asyncio.starts_with(expected)) {
            faults.push(format!("row {index} is not {expected}"));
        }
    }
    if rows.len() > ROWS.len() {
        faults.push(format!("{} rows are not known", rows.len() - ROWS.len()));
    }
    for (_, [asyncio, aio, shown_by]) in rows {
        if aio.is_empty() {
            faults.push(format!("nothing serves {asyncio}"));
        }
        if code(shown_by).next().is_none() {
            faults.push(format!("no test shows {asyncio}"));
        }
        let unknown = code(shown_by).filter(|test| !tests.contains(*test));
        faults.extend(unknown.map(|test| format!("{asyncio}: there is no test `{test}`")));
    }
    faults
}

/// The names of the tests of this repository: functions in the folders `tests`, and scenarios.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![workspace().join("tests/tests"), workspace().join("tests/conformance/tests")];
    for member in fs::read_dir(workspace().join("crates")).unwrap() {
        folders.push(member.unwrap().path().join("tests"));
    }
    while let Some(folder) = folders.pop() {
        // Not every crate has one.
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                names.extend(functions(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    for scenarios in fs::read_dir(workspace().join("tests/conformance/scenarios")).unwrap() {
        let scenarios = fs::read_to_string(scenarios.unwrap().path()).unwrap();
        names.extend(scenarios.lines().filter_map(|line| line.strip_prefix("=== ")).map(str::to_owned));
    }
    names
}

/// The functions that may be tests: they give nothing back, and have no arguments but those that macros fill in.
fn functions(source: &str) -> impl Iterator<Item = String> {
    source.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("fn ")?;
        let name = &rest[..rest.find(['(', '<'])?];
        let arguments = &rest[rest.find('(')?..];
        let is_test = arguments.ends_with(") {") && ![": ", "&", "->"].iter().any(|sign| arguments.contains(sign));
        is_test.then(|| name.to_owned())
    })
}

#[test]
fn every_row_of_the_finished_parts_has_a_program_in_each_language() {
    let page = page();
    let mut headings = BTreeMap::<&str, (usize, usize)>::new();
    for program in programs(&page, "## What asyncio does not have") {
        let (python, rust) = headings.entry(program.heading).or_default();
        *(if program.is_python { python } else { rust }) += 1;
    }
    for (heading, (python, rust)) in &headings {
        assert!(*python == 1 && *rust >= 1, "{heading}: {python} programs in Python, {rust} in Rust");
    }
    assert_eq!(headings.len(), table(&page).len());
}

#[test]
fn the_table_has_every_row_and_names_tests_that_exist() {
    let tests = tests();
    assert!(tests.len() > 500, "{} tests were found", tests.len());
    assert_eq!(faults(&page(), &tests), Vec::<String>::new());
}

#[test]
fn a_table_that_lacks_something_is_refused() {
    let (page, tests) = (page(), tests());
    let row = page.lines().find(|line| line.starts_with("| `gather` |")).unwrap();
    let name = code(row.rsplit_once(" | ").unwrap().1).next().unwrap();
    let alone = format!("\n## All rows\n| asyncio | aio | tests |\n|---|---|---|\n{row}\n");
    let [asyncio, aio, shown_by] = table(&alone)[0].1;

    let lost = faults(&page.replace(&format!("{row}\n"), ""), &tests);
    assert!(lost.iter().any(|fault| fault.contains("is not `gather`")), "{lost:?}");
    let renamed = faults(&page.replace(name, "a_test_that_was_renamed"), &tests);
    assert_eq!(renamed, ["`gather`: there is no test `a_test_that_was_renamed`"]);
    let empty = faults(&page.replace(row, &format!("| {asyncio} | {aio} | |")), &tests);
    assert_eq!(empty, ["no test shows `gather`"]);
    let postponed = faults(&page.replace(row, &format!("| {asyncio} | not yet: later | |")), &tests);
    assert_eq!(postponed, ["no test shows `gather`"]);
    let unserved = faults(&page.replace(row, &format!("| {asyncio} | | {shown_by} |")), &tests);
    assert_eq!(unserved, ["nothing serves `gather`"]);
    let added = faults(&format!("{page}{row}\n"), &tests);
    assert_eq!(added, ["1 rows are not known"]);
}

/// The newest Python of this machine that has task groups, as a command and a minor version.
fn python() -> Option<(&'static str, u32)> {
    let known = ["python3", "python3.11", "python3.12", "python3.13", "python3.14"];
    let versions = known.into_iter().filter_map(|name| {
        let output = Command::new(name).arg("--version").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        let minor = version.strip_prefix("Python 3.")?.split('.').next()?.parse().ok()?;
        (output.status.success() && minor >= 11).then_some((name, minor))
    });
    versions.max_by_key(|(_, minor)| *minor)
}

fn is_missing(command: &str) -> bool {
    Command::new(command).arg("version").stdin(Stdio::null()).output().is_err()
}

/// Runs `program`; what it said, if it failed.
fn run(python: &str, program: &Program<'_>, file: &Path) -> Result<(), String> {
    fs::File::create(file).unwrap().write_all(program.text.as_bytes()).unwrap();
    let output = Command::new(python).arg(file).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}: {}\n{said}", program.heading, output.status)) }
}

#[test]
fn the_programs_in_python_run() {
    let page = page();
    let programs: Vec<_> = programs(&page, "## All rows").into_iter().filter(|program| program.is_python).collect();
    let newer: Vec<_> = programs.iter().filter(|program| program.needs() > 11).collect();
    assert_eq!(newer.iter().map(|program| (program.heading, program.needs())).collect::<Vec<_>>(), NEWER);
    let is_there = |heading: &str| programs.iter().any(|program| program.heading == heading);
    assert!(CALLING.iter().all(|(heading, _)| is_there(heading)));
    let Some((python, minor)) = python() else {
        eprintln!("There is no Python of 3.11 or later here: none of {} programs was run.", programs.len());
        return;
    };
    for program in newer.iter().filter(|program| program.needs() > minor) {
        eprintln!("Python 3.{minor} does not know this, 3.{} does: {}", program.needs(), program.heading);
    }
    let missing: Vec<_> = CALLING.iter().filter(|(_, command)| is_missing(command)).collect();
    for (heading, command) in &missing {
        eprintln!("There is no `{command}` here, which this calls: {heading}");
    }
    let is_runnable = |program: &&Program<'_>| {
        program.needs() <= minor && !missing.iter().any(|(heading, _)| *heading == program.heading)
    };
    let runnable: Vec<_> = programs.iter().filter(is_runnable).collect();
    assert!(runnable.len() + NEWER.len() + missing.len() >= programs.len());
    eprintln!("{python} (3.{minor}) runs {} of {} programs.", runnable.len(), programs.len());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut failures = Vec::new();
    thread::scope(|threads| {
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                let runnable = &runnable;
                threads.spawn(move || {
                    let file = folder.join(format!("asyncio_page_{lane}.py"));
                    let mine = runnable.iter().skip(lane).step_by(4);
                    mine.filter_map(|program| run(python, program, &file).err()).collect::<Vec<_>>()
                })
            })
            .collect();
        lanes.into_iter().for_each(|lane| failures.extend(lane.join().unwrap()));
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_program_in_python_that_fails_is_seen() {
    let Some((python, _)) = python() else { return };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("asyncio_page_planted.py");
    let program = |text: &str| Program { heading: "planted", is_python: true, text: text.to_owned() };
    assert_eq!(run(python, &program("assert 1 == 1\n"), &file), Ok(()));
    assert!(run(python, &program("assert 1 == 2\n"), &file).unwrap_err().contains("AssertionError"));
}
