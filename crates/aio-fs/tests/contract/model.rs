//! Any sequence of operations, some of them dropped, beside `std::fs::File` on a copy.

use std::fs;
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom, Write};

use aio_fs::{File, OpenOptions};
use proptest::prelude::*;

use crate::common::{Dir, cancel, hold_up, one_thread, run};

#[derive(Debug, Clone)]
enum Op {
    Read(usize),
    Write(Vec<u8>),
    Seek(SeekFrom),
    Flush,
    /// Comes after what is under way, and so waits for it without a look at the outcome.
    Metadata,
    SetLen(u64),
    ReadAt(usize, u64),
    WriteAt(Vec<u8>, u64),
    /// Through `into_std` and `from_std`.
    Rewrap,
    /// Drops the file and opens its clone instead.
    Clone,
    /// The operation is polled once and dropped if it is not ready; the thread of the pool may be held up meanwhile.
    Dropped {
        op: Dropped,
        held_up: bool,
    },
}

#[derive(Debug, Clone)]
enum Dropped {
    Read(usize),
    Write(Vec<u8>),
    Seek(SeekFrom),
    Flush,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..20)
}

fn seek() -> impl Strategy<Value = SeekFrom> {
    prop_oneof![
        (0..60u64).prop_map(SeekFrom::Start),
        (-30..30i64).prop_map(SeekFrom::Current),
        (-50..10i64).prop_map(SeekFrom::End),
        prop_oneof![Just(i64::MIN), Just(i64::MAX)].prop_map(SeekFrom::Current),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let dropped = prop_oneof![
        3 => (0..20usize).prop_map(Dropped::Read),
        2 => bytes().prop_map(Dropped::Write),
        2 => seek().prop_map(Dropped::Seek),
        1 => Just(Dropped::Flush),
    ];
    prop_oneof![
        4 => (0..20usize).prop_map(Op::Read),
        3 => bytes().prop_map(Op::Write),
        3 => seek().prop_map(Op::Seek),
        1 => Just(Op::Flush),
        2 => Just(Op::Metadata),
        1 => (0..60u64).prop_map(Op::SetLen),
        1 => (0..20usize, 0..60u64).prop_map(|(len, offset)| Op::ReadAt(len, offset)),
        1 => (bytes(), 0..60u64).prop_map(|(bytes, offset)| Op::WriteAt(bytes, offset)),
        1 => Just(Op::Rewrap),
        1 => Just(Op::Clone),
        6 => (dropped, any::<bool>()).prop_map(|(op, held_up)| Op::Dropped { op, held_up }),
    ]
}

/// Polls once; with the pool held up, if that is asked for.
async fn poll_once<F: Future>(future: F, held_up: bool) -> Option<F::Output> {
    let held_up = if held_up { Some(hold_up().await) } else { None };
    let output = cancel(future).await;
    if let Some(held_up) = held_up {
        held_up.let_go();
    }
    output
}

struct Pair {
    file: Option<File>,
    model: fs::File,
    /// A dropped read may have seen the end of the file, which the next read would tell.
    old_end: bool,
}

impl Pair {
    fn file(&mut self) -> &mut File {
        self.file.as_mut().unwrap()
    }

    fn has_read(&mut self, asked: usize, buf: &[u8]) -> bool {
        let mut expected = vec![0; buf.len()];
        self.model.read_exact(&mut expected).unwrap();
        assert_eq!(buf, expected);
        if buf.is_empty() && asked > 0 {
            let is_at_end = self.model.stream_position().unwrap() >= self.model.metadata().unwrap().len();
            assert!(is_at_end || self.old_end, "an end where there is none");
            self.old_end = false;
            return is_at_end;
        }
        true
    }

    fn has_written(&mut self, bytes: &[u8], result: io::Result<usize>) {
        assert_eq!(result.unwrap(), bytes.len());
        self.model.write_all(bytes).unwrap();
    }

    fn has_sought(&mut self, to: SeekFrom, result: io::Result<u64>) {
        match (result, self.model.seek(to)) {
            (Ok(here), Ok(there)) => assert_eq!(here, there, "{to:?}"),
            (Err(here), Err(there)) => assert_eq!(here.kind(), there.kind()),
            (here, there) => panic!("{to:?}: {here:?} where the model has {there:?}"),
        }
    }

    async fn read(&mut self, len: usize) {
        loop {
            let mut buf = vec![0; len];
            let n = self.file().read(&mut buf).await.unwrap();
            if self.has_read(len, &buf[..n]) {
                break;
            }
        }
    }

    async fn apply(&mut self, op: Op) {
        match op {
            Op::Read(len) => self.read(len).await,
            Op::Write(bytes) => {
                let result = self.file().write(&bytes).await;
                self.has_written(&bytes, result);
            }
            Op::Seek(to) => {
                let result = self.file().seek(to).await;
                self.has_sought(to, result);
            }
            Op::Flush => self.file().flush().await.unwrap(),
            Op::Metadata => {
                let len = self.file().metadata().await.unwrap().len();
                assert_eq!(len, self.model.metadata().unwrap().len());
            }
            Op::SetLen(len) => {
                self.file().set_len(len).await.unwrap();
                self.model.set_len(len).unwrap();
            }
            Op::ReadAt(len, offset) => {
                let (mut buf, mut expected) = (vec![0; len], vec![0; len]);
                let n = self.file().read_at(&mut buf, offset).await.unwrap();
                assert_eq!(n, read_at(&self.model, &mut expected, offset).unwrap());
                assert_eq!(buf, expected);
            }
            Op::WriteAt(bytes, offset) => {
                // What a dropped read took is older than this: gives it back.
                let here = self.file().seek(SeekFrom::Current(0)).await;
                self.has_sought(SeekFrom::Current(0), here);
                assert_eq!(self.file().write_at(&bytes, offset).await.unwrap(), bytes.len());
                write_at(&self.model, &bytes, offset);
            }
            Op::Rewrap => self.file = Some(File::from_std(self.file.take().unwrap().into_std().await.unwrap())),
            Op::Clone => self.file = Some(self.file().try_clone().await.unwrap()),
            Op::Dropped { op, held_up } => self.apply_and_drop(op, held_up).await,
        }
    }

    async fn apply_and_drop(&mut self, op: Dropped, held_up: bool) {
        match op {
            Dropped::Read(len) => {
                let mut buf = vec![0; len];
                match poll_once(self.file().read(&mut buf), held_up).await {
                    Some(result) => _ = self.has_read(len, &buf[..result.unwrap()]),
                    None => self.old_end = true,
                }
            }
            Dropped::Write(bytes) => {
                if let Some(result) = poll_once(self.file().write(&bytes), held_up).await {
                    self.has_written(&bytes, result);
                }
            }
            Dropped::Seek(to) => {
                if let Some(result) = poll_once(self.file().seek(to), held_up).await {
                    self.has_sought(to, result);
                }
            }
            Dropped::Flush => {
                if let Some(result) = poll_once(self.file().flush(), held_up).await {
                    result.unwrap();
                }
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(unix)]
fn write_at(file: &fs::File, buf: &[u8], offset: u64) {
    std::os::unix::fs::FileExt::write_all_at(file, buf, offset).unwrap();
}

#[cfg(windows)]
fn read_at(mut file: &fs::File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let cursor = file.stream_position()?;
    let result = std::os::windows::fs::FileExt::seek_read(file, buf, offset);
    file.seek(SeekFrom::Start(cursor))?;
    result
}

#[cfg(windows)]
fn write_at(mut file: &fs::File, buf: &[u8], offset: u64) {
    let cursor = file.stream_position().unwrap();
    assert_eq!(std::os::windows::fs::FileExt::seek_write(file, buf, offset).unwrap(), buf.len());
    file.seek(SeekFrom::Start(cursor)).unwrap();
}

async fn compare(dir: &Dir, contents: &[u8], append: bool, ops: Vec<Op>) {
    one_thread();
    let (ours, theirs) = (dir.file("ours", contents), dir.file("theirs", contents));
    let file = OpenOptions::new().read(true).write(true).append(append).open(&ours).await.unwrap();
    let model = fs::OpenOptions::new().read(true).write(true).append(append).open(&theirs).unwrap();
    let mut pair = Pair { file: Some(file), model, old_end: false };
    for op in ops {
        pair.apply(op).await;
    }
    pair.read(100).await;
    let end = pair.file().seek(SeekFrom::Current(0)).await;
    pair.has_sought(SeekFrom::Current(0), end);
    pair.file.take().unwrap().close().await.unwrap();
    assert_eq!(fs::read(ours).unwrap(), fs::read(theirs).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_behaves_like_that_of_the_standard_library(
        contents in prop::collection::vec(any::<u8>(), 0..60),
        append in any::<bool>(),
        ops in prop::collection::vec(op(), 0..40),
    ) {
        run(async |dir| compare(dir, &contents, append, ops).await);
    }
}
