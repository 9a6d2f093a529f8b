//! Sockets through the umbrella, on one thread and on several.
#![cfg(not(aio_loom))]

use std::io;
use std::time::Duration;

use aio::io::copy;
use aio::{ReadExt, Runner, Server, StreamReader, TaskGroup, TcpStream, WriteExt, fs, gather, spawn, timeout};
use aio_base::live::leak_check;

/// Lines of many clients go to a server and come back.
async fn many_clients() {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let serving = spawn(server.serve(async |mut stream, _| {
        let (mut read, mut write) = stream.split();
        copy(&mut read, &mut write).await?;
        write.close().await
    }));
    let group = TaskGroup::<io::Error>::new();
    group
        .run(async {
            for number in 0..50 {
                group
                    .try_spawn(async move {
                        let (read, mut write) = TcpStream::connect(address).await?.into_split();
                        let mut reader = StreamReader::new(read);
                        for i in 0..50 {
                            let line = format!("client {number} line {i}\n");
                            let (sent, answer) = gather((write.write_all(line.as_bytes()), reader.read_line())).await;
                            sent?;
                            assert_eq!(answer?, Some(line));
                        }
                        write.close().await?;
                        assert_eq!(reader.read_line().await?, None);
                        Ok(())
                    })
                    .detach();
            }
            Ok(())
        })
        .await
        .unwrap();
    handle.drain(Duration::from_secs(60));
    serving.await.unwrap();
}

#[test]
fn many_clients_are_served_on_one_thread() {
    leak_check(|| aio::run(many_clients()));
}

#[test]
fn many_clients_are_served_on_several_workers() {
    leak_check(|| {
        for workers in 2..5 {
            let mut runner = Runner::new().workers(workers);
            runner.run(many_clients());
            runner.close();
        }
    });
}

#[test]
fn a_read_that_takes_too_long_is_cut_off_and_can_be_tried_again() {
    leak_check(|| {
        aio::run(async {
            let (mut here, there) = aio::io::duplex(16);
            let mut reader = StreamReader::new(there);
            here.write_all(b"half a ").await.unwrap();
            assert!(timeout(Duration::from_millis(1), reader.read_line()).await.is_err());
            here.write_all(b"line\n").await.unwrap();
            assert_eq!(reader.read_line().await.unwrap().unwrap(), "half a line\n");
        });
    });
}

#[test]
fn a_file_is_sent_line_by_line() {
    leak_check(|| {
        aio::run(async {
            let path = std::env::temp_dir().join(format!("aio-sockets-{}", std::process::id()));
            let text = (0..1000).map(|i| format!("line {i}\n")).collect::<String>();
            fs::write(&path, text.clone()).await.unwrap();
            let mut lines = StreamReader::new(fs::File::open(&path).await.unwrap());
            let (mut here, mut there) = aio::io::duplex(64);
            let sending = spawn(async move {
                while let Some(line) = lines.read_line().await.unwrap() {
                    here.write_all(line.as_bytes()).await.unwrap();
                }
            });
            let mut got = String::new();
            there.read_to_string(&mut got).await.unwrap();
            sending.await;
            assert_eq!(got, text);
            fs::remove_file(&path).await.unwrap();
            assert!(fs::File::open(&path).await.unwrap_err().to_string().contains("aio-sockets-"));
        });
    });
}
