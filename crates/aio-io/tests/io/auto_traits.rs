//! What may be sent to another thread: everything whose parts may be.

use std::marker::PhantomData;
use std::rc::Rc;

use aio_io::{
    AsyncRead, ByteLines, CopyBidirectional, CopyError, DuplexStream, Lines, ReadError, ReadExt, SimplexReader,
    SimplexWriter, StreamReader, StreamWriter, WriteExt, copy, copy_bidirectional, duplex,
};

/// The answer for a type that is not `Send`: an inherent constant hides this one.
trait Not {
    const IS: bool = false;
}
impl<T> Not for T {}

struct IsSend<T>(PhantomData<T>);
impl<T: Send> IsSend<T> {
    const IS: bool = true;
}

#[test]
fn what_holds_a_stream_may_be_sent_if_the_stream_may() {
    macro_rules! send {
        ($($type:ident<$($lifetime:lifetime,)* _>),*) => {$(
            assert!(<IsSend<$type<$($lifetime,)* u8>>>::IS);
            assert!(!<IsSend<$type<$($lifetime,)* Rc<u8>>>>::IS);
        )*};
    }
    send!(StreamReader<_>, StreamWriter<_>, Lines<'static, _>, ByteLines<'static, _>);
    const { assert!(<IsSend<CopyBidirectional<'static, u8, u8>>>::IS) };
    const { assert!(!<IsSend<CopyBidirectional<'static, u8, Rc<u8>>>>::IS) };
}

#[test]
fn pipes_and_errors_may_be_sent_and_shared() {
    fn both<T: Send + Sync + 'static>() {}
    both::<SimplexReader>();
    both::<SimplexWriter>();
    both::<DuplexStream>();
    both::<ReadError>();
    both::<CopyError>();
}

/// The futures of methods have no names: the compiler checks them here.
#[test]
fn futures_may_be_sent() {
    fn sent<T: Send>(future: T) -> T {
        future
    }
    fn generic<R: AsyncRead + Unpin + Send>(reader: R) {
        let mut reader = StreamReader::new(reader);
        drop(sent(reader.read(&mut [])));
        drop(sent(reader.fill()));
        drop(sent(reader.read_exact(&mut [])));
        drop(sent(reader.read_exactly(1)));
        drop(sent(reader.read_until(["a", "b"])));
        drop(sent(reader.read_until_into(b'a', &mut Vec::new())));
        drop(sent(reader.read_line()));
        drop(sent(reader.read_line_bytes()));
        drop(sent(reader.read_to_end()));
        drop(sent(reader.read_to_string()));
        drop(sent(ReadExt::read_to_string(&mut reader, &mut String::new())));
    }
    let (mut a, mut b) = duplex(1);
    drop(sent(copy(&mut a, &mut b)));
    drop(sent(copy_bidirectional(&mut a, &mut b)));
    drop(sent(b.write_all(b"a")));
    generic(a);
}
