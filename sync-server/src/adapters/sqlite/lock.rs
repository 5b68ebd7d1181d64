//! One process per data directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use super::fault::OpenError;

/// Held as long as the process works in the directory; the system gives it back when the process ends, however it ends.
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Makes the directory if need be, readable by its owner only, and takes its lock.
    ///
    /// # Errors
    /// [`OpenError`] when somebody else holds it, or the directory cannot be written.
    pub fn take(directory: &Path) -> Result<Self, OpenError> {
        take(directory)
    }
}

pub(super) fn take(directory: &Path) -> Result<DirectoryLock, OpenError> {
    let fail = |cause| OpenError::Folder {
        path: directory.to_owned(),
        cause,
    };
    create_private(directory).map_err(fail)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .map_err(fail)?;
    match file.try_lock() {
        Ok(()) => Ok(DirectoryLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(directory.to_owned())),
        Err(TryLockError::Error(cause)) => Err(fail(cause)),
    }
}

#[cfg(unix)]
fn create_private(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(not(unix))]
fn create_private(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)
}
