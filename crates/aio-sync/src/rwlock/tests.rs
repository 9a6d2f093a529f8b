//! The races of the read-write lock: a writer is alone, and nobody sleeps beside a lock that would let it in. (The
//! value is a cell of the model: loom reports two accesses that the lock does not order.)

use aio_base::sync::Arc;

use crate::race::{block_on, model, poll_and_drop, start};
use crate::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};

fn write(lock: &RwLock<usize>) {
    block_on(async { *lock.write().await += 1 });
}

fn read(lock: &RwLock<usize>) -> usize {
    block_on(async { *lock.read().await })
}

/// Nobody has the lock, nobody waits.
fn assert_free(lock: &RwLock<usize>) {
    assert!(lock.try_write().is_some());
}

/// Fast path against fast path, the first in the line against the release.
#[test]
fn a_writer_is_alone() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let [writes, reads] = [lock.clone(), lock.clone()];
        let writes = start(move || write(&writes));
        let reads = start(move || assert!(read(&reads) <= 2));
        write(&lock);
        writes.join().unwrap();
        reads.join().unwrap();
        assert_eq!(read(&lock), 2);
        assert_free(&lock);
    });
}

/// The last of two readers lets the writer in, whichever it is.
#[test]
fn the_writer_comes_after_all_readers() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.try_read().unwrap();
        let [writes, reads] = [lock.clone(), lock.clone()];
        let writes = start(move || write(&writes));
        let reads = start(move || assert!(read(&reads) <= 1));
        assert_eq!(*guard, 0);
        drop(guard);
        writes.join().unwrap();
        reads.join().unwrap();
        assert_eq!(read(&lock), 1);
        assert_free(&lock);
    });
}

/// A writer waits for a reader, and gives up before, while or after it is let in. The reader behind it is let in.
#[test]
fn a_writer_that_gives_up_lets_the_reader_behind_it_in() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.try_read().unwrap();
        let [gives_up, reads] = [lock.clone(), lock.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.write()));
        let reads = start(move || assert_eq!(read(&reads), 0));
        drop(guard);
        gives_up.join().unwrap();
        reads.join().unwrap();
        assert_free(&lock);
    });
}

/// The reader is let in and gives up; the writer behind it is woken by that.
#[test]
fn a_reader_that_gives_up_lets_the_writer_behind_it_in() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let mut guard = lock.try_write().unwrap();
        let [gives_up, writes] = [lock.clone(), lock.clone()];
        let gives_up = start(move || poll_and_drop(gives_up.read()));
        let writes = start(move || write(&writes));
        *guard += 1;
        drop(guard);
        gives_up.join().unwrap();
        writes.join().unwrap();
        assert_eq!(read(&lock), 2);
        assert_free(&lock);
    });
}

/// The writer becomes a reader while another writer and a reader come.
#[test]
fn a_writer_that_becomes_a_reader_lets_no_writer_in_between() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let mut guard = lock.try_write().unwrap();
        let [writes, reads] = [lock.clone(), lock.clone()];
        let writes = start(move || write(&writes));
        let reads = start(move || assert!(read(&reads) >= 1));
        *guard += 1;
        let guard = RwLockWriteGuard::downgrade(guard);
        assert_eq!(*guard, 1);
        drop(guard);
        writes.join().unwrap();
        reads.join().unwrap();
        assert_eq!(read(&lock), 2);
        assert_free(&lock);
    });
}

/// The upgrade against a reader that leaves and a writer that comes: what was read before it still holds.
#[test]
fn an_upgrade_comes_after_the_readers_and_before_the_writers() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.try_upgradable_read().unwrap();
        let reader = lock.clone();
        let reads = start(move || assert!(read(&reader) <= 2));
        let writer = lock.clone();
        let writes = start(move || write(&writer));
        let before = *guard;
        let mut guard = block_on(RwLockUpgradableReadGuard::upgrade(guard));
        assert_eq!(*guard, before);
        *guard += 1;
        drop(guard);
        reads.join().unwrap();
        writes.join().unwrap();
        assert_eq!(read(&lock), 2);
        assert_free(&lock);
    });
}

/// The upgrade is given up before, while or after it succeeds; the writer behind it is let in.
#[test]
fn an_upgrade_that_is_given_up_leaves_the_lock() {
    model(|| {
        let lock = Arc::new(RwLock::new(0));
        let reader = lock.try_read().unwrap();
        let theirs = lock.clone();
        let gives_up = start(move || {
            if let Some(guard) = theirs.try_upgradable_read() {
                poll_and_drop(RwLockUpgradableReadGuard::upgrade(guard));
            }
        });
        let theirs = lock.clone();
        let writes = start(move || write(&theirs));
        drop(reader);
        gives_up.join().unwrap();
        writes.join().unwrap();
        assert_eq!(read(&lock), 1);
        assert_free(&lock);
    });
}
