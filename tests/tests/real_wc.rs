//! The example `wc` on real files.
#![cfg(not(aio_loom))]

use std::fs;
use std::path::PathBuf;

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("aio-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn lines(output: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8(output.to_vec()).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

#[test]
fn every_file_is_counted_once_and_the_total_comes_last() {
    let directory = Directory::new("wc-all");
    let mut expected = Vec::new();
    for i in 0..100 {
        let folder = directory.0.join(format!("{}/{}", i % 7, i % 3));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{i}.txt"));
        // Words across the boundaries of reads, a last line without an end, an empty file.
        let text = "two words\n".repeat(i * 300) + if i % 2 == 0 { "" } else { "end" };
        fs::write(&path, &text).unwrap();
        expected.push((text.matches('\n').count(), text.split_whitespace().count(), text.len(), path));
    }
    let output = aio_tests::example("wc").arg(&directory.0).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "no progress line without a terminal");

    let mut lines = lines(&output.stdout);
    let total = lines.pop().unwrap();
    let sum = |of: fn(&(usize, usize, usize, PathBuf)) -> usize| expected.iter().map(of).sum::<usize>().to_string();
    assert_eq!(total, [sum(|e| e.0), sum(|e| e.1), sum(|e| e.2), "total".into()]);

    let mut expected: Vec<Vec<String>> = expected
        .into_iter()
        .map(|(l, w, b, path)| vec![l.to_string(), w.to_string(), b.to_string(), path.display().to_string()])
        .collect();
    expected.sort();
    lines.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_path_that_cannot_be_read_is_named_and_the_others_are_counted() {
    let directory = Directory::new("wc-missing");
    let good = directory.0.join("good");
    let missing = directory.0.join("missing");
    fs::write(&good, "a b\nc\n").unwrap();
    let output = aio_tests::example("wc").arg(&missing).arg(&good).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with(&format!("wc: failed to read `{}`: ", missing.display())), "{stderr}");
    let counts = ["2".to_owned(), "3".into(), "6".into()];
    let lines = lines(&output.stdout);
    assert_eq!(lines[0][..3], counts);
    assert_eq!(lines[1][..3], counts);
    assert_eq!(lines[1][3], "total");
}

#[test]
fn without_paths_the_usage_is_shown() {
    let output = aio_tests::example("wc").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "usage: wc PATH...\n");
}
