//! Connections to names.

mod support;

use std::io::ErrorKind;

use aio_core::local;
use aio_net::{Server, connect, open_connection};

use support::run;

#[test]
fn a_connection_is_opened_by_name() {
    run(async {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let (port, handle) = (server.local_addr().unwrap().port(), server.handle());
        let serving = local::spawn(server.serve(async |stream, _| {
            let (read, write) = stream.into_split();
            let mut reader = aio_io::StreamReader::new(read);
            let mut writer = aio_io::StreamWriter::new(write);
            while let Some(line) = reader.read_line().await? {
                writer.write_all(line.to_uppercase().as_bytes()).await?;
            }
            writer.close().await
        }));
        // It may stand for `::1` as well, where nobody listens.
        let (mut reader, mut writer) = open_connection("localhost", port).await.unwrap();
        writer.write_all(b"one\ntwo\n").await.unwrap();
        writer.close().await.unwrap();
        assert_eq!(reader.read_line().await.unwrap().unwrap(), "ONE\n");
        assert_eq!(reader.read_line().await.unwrap().unwrap(), "TWO\n");
        assert_eq!(reader.read_line().await.unwrap(), None);
        drop((reader, writer));
        handle.close();
        serving.await.unwrap();
    });
}

#[test]
fn a_refused_connection_names_the_host_and_the_address() {
    run(async {
        let error = connect("127.0.0.1", 1).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("`127.0.0.1` at port 1: 127.0.0.1:1: "), "{error}");
    });
}
