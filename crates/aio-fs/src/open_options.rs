//! How a file is opened.

use std::fs;
use std::io;
use std::path::Path;

use crate::File;
use crate::attempt::on_path;

/// How a file is to be opened: [`std::fs::OpenOptions`] for a [`File`].
///
/// What only one system has is set on the type of the standard library, which can be turned into this one.
#[derive(Debug, Clone)]
pub struct OpenOptions(fs::OpenOptions);

impl OpenOptions {
    /// All options off.
    #[expect(clippy::new_without_default, reason = "as in the standard library: options that open nothing")]
    pub fn new() -> Self {
        Self(fs::OpenOptions::new())
    }

    /// To be read.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.0.read(read);
        self
    }

    /// To be written; what is there is overwritten.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.0.write(write);
        self
    }

    /// To be written at its end, wherever that is at that moment.
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.0.append(append);
        self
    }

    /// To be emptied.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.0.truncate(truncate);
        self
    }

    /// To be created if there is none.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.0.create(create);
        self
    }

    /// To be created, and there must not be one.
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.0.create_new(create_new);
        self
    }

    /// The permissions of a file that is created, before the `umask` is applied.
    #[cfg(unix)]
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::mode(&mut self.0, mode);
        self
    }

    /// Further flags for `open(2)`.
    #[cfg(unix)]
    pub fn custom_flags(&mut self, flags: i32) -> &mut Self {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut self.0, flags);
        self
    }

    /// Opens the file at the path.
    ///
    /// # Cancel safety
    /// Dropped after it has begun, it may still create or empty the file.
    ///
    /// # Errors
    /// As [`std::fs::OpenOptions::open`], with the path.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let options = self.0.clone();
        let path = path.as_ref();
        let file = on_path("open", path, move |path| options.open(path)).await?;
        Ok(File::with(file, Some(path.to_owned())))
    }
}

impl From<fs::OpenOptions> for OpenOptions {
    fn from(options: fs::OpenOptions) -> Self {
        Self(options)
    }
}
