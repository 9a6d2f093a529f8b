//! Counts lines, words and bytes of every file below the given paths.
//!
//! `cargo run --release -p aio-rt --example wc -- PATH...`
//!
//! Files are read in threads, a few at a time. Each gets a line as soon as it is counted; then comes the total. What
//! cannot be read is named on stderr, and the exit code is 1. Links to directories inside of directories are not
//! followed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use aio::{GroupHandle, Lock, TaskGroup, run, to_thread};

/// How many files are open at a time.
const LIMIT: usize = 16;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        eprintln!("usage: wc PATH...");
        return ExitCode::from(2);
    }
    match run(count_all(paths)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the output has had enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wc: failed to write the counts: {error}");
            ExitCode::FAILURE
        }
    }
}

type Group = GroupHandle<'static, io::Error>;

/// Counts everything; whether all of it could be read.
async fn count_all(paths: Vec<PathBuf>) -> io::Result<bool> {
    let report = Arc::new(Lock::new(Report::new()));
    let group = TaskGroup::new().limit(LIMIT);
    let outcome = group
        .run(async {
            for path in paths {
                add(&group.handle(), &report, path);
            }
            Ok(())
        })
        .await;
    outcome.map_err(|error| error.into_first().expect("nobody cancels the group"))?;
    report.lock().await.finish()
}

/// Adds a child for `path`. It fails only if nothing can be written any more.
fn add(group: &Group, report: &Arc<Lock<Report>>, path: PathBuf) {
    let (handle, report) = (group.clone(), report.clone());
    drop(group.try_spawn(async move {
        let (path, found) = to_thread(move || {
            let found = look(&path);
            (path, found)
        })
        .await;
        match found {
            Ok(Found::Directory(paths)) => {
                for path in paths {
                    add(&handle, &report, path);
                }
                Ok(())
            }
            Ok(Found::File(counts)) => report.lock().await.counted(&path, counts),
            Err(error) => {
                report.lock().await.failed(&path, &error);
                Ok(())
            }
        }
    }));
}

enum Found {
    File(Counts),
    /// What is in it, and is a file or a directory itself.
    Directory(Vec<PathBuf>),
}

#[derive(Clone, Copy, Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

/// Reads a file or a directory. Blocks.
fn look(path: &Path) -> io::Result<Found> {
    if !fs::metadata(path)?.is_dir() {
        return count(File::open(path)?).map(Found::File);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        // Pipes and the like would wait for somebody to write.
        if kind.is_dir() || kind.is_file() || kind.is_symlink() && entry.path().is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(Found::Directory(paths))
}

fn count(mut file: impl Read) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut in_word = false;
    loop {
        let chunk = match file.read(&mut buffer) {
            Ok(0) => return Ok(counts),
            Ok(n) => &buffer[..n],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        counts.bytes += chunk.len() as u64;
        for &byte in chunk {
            counts.lines += u64::from(byte == b'\n');
            let space = byte.is_ascii_whitespace() || byte == b'\x0b';
            counts.words += u64::from(!space && !in_word);
            in_word = !space;
        }
    }
}

/// What has been counted so far, and how it is shown.
struct Report {
    total: Counts,
    files: u64,
    all_read: bool,
    /// Whether somebody watches.
    progress: bool,
}

impl Report {
    fn new() -> Self {
        Self { total: Counts::default(), files: 0, all_read: true, progress: io::stderr().is_terminal() }
    }

    fn counted(&mut self, path: &Path, counts: Counts) -> io::Result<()> {
        self.total.lines += counts.lines;
        self.total.words += counts.words;
        self.total.bytes += counts.bytes;
        self.files += 1;
        self.clear_progress();
        print(counts, path.display())?;
        if self.progress {
            eprint!("{} files, {} bytes", self.files, self.total.bytes);
        }
        Ok(())
    }

    fn failed(&mut self, path: &Path, error: &io::Error) {
        self.all_read = false;
        self.clear_progress();
        eprintln!("wc: failed to read `{}`: {error}", path.display());
    }

    fn finish(&mut self) -> io::Result<bool> {
        self.clear_progress();
        print(self.total, "total")?;
        Ok(self.all_read)
    }

    fn clear_progress(&self) {
        if self.progress {
            eprint!("\r\x1b[K");
        }
    }
}

fn print(counts: Counts, what: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout(), "{:>8} {:>8} {:>10} {what}", counts.lines, counts.words, counts.bytes)
}
