//! Large files, many files, and what is left of them.
#![cfg(not(aio_loom))]

#[path = "common/dir.rs"]
mod dir;

use std::io::SeekFrom;
use std::process::Command;
use std::sync::Arc;

use aio_base::live::leak_check;
use aio_fs::{File, OpenOptions};
use futures_lite::AsyncWriteExt;

use crate::dir::Dir;

/// Runs `main` on a loop of `aio`; nothing may be left.
fn run<R>(main: impl AsyncFnOnce(&Dir) -> R) -> R {
    leak_check(|| {
        let dir = Dir::new();
        aio_core::run(main(&dir))
    })
}

/// What `/proc/self/status` says, in KiB.
#[cfg(target_os = "linux")]
fn status(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

#[cfg(target_os = "linux")]
fn n_open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_file_is_copied_in_constant_memory() {
    const LEN: u64 = 256 * 1024 * 1024;
    run(async |dir| {
        let from = dir.join("from");
        // Sparse, with marks where a lost or doubled chunk would move them.
        let mut file = OpenOptions::new().read(true).write(true).create(true).open(&from).await.unwrap();
        file.set_len(LEN).await.unwrap();
        let marks: Vec<u64> = (0..64).map(|n| n * (LEN / 64) + n * 1001).collect();
        for &mark in &marks {
            file.write_at(&mark.to_le_bytes(), mark).await.unwrap();
        }
        let before = status("VmHWM:");
        let mut copy = File::create(dir.join("to")).await.unwrap();
        let mut buf = vec![0; 1024 * 1024];
        loop {
            let n = file.read(&mut buf).await.unwrap();
            if n == 0 {
                break;
            }
            // Holes stay holes.
            if buf[..n].iter().any(|&byte| byte != 0) {
                copy.write_all(&buf[..n]).await.unwrap();
            } else {
                copy.seek(SeekFrom::Current(n as i64)).await.unwrap();
            }
        }
        copy.set_len(LEN).await.unwrap();
        copy.close().await.unwrap();
        let more = status("VmHWM:") - before;
        assert!(more < 32 * 1024, "{more} KiB for a copy in parts of 1 MiB");

        let copy = File::open(dir.join("to")).await.unwrap();
        assert_eq!(copy.metadata().await.unwrap().len(), LEN);
        for &mark in &marks {
            let mut bytes = [0; 8];
            copy.read_at(&mut bytes, mark).await.unwrap();
            assert_eq!(u64::from_le_bytes(bytes), mark);
        }
        match Command::new("cmp").arg(&from).arg(dir.join("to")).status() {
            Ok(status) => assert!(status.success(), "cmp finds a difference"),
            Err(error) => eprintln!("skipped: cmp: {error}"),
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_files_leave_no_descriptor() {
    const FILES: usize = 10_000;
    const AT_ONCE: usize = 32;
    run(async |dir| {
        // Whatever the loop itself opens is open now.
        aio_fs::metadata(&**dir).await.unwrap();
        let before = n_open_files();
        let path = Arc::new(dir.to_path_buf());
        let writers: Vec<_> = (0..AT_ONCE)
            .map(|first| {
                let path = path.clone();
                aio_core::spawn(async move {
                    for n in (first..FILES).step_by(AT_ONCE) {
                        let mut file = File::create(path.join(n.to_string())).await.unwrap();
                        file.write_all(n.to_string().as_bytes()).await.unwrap();
                        // Some are closed, some dropped with the write under way.
                        if n % 2 == 0 {
                            file.close().await.unwrap();
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await;
        }
        let mut n_entries = 0;
        let mut entries = aio_fs::read_dir(&**dir).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            n_entries += 1;
            let name = entry.file_name().into_string().unwrap();
            // The write of a dropped file may be under way for a little longer.
            while aio_fs::read_to_string(entry.path()).await.unwrap() != name {}
        }
        assert_eq!(n_entries, FILES);
        drop(entries);
        aio_fs::remove_dir_all(&**dir).await.unwrap();
        // What was dropped is closed by threads of the pool.
        while n_open_files() > before {
            aio_fs::exists("/").await.unwrap();
        }
        assert_eq!(n_open_files(), before);
    });
}

#[test]
fn what_was_synced_is_seen_by_another_process() {
    run(async |dir| {
        let path = dir.join("file");
        let mut file = File::create(&path).await.unwrap();
        for n in 0..1000 {
            file.write_all(format!("line {n}\n").as_bytes()).await.unwrap();
        }
        file.sync_all().await.unwrap();
        match Command::new("wc").arg("-l").arg(&path).output() {
            Ok(output) => assert!(String::from_utf8_lossy(&output.stdout).trim_start().starts_with("1000 ")),
            Err(error) => eprintln!("skipped: wc: {error}"),
        }
    });
}
