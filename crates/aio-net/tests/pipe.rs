//! Pipes.
#![cfg(unix)]

use std::fs::File;
use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::process::{Command, Stdio};

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local};
use aio_io::{ReadExt, WriteExt};
use aio_net::{PipeReader, PipeWriter, pipe};
use aio_reactor::Reactor;
use aio_timer::Timers;
use futures_lite::future::poll_once;

fn on_a_loop<T>(future: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(future))
}

#[test]
fn more_than_fits_goes_through_a_pipe_and_its_end_is_seen() {
    on_a_loop(async {
        let (mut reader, mut writer) = pipe().unwrap();
        assert!(poll_once(pin!(reader.read(&mut [0]))).await.is_none());
        let data: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let sent = data.clone();
        let task = local::spawn(async move { writer.write_all(&sent).await.unwrap() });
        let mut received = Vec::new();
        reader.read_to_end(&mut received).await.unwrap();
        task.await;
        assert!(received == data);
    });
}

#[test]
fn to_write_without_a_reader_is_an_error() {
    on_a_loop(async {
        let (reader, mut writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(writer.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn files_are_refused() {
    on_a_loop(async {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        let error = PipeReader::from_fd(file.try_clone().unwrap().into()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("it is a regular file"), "{error}");
        assert_eq!(PipeWriter::from_fd(file.into()).unwrap_err().kind(), ErrorKind::InvalidInput);
        let error = PipeReader::from_fd(File::open("/").unwrap().into()).unwrap_err();
        assert!(error.to_string().contains("it is a directory"), "{error}");
    });
}

#[test]
fn a_program_is_written_to_and_read_from() {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    on_a_loop(async {
        let mut writer = PipeWriter::from_fd(cat.stdin.take().unwrap().into()).unwrap();
        let mut reader = PipeReader::from_fd(cat.stdout.take().unwrap().into()).unwrap();
        let mut buffer = [0; 16];
        assert!(poll_once(pin!(reader.read(&mut buffer))).await.is_none());
        writer.write_all(b"hello").await.unwrap();
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 5);
        drop(writer);
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 0);
    });
    assert!(cat.wait().unwrap().success());
}
