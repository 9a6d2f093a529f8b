//! Sending files without a loop of `aio`. (Beside the other tests it would disturb the count of descriptors.)

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::thread;

use aio_net::TcpStream;

#[test]
fn it_works_under_another_executor() {
    let path = std::env::temp_dir().join(format!("aio-send-file-foreign-{}", std::process::id()));
    let bytes: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_ne_bytes).collect();
    fs::write(&path, &bytes).unwrap();
    let file = File::open(&path).unwrap();
    fs::remove_file(path).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let receiver = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    futures_lite::future::block_on(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(stream.send_file(&file, &mut (0..u64::MAX)).await.unwrap(), bytes.len() as u64);
    });
    assert!(receiver.join().unwrap() == bytes);
}
