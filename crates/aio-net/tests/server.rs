//! Servers: limits, ends, and what goes wrong.

mod support;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[cfg(target_os = "linux")]
use aio_base::live::leak_check;
#[cfg(target_os = "linux")]
use aio_core::{EventLoop, ThreadPark, spawn};
use aio_core::{defer, local, yield_now};
#[cfg(target_os = "linux")]
use aio_group::TaskGroup;
use aio_io::{ReadExt, WriteExt, copy};
use aio_net::{Listener, Server, ServerHandle, TcpListener, TcpStream};
#[cfg(target_os = "linux")]
use aio_reactor::Reactor;
#[cfg(target_os = "linux")]
use aio_timer::Timers;
use aio_timer::{sleep, timeout};
use futures_lite::future::poll_once;

use support::run;

type Serving = local::Task<io::Result<()>>;

fn start(server: Server) -> (SocketAddr, ServerHandle, Serving) {
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    (address, handle, local::spawn(server.serve(async |stream, _| echo(stream).await)))
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let (mut read, mut write) = stream.split();
    copy(&mut read, &mut write).await?;
    write.close().await
}

async fn asks(client: &mut TcpStream, question: &[u8]) {
    client.write_all(question).await.unwrap();
    let mut answer = vec![0; question.len()];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, question);
}

async fn is_closed(client: &mut TcpStream) -> bool {
    matches!(client.read(&mut [0; 8]).await, Ok(0) | Err(_))
}

fn server() -> Server {
    Server::bind("127.0.0.1:0").unwrap()
}

#[test]
fn many_clients_are_served_at_a_time() {
    run(async {
        let (address, handle, serving) = start(server());
        let clients: Vec<_> = (0..50)
            .map(|i: u32| {
                local::spawn(async move {
                    let mut client = TcpStream::connect(address).await.unwrap();
                    for _ in 0..10 {
                        asks(&mut client, &i.to_ne_bytes()).await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        handle.close();
        serving.await.unwrap();
    });
}

#[test]
fn closing_refuses_new_connections_and_serves_the_others_to_their_ends() {
    run(async {
        let (address, handle, serving) = start(server());
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"before").await;
        handle.close();
        while TcpStream::connect(address).await.is_ok() {
            yield_now().await;
        }
        asks(&mut client, b"after").await;
        assert!(!serving.is_finished());
        drop(client);
        serving.await.unwrap();
    });
}

#[test]
fn draining_cancels_those_that_take_too_long() {
    run(async {
        let (address, handle, serving) = start(server());
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"x").await;
        handle.drain(Duration::from_millis(5));
        serving.await.unwrap();
        assert!(is_closed(&mut client).await);
    });
}

#[test]
fn draining_ends_as_soon_as_the_last_has() {
    run(async {
        let (address, handle, serving) = start(server());
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"x").await;
        handle.drain(Duration::from_secs(100_000));
        drop(client);
        serving.await.unwrap();
    });
}

#[test]
fn aborting_runs_the_cleanups_of_the_connections() {
    run(async {
        let server = server();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let (begun, cleaned) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (beginning, cleaning) = (begun.clone(), cleaned.clone());
        let serving = local::spawn(server.serve(async move |mut stream, _| {
            beginning.fetch_add(1, Ordering::Relaxed);
            let _guard = defer(cleaning, async |cleaned| {
                sleep(Duration::from_millis(1)).await;
                cleaned.fetch_add(1, Ordering::Relaxed);
            });
            stream.read(&mut [0; 8]).await.map(drop)
        }));
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        while begun.load(Ordering::Relaxed) < 3 {
            yield_now().await;
        }
        handle.abort();
        serving.await.unwrap();
        assert_eq!(cleaned.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_server_that_is_dropped_ends_its_connections() {
    run(async {
        let (address, _, serving) = start(server());
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"x").await;
        drop(serving);
        assert!(is_closed(&mut client).await);
    });
}

#[test]
fn no_more_are_served_at_a_time_than_the_limit() {
    run(async {
        let server = server().limit(2);
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, highest) = (now.clone(), most.clone());
        let serving = local::spawn(server.serve(async move |stream, _| {
            highest.fetch_max(count.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let outcome = echo(stream).await;
            count.fetch_sub(1, Ordering::Relaxed);
            outcome
        }));
        let clients: Vec<_> = (0..10)
            .map(|_| {
                local::spawn(async move {
                    let mut client = TcpStream::connect(address).await.unwrap();
                    asks(&mut client, b"x").await;
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        handle.close();
        serving.await.unwrap();
        assert_eq!((now.load(Ordering::Relaxed), most.load(Ordering::Relaxed)), (0, 2));
    });
}

#[test]
fn an_error_or_a_panic_of_one_connection_disturbs_no_other() {
    run(async {
        let errors = Arc::new(AtomicUsize::new(0));
        let told = errors.clone();
        let server = server().on_error(move |error| {
            assert_eq!(error.to_string(), "no");
            told.fetch_add(1, Ordering::Relaxed);
        });
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(async |mut stream, _| {
            let mut byte = [0];
            stream.read_exact(&mut byte).await?;
            match &byte {
                b"e" => Err(io::Error::other("no")),
                b"p" => panic!("a connection that panics"),
                byte => stream.write_all(byte).await,
            }
        }));
        let mut bystander = TcpStream::connect(address).await.unwrap();
        for what in [b"e", b"p"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(what).await.unwrap();
            assert!(is_closed(&mut client).await);
        }
        asks(&mut bystander, b"x").await;
        assert_eq!(errors.load(Ordering::Relaxed), 1);
        handle.close();
        serving.await.unwrap();
    });
}

/// What is called before there is a task for the connection: it has the loop of the server around it.
#[test]
fn a_panic_before_the_future_of_a_connection_disturbs_no_other() {
    run(async {
        let server = server();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let count = Arc::new(AtomicUsize::new(0));
        let serving = local::spawn(server.serve(move |stream, _| {
            assert!(count.fetch_add(1, Ordering::Relaxed) != 1, "the second one panics");
            echo(stream)
        }));
        let mut first = TcpStream::connect(address).await.unwrap();
        asks(&mut first, b"x").await;
        assert!(is_closed(&mut TcpStream::connect(address).await.unwrap()).await);
        asks(&mut first, b"x").await;
        asks(&mut TcpStream::connect(address).await.unwrap(), b"x").await;
        drop(first);
        handle.close();
        serving.await.unwrap();
    });
}

/// So does one of what the handler owns, which is cloned for each connection.
#[test]
fn a_panic_of_a_clone_of_the_handler_disturbs_no_other() {
    struct Brittle(Arc<AtomicUsize>);
    impl Clone for Brittle {
        fn clone(&self) -> Self {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) != 2, "the clone for the second one panics");
            Self(self.0.clone())
        }
    }
    run(async {
        let server = server();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let brittle = Brittle(Arc::default());
        let serving = local::spawn(server.serve(async move |stream, _| {
            let _owned = brittle;
            echo(stream).await
        }));
        let mut first = TcpStream::connect(address).await.unwrap();
        asks(&mut first, b"x").await;
        assert!(is_closed(&mut TcpStream::connect(address).await.unwrap()).await);
        asks(&mut first, b"x").await;
        asks(&mut TcpStream::connect(address).await.unwrap(), b"x").await;
        drop(first);
        handle.close();
        serving.await.unwrap();
    });
}

/// What accepts is the server itself, so its panic is the server's.
#[test]
fn a_panic_of_a_listener_ends_the_server_and_its_connections() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let failing = Failing { listener, left: AtomicUsize::new(1), error: || panic!("a listener that panics") };
        let serving = local::spawn(Server::new(failing).serve(async |stream, _| echo(stream).await));
        let mut client = TcpStream::connect(address).await.unwrap();
        assert!(is_closed(&mut client).await);
        assert!(serving.join().await.unwrap_err().is_panic());
    });
}

/// Somebody has shut the socket down that it listens at.
#[cfg(unix)]
#[test]
fn a_server_that_cannot_accept_any_more_says_so_at_once_and_at_its_end() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let same = std::os::fd::AsFd::as_fd(&listener).try_clone_to_owned().unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let server = Server::new(listener).on_error(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let (address, handle, serving) = start(server);
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"x").await;
        rustix::net::shutdown(&same, rustix::net::Shutdown::Both).unwrap();
        while told.load(Ordering::Relaxed) == 0 {
            yield_now().await;
        }
        asks(&mut client, b"x").await;
        handle.abort();
        assert_eq!(serving.await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    });
}

/// A client that sends a byte now and then meets the deadline of its request.
#[test]
fn a_client_that_is_too_slow_meets_the_deadline() {
    run(async {
        let server = server().on_error(|error| assert_eq!(error.kind(), io::ErrorKind::TimedOut));
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(async |mut stream, _| {
            let mut request = [0; 1000];
            let outcome = timeout(Duration::from_millis(20), stream.read_exact(&mut request)).await;
            outcome.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
        }));
        let mut client = TcpStream::connect(address).await.unwrap();
        let mut sent = 0;
        while client.write_all(b"x").await.is_ok() {
            sent += 1;
            sleep(Duration::from_millis(1)).await;
        }
        assert!(sent < 1000);
        handle.close();
        serving.await.unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn listeners_may_share_an_address() {
    run(async {
        let server = Server::bind_shared("127.0.0.1:0", 3).unwrap();
        assert_eq!(server.listeners().len(), 3);
        let (address, handle, serving) = start(server);
        let mut clients = Vec::new();
        for _ in 0..30 {
            let mut client = TcpStream::connect(address).await.unwrap();
            asks(&mut client, b"x").await;
            clients.push(client);
        }
        handle.close();
        while TcpStream::connect(address).await.is_ok() {
            yield_now().await;
        }
        drop(clients);
        serving.await.unwrap();
    });
}

/// As many listeners as workers, each with its own task.
#[cfg(target_os = "linux")]
#[test]
fn workers_accept_side_by_side() {
    leak_check(|| {
        let driver = || Timers::new(Reactor::new(ThreadPark::new()));
        EventLoop::with_workers(2, driver).run(async {
            let server = Server::bind_shared("127.0.0.1:0", 2).unwrap().limit(50);
            let (address, handle) = (server.local_addr().unwrap(), server.handle());
            let serving = spawn(server.serve(async |stream, _| echo(stream).await));
            let clients = TaskGroup::new();
            clients
                .join(async {
                    for i in 0..200_u32 {
                        let client = async move {
                            let mut client = TcpStream::connect(address).await.unwrap();
                            asks(&mut client, &i.to_ne_bytes()).await;
                        };
                        clients.spawn(client).detach();
                    }
                })
                .await;
            handle.drain(Duration::from_secs(100_000));
            serving.await.unwrap();
        });
    });
}

#[test]
fn a_server_may_listen_at_several_addresses() {
    run(async {
        let second = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = [server().local_addr().unwrap(), second.local_addr().unwrap()];
        let server = Server::bind(addresses[0]).unwrap().also(second);
        let (_, handle, serving) = start(server);
        for address in addresses {
            asks(&mut TcpStream::connect(address).await.unwrap(), b"x").await;
        }
        handle.close();
        serving.await.unwrap();
    });
}

/// A listener without connections takes nothing away from the others.
#[test]
fn listeners_share_a_limit() {
    run(async {
        let second = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = second.local_addr().unwrap();
        let (address, handle, serving) = start(server().also(second).limit(1));
        for address in [address, address, other, other, address] {
            let mut client = TcpStream::connect(address).await.unwrap();
            timeout(Duration::from_secs(60), asks(&mut client, b"x")).await.expect("nobody else is served");
        }
        let mut served = TcpStream::connect(address).await.unwrap();
        asks(&mut served, b"x").await;
        let mut waiting = TcpStream::connect(other).await.unwrap();
        waiting.write_all(b"x").await.unwrap();
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(poll_once(waiting.read(&mut [0])).await.is_none(), "it is beyond the limit");
        drop(served);
        assert_eq!(waiting.read(&mut [0]).await.unwrap(), 1);
        handle.close();
        drop(waiting);
        serving.await.unwrap();
    });
}

/// One that fails after a number of connections, or goes on for want of something.
struct Failing {
    listener: TcpListener,
    left: AtomicUsize,
    error: fn() -> io::Error,
}

impl Listener for Failing {
    type Stream = TcpStream;
    type Address = usize;

    async fn accept(&self) -> io::Result<(TcpStream, usize)> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err((self.error)());
        }
        let (stream, _) = self.listener.accept().await?;
        self.left.store(left - 1, Ordering::Relaxed);
        Ok((stream, left))
    }
}

#[test]
fn what_accepts_may_be_ones_own_and_the_failure_of_one_stops_all() {
    run(async {
        let failing = |left| Failing {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            left: AtomicUsize::new(left),
            error: || io::Error::other("worn out"),
        };
        let server = Server::new(failing(2)).also(failing(usize::MAX)).on_error(|error| {
            assert_eq!(error.to_string(), "worn out");
        });
        let addresses: Vec<_> = server.listeners().iter().map(|it| it.listener.local_addr().unwrap()).collect();
        let serving = local::spawn(server.serve(async |mut stream: TcpStream, number: usize| {
            stream.write_all(&[u8::try_from(number).unwrap_or(9)]).await?;
            stream.read(&mut [0]).await.map(drop)
        }));
        let mut clients = Vec::new();
        for (address, number) in [(addresses[0], 2), (addresses[1], 9), (addresses[0], 1)] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let mut told = [0];
            client.read_exact(&mut told).await.unwrap();
            assert_eq!(told, [number]);
            clients.push(client);
        }
        for address in addresses {
            while TcpStream::connect(address).await.is_ok() {
                yield_now().await;
            }
        }
        assert!(!serving.is_finished(), "there are connections");
        drop(clients);
        assert_eq!(serving.await.unwrap_err().to_string(), "worn out");
    });
}

#[test]
fn a_local_server_shares_what_stays_on_its_loop() {
    run(async {
        let errors = Rc::new(Cell::new(0));
        let (told, greetings) = (errors.clone(), Rc::new(RefCell::new(Vec::new())));
        let server = aio_net::local::Server::bind("127.0.0.1:0").unwrap().on_error(move |_| told.set(told.get() + 1));
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let said = greetings.clone();
        let serving = local::spawn(server.serve(async move |mut stream, _| {
            let mut greeting = String::new();
            stream.read_to_string(&mut greeting).await?;
            said.borrow_mut().push(greeting);
            Ok(())
        }));
        for greeting in [&b"hello"[..], b"\xFF"] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(greeting).await.unwrap();
            client.close().await.unwrap();
            assert!(is_closed(&mut client).await);
        }
        handle.close();
        serving.await.unwrap();
        assert_eq!((&greetings.borrow()[..], errors.get()), (&["hello".to_owned()][..], 1));
    });
}

#[cfg(unix)]
#[test]
fn a_server_at_a_path_serves_and_takes_the_path_away() {
    run(async {
        let path = std::env::temp_dir().join(format!("aio-server-{}", std::process::id()));
        let server = Server::bind_unix(&path).unwrap().limit(1);
        let handle = server.handle();
        let serving = local::spawn(server.serve(async |mut stream: aio_net::UnixStream, _| {
            let (mut read, mut write) = stream.split();
            copy(&mut read, &mut write).await.map(drop)
        }));
        for question in [b"one", b"two"] {
            let (mut reader, mut writer) = aio_net::open_unix_connection(&path).await.unwrap();
            writer.write_all(question).await.unwrap();
            writer.close().await.unwrap();
            assert_eq!(reader.read_to_end().await.unwrap(), question);
        }
        handle.close();
        serving.await.unwrap();
        assert!(!path.exists());
    });
}

/// While a worker drops the server, another one accepts: nothing of that is a failure.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_aborted_while_another_worker_accepts_just_ends() {
    leak_check(|| {
        let failures = Arc::new(AtomicUsize::new(0));
        let count = failures.clone();
        let driver = || Timers::new(Reactor::new(ThreadPark::new()));
        let event_loop = EventLoop::with_workers(2, driver).on_failure(move |failure| {
            println!("{failure}");
            count.fetch_add(1, Ordering::Relaxed);
        });
        event_loop.run(async {
            for round in 0..200 {
                let server = Server::bind_shared("127.0.0.1:0", 2).unwrap();
                let (address, handle) = (server.local_addr().unwrap(), server.handle());
                let serving = spawn(server.serve(async |_, _| Ok(())));
                let clients = std::thread::spawn(move || {
                    // Until nobody listens any more.
                    while std::net::TcpStream::connect(address).is_ok() {}
                });
                sleep(Duration::from_micros(500 + 10 * round)).await;
                handle.abort();
                serving.await.unwrap();
                clients.join().unwrap();
            }
        });
        assert_eq!(failures.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn the_task_of_a_connection_is_spawned_by_who_calls_serve() {
    run(async {
        let (address, handle, serving) = start(server());
        let mut client = TcpStream::connect(address).await.unwrap();
        asks(&mut client, b"x").await;
        let tasks = aio_core::all_tasks();
        assert_eq!(tasks.len(), 4, "main, the server, who accepts, and the connection: {tasks:?}");
        for task in &tasks {
            let file = task.spawned_at().file();
            assert!(!file.contains("src") && file.contains("tests"), "{task:?}");
        }
        handle.abort();
        serving.await.unwrap();
    });
}
