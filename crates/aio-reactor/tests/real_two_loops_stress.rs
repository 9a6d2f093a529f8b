//! Descriptors that are read in one loop and written in another, while the loops begin and end and tasks keep their
//! threads.
#![cfg(all(unix, not(aio_loom)))]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{array, iter, thread};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, spawn};
use aio_reactor::{Async, Reactor};
use aio_timer::{Timers, sleep};

const CONNECTIONS: usize = 4;
const SESSIONS: u64 = 30;
/// Of each direction of a connection, in a session: more than the system has room for, so that writers wait as well.
const BYTES: usize = 500_000;

type Connection = [Arc<Async<UnixStream>>; 2];

async fn read(io: Arc<Async<UnixStream>>) {
    let mut buffer = vec![0; 30_000];
    let mut left = BYTES;
    while left > 0 {
        let room = left.min(buffer.len());
        let n = io.read_with(|mut io| io.read(&mut buffer[..room])).await.unwrap();
        assert!(n > 0, "the other end is there");
        left -= n;
        sleep(Duration::from_millis(1)).await;
    }
}

async fn write(io: Arc<Async<UnixStream>>) {
    let bytes = vec![1; 50_000];
    let mut left = BYTES;
    while left > 0 {
        left -= io.write_with(|mut io| io.write(&bytes[..left.min(bytes.len())])).await.unwrap();
    }
}

/// One loop after the other. Each reads all from one end of the connections, and writes all to the other.
fn sessions(connections: &[Connection], read_end: usize) {
    for session in 0..SESSIONS {
        let driver = || Timers::new(Reactor::new(ThreadPark::new()));
        EventLoop::with_workers(2, driver).run(async {
            let mut tasks = Vec::new();
            for connection in connections {
                tasks.push(spawn(read(connection[read_end].clone())));
                tasks.push(spawn(write(connection[1 - read_end].clone())));
            }
            for i in 0..2 {
                tasks.push(spawn(async move {
                    sleep(Duration::from_millis((session + i) % 3)).await;
                    thread::sleep(Duration::from_millis(25)); // clock: so that the lookout stands in for this worker
                }));
            }
            for task in tasks {
                task.await;
            }
        });
    }
}

#[test]
fn all_arrives_whichever_loop_tells() {
    leak_check(|| {
        let pair = || UnixStream::pair().unwrap();
        let connections: Arc<Vec<Connection>> = Arc::new(
            iter::repeat_with(pair)
                .map(|(here, there)| [here, there].map(|io| Arc::new(Async::new(io).unwrap())))
                .take(CONNECTIONS)
                .collect(),
        );
        let (ended, hears) = mpsc::channel();
        let threads: [_; 2] = array::from_fn(|read_end| {
            let (connections, ended) = (connections.clone(), ended.clone());
            thread::spawn(move || {
                sessions(&connections, read_end);
                ended.send(()).unwrap();
            })
        });
        drop(ended);
        for _ in 0..threads.len() {
            hears.recv_timeout(Duration::from_secs(120)).expect("nobody waits for ever");
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}
