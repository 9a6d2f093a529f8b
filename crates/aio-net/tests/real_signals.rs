//! Signals: to write to a peer that is gone kills nobody, and who is interrupted does not notice.

#![cfg(unix)]

use std::env;
use std::future::Future;
use std::io::{ErrorKind, IoSlice};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use aio_base::live::leak_check;
use aio_core::{EventLoop, ThreadPark, local};
use aio_io::{AsyncRead, AsyncWrite, ReadExt, WriteExt};
use aio_net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixStream, pipe};
use aio_reactor::Reactor;
use aio_timer::{Timers, sleep, timeout};
use futures_lite::future::zip;

/// Says to this program that it is a child, and what it does.
const CHILD: &str = "AIO_NET_WRITES_TO_A_PEER_THAT_IS_GONE";

fn run<T>(main: impl Future<Output = T>) -> T {
    leak_check(|| EventLoop::new(Timers::new(Reactor::new(ThreadPark::new()))).run(main))
}

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (here, listener.accept().await.unwrap().0)
}

/// As in a program whose `main` is not Rust's: nobody has the system ignore `SIGPIPE`.
#[test]
fn to_write_to_a_peer_that_is_gone_kills_only_who_writes_to_a_pipe() {
    const NAME: &str = "to_write_to_a_peer_that_is_gone_kills_only_who_writes_to_a_pipe";
    if let Ok(what) = env::var(CHILD) {
        // SAFETY: the default is no handler of ours, and no other thread of this process relies on the signal.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        assert_eq!(before, libc::SIG_IGN, "the runtime of Rust");
        return run(write_to_nobody(&what));
    }
    let outcome = |what: &str| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", NAME, "--nocapture"]).env(CHILD, what).output().unwrap()
    };
    for what in ["tcp", "unix", "datagrams"] {
        let output = outcome(what);
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(output.status.success(), "{what}: {} {said:?}", output.status);
        assert!(said[0].contains("1 passed"), "{said:?}");
    }
    // For pipes, the system has no flag against it.
    assert_eq!(outcome("pipe").status.signal(), Some(libc::SIGPIPE));
}

async fn write_to_nobody(what: &str) {
    match what {
        "tcp" => {
            let (mut here, there) = tcp_pair().await;
            there.set_linger(Some(Duration::ZERO)).unwrap();
            drop(there);
            fails_to_write(&mut here).await;
            let (mut read, mut write) = here.into_split();
            fails_to_write(&mut write).await;
            assert_eq!(read.read(&mut [0; 8]).await.unwrap(), 0);

            // Its own end, and not the peer's.
            let (mut here, _there) = tcp_pair().await;
            here.close().await.unwrap();
            fails_to_write(&mut here).await;
        }
        "unix" => {
            let (mut here, there) = UnixStream::pair().unwrap();
            drop(there);
            fails_to_write(&mut here).await;
            let (mut here, _there) = UnixStream::pair().unwrap();
            here.close().await.unwrap();
            fails_to_write(&mut here).await;
        }
        "datagrams" => {
            let (here, there) = UnixDatagram::pair().unwrap();
            drop(there);
            assert_eq!(here.send(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
            let there = UdpSocket::bind("127.0.0.1:0").unwrap();
            let here = UdpSocket::bind("127.0.0.1:0").unwrap();
            here.connect(there.local_addr().unwrap()).unwrap();
            drop(there);
            while here.send(b"x").await.is_ok() {}
        }
        "pipe" => {
            let (reader, mut writer) = pipe().unwrap();
            drop(reader);
            let _ = writer.write(b"x").await;
            unreachable!("the signal has ended the process");
        }
        _ => unreachable!("{what}"),
    }
}

async fn fails_to_write(stream: &mut (impl AsyncWrite + Unpin)) {
    for _ in 0..3 {
        let pieces = [IoSlice::new(b"x"), IoSlice::new(b"y")];
        for error in [stream.write(b"x").await.unwrap_err(), stream.write_vectored(&pieces).await.unwrap_err()] {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
        }
    }
}

static N_SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    N_SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Sends this thread, which runs the loop, and the process signals without end, whose handler does not have the system
/// go on with what it has interrupted.
fn in_a_storm<T>(calm: impl FnOnce() -> T) -> T {
    // SAFETY: all zeros is a `sigaction` without flags, `SA_RESTART` among them, and `count` does only what a handler
    // may do. It stays for the rest of the process.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
    struct This(libc::pthread_t);
    // SAFETY: the name of a thread may be told to others.
    unsafe impl Send for This {}
    // SAFETY: it has no conditions.
    let this = This(unsafe { libc::pthread_self() });
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let this = this;
            while !is_over.load(Ordering::Relaxed) {
                // SAFETY: the thread waits in this scope until it is over; the signal has a handler.
                unsafe {
                    libc::pthread_kill(this.0, libc::SIGUSR1);
                    libc::kill(libc::getpid(), libc::SIGUSR1);
                }
                // clock: so that something is done in between.
                thread::sleep(Duration::from_micros(20));
            }
        });
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&is_over);
        calm()
    })
}

async fn transfer(mut from: impl AsyncWrite + Unpin + 'static, mut to: impl AsyncRead + Unpin, len: usize) {
    let byte = |at: usize| (at % 251) as u8;
    let writer = local::spawn(async move {
        let mut n = 0;
        while n < len {
            let block: Vec<u8> = (n..len.min(n + 100_000)).map(byte).collect();
            from.write_all(&block).await.unwrap();
            n += block.len();
        }
        from.close().await.unwrap();
    });
    let mut n = 0;
    let mut buffer = vec![0; 60_000];
    loop {
        let read = to.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].iter().enumerate().all(|(i, &got)| got == byte(n + i)), "after {n}");
        n += read;
        if read == 0 {
            break;
        }
    }
    assert_eq!(n, len);
    writer.await;
}

#[test]
fn who_is_interrupted_does_not_notice() {
    let before = N_SIGNALS.load(Ordering::Relaxed);
    in_a_storm(|| {
        run(async {
            let all = async {
                let (here, there) = tcp_pair().await;
                let (one, other) = UnixStream::pair().unwrap();
                zip(transfer(here, there, 16 << 20), transfer(one, other, 16 << 20)).await;

                let (reader, writer) = pipe().unwrap();
                let writer = local::spawn(async move {
                    let mut writer = writer;
                    writer.write_all(&vec![7; 4 << 20]).await.unwrap();
                });
                let mut all = Vec::new();
                let mut reader = reader;
                reader.read_to_end(&mut all).await.unwrap();
                writer.await;
                assert!(all.len() == 4 << 20 && all.iter().all(|&byte| byte == 7));

                for _ in 0..200 {
                    let (mut here, mut there) = tcp_pair().await;
                    here.write_all(b"x").await.unwrap();
                    sleep(Duration::from_micros(100)).await;
                    there.read_exact(&mut [0]).await.unwrap();
                    there.set_linger(Some(Duration::ZERO)).unwrap();
                }

                let (here, there) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
                here.connect(there.local_addr().unwrap()).unwrap();
                for i in 0..2_000_u32 {
                    let mut buffer = [0; 8];
                    let (sent, received) = zip(here.send(&i.to_ne_bytes()), there.recv(&mut buffer)).await;
                    assert_eq!((sent.unwrap(), received.unwrap()), (4, 4));
                    assert_eq!(buffer[..4], i.to_ne_bytes());
                }
            };
            timeout(Duration::from_secs(120), all).await.expect("it hangs");
        });
    });
    let n = N_SIGNALS.load(Ordering::Relaxed) - before;
    assert!(n > 1_000, "only {n} signals");
}
