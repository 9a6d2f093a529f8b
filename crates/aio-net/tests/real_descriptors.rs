//! Descriptors: none left, and none left behind. The limit is that of the process, so there is one test here.

#![cfg(target_os = "linux")]

mod support;

use std::fs::File;
use std::io;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_base::live::{Kind, count};
use aio_core::local;
use aio_io::{ReadExt, WriteExt, copy};
use aio_net::{Server, TcpListener, TcpStream};
use aio_timer::sleep;
use rustix::process::{Resource, getrlimit, setrlimit};

use support::{descriptors, run};

#[test]
fn descriptors_run_out_come_back_and_are_not_inherited() {
    a_server_survives_that_there_are_no_descriptors_left();
    fifty_thousand_connections_opened_and_closed_leave_nothing();
    a_child_inherits_none();
}

fn a_server_survives_that_there_are_no_descriptors_left() {
    run(async {
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let server = Server::bind("127.0.0.1:0").unwrap().on_error(move |error| {
            assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()), "{error}");
            count.fetch_add(1, Ordering::Relaxed);
        });
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(async |mut stream, _| {
            let (mut read, mut write) = stream.split();
            copy(&mut read, &mut write).await.map(drop)
        }));
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(b"x").await.unwrap();
        first.read_exact(&mut [0]).await.unwrap();

        let before = getrlimit(Resource::Nofile);
        let mut limit = before;
        limit.current = Some(descriptors() as u64 + 20);
        setrlimit(Resource::Nofile, limit).unwrap();
        let mut hoard: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        // One for the client, none for the server.
        hoard.pop();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"y").await.unwrap();
        while told.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        // It waits, and does not spin: about ten looks a second.
        sleep(Duration::from_millis(250)).await;
        assert!(told.load(Ordering::Relaxed) < 50, "{told:?} errors");
        // The others go on meanwhile.
        first.write_all(b"x").await.unwrap();
        first.read_exact(&mut [0]).await.unwrap();

        drop(hoard);
        client.read_exact(&mut [0]).await.unwrap();
        setrlimit(Resource::Nofile, before).unwrap();
        drop((first, client));
        handle.close();
        serving.await.unwrap();
    });
}

/// No descriptor, task, registration or memory. They are reset, so that none waits for its port to be free.
fn fifty_thousand_connections_opened_and_closed_leave_nothing() {
    run(async {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let mut after_warm_up = 0;
        for batch in 0..500 {
            let clients: Vec<_> = (0..100)
                .map(|_| {
                    local::spawn(async move {
                        let mut client = TcpStream::connect(address).await?;
                        client.set_linger(Some(Duration::ZERO))?;
                        client.write_all(b"x").await?;
                        client.read_exact(&mut [0]).await?;
                        Ok::<(), io::Error>(())
                    })
                })
                .collect();
            let mut servers = Vec::new();
            for _ in 0..100 {
                let (mut stream, _) = listener.accept().await.unwrap();
                servers.push(local::spawn(async move {
                    stream.read_exact(&mut [0]).await?;
                    stream.write_all(b"y").await
                }));
            }
            for task in servers.into_iter().chain(clients) {
                task.await.unwrap();
            }
            // What is left now are the listener, and what runs this.
            assert!(count(Kind::Registration) <= 1 && count(Kind::Task) <= 1);
            if batch == 50 {
                after_warm_up = resident();
            }
        }
        let more = resident().saturating_sub(after_warm_up);
        assert!(more < 2 << 20, "{more} bytes more after 45,000 connections");
    });
}

/// How much memory the process takes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn a_child_inherits_none() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let output = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let open = String::from_utf8(output.stdout).unwrap();
        assert!(open.contains("pipe:"), "stdout at least: {open}");
        assert!(!open.contains("socket:") && !open.contains("eventpoll") && !open.contains("eventfd"), "{open}");
        drop((client, server));
    });
}
