//! Directories are gone through.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use futures_lite::{Stream, StreamExt};

use crate::common::{Dir, HeldUp, cancel, hold_up, one_thread, run};

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

/// The pool refuses what is in its queue when the loop ends, and then waits for the thread that is held up.
#[test]
fn a_directory_outlives_the_loop_in_which_it_was_read() {
    struct LetsGo(Mutex<Option<HeldUp>>);
    impl Wake for LetsGo {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().take();
        }
    }
    aio_base::live::leak_check(|| {
        let dir = Dir::new();
        for n in 0..MANY {
            dir.file(&n.to_string(), "");
        }
        let (mut entries, mut n_entries) = aio_core::run(async {
            one_thread();
            let mut entries = aio_fs::read_dir(&*dir).await.unwrap();
            let waker = Waker::from(Arc::new(LetsGo(Mutex::new(Some(hold_up().await)))));
            let mut n_entries = 0;
            while Pin::new(&mut entries).poll_next(&mut Context::from_waker(&waker)).is_ready() {
                n_entries += 1;
            }
            (entries, n_entries)
        });
        assert!(n_entries < MANY, "the next chunk was asked for");
        aio_core::run(async {
            while entries.next_entry().await.unwrap().is_some() {
                n_entries += 1;
            }
        });
        assert_eq!(n_entries, MANY);
    });
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    run(async |dir| {
        let name = OsStr::from_bytes(b"caf\xe9 \xff");
        // Not every system allows it.
        if std::fs::write(dir.join(name), "espresso").is_err() {
            return;
        }
        let entry = aio_fs::read_dir(&**dir).await.unwrap().next_entry().await.unwrap().unwrap();
        assert_eq!(entry.file_name(), name);
        assert_eq!(aio_fs::read(entry.path()).await.unwrap(), b"espresso");
        aio_fs::rename(entry.path(), dir.join("cafe")).await.unwrap();
        let error = aio_fs::read(entry.path()).await.unwrap_err();
        assert!(error.to_string().contains("caf\u{fffd} \u{fffd}"), "{error}");
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
