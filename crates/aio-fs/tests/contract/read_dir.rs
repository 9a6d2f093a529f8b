//! Directories are gone through.

use std::collections::BTreeSet;

use futures_lite::StreamExt;

use crate::common::{cancel, run};

/// More than fit into one chunk, and not a whole number of chunks.
const MANY: usize = 300;

#[test]
fn each_entry_comes_once() {
    run(async |dir| {
        for n in 0..MANY {
            dir.file(&n.to_string(), "");
        }
        let mut names = BTreeSet::new();
        let mut entries = aio_fs::read_dir(&**dir).await.unwrap();
        while let Some(entry) = entries.next().await {
            let entry = entry.unwrap();
            assert_eq!(entry.path(), dir.join(entry.file_name()));
            assert!(names.insert(entry.file_name().into_string().unwrap()));
        }
        assert_eq!(names, (0..MANY).map(|n| n.to_string()).collect());
        assert!(entries.next().await.is_none(), "after the end");
    });
}

#[test]
fn dropping_next_entry_loses_no_entry() {
    run(async |dir| {
        for n in 0..MANY {
            dir.file(&n.to_string(), "");
        }
        let mut entries = aio_fs::read_dir(&**dir).await.unwrap();
        let (mut n_entries, mut n_dropped) = (0, 0);
        loop {
            match cancel(entries.next_entry()).await {
                Some(entry) if entry.as_ref().unwrap().is_some() => n_entries += 1,
                Some(_) => break,
                None => {
                    n_dropped += 1;
                    aio_core::yield_now().await;
                }
            }
        }
        assert_eq!(n_entries, MANY);
        assert!(n_dropped >= 2, "a chunk was awaited for");
    });
}

#[test]
fn an_entry_knows_its_type_and_metadata() {
    run(async |dir| {
        dir.file("file", "12345");
        std::fs::create_dir(dir.join("dir")).unwrap();
        let mut n_entries = 0;
        let mut entries = aio_fs::read_dir(&**dir).await.unwrap();
        while let Some(entry) = entries.next_entry().await.unwrap() {
            n_entries += 1;
            let (file_type, metadata) = (entry.file_type().await.unwrap(), entry.metadata().await.unwrap());
            assert_eq!(file_type, metadata.file_type());
            match entry.file_name().to_str().unwrap() {
                "file" => assert_eq!((file_type.is_file(), metadata.len()), (true, 5)),
                name => assert_eq!((file_type.is_dir(), name), (true, "dir")),
            }
        }
        assert_eq!(n_entries, 2);
    });
}

#[test]
fn an_entry_that_is_gone_is_told_with_its_path() {
    run(async |dir| {
        let path = dir.file("file", "");
        let mut entries = aio_fs::read_dir(&**dir).await.unwrap();
        let entry = entries.next_entry().await.unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        let error = entry.metadata().await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&format!("failed to look up `{}`: ", path.display())), "{error}");
    });
}

#[test]
fn an_empty_directory_has_no_entry() {
    run(async |dir| assert!(aio_fs::read_dir(&**dir).await.unwrap().next().await.is_none()));
}
