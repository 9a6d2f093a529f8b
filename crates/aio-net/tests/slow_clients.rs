//! Clients that send a byte now and then, so that their requests never end.

mod support;

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aio_core::{local, yield_now};
use aio_io::{ReadExt, WriteExt};
use aio_net::{Server, TcpStream};
use aio_timer::{sleep, timeout};

use support::run;

const DEADLINE: Duration = Duration::from_millis(50);

/// They take all places of the server, until their deadline.
#[test]
fn slow_clients_keep_the_others_out_until_their_deadline_and_not_longer() {
    run(async {
        let (n_served, n_late) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (served, late) = (n_served.clone(), n_late.clone());
        let server = Server::bind("127.0.0.1:0").unwrap().limit(3).on_error(move |error| {
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            late.fetch_add(1, Ordering::Relaxed);
        });
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let serving = local::spawn(server.serve(move |mut stream, _| {
            served.fetch_add(1, Ordering::Relaxed);
            async move {
                // Of the whole request: that of a read would begin anew with each byte.
                let mut request = [0; 16];
                let outcome = timeout(DEADLINE, stream.read_exact(&mut request)).await;
                outcome.map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
                stream.write_all(&request).await
            }
        }));
        let start = aio_core::now();
        let slow: Vec<_> = (0..3)
            .map(|_| {
                local::spawn(async move {
                    let mut client = TcpStream::connect(address).await.unwrap();
                    while client.write_all(b"x").await.is_ok() {
                        sleep(DEADLINE / 5).await;
                    }
                })
            })
            .collect();
        while n_served.load(Ordering::Relaxed) < 3 {
            yield_now().await;
        }
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"0123456789abcdef").await.unwrap();
        let mut answer = [0; 16];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"0123456789abcdef");
        assert!(aio_core::now() - start >= DEADLINE, "there was no place before");
        for slow in slow {
            slow.await;
        }
        assert_eq!((n_served.load(Ordering::Relaxed), n_late.load(Ordering::Relaxed)), (4, 3));
        handle.close();
        serving.await.unwrap();
    });
}
