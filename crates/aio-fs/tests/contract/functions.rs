//! The free functions.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::common::{cancel, hold_up, one_thread, run};

#[test]
fn what_is_written_is_read() {
    run(async |dir| {
        let path = dir.join("a");
        aio_fs::write(&path, "one\n").await.unwrap();
        aio_fs::append(&path, "two\n").await.unwrap();
        assert_eq!(aio_fs::read(&path).await.unwrap(), b"one\ntwo\n");
        assert_eq!(aio_fs::read_to_string(&path).await.unwrap(), "one\ntwo\n");
        aio_fs::write(&path, "3").await.unwrap();
        assert_eq!(aio_fs::metadata(&path).await.unwrap().len(), 1);
        aio_fs::append(dir.join("new"), "created").await.unwrap();
        assert_eq!(aio_fs::read(dir.join("new")).await.unwrap(), b"created");
    });
}

#[test]
fn files_are_copied_renamed_and_removed() {
    run(async |dir| {
        let (a, b, c) = (dir.file("a", "contents"), dir.join("b"), dir.join("c"));
        assert_eq!(aio_fs::copy(&a, &b).await.unwrap(), 8);
        aio_fs::rename(&b, &c).await.unwrap();
        assert!(!aio_fs::exists(&b).await.unwrap());
        assert_eq!(aio_fs::read(&c).await.unwrap(), b"contents");
        aio_fs::hard_link(&a, &b).await.unwrap();
        aio_fs::remove_file(&a).await.unwrap();
        assert_eq!(aio_fs::read(&b).await.unwrap(), b"contents");
        let mut permissions = aio_fs::metadata(&b).await.unwrap().permissions();
        permissions.set_readonly(true);
        aio_fs::set_permissions(&b, permissions).await.unwrap();
        assert!(std::fs::metadata(&b).unwrap().permissions().readonly());
    });
}

#[test]
fn directories_are_made_and_removed() {
    run(async |dir| {
        aio_fs::create_dir(dir.join("a")).await.unwrap();
        aio_fs::create_dir_all(dir.join("a/b/c")).await.unwrap();
        let full = aio_fs::remove_dir(dir.join("a")).await.unwrap_err();
        assert_eq!(full.kind(), ErrorKind::DirectoryNotEmpty);
        aio_fs::remove_dir(dir.join("a/b/c")).await.unwrap();
        aio_fs::remove_dir_all(dir.join("a")).await.unwrap();
        assert!(!dir.join("a").exists());
        let real = std::fs::canonicalize(&**dir).unwrap();
        std::fs::create_dir(dir.join("x")).unwrap();
        assert_eq!(aio_fs::canonicalize(dir.join("x/..")).await.unwrap(), real);
    });
}

#[cfg(unix)]
#[test]
fn links_are_made_and_looked_at() {
    run(async |dir| {
        let link = dir.join("link");
        aio_fs::symlink("nothing", &link).await.unwrap();
        assert_eq!(aio_fs::read_link(&link).await.unwrap(), Path::new("nothing"));
        assert!(aio_fs::symlink_metadata(&link).await.unwrap().is_symlink());
        assert!(!aio_fs::exists(&link).await.unwrap());
        let error = aio_fs::metadata(&link).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}

/// Whether the error names the operation and the paths, and keeps kind and source.
#[track_caller]
fn told<T: std::fmt::Debug>(result: io::Result<T>, start: &str, kind: ErrorKind) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("{start}: ")), "{text:?} does not start with {start:?}");
    assert_eq!(error.kind(), kind);
    let source = error.get_ref().unwrap().source().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(source.kind(), kind);
    assert!(source.raw_os_error().is_some() || kind == ErrorKind::InvalidData);
    assert_eq!(text, format!("{start}: {source}"));
}

#[test]
fn an_error_names_the_operation_and_the_path_and_keeps_its_kind() {
    run(async |dir| {
        let (missing, other) = (dir.join("missing"), dir.join("other"));
        let (no, also_no) = (missing.display(), other.display());
        let kind = ErrorKind::NotFound;
        told(aio_fs::read(&missing).await, &format!("failed to read `{no}`"), kind);
        told(aio_fs::File::open(&missing).await, &format!("failed to open `{no}`"), kind);
        told(aio_fs::metadata(&missing).await, &format!("failed to look up `{no}`"), kind);
        told(aio_fs::remove_file(&missing).await, &format!("failed to remove `{no}`"), kind);
        told(aio_fs::read_link(&missing).await, &format!("failed to read link `{no}`"), kind);
        told(aio_fs::canonicalize(&missing).await, &format!("failed to resolve `{no}`"), kind);
        told(aio_fs::read_dir(&missing).await, &format!("failed to read directory `{no}`"), kind);
        told(aio_fs::write(missing.join("x"), "").await, &format!("failed to write `{no}/x`"), kind);
        told(aio_fs::append(missing.join("x"), "").await, &format!("failed to append to `{no}/x`"), kind);
        told(aio_fs::create_dir(missing.join("x")).await, &format!("failed to create directory `{no}/x`"), kind);
        told(aio_fs::remove_dir_all(&missing).await, &format!("failed to remove directory `{no}`"), kind);
        told(aio_fs::copy(&missing, &other).await, &format!("failed to copy `{no}` to `{also_no}`"), kind);
        told(aio_fs::rename(&missing, &other).await, &format!("failed to rename `{no}` to `{also_no}`"), kind);
        told(aio_fs::hard_link(&missing, &other).await, &format!("failed to link `{no}` to `{also_no}`"), kind);

        let here = dir.display();
        told(aio_fs::File::create_new(&**dir).await, &format!("failed to open `{here}`"), ErrorKind::AlreadyExists);
        let no_text = dir.file("no_text", [0xff]);
        let error = aio_fs::read_to_string(&no_text).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("no_text"), "{error}");
    });
}

#[cfg(unix)]
#[test]
fn a_directory_is_not_read_as_a_file() {
    run(async |dir| {
        let here = dir.display();
        told(aio_fs::read(&**dir).await, &format!("failed to read `{here}`"), ErrorKind::IsADirectory);
        let mut opened = aio_fs::File::open(&**dir).await.unwrap();
        told(opened.read(&mut [0]).await, &format!("failed to read `{here}`"), ErrorKind::IsADirectory);
        told(aio_fs::File::create(&**dir).await, &format!("failed to open `{here}`"), ErrorKind::IsADirectory);
    });
}

#[test]
fn what_is_dropped_before_it_has_begun_does_not_happen() {
    run(async |dir| {
        one_thread();
        let path = dir.file("a", "old");
        let held_up = hold_up().await;
        assert!(cancel(aio_fs::write(&path, "new")).await.is_none());
        assert!(cancel(aio_fs::remove_file(&path)).await.is_none());
        held_up.let_go();
        assert_eq!(aio_fs::read(&path).await.unwrap(), b"old");
    });
}
