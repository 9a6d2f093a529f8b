//! Files and directories for the aio runtime, through its pool of threads.
