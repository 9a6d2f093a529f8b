//! The chapter on tests, docs/testing.md: each of its programs stands in `tests/chapter`, whose tests pass, and what it
//! says that a failing one prints is what it prints.
#![cfg(not(aio_loom))]

use std::fs;
use std::process::Command;

use aio_tests::workspace;

/// A block of code in the chapter.
#[derive(Debug)]
struct Block {
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let chapter = fs::read_to_string(workspace().join("docs/testing.md")).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_in_block = false;
    for line in chapter.lines() {
        match (line.strip_prefix("```"), is_in_block) {
            (Some(language), false) => blocks.push(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), true) | (None, false) => {}
            (None, true) => {
                let text = &mut blocks.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
        }
        is_in_block ^= line.starts_with("```");
    }
    assert!(!is_in_block, "the last block has no end");
    blocks
}

/// The sources of the programs, all in one text.
fn programs() -> String {
    let mut text = String::new();
    for folder in ["src", "tests"] {
        let mut files: Vec<_> = fs::read_dir(workspace().join("tests/chapter").join(folder)).unwrap().collect();
        files.sort_by_key(|file| file.as_ref().unwrap().path());
        for file in files {
            text.push_str(&fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    text
}

/// The lines of `text`, without what stands before them: the chapter does not indent as the sources do.
fn trimmed(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Whether `part` stands in `whole`, one line after the other. A line of three dots stands for any number of them; one
/// that ends with an ellipsis may go on.
fn stands_in(part: &str, whole: &str) -> bool {
    let (part, whole) = (trimmed(part), trimmed(whole));
    let mut rest = &whole[..];
    part.split(|line| *line == "...").filter(|piece| !piece.is_empty()).all(|piece| {
        let is_there = |window: &[&str]| window.iter().zip(piece).all(|(line, part)| is_line(part, line));
        let found = rest.windows(piece.len()).position(is_there);
        found.inspect(|at| rest = &rest[at + piece.len()..]).is_some()
    })
}

fn is_line(part: &str, line: &str) -> bool {
    part.strip_suffix('…').map_or(part == line, |begin| line.starts_with(begin.trim_end()))
}

#[test]
fn every_program_stands_in_a_source_whose_tests_pass() {
    let programs = programs();
    let blocks = blocks();
    let rust: Vec<_> = blocks.iter().filter(|block| block.language == "rust").collect();
    assert!(rust.len() >= 8, "{} programs", rust.len());
    for block in rust {
        assert!(stands_in(&block.text, &programs), "this stands in no file of tests/chapter:\n{}", block.text);
    }
    let known = ["rust", "text", "sh", "toml"];
    assert!(blocks.iter().all(|block| known.contains(&&*block.language)), "a block is in none of {known:?}");
}

#[test]
fn what_is_said_to_be_printed_is_printed() {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--package", "aio-testing-chapter", "--test", "failing", "--", "--test-threads=1"]);
    for name in ["AIO_SEED", "AIO_SCHEDULES", "AIO_TRACE", "AIO_SCHEDULE", "RUST_BACKTRACE"] {
        cargo.env_remove(name);
    }
    let output = cargo.current_dir(workspace()).output().expect("cargo runs");
    assert!(!output.status.success(), "they are to fail");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains(" 0 passed; "), "all of them are to fail:\n{printed}");
    // Numbers of threads differ from run to run.
    let printed: Vec<_> = printed.lines().map(without_thread).collect();
    let blocks = blocks();
    let texts: Vec<_> = blocks.iter().filter(|block| block.language == "text").collect();
    assert!(texts.len() >= 3, "{} texts", texts.len());
    for block in texts {
        let printed = printed.join("\n");
        assert!(stands_in(&block.text, &printed), "this was not printed:\n{}\nbut:\n{printed}", block.text);
    }
}

/// `thread 'name' (123) panicked` without the number.
fn without_thread(line: &str) -> String {
    match line.strip_prefix("thread '").and_then(|rest| rest.split_once(')')) {
        Some((before, after)) => format!("thread '{}{after}", before.split(" (").next().unwrap_or(before)),
        None => line.to_owned(),
    }
}

#[test]
fn a_part_is_found_with_its_gaps_and_in_its_order() {
    let whole = "a\n  b\n\nc\nd\n";
    for part in ["a\nb\n", "b\nc", "a\n...\nc\nd", "...\nd", "…\nd", ""] {
        assert!(stands_in(part, whole), "{part}");
    }
    for part in ["b\na", "a\nc", "c\n...\na", "d\n...\nd"] {
        assert!(!stands_in(part, whole), "{part}");
    }
}
