//! Under executors that are not ours, files go through the pool of the process.
#![cfg(not(aio_loom))]

#[path = "common/dir.rs"]
mod dir;

use std::io::SeekFrom;

use aio_base::live::leak_check;
use aio_fs::OpenOptions;
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};

use crate::dir::Dir;

async fn work() {
    let dir = Dir::new();
    let path = dir.join("file");
    let mut file = OpenOptions::new().read(true).write(true).create(true).open(&path).await.unwrap();
    for n in 0..100 {
        file.write_all(format!("line {n}\n").as_bytes()).await.unwrap();
    }
    file.seek(SeekFrom::Start(0)).await.unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.lines().count(), 100);
    file.write_all(b"the end").await.unwrap();
    file.close().await.unwrap();
    assert_eq!(aio_fs::read_to_string(&path).await.unwrap(), text + "the end");
    let entries = aio_fs::read_dir(&*dir).await.unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect().await;
    assert_eq!(names, ["file"]);
    assert!(aio_fs::read(dir.join("missing")).await.is_err());

    // Dropped with a write under way.
    let mut file = OpenOptions::new().append(true).open(&path).await.unwrap();
    assert_eq!(file.write(b"!").await.unwrap(), 1);
    drop(file);
    while !aio_fs::read_to_string(&path).await.unwrap().ends_with("the end!") {}
}

#[test]
fn it_works_under_tokio() {
    leak_check(|| {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        threads.block_on(async { tokio::spawn(work()).await.unwrap() });
        let one_thread = tokio::runtime::Builder::new_current_thread().build().unwrap();
        one_thread.block_on(work());
    });
}

#[test]
fn it_works_under_smol() {
    leak_check(|| {
        smol::block_on(work());
        smol::block_on(smol::spawn(work()));
    });
}

#[test]
fn a_file_goes_from_one_executor_to_another() {
    leak_check(|| {
        let dir = Dir::new();
        let path = dir.join("file");
        let mut file = aio_core::run(async {
            let mut file = aio_fs::File::create(&path).await.unwrap();
            file.write_all(b"aio, ").await.unwrap();
            file
        });
        let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tokio.block_on(async { file.write_all(b"tokio, ").await.unwrap() });
        smol::block_on(async { file.write_all(b"smol").await.unwrap() });
        futures_lite::future::block_on(file.close()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "aio, tokio, smol");
    });
}
