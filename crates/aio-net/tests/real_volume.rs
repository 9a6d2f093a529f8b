//! Much more than fits into memory that nobody has.

#![cfg(target_os = "linux")]

mod support;

use std::cell::Cell;
use std::rc::Rc;

use aio_core::{local, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream};

use support::run;

/// What `/proc/self/status` says, in bytes.
fn status(key: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// A gibibyte: no more is under way than the system has room for, and the process keeps nothing of it.
#[test]
fn a_slow_reader_makes_the_writer_wait() {
    run(async {
        const TOTAL: usize = 1 << 30;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut there, _) = listener.accept().await.unwrap();
        let written = Rc::new(Cell::new(0));
        let count = written.clone();
        let (block, mut buffer) = (vec![1; 1 << 20], vec![0; 256 << 10]);
        let before = status("VmHWM:");
        let writer = local::spawn(async move {
            while count.get() < TOTAL {
                here.write_all(&block).await.unwrap();
                count.set(count.get() + block.len());
            }
        });
        let (mut read, mut most) = (0, 0);
        loop {
            // The reader is slow: the writer may do whatever it can meanwhile.
            for _ in 0..3 {
                yield_now().await;
            }
            most = most.max(written.get().saturating_sub(read));
            match there.read(&mut buffer).await.unwrap() {
                0 => break,
                n => read += n,
            }
        }
        writer.await;
        assert_eq!(read, TOTAL);
        assert!(most < 64 << 20, "{most} bytes were under way");
        // (The kernel sums it up roughly, and may say less than before.)
        let more = status("VmHWM:").saturating_sub(before);
        assert!(more < 4 << 20, "{more} bytes more");
    });
}
