//! Files over TCP connections on loopback.

mod support;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use aio_core::{local, spawn};
use aio_io::ReadExt;
#[cfg(unix)]
use aio_io::WriteExt;
use aio_net::{TcpListener, TcpStream};
use aio_timer::timeout;

use support::run;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (here, listener.accept().await.unwrap().0)
}

/// A file of bytes that differ from place to place.
struct Contents {
    path: PathBuf,
    bytes: Vec<u8>,
    file: File,
}

impl Contents {
    fn new(name: &str, len: usize) -> Self {
        Self::in_directory(std::env::temp_dir(), name, len)
    }

    fn in_directory(directory: PathBuf, name: &str, len: usize) -> Self {
        let path = directory.join(format!("aio-send-file-{name}-{}", std::process::id()));
        let bytes: Vec<u8> = (0..len as u32).flat_map(u32::to_ne_bytes).take(len).collect();
        fs::write(&path, &bytes).unwrap();
        Self { file: File::open(&path).unwrap(), path, bytes }
    }

    /// Has the system forget what it has in memory of the file, if it can.
    #[cfg(target_os = "linux")]
    fn cool_down(&self) {
        use rustix::fs::{Advice, fadvise};
        self.file.sync_all().unwrap();
        fadvise(&self.file, 0, None, Advice::DontNeed).unwrap();
    }

    fn shorten(&self, len: u64) {
        fs::OpenOptions::new().write(true).open(&self.path).unwrap().set_len(len).unwrap();
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Sends a part of a file to somebody who takes it, and gives what has arrived.
async fn sent(file: &File, part: &mut Range<u64>) -> (io::Result<u64>, Vec<u8>) {
    let (mut here, mut there) = pair().await;
    let receiver = local::spawn(async move {
        let mut bytes = Vec::new();
        there.read_to_end(&mut bytes).await.unwrap();
        bytes
    });
    let outcome = here.send_file(file, part).await;
    drop(here);
    (outcome, receiver.await)
}

/// Sends until the sockets have no more room, and drops the future then.
async fn fill(stream: &mut TcpStream, file: &File, part: &mut Range<u64>) {
    let before = part.start;
    // Where it is read in threads, these may take their time.
    while part.start == before {
        let outcome = timeout(Duration::from_millis(20), stream.send_file(file, part)).await;
        assert!(outcome.is_err(), "there is more in the file than the sockets take: {outcome:?}");
    }
}

#[test]
fn a_whole_file_is_sent_and_its_cursor_stays() {
    run(async {
        let mut contents = Contents::new("whole", 3_000_001);
        contents.file.seek(io::SeekFrom::Start(7)).unwrap();
        let mut part = 0..u64::MAX;
        let (outcome, bytes) = sent(&contents.file, &mut part).await;
        assert_eq!((outcome.unwrap(), part), (3_000_001, 3_000_001..u64::MAX));
        assert!(bytes == contents.bytes, "{} bytes", bytes.len());
        if cfg!(unix) {
            assert_eq!(contents.file.stream_position().unwrap(), 7);
        }
    });
}

#[test]
fn a_part_is_sent_as_far_as_there_is_one() {
    run(async {
        let contents = Contents::new("part", 300_000);
        let backwards = Range { start: 9, end: 3 };
        assert_eq!(sent(&contents.file, &mut backwards.clone()).await.0.unwrap(), 0);
        for (part, expected) in [
            (0..1, 0..1),
            (0..0, 0..0),
            (9..9, 0..0),
            (131_071..131_073, 131_071..131_073),
            (100..300_000, 100..300_000),
            // Past the end.
            (299_999..300_001, 299_999..300_000),
            (300_000..300_001, 0..0),
            (400_000..u64::MAX, 0..0),
            // Past the end that any file could have, which Linux refuses to send.
            (1 << 62..u64::MAX, 0..0),
            (i64::MAX as u64 - 5..u64::MAX, 0..0),
            (1 << 63..u64::MAX, 0..0),
            (u64::MAX - 1..u64::MAX, 0..0),
        ] {
            let mut left = part.clone();
            let (outcome, bytes) = sent(&contents.file, &mut left).await;
            assert_eq!(outcome.unwrap(), expected.len() as u64, "{part:?}");
            assert_eq!(left, part.start + expected.len() as u64..part.end);
            assert!(bytes == contents.bytes[expected], "{part:?}: {} bytes", bytes.len());
        }
        let empty = Contents::new("empty", 0);
        assert_eq!(sent(&empty.file, &mut (0..u64::MAX)).await.0.unwrap(), 0);
    });
}

#[test]
fn a_reader_that_is_slow_holds_it_up_and_nobody_else() {
    run(async {
        let contents = Contents::new("slow", 30_000_000);
        let (mut here, mut there) = pair().await;
        let mut part = 0..u64::MAX;
        fill(&mut here, &contents.file, &mut part).await;
        assert!(0 < part.start && part.start < 30_000_000, "{part:?}");

        let receiver = local::spawn(async move {
            let mut bytes = Vec::new();
            let mut piece = vec![0; 1000];
            loop {
                match there.read(&mut piece).await.unwrap() {
                    0 => return bytes,
                    n => bytes.extend_from_slice(&piece[..n]),
                }
            }
        });
        let before = part.start;
        assert_eq!(here.send_file(&contents.file, &mut part).await.unwrap(), 30_000_000 - before);
        drop(here);
        assert!(receiver.await == contents.bytes);
    });
}

/// Sends by futures that are dropped while the peer takes nothing.
async fn goes_on_where_a_dropped_one_was(file: &File, bytes: &[u8]) {
    let (mut here, mut there) = pair().await;
    let mut part = 5..u64::MAX;
    let mut received = Vec::new();
    while received.len() < 20_000_000 {
        fill(&mut here, file, &mut part).await;
        let mut new = vec![0; part.start as usize - 5 - received.len()];
        timeout(Duration::from_secs(60), there.read_exact(&mut new)).await.expect("what is told was sent").unwrap();
        received.extend_from_slice(&new);
    }
    drop(here);
    let mut rest = Vec::new();
    there.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "{} bytes were sent that were not told", rest.len());
    assert!(received == bytes[5..][..received.len()]);
}

#[test]
fn what_was_sent_is_known_after_the_future_was_dropped() {
    run(async {
        let contents = Contents::new("dropped", 40_000_000);
        goes_on_where_a_dropped_one_was(&contents.file, &contents.bytes).await;
    });
}

/// The same where all of it is read in the pool: there, Linux does not tell what is in memory.
#[cfg(target_os = "linux")]
#[test]
fn what_was_sent_is_known_after_the_future_was_dropped_also_if_it_was_copied() {
    let directory = PathBuf::from("/dev/shm");
    run(async {
        if !directory.is_dir() || is_told(&Contents::in_directory(directory.clone(), "probe", 1).file) {
            println!("skipped: nothing in `{}` has to be copied", directory.display());
            return;
        }
        let contents = Contents::in_directory(directory, "dropped-copied", 40_000_000);
        goes_on_where_a_dropped_one_was(&contents.file, &contents.bytes).await;
        assert!(pool_threads() > 0);
    });
}

/// Whether the system tells what of a file is in memory.
#[cfg(target_os = "linux")]
fn is_told(file: &File) -> bool {
    use rustix::io::{ReadWriteFlags, preadv2};
    preadv2(file, &mut [io::IoSliceMut::new(&mut [0])], 0, ReadWriteFlags::NOWAIT).is_ok()
}

/// How many threads of pools there are.
#[cfg(target_os = "linux")]
fn pool_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    // One that has ended meanwhile has no name.
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "aio-blocking").count()
}

#[cfg(target_os = "linux")]
#[test]
fn only_what_is_not_in_memory_is_read_in_a_thread() {
    run(async {
        let contents = Contents::new("cold", 1_000_000);
        if is_told(&contents.file) {
            let (outcome, bytes) = sent(&contents.file, &mut (0..u64::MAX)).await;
            assert!(outcome.unwrap() == 1_000_000 && bytes == contents.bytes);
            assert_eq!(pool_threads(), 0, "it was in memory");
        } else {
            println!("skipped: the file system of `{}` does not tell what is in memory", contents.path.display());
        }
        contents.cool_down();
        let (outcome, bytes) = sent(&contents.file, &mut (0..u64::MAX)).await;
        assert!(outcome.unwrap() == 1_000_000 && bytes == contents.bytes);
        assert!(pool_threads() > 0, "the loop would have waited");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_system_does_not_send_by_itself_is_copied() {
    run(async {
        // Files that are none, with an end that only a read meets.
        let path = "/proc/self/limits";
        let (outcome, bytes) = sent(&File::open(path).unwrap(), &mut (0..u64::MAX)).await;
        assert_eq!(outcome.unwrap(), bytes.len() as u64);
        assert_eq!(bytes, fs::read(path).unwrap());
        // One that has no end, and says that it is in memory.
        let mut part = 0..1_000_000;
        let (outcome, bytes) = sent(&File::open("/dev/zero").unwrap(), &mut part).await;
        assert_eq!((outcome.unwrap(), bytes), (1_000_000, vec![0; 1_000_000]));
    });
}

#[test]
fn a_file_that_becomes_shorter_ends_there() {
    run(async {
        let contents = Contents::new("shorter", 30_000_000);
        let (mut here, mut there) = pair().await;
        let mut part = 0..30_000_000;
        fill(&mut here, &contents.file, &mut part).await;
        let before = part.start;
        contents.shorten(before + 1000);
        let receiver = local::spawn(async move {
            let mut bytes = Vec::new();
            there.read_to_end(&mut bytes).await.unwrap();
            bytes
        });
        assert_eq!(here.send_file(&contents.file, &mut part).await.unwrap(), 1000);
        assert_eq!(part, before + 1000..30_000_000);
        contents.shorten(10);
        assert_eq!(here.send_file(&contents.file, &mut part).await.unwrap(), 0);
        drop(here);
        let bytes = receiver.await;
        assert!(bytes == contents.bytes[..before as usize + 1000], "{} bytes", bytes.len());
    });
}

#[test]
fn a_peer_that_resets_is_an_error_and_how_much_was_sent_is_known() {
    run(async {
        let contents = Contents::new("reset", 30_000_000);
        let (mut here, mut there) = pair().await;
        let peer = local::spawn(async move {
            let mut bytes = vec![0; 1_000_000];
            there.read_exact(&mut bytes).await.unwrap();
            there.set_linger(Some(Duration::ZERO)).unwrap();
            bytes
        });
        let mut part = 0..u64::MAX;
        // In a task that may cross threads.
        let sending = spawn(async move {
            let outcome = here.send_file(&contents.file, &mut part).await;
            (outcome, here, contents, part)
        });
        let (outcome, mut here, contents, mut part) = sending.await;
        let error = outcome.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
        assert!(error.to_string().starts_with("failed to send a file: "), "{error}");
        assert!(peer.await == contents.bytes[..1_000_000]);
        assert!((1_000_000..30_000_000).contains(&part.start), "{part:?}");
        assert!(here.send_file(&contents.file, &mut part).await.is_err(), "and stays one");
    });
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_an_error_that_says_so() {
    run(async {
        let (mut here, mut there) = pair().await;
        let contents = Contents::new("unreadable", 10);
        let write_only = fs::OpenOptions::new().write(true).open(&contents.path).unwrap();
        let (pipe, _writer) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(pipe));
        for (file, says) in
            [(File::open(std::env::temp_dir()).unwrap(), "directory"), (write_only, "descriptor"), (pipe, "seek")]
        {
            let mut part = 0..u64::MAX;
            let error = here.send_file(&file, &mut part).await.unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("failed to read a file that is to be sent: "), "{message}");
            assert!(message.contains(says), "{message}");
            assert_eq!(part, 0..u64::MAX);
        }
        // The connection has not suffered.
        here.send_file(&contents.file, &mut (0..10)).await.unwrap();
        here.write_all(b"more").await.unwrap();
        here.close().await.unwrap();
        let mut bytes = Vec::new();
        there.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, [&contents.bytes[..], b"more"].concat());
    });
}
