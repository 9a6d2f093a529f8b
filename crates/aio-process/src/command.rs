//! What is to be started, and how.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};

use aio_base::footprint::touch_system;

use crate::communicate::{Until, communicate};
use crate::process::{Process, WaitBy};
use crate::reaper::Reaper;
use crate::{Child, ChildStderr, ChildStdin, ChildStdout, sys};

/// A program to be started, with its arguments and surroundings: that of the standard library, for `aio`.
///
/// ```
/// # #[cfg(unix)]
/// aio_core::block_on(async {
///     use aio_process::Command;
///
///     let output = Command::new("env").env_clear().env("GREETING", "hello").output().await?;
///     assert_eq!(output.stdout, b"GREETING=hello\n");
///
///     let error = Command::new("no-such-program").spawn().unwrap_err();
///     assert!(error.to_string().starts_with("failed to start `no-such-program`: "), "{error}");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct Command {
    std: std::process::Command,
    /// What it inherits unless told otherwise.
    inherits: Inherits,
    kill_on_drop: Option<bool>,
    wait_by: WaitBy,
    #[cfg(unix)]
    group: GroupOf,
}

#[derive(Debug, Clone, Copy)]
struct Inherits {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// The process group of a child.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupOf {
    Ours,
    Another,
    Own,
    OwnSession,
}

impl Command {
    /// `program`, which is looked for in the `PATH` of the child if it is a bare name. The child inherits the
    /// environment, the directory and the three streams of this program, if nothing else is said.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self::from(std::process::Command::new(program))
    }

    /// The shell of the system, which runs `line`: asyncio's `create_subprocess_shell`.
    ///
    /// What stands in `line` is the shell's to interpret: put nothing into it that comes from elsewhere. On Unix,
    /// `Command::shell("grep -e \"$1\"").args(["sh", word])` is a safe way.
    pub fn shell(line: impl AsRef<OsStr>) -> Self {
        Self::from(sys::shell(line.as_ref()))
    }

    /// One more argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.std.arg(arg);
        self
    }

    /// More arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.std.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.std.env(name, value);
        self
    }

    /// Sets several variables of the environment.
    pub fn envs(&mut self, vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>) -> &mut Self {
        self.std.envs(vars);
        self
    }

    /// Does not set a variable, and does not inherit it.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.std.env_remove(name);
        self
    }

    /// Inherits no variables, and forgets those that were set.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// The directory in which it runs.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.std.current_dir(directory);
        self
    }

    /// What it reads from.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.inherits.stdin = false;
        self.std.stdin(stdin);
        self
    }

    /// What it writes its output to.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.inherits.stdout = false;
        self.std.stdout(stdout);
        self
    }

    /// What it writes its errors to.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.inherits.stderr = false;
        self.std.stderr(stderr);
        self
    }

    /// Whether the child is killed when its [`Child`] is dropped; with its group, if it leads one. Waiting for its end
    /// is left to a thread. If nothing is said, [`spawn`](Self::spawn) lets it go on; [`output`](Self::output) and
    /// [`status`](Self::status), whose child nobody else has, kill it.
    pub fn kill_on_drop(&mut self, kills: bool) -> &mut Self {
        self.kill_on_drop = Some(kills);
        self
    }

    /// The process group that it joins; with zero, a new one, which it leads: see [`Group`](crate::Group). The Ctrl-C
    /// of a terminal does not reach that one.
    ///
    /// # Panics
    /// After [`new_session`](Self::new_session), which has a group of its own.
    #[cfg(unix)]
    #[track_caller]
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        assert!(self.group != GroupOf::OwnSession, "`process_group` after `new_session`: it is one or the other");
        std::os::unix::process::CommandExt::process_group(&mut self.std, group);
        self.group = if group == 0 { GroupOf::Own } else { GroupOf::Another };
        self
    }

    /// Runs it in a new session, without a terminal, and in a group that it leads.
    ///
    /// # Panics
    /// After [`process_group`](Self::process_group): the leader of a group cannot have a new session.
    #[cfg(unix)]
    #[track_caller]
    pub fn new_session(&mut self) -> &mut Self {
        match self.group {
            GroupOf::Another | GroupOf::Own => panic!("`new_session` after `process_group`: it is one or the other"),
            GroupOf::OwnSession => return self,
            GroupOf::Ours => self.group = GroupOf::OwnSession,
        }
        let begin = || Ok(rustix::process::setsid().map(|_| ())?);
        // SAFETY: it asks for what may be done between `fork` and `exec`, where other threads may have been interrupted
        // anywhere: one system call, whose error is a number, without memory or a lock.
        unsafe { std::os::unix::process::CommandExt::pre_exec(&mut self.std, begin) };
        self
    }

    /// That of the standard library, to look at.
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// That of the standard library, for what is missing here. [`output`](Self::output) does not see which streams are
    /// set there, and neither does [`Group`](crate::Group) a group.
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// Waits with a thread also where there is something better, so that tests can see to both.
    #[doc(hidden)]
    pub fn wait_by_thread(&mut self) -> &mut Self {
        self.wait_by = WaitBy::Thread;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// What the system says, with the name of the program; or of the directory, if that is what is missing.
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.start(self.kill_on_drop.unwrap_or(false))
    }

    /// Starts it, waits for its end, and collects what it writes. Its streams are piped, and its input is empty, if
    /// nothing else is said. It is started by the call, not by awaiting the result.
    ///
    /// # Cancel safety
    /// Dropping the future kills it, unless [`kill_on_drop`](Self::kill_on_drop) says otherwise.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn) and [`Child::communicate`]. Its own failure is in the [`Output::status`].
    pub fn output(&mut self) -> impl Future<Output = io::Result<Output>> + Send + use<> {
        let Inherits { stdin, stdout, stderr } = self.inherits;
        let set = |std: &mut std::process::Command, input: fn() -> Stdio, output: fn() -> Stdio| {
            if stdin {
                std.stdin(input());
            }
            if stdout {
                std.stdout(output());
            }
            if stderr {
                std.stderr(output());
            }
        };
        set(&mut self.std, Stdio::null, Stdio::piped);
        let child = self.start(self.kill_on_drop.unwrap_or(true));
        // As it was, for the next start.
        set(&mut self.std, Stdio::inherit, Stdio::inherit);
        async { communicate(child?, &[], Until::Silence).await }
    }

    /// Starts it and waits for its end; what is piped is closed. It is started by the call, not by awaiting the result.
    ///
    /// # Cancel safety
    /// Dropping the future kills it, unless [`kill_on_drop`](Self::kill_on_drop) says otherwise.
    ///
    /// # Errors
    /// Those of [`spawn`](Self::spawn) and [`Child::wait`].
    pub fn status(&mut self) -> impl Future<Output = io::Result<ExitStatus>> + Send + use<> {
        let child = self.start(self.kill_on_drop.unwrap_or(true));
        async {
            let Child { process, .. } = child?;
            process.wait().await
        }
    }

    fn start(&mut self, kill_on_drop: bool) -> io::Result<Child> {
        touch_system();
        Reaper::of_process().attend();
        let mut child = self.std.spawn().map_err(|error| self.not_started(error))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());

        let mut process = Process::new(child, self.wait_by);
        #[cfg(unix)]
        {
            process.leads_group = matches!(self.group, GroupOf::Own | GroupOf::OwnSession);
        }
        // If anything fails from here on.
        process.kill_on_drop = true;
        let mut child = Child {
            stdin: stdin.map(ChildStdin::from_std).transpose()?,
            stdout: stdout.map(ChildStdout::from_std).transpose()?,
            stderr: stderr.map(ChildStderr::from_std).transpose()?,
            process,
        };
        child.process.kill_on_drop = kill_on_drop;
        Ok(child)
    }

    /// The error of a start, which says what is missing.
    fn not_started(&self, error: io::Error) -> io::Error {
        let program = Path::new(self.std.get_program());
        let begin = format!("failed to start `{}`", program.display());
        let text = match self.std.get_current_dir().and_then(|directory| Some((directory, unusable(directory)?))) {
            Some((directory, why)) => format!("{begin} in `{}`, the directory: {why}", directory.display()),
            None if error.kind() == ErrorKind::NotFound && program.is_absolute() && program.exists() => {
                format!("{begin}: {error}: it is there, but not the interpreter that it names")
            }
            None => format!("{begin}: {error}"),
        };
        io::Error::new(error.kind(), text)
    }
}

/// Why nothing can run in it.
fn unusable(directory: &Path) -> Option<io::Error> {
    match directory.metadata() {
        Ok(metadata) if metadata.is_dir() => None,
        Ok(_) => Some(ErrorKind::NotADirectory.into()),
        Err(error) => Some(error),
    }
}

/// Streams that were set there are not seen by [`Command::output`].
impl From<std::process::Command> for Command {
    fn from(std: std::process::Command) -> Self {
        Self {
            std,
            inherits: Inherits { stdin: true, stdout: true, stderr: true },
            kill_on_drop: None,
            wait_by: WaitBy::Best,
            #[cfg(unix)]
            group: GroupOf::Ours,
        }
    }
}
