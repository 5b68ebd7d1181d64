//! SQLite's errors as ours.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::ports::StorageFault;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in it.
    #[error("another sheaf process works in {}, and two would overwrite each other. Stop it first (Ctrl+C where it runs), or use another --data-dir", .0.display())]
    InUse(PathBuf),
    /// The folder could not be made or written.
    #[error("the data directory {} cannot be used", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A newer release has changed the tables.
    #[error(
        "the data was written by a newer release (tables of version {found}, this one knows {known}); use that release"
    )]
    TooNew {
        /// In the file.
        found: u32,
        /// In this program.
        known: u32,
    },
    /// An older release has written the tables, and they are only to be read.
    #[error(
        "the data was written by an older release (tables of version {found}, this one knows {known}). Put the file into an empty folder as {file}, and start and stop the server of this release on it once",
        file = super::FILE_NAME
    )]
    TooOld {
        /// In the file.
        found: u32,
        /// In this program.
        known: u32,
    },
    /// It was to be filled, and holds something already.
    #[error("{} is there already, and nothing is written over it; name another place", .0.display())]
    NotEmpty(PathBuf),
    /// There is nothing.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// There is a database of something else.
    #[error("sheaf.db in the data directory belongs to another program")]
    NotOurs,
    /// There is a database, and it does not hold together.
    #[error(
        "sheaf.db in the data directory is damaged. Restore it from a backup, and keep the damaged file"
    )]
    Damaged(#[source] rusqlite::Error),
    /// SQLite refused.
    #[error("the database cannot be opened")]
    Database(#[source] rusqlite::Error),
}

pub(super) fn open_error(cause: rusqlite::Error) -> OpenError {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged(cause),
        _ => OpenError::Database(cause),
    }
}

/// What an error means for whoever asked. The text names SQLite's code, never a value from a row.
pub(super) fn storage_fault(error: &rusqlite::Error) -> StorageFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageFault::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageFault::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StorageFault::Failed("the database file itself is damaged".to_owned())
        }
        Some(ErrorCode::Unknown) => {
            StorageFault::Failed("its tables are not as this release left them".to_owned())
        }
        Some(code) => StorageFault::Failed(format!("{code:?}")),
        None => StorageFault::Failed("a row has an unexpected form".to_owned()),
    }
}
