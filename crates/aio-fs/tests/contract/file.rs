//! `File`, one operation after the other.

use std::io::{self, ErrorKind, IoSlice, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use aio_fs::{File, OpenOptions};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Dir, cancel, hold_up, one_thread};

/// Runs `main` on a loop whose pool has one thread.
#[track_caller]
fn run<R>(main: impl AsyncFnOnce(&Dir) -> R) -> R {
    crate::common::run(async |dir| {
        one_thread();
        main(dir).await
    })
}

/// Drops a future that was polled and not ready.
async fn drop_unready<F: Future>(future: F) {
    let held_up = hold_up().await;
    assert!(cancel(future).await.is_none());
    held_up.let_go();
}

async fn open_both_ways(dir: &Dir, contents: &str) -> File {
    let path = dir.file("file", contents);
    OpenOptions::new().read(true).write(true).open(path).await.unwrap()
}

fn on_disk(dir: &Dir) -> String {
    std::fs::read_to_string(dir.join("file")).unwrap()
}

async fn rest(file: &mut File) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).await.unwrap();
    text
}

fn is_send_and_sync<T: Send + Sync + Unpin + 'static>() {}

#[test]
fn a_file_can_be_sent_and_shared() {
    is_send_and_sync::<File>();
    is_send_and_sync::<aio_fs::ReadDir>();
    is_send_and_sync::<aio_fs::DirEntry>();
}

#[test]
fn reads_writes_and_seeks_share_one_cursor() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        let mut buf = [0; 4];
        file.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"0123");
        file.write_all(b"abc").await.unwrap();
        assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 7);
        assert_eq!(rest(&mut file).await, "789");
        assert_eq!(file.seek(SeekFrom::End(-4)).await.unwrap(), 6);
        assert_eq!(rest(&mut file).await, "c789");
        let before = file.seek(SeekFrom::Current(-100)).await.unwrap_err();
        assert_eq!(before.kind(), ErrorKind::InvalidInput);
        assert!(before.to_string().starts_with("failed to seek in `"), "{before}");
        assert_eq!(file.seek(SeekFrom::Current(0)).await.unwrap(), 10);
        assert_eq!(on_disk(dir), "0123abc789");
    });
}

#[test]
fn a_read_takes_no_more_than_there_is_room_for() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        assert_eq!(file.read(&mut [0; 3]).await.unwrap(), 3);
        assert_eq!(file.read(&mut []).await.unwrap(), 0);
        assert_eq!(file.into_std().await.unwrap().stream_position().unwrap(), 3);
    });
}

#[test]
fn the_options_are_those_of_the_standard_library() {
    run(async |dir| {
        let path = dir.file("file", "old");
        let mut file = OpenOptions::new().append(true).open(&path).await.unwrap();
        file.write_all(b" and new").await.unwrap();
        file.close().await.unwrap();
        assert_eq!(on_disk(dir), "old and new");
        File::create(&path).await.unwrap();
        assert_eq!(on_disk(dir), "");
        assert_eq!(File::create_new(&path).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
        let mut file = File::create_new(dir.join("new")).await.unwrap();
        file.write_all(b"x").await.unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        assert_eq!(rest(&mut file).await, "x");
        let mut options = std::fs::OpenOptions::new();
        options.read(true);
        let mut file = OpenOptions::from(options).open(dir.join("new")).await.unwrap();
        assert_eq!(rest(&mut file).await, "x");
    });
}

#[test]
fn a_vectored_write_takes_all_slices() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        let slices = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(file.write_vectored(&slices).await.unwrap(), 7);
        file.flush().await.unwrap();
        assert_eq!(on_disk(dir), "one two");
    });
}

#[test]
fn large_reads_and_writes_come_in_parts() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        let big: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
        assert_eq!(file.write(&big).await.unwrap(), 2 * 1024 * 1024);
        file.seek(SeekFrom::Start(0)).await.unwrap();
        file.write_all(&big).await.unwrap();
        file.seek(SeekFrom::Start(0)).await.unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).await.unwrap();
        assert!(read == big);
    });
}

#[test]
fn an_operation_on_the_whole_file_comes_after_what_was_written() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        file.write_all(b"12345").await.unwrap();
        assert_eq!(file.metadata().await.unwrap().len(), 5);
        file.write_all(b"678").await.unwrap();
        file.set_len(6).await.unwrap();
        assert_eq!(on_disk(dir), "123456");
        file.write_all(b"9").await.unwrap();
        file.sync_data().await.unwrap();
        assert_eq!(on_disk(dir), "123456\0\09");
        file.write_all(b"0").await.unwrap();
        file.sync_all().await.unwrap();
        assert_eq!(on_disk(dir), "123456\0\090");
        let mut permissions = file.metadata().await.unwrap().permissions();
        permissions.set_readonly(true);
        file.set_permissions(permissions).await.unwrap();
        assert!(file.metadata().await.unwrap().permissions().readonly());
    });
}

#[test]
fn positional_reads_and_writes_leave_the_cursor() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        file.write_all(b"ab").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(file.read_at(&mut buf, 1).await.unwrap(), 4);
        assert_eq!(&buf, b"b234", "what was written is seen");
        assert_eq!(file.read_at(&mut buf, 8).await.unwrap(), 2);
        assert_eq!(file.read_at(&mut buf, 10).await.unwrap(), 0);
        assert_eq!(file.write_at(b"xyz", 8).await.unwrap(), 3);
        assert_eq!(rest(&mut file).await, "234567xyz");
    });
}

#[test]
fn positional_reads_go_side_by_side() {
    crate::common::run(async |dir| {
        let file = Arc::new(open_both_ways(dir, &"0123456789".repeat(100)).await);
        let reads: Vec<_> = (0..100u64)
            .map(|n| {
                let file = file.clone();
                aio_core::spawn(async move {
                    let mut buf = [0; 1];
                    file.read_at(&mut buf, n).await.unwrap();
                    buf[0]
                })
            })
            .collect();
        for (n, read) in reads.into_iter().enumerate() {
            assert_eq!(read.await, b'0' + (n % 10) as u8);
        }
    });
}

#[test]
fn clones_share_the_cursor() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        let mut clone = file.try_clone().await.unwrap();
        file.write_all(b"abc").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(rest(&mut clone).await, "3456789");
        assert_eq!(rest(&mut file).await, "");
        let missing = clone.seek(SeekFrom::Current(-100)).await.unwrap_err();
        assert!(missing.to_string().contains("/file`"), "a clone knows its path: {missing}");
    });
}

#[test]
fn a_file_is_taken_from_the_standard_library_and_given_back() {
    run(async |dir| {
        let path = dir.file("file", "0123456789");
        let mut std = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        std.read_exact(&mut [0; 2]).unwrap();
        let mut file = File::from_std(std);
        file.write_all(b"ab").await.unwrap();
        let mut std = file.into_std().await.unwrap();
        std.write_all(b"cd").unwrap();
        assert_eq!(on_disk(dir), "01abcd6789");
        let mut file = File::from_std(std);
        let error = file.seek(SeekFrom::Current(-100)).await.unwrap_err();
        assert!(error.to_string().starts_with("failed to seek in a file: "), "{error}");
    });
}

#[test]
fn what_was_written_is_seen_although_its_own_job_has_not_begun() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        let held_up = hold_up().await;
        assert_eq!(file.write(b"12345").await.unwrap(), 5);
        // Off the loop, so in another pool.
        let other = std::thread::spawn(move || {
            futures_lite::future::block_on(async {
                assert_eq!(file.metadata().await.unwrap().len(), 5);
                let mut buf = [0; 2];
                assert_eq!(file.read_at(&mut buf, 1).await.unwrap(), 2);
                assert_eq!(&buf, b"23");
                file.close().await.unwrap();
            });
        });
        other.join().unwrap();
        held_up.let_go();
        assert_eq!(on_disk(dir), "12345");
    });
}

/// A read that was dropped, the data of which is in the file.
async fn dropped_read(file: &mut File, len: usize) {
    drop_unready(file.read(&mut vec![0; len])).await;
    // Comes after the read.
    file.metadata().await.unwrap();
}

#[test]
fn what_a_dropped_read_took_is_what_the_next_read_gets() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        dropped_read(&mut file, 6).await;
        let mut buf = [0; 4];
        assert_eq!(file.read(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf, b"0123");
        assert_eq!(rest(&mut file).await, "456789");
    });
}

#[test]
fn whoever_does_not_read_finds_the_cursor_before_the_dropped_read() {
    run(async |dir| {
        for cursor in 0..2 {
            let mut file = open_both_ways(dir, "0123456789").await;
            file.seek(SeekFrom::Start(cursor)).await.unwrap();
            dropped_read(&mut file, 4).await;
            assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), cursor + 1);
            dropped_read(&mut file, 4).await;
            file.write_all(b"X").await.unwrap();
            dropped_read(&mut file, 4).await;
            assert_eq!(file.try_clone().await.unwrap().seek(SeekFrom::Current(0)).await.unwrap(), cursor + 2);
            dropped_read(&mut file, 4).await;
            file.set_len(cursor + 4).await.unwrap();
            assert_eq!(rest(&mut file).await, "23456789"[cursor as usize..][..2]);
            file.seek(SeekFrom::Start(0)).await.unwrap();
            dropped_read(&mut file, 4).await;
            assert_eq!(file.into_std().await.unwrap().stream_position().unwrap(), 0);
        }
    });
}

#[test]
fn a_dropped_seek_did_not_happen() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        file.read_exact(&mut [0; 2]).await.unwrap();
        for to in [SeekFrom::Current(3), SeekFrom::Start(9), SeekFrom::End(-1), SeekFrom::Current(-100)] {
            drop_unready(file.seek(to)).await;
            file.metadata().await.unwrap();
            assert_eq!(file.seek(SeekFrom::Current(1)).await.unwrap(), 3);
            drop_unready(file.seek(to)).await;
            file.write_all(b"x").await.unwrap();
            assert_eq!(file.seek(SeekFrom::Start(2)).await.unwrap(), 2);
        }
        drop_unready(file.seek(SeekFrom::Current(3))).await;
        assert_eq!(rest(&mut file).await, "2x456789");
    });
}

#[test]
fn a_seek_that_is_dropped_and_asked_for_again_happens_once() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        drop_unready(file.seek(SeekFrom::Current(3))).await;
        assert_eq!(file.seek(SeekFrom::Current(3)).await.unwrap(), 3);
    });
}

#[test]
fn a_dropped_write_was_counted_or_did_not_happen() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        let held_up = hold_up().await;
        assert_eq!(cancel(file.write(b"taken, ")).await.unwrap().unwrap(), 7);
        assert!(cancel(file.write(b"not taken, ")).await.is_none());
        assert!(cancel(file.write(b"nor this, ")).await.is_none());
        held_up.let_go();
        file.write_all(b"taken").await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(on_disk(dir), "taken, taken");
    });
}

#[test]
fn what_a_dropped_file_has_taken_is_written() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "").await;
        let held_up = hold_up().await;
        assert_eq!(file.write(b"left behind").await.unwrap(), 11);
        drop(file);
        assert_eq!(on_disk(dir), "", "its thread is held up");
        held_up.let_go();
        // The pool has one thread and is fair: this comes after.
        assert_eq!(aio_fs::read(dir.join("file")).await.unwrap(), b"left behind");
    });
}

#[test]
fn the_read_of_a_dropped_file_is_not_done() {
    run(async |dir| {
        let mut file = open_both_ways(dir, "0123456789").await;
        let mut clone = file.try_clone().await.unwrap();
        let held_up = hold_up().await;
        assert!(cancel(file.read(&mut [0; 5])).await.is_none());
        drop(file);
        held_up.let_go();
        assert_eq!(rest(&mut clone).await, "0123456789");
    });
}

#[test]
fn the_end_of_the_loop_writes_what_was_taken() {
    aio_base::live::leak_check(|| {
        let dir = Dir::new();
        let (mut file, opener) = aio_core::run(async {
            one_thread();
            let mut file = open_both_ways(&dir, "").await;
            let mut other = File::create(dir.join("other")).await.unwrap();
            // The only thread is held up until the pool, which is shut down, has written what is in its queue.
            let held_up = hold_up().await;
            assert_eq!(file.write(b"of a file that lives on").await.unwrap(), 23);
            assert_eq!(other.write(b"of a dropped file").await.unwrap(), 17);
            drop(other);
            let path = dir.join("other");
            let opener = std::thread::spawn(move || {
                while std::fs::read(&path).unwrap() != b"of a dropped file" {
                    std::thread::yield_now();
                }
                held_up.let_go();
            });
            (file, opener)
        });
        opener.join().unwrap();
        assert_eq!(on_disk(&dir), "of a file that lives on");
        // Another loop goes on with the file.
        aio_core::run(async {
            file.write_all(b", and on").await.unwrap();
            file.flush().await.unwrap();
        });
        assert_eq!(on_disk(&dir), "of a file that lives on, and on");
    });
}

/// The end of the loop writes into a full pipe meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_the_end_of_its_loop_writes_is_waited_for_by_another() {
    const LEN: usize = 200_000;
    aio_base::live::leak_check(|| {
        let (mut reader, writer) = io::pipe().unwrap();
        let (give, take) = std::sync::mpsc::channel();
        let other = std::thread::spawn(move || {
            let (mut file, held_up): (File, crate::common::HeldUp) = take.recv().unwrap();
            // Once there is something in the pipe, the write is under way.
            reader.read_exact(&mut [0]).unwrap();
            futures_lite::future::block_on(async {
                let mut flush = Box::pin(file.flush());
                assert!(futures_lite::future::poll_once(&mut flush).await.is_none());
                let rest = std::thread::spawn(move || reader.read_exact(&mut vec![0; LEN - 1]));
                flush.await.unwrap();
                rest.join().unwrap().unwrap();
            });
            held_up.let_go();
        });
        aio_core::run(async {
            one_thread();
            let mut file = File::from_std(std::os::fd::OwnedFd::from(writer).into());
            let held_up = hold_up().await;
            assert_eq!(file.write(&[0; LEN]).await.unwrap(), LEN);
            give.send((file, held_up)).unwrap();
        });
        other.join().unwrap();
    });
}

#[cfg(target_os = "linux")]
mod full {
    //! `/dev/full` takes everything and writes nothing.
    use super::*;

    async fn failed_write(file: &mut File) {
        assert_eq!(file.write(b"lost").await.unwrap(), 4);
        file.metadata().await.unwrap();
    }

    #[track_caller]
    fn is_told<T: std::fmt::Debug>(result: io::Result<T>) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("failed to write to `/dev/full`: "), "{error}");
    }

    #[test]
    fn the_error_of_the_last_write_is_told_once_by_whatever_comes() {
        run(async |_| {
            let mut file = OpenOptions::new().read(true).write(true).open("/dev/full").await.unwrap();
            failed_write(&mut file).await;
            is_told(file.flush().await);
            file.flush().await.unwrap();

            failed_write(&mut file).await;
            is_told(file.write(b"not taken").await);
            file.flush().await.unwrap();

            failed_write(&mut file).await;
            is_told(file.sync_all().await);
            failed_write(&mut file).await;
            is_told(file.sync_data().await);

            // Two that fail, of which the second is refused.
            file.write(b"lost").await.unwrap();
            is_told(file.write_all(b"not taken").await);

            file.write(b"lost").await.unwrap();
            is_told(AsyncWriteExt::close(&mut file).await);
            file.write(b"lost").await.unwrap();
            is_told(file.try_clone().await.unwrap().flush().await.and(file.flush().await));
            file.write(b"lost").await.unwrap();
            is_told(file.into_std().await);
        });
    }

    #[test]
    fn the_error_of_a_write_outlives_what_was_dropped_after_it() {
        run(async |_| {
            let mut file = OpenOptions::new().read(true).write(true).open("/dev/full").await.unwrap();
            failed_write(&mut file).await;
            // A read (of zeros), a seek and a flush that are dropped, and a read that is not.
            drop_unready(file.read(&mut [0; 4])).await;
            is_told(file.flush().await);
            file.write(b"lost").await.unwrap();
            drop_unready(file.seek(SeekFrom::Start(0))).await;
            assert_eq!(file.read(&mut [0; 4]).await.unwrap(), 4);
            is_told(file.close().await);
        });
    }
}

#[test]
fn a_write_to_a_file_that_cannot_be_written_is_told_and_the_file_can_be_read() {
    run(async |dir| {
        let mut file = File::open(dir.file("file", "0123456789")).await.unwrap();
        dropped_read(&mut file, 5).await;
        file.write(b"x").await.unwrap();
        assert!(file.flush().await.is_err());
        assert_eq!(rest(&mut file).await, "0123456789");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_without_a_cursor_is_read_too() {
    run(async |_| {
        // A pipe has no cursor: nothing here may seek unasked.
        let (reader, mut writer) = io::pipe().unwrap();
        let mut file = File::from_std(std::os::fd::OwnedFd::from(reader).into());
        writer.write_all(b"through a pipe").unwrap();
        drop(writer);
        dropped_read(&mut file, 4).await;
        assert_eq!(rest(&mut file).await, "through a pipe");
    });
}
