//! What a signal does when no stream takes it.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::Arc; // facade: shared with a signal handler, of which no model knows
use std::sync::atomic::{AtomicUsize, Ordering}; // facade: as above

use aio_base::sync::{Mutex, OnceLock};
use aio_base::thread;
use signal_hook::low_level::{emulate_default_handler, register};

use crate::Signal;
use crate::interruptible::{Listen, interrupted};

/// What becomes of a signal that was taken once. Its handler stays until the process ends, since handlers cannot be
/// taken away without a race with those that others set; so the handler itself does what would happen without it.
pub(crate) struct Disposition {
    signal: Signal,
    /// How many streams take it. The handler reads this, and so decides at the moment at which the signal comes.
    streams: AtomicUsize,
    /// Whether it did what the system does by default. Handlers of others are called in any case, by `signal_hook`.
    was_default: bool,
    /// Where to tell of a Ctrl-C that no stream takes.
    interrupter: OnceLock<UnixStream>,
}

static DISPOSITIONS: OnceLock<Mutex<BTreeMap<Signal, Arc<Disposition>>>> = OnceLock::new();

impl Disposition {
    /// Calls `take` with what there is for `signal`, and with what `prepare` makes, which knows whether the signal does
    /// what it does by default. The first time, this takes over what it does, but only after `prepare` has succeeded:
    /// until somebody hears it, it does what it did. And before `take`, since the handler calls what was registered in
    /// that order, and has to decide before a stream hears the signal, which may be dropped there and then.
    pub(crate) fn take<P, T>(
        signal: Signal,
        prepare: impl FnOnce(bool) -> io::Result<P>,
        take: impl FnOnce(&Arc<Self>, P) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut dispositions = DISPOSITIONS.get_or_init(Mutex::default).lock();
        if let Some(disposition) = dispositions.get(&signal) {
            return take(disposition, prepare(disposition.was_default)?);
        }
        let was_default = is_default(signal)?;
        let prepared = prepare(was_default)?;
        let streams = AtomicUsize::new(0);
        let disposition = Arc::new(Self { signal, streams, was_default, interrupter: OnceLock::new() });
        disposition.take_over()?;
        dispositions.insert(signal, disposition.clone());
        take(&disposition, prepared)
    }

    /// One more stream takes it, which hears it already.
    pub(crate) fn add_stream(&self) {
        // SeqCst, here and in the handler: nothing travels with the number, and none of this is on a hot path.
        self.streams.fetch_add(1, Ordering::SeqCst);
    }

    /// One stream less, which may still hear it.
    pub(crate) fn remove_stream(&self) {
        self.streams.fetch_sub(1, Ordering::SeqCst);
    }

    fn take_over(self: &Arc<Self>) -> io::Result<()> {
        let this = self.clone();
        // SAFETY: `register` asks for an action that (1) does only what is allowed in a handler: `untaken` reads two
        // atomics, writes a byte to a socket that does not block, or calls what is documented as allowed; there is no
        // lock and no allocation; (2) does not panic: errors are passed over; and (3) the signal is none of the
        // forbidden ones, or `register` would panic; `signals` has looked.
        unsafe { register(self.signal.as_raw(), move || this.untaken()) }?;
        Ok(())
    }

    /// In the handler.
    fn untaken(&self) {
        if self.streams.load(Ordering::SeqCst) > 0 {
            return;
        }
        match self.interrupter.get() {
            // If there is no room, there is enough to read.
            Some(mut interrupter) => _ = interrupter.write(&[0]),
            // It fails for signals of which `signal_hook` does not know what they do.
            None if self.was_default => _ = emulate_default_handler(self.signal.as_raw()),
            None => {}
        }
    }
}

/// Begins to listen for Ctrl-C that no stream takes, with a thread that lives as long as the process.
pub(crate) fn listen(how: Listen) -> io::Result<()> {
    let prepare = |was_default: bool| {
        if how == Listen::IfFree && !was_default {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "the program has decided on Ctrl-C already"));
        }
        let (mut ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        thread::spawn("ctrl-c", move || {
            // It does not end: the other end is never closed.
            loop {
                match ours.read(&mut [0]) {
                    Ok(1..) => interrupted(),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    _ => return,
                }
            }
        })?;
        Ok(theirs)
    };
    Disposition::take(Signal::INTERRUPT, prepare, |disposition, theirs| {
        // Set for the first time: this is called until it has succeeded once.
        let _ = disposition.interrupter.set(theirs);
        Ok(())
    })
}

/// Whether the signal does what the system has it do by default.
fn is_default(signal: Signal) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: no new action is given, and there is room for the present one.
    if unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has filled it (and zeros are a value of it as well).
    Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_DFL)
}
