//! The checksums of all files under the paths given, as `cksum` prints them, some files at a time.
//!
//! ```text
//! cargo run --release -p aio-fs --example cksum -- crates | sort > ours
//! find crates -type f | xargs cksum | sort | diff - ours
//! ```

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use aio_fs::File;

const AT_ONCE: usize = 8;

/// The files that nobody has taken so far.
type ToDo = Arc<Mutex<Vec<PathBuf>>>;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let failures: usize = aio_core::run(async {
        let mut files = Vec::new();
        let mut n_failures = 0;
        for path in paths {
            n_failures += told(find(path, &mut files).await);
        }
        let to_do: ToDo = Arc::new(Mutex::new(files));
        let tasks: Vec<_> = (0..AT_ONCE).map(|_| aio_core::spawn(print_sums(to_do.clone()))).collect();
        for task in tasks {
            n_failures += task.await;
        }
        n_failures
    });
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says on the standard error why something failed; counts it.
fn told(result: io::Result<()>) -> usize {
    result.inspect_err(|error| eprintln!("cksum: {error}")).is_err().into()
}

/// Adds the path, if it is a file, or all files under it.
async fn find(path: PathBuf, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if aio_fs::metadata(&path).await?.is_file() {
        files.push(path);
        return Ok(());
    }
    let mut directories = vec![path];
    while let Some(directory) = directories.pop() {
        let mut entries = aio_fs::read_dir(directory).await?;
        while let Some(entry) = entries.next_entry().await? {
            let file_type = entry.file_type().await?;
            if file_type.is_dir() {
                directories.push(entry.path());
            } else if file_type.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(())
}

async fn print_sums(to_do: ToDo) -> usize {
    let mut n_failures = 0;
    let mut buf = vec![0; 256 * 1024];
    loop {
        let Some(path) = to_do.lock().unwrap().pop() else { return n_failures };
        let result = sum(&path, &mut buf).await;
        n_failures += told(result.map(|(sum, len)| println!("{sum} {len} {}", path.display())));
    }
}

/// The CRC of POSIX: of the contents, followed by as many bytes of their length as it has.
async fn sum(path: &PathBuf, buf: &mut [u8]) -> io::Result<(u32, u64)> {
    let mut file = File::open(path).await?;
    let (mut crc, mut len) = (0, 0);
    loop {
        let n = file.read(buf).await?;
        if n == 0 {
            break;
        }
        crc = buf[..n].iter().fold(crc, |crc, &byte| step(crc, byte));
        len += n as u64;
    }
    let mut rest = len;
    while rest > 0 {
        crc = step(crc, rest as u8);
        rest >>= 8;
    }
    Ok((!crc, len))
}

fn step(crc: u32, byte: u8) -> u32 {
    const TABLE: [u32; 256] = table();
    (crc << 8) ^ TABLE[((crc >> 24) as u8 ^ byte) as usize]
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = (n as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 { (crc << 1) ^ 0x04c1_1db7 } else { crc << 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
}
