use std::task::Waker;

use super::*;

/// One byte at a time.
struct Drip;

impl AsyncRead for Drip {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        buf[0] = b'a';
        Poll::Ready(Ok(1))
    }
}

/// Pending after each byte.
struct SlowDrip(bool);

impl AsyncRead for SlowDrip {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0 = !self.0;
        if self.0 { Pin::new(&mut Drip).poll_read(cx, buf) } else { Poll::Pending }
    }
}

/// A long line that comes byte by byte is looked through once and not once for each byte, also if every read of it is
/// cancelled: what is left to search is less than a separator.
#[test]
fn what_comes_slowly_is_searched_once() {
    let mut cx = Context::from_waker(Waker::noop());
    for separators in [&["\n"][..], &["\r\n"], &["\r\n\r\n", "\n\n"]] {
        let mut reader = StreamReader::new(SlowDrip(false));
        let longest = longest(&separators);
        for len in 1..1000 {
            assert!(reader.poll_until(&mut cx, &separators).is_pending());
            assert_eq!(reader.buffer().len(), len);
            assert_eq!(reader.searched.from(&separators), (len + 1).saturating_sub(longest));
        }
    }
}
