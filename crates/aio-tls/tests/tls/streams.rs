//! What goes over a connection.

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake};
use std::time::Duration;

use aio_core::{now, spawn};
use aio_io::{AsyncWrite, ReadExt, StreamReader, StreamWriter, WriteExt, copy_bidirectional, duplex};
use aio_net::{TcpListener, TcpStream};
use aio_tls::TlsStream;

use crate::harness::{pair, poll_once, run, run_virtual};
use crate::support::{Certificates, noise};

const LARGE: usize = 3 << 20;

#[test]
fn much_data_goes_both_ways_at_once() {
    let certificates = Certificates::new();
    // Tiny buffers and large ones: partial records, and records that do not fit.
    for capacity in [100, 1 << 16] {
        run_virtual(async {
            let len = if capacity == 100 { LARGE / 16 } else { LARGE };
            let (client, server) = pair(&certificates, capacity).await;
            let one_side = |stream: TlsStream<_>, ours: u64, theirs: u64| async move {
                let (mut reader, mut writer) = stream.into_split();
                let write = async {
                    writer.write_all(&noise(len, ours)).await.unwrap();
                    writer.close().await.unwrap();
                };
                let read = async {
                    let mut data = Vec::new();
                    reader.read_to_end(&mut data).await.unwrap();
                    assert!(data == noise(len, theirs));
                };
                aio_group::gather((write, read)).await;
            };
            aio_group::gather((one_side(client, 1, 2), one_side(server, 2, 1))).await;
        });
    }
}

#[test]
fn halves_work_in_tasks_of_their_own_over_tcp() {
    let certificates = Certificates::new();
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = certificates.acceptor();
        let echo = spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (mut reader, mut writer) = acceptor.accept(stream).await.unwrap().into_split();
            aio_io::copy(&mut reader, &mut writer).await.unwrap();
            writer.close().await.unwrap();
        });
        let stream = certificates.connector().connect_to("localhost", port).await.unwrap();
        assert_eq!(stream.get_ref().peer_addr().unwrap().port(), port);
        let (mut reader, mut writer) = stream.into_split();
        let writer = spawn(async move {
            writer.write_all(&noise(LARGE, 7)).await.unwrap();
            writer.close().await.unwrap();
        });
        let mut data = Vec::new();
        reader.read_to_end(&mut data).await.unwrap();
        assert!(data == noise(LARGE, 7));
        writer.await;
        echo.await;
    });
}

/// A read sends what was written, too, and then it is the last to have asked the stream below for room.
#[test]
fn a_writer_that_waits_is_woken_also_if_the_reader_has_waited_after_it() {
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let certificates = Certificates::new();
    run_virtual(async {
        let (client, mut server) = pair(&certificates, 1000).await;
        let (mut reader, mut writer) = client.into_split();
        let woken = Arc::new(Woken::default());
        let waker = woken.clone().into();
        let mut write = || Pin::new(&mut writer).poll_write(&mut Context::from_waker(&waker), &[0; 1000]);
        while write().is_ready() {}
        assert!(poll_once(reader.read(&mut [0])).is_none());
        assert!(!woken.0.load(Ordering::Relaxed));
        assert!(poll_once(server.get_mut().read(&mut [0; 1000])).is_some());
        assert!(woken.0.load(Ordering::Relaxed));
    });
}

#[test]
fn lines_are_read_and_written_through_it() {
    let certificates = Certificates::new();
    run(async {
        let (client, server) = pair(&certificates, 1 << 16).await;
        let mut writer = StreamWriter::new(client);
        writer.write_all(b"first\nsecond\nthird").await.unwrap();
        writer.close().await.unwrap();
        let mut reader = StreamReader::new(server);
        let mut lines = Vec::new();
        while let Some(line) = reader.read_line().await.unwrap() {
            lines.push(line);
        }
        assert_eq!(lines, ["first\n", "second\n", "third"]);
        // The other direction is open still.
        let mut server = reader.into_inner().0;
        server.write_all(b"answer").await.unwrap();
        server.close().await.unwrap();
        let mut answer = String::new();
        writer.into_inner().0.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
    });
}

#[test]
fn two_connections_are_joined_to_one() {
    let certificates = Certificates::new();
    run(async {
        let (mut client, mut near) = pair(&certificates, 300).await;
        let (mut far, mut server) = pair(&certificates, 300).await;
        let proxy = async {
            let copied = copy_bidirectional(&mut near, &mut far).await.unwrap();
            assert_eq!((copied.a_to_b, copied.b_to_a), (100_000, 100_000));
        };
        let client = async {
            client.write_all(&noise(100_000, 3)).await.unwrap();
            client.close().await.unwrap();
            let mut data = Vec::new();
            client.read_to_end(&mut data).await.unwrap();
            assert!(data == noise(100_000, 4));
        };
        let server = async {
            let mut data = Vec::new();
            server.read_to_end(&mut data).await.unwrap();
            assert!(data == noise(100_000, 3));
            server.write_all(&noise(100_000, 4)).await.unwrap();
            server.close().await.unwrap();
        };
        aio_group::gather((proxy, client, server)).await;
    });
}

#[test]
fn a_connection_that_is_cut_off_is_told_from_one_that_is_closed() {
    let certificates = Certificates::new();
    run(async {
        // Closed properly.
        let (mut client, mut server) = pair(&certificates, 1 << 16).await;
        client.write_all(b"all").await.unwrap();
        client.close().await.unwrap();
        let mut data = Vec::new();
        server.read_to_end(&mut data).await.unwrap();
        assert_eq!(data, b"all");
        assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);

        // Only dropped, and cut below.
        for closes_below in [false, true] {
            let (mut client, mut server) = pair(&certificates, 1 << 16).await;
            client.write_all(b"part").await.unwrap();
            client.flush().await.unwrap();
            if closes_below {
                client.get_mut().close().await.unwrap();
            } else {
                drop(client);
            }
            let mut data = [0; 4];
            server.read_exact(&mut data).await.unwrap();
            assert_eq!(&data, b"part");
            for _ in 0..3 {
                // Again and again: it never becomes a proper end.
                let error = server.read(&mut [0; 8]).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                assert!(error.to_string().contains("close_notify"), "{error}");
            }
        }
    });
}

#[test]
fn bytes_that_were_changed_on_the_way_are_an_error() {
    let certificates = Certificates::new();
    run(async {
        let (mut client, mut server) = pair(&certificates, 1 << 16).await;
        client.get_mut().write_all(&[23, 3, 3, 0, 20]).await.unwrap();
        client.get_mut().write_all(&[7; 20]).await.unwrap();
        let error = server.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    });
}

#[test]
fn a_cancelled_read_loses_no_byte() {
    let certificates = Certificates::new();
    run(async {
        let (mut client, mut server) = pair(&certificates, 64).await;
        let data = noise(50_000, 9);
        let writer = async {
            client.write_all(&data).await.unwrap();
            client.close().await.unwrap();
        };
        let mut received = Vec::new();
        let reader = async {
            let mut cancelled = 0;
            loop {
                let mut buffer = [0; 77];
                match poll_once(server.read(&mut buffer)) {
                    Some(Ok(0)) => break,
                    Some(result) => received.extend_from_slice(&buffer[..result.unwrap()]),
                    None => {
                        cancelled += 1;
                        aio_core::yield_now().await;
                    }
                }
            }
            assert!(cancelled > 100, "{cancelled}");
        };
        aio_group::gather((writer, reader)).await;
        assert!(received == data);
    });
}

#[test]
fn a_read_of_nothing_is_not_the_end() {
    let certificates = Certificates::new();
    run(async {
        let (mut client, mut server) = pair(&certificates, 1 << 16).await;
        assert_eq!(server.read(&mut []).await.unwrap(), 0);
        client.write_all(b"more").await.unwrap();
        client.flush().await.unwrap();
        let mut data = [0; 4];
        server.read_exact(&mut data).await.unwrap();
        assert_eq!(&data, b"more");
    });
}

/// The last part of a request does not fit into the stream below, and nobody flushes.
#[test]
fn waiting_for_an_answer_sends_what_was_written() {
    let certificates = Certificates::new();
    run_virtual(async {
        let (mut client, mut server) = pair(&certificates, 50).await;
        let client = async {
            client.write_all(&[1; 1000]).await.unwrap();
            let mut answer = [0; 2];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"ok");
        };
        let server = async {
            let mut request = [0; 1000];
            server.read_exact(&mut request).await.unwrap();
            server.write_all(b"ok").await.unwrap();
            server.flush().await.unwrap();
        };
        aio_group::gather((client, server)).await;
    });
}

#[test]
fn closing_gives_up_on_a_peer_that_does_not_read() {
    let certificates = Certificates::new();
    run_virtual(async {
        let (here, there) = duplex(2000);
        let connector = certificates.connector().shutdown_timeout(Duration::from_secs(7));
        let acceptor = certificates.acceptor();
        let (client, server) = aio_group::gather((connector.connect("localhost", here), acceptor.accept(there))).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        for (stream, limit) in [(&mut client, 7), (&mut server, 30)] {
            // It takes what it can, and the stream below takes less.
            while poll_once(stream.write(&[0; 1000])).is_some() {}
            let begin = now();
            let error = stream.close().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(now() - begin, Duration::from_secs(limit));
            let message = format!("failed to close the TLS connection: the peer has not read for {limit}s");
            assert_eq!(error.to_string(), message);
        }
    });
}

#[test]
fn nothing_is_written_after_closing() {
    let certificates = Certificates::new();
    run(async {
        let (mut client, _server) = pair(&certificates, 1 << 16).await;
        client.close().await.unwrap();
        client.close().await.unwrap();
        let error = client.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    });
}

#[test]
fn a_connector_tells_where_it_could_not_connect_to() {
    let certificates = Certificates::new();
    run(async {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = certificates.connector().connect_to("127.0.0.1", free.port()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&free.to_string()), "{error}");
    });
}

#[test]
fn connections_and_halves_cross_threads() {
    fn is_send<T: Send>() {}
    is_send::<TlsStream<TcpStream>>();
    is_send::<aio_tls::TlsReadHalf<TcpStream>>();
    is_send::<aio_tls::TlsWriteHalf<TcpStream>>();
}
