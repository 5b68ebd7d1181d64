//! PostgreSQL's errors as ours. No text names a value from a row, and none the password in the address.

use crate::ports::{ReadFault, StorageFault};

/// Why a database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error(
        "SHEAF_DATABASE_URL does not work; it looks like postgres://user:password@host:5432/name"
    )]
    Address(#[source] sqlx::Error),
    /// Nobody answers, or turns us away.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// It would lose what it committed when the power goes.
    #[error(
        "the database runs with {setting} = off, so that it can lose what it said is stored. Turn it on in postgresql.conf and restart it"
    )]
    NotDurable {
        /// The setting's name.
        setting: &'static str,
    },
    /// A newer release has changed the tables so that this one cannot use them.
    #[error(
        "the data was written by a newer release (tables of version {found}, this one knows {known}); use that release"
    )]
    TooNew {
        /// In the database.
        found: i32,
        /// In this program.
        known: i32,
    },
    /// No server ever ran on it.
    #[error("there is nothing of Sheaf in the database")]
    NothingThere,
    /// It was to be filled, and holds something already.
    #[error(
        "the database holds documents or accounts already, and nothing is written over them; name an empty one"
    )]
    NotEmpty,
    /// It refused.
    #[error("the database cannot be set up")]
    Database(#[from] sqlx::Error),
}

/// PostgreSQL's codes: out of disk, out of memory or connections, locked by others, going down or coming up.
const DISK_FULL: &str = "53100";
const RESOURCES: &str = "53";
const OPERATOR: &str = "57P";
const NO_LOCK: &str = "55P03";
const TOO_LONG: &str = "57014";
/// A page or an index that is damaged.
const DAMAGED: [&str; 2] = ["XX001", "XX002"];

/// Whether an error shows that the database is there and at work. One that is going down, coming up, or a standby is not.
pub(super) fn is_an_answer(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(told) => {
            let code = told.code();
            code.is_none_or(|code| !code.starts_with(OPERATOR))
        }
        sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } => true,
        _ => false,
    }
}

/// What an error means for whoever asked.
pub(super) fn of_storage(error: &sqlx::Error) -> StorageFault {
    match error {
        sqlx::Error::PoolTimedOut => StorageFault::Busy,
        sqlx::Error::PoolClosed => StorageFault::Closed,
        sqlx::Error::Database(told) => match told.code().as_deref() {
            Some(DISK_FULL) => StorageFault::Full,
            Some(NO_LOCK | TOO_LONG) => StorageFault::Busy,
            Some(code) if code.starts_with(RESOURCES) || code.starts_with(OPERATOR) => {
                StorageFault::Busy
            }
            Some(code) => StorageFault::Failed(format!("PostgreSQL says {code}")),
            None => StorageFault::Failed("PostgreSQL gave an error without a code".to_owned()),
        },
        sqlx::Error::Io(error) => StorageFault::Failed(format!("connection: {}", error.kind())),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StorageFault::Failed("a row has an unexpected form".to_owned())
        }
        _ => StorageFault::Failed("the connection to PostgreSQL failed".to_owned()),
    }
}

/// The same for a reader, who must know damage from absence of an answer.
pub(super) fn of_reading(error: &sqlx::Error) -> ReadFault {
    match error {
        sqlx::Error::Database(told)
            if told.code().is_some_and(|code| DAMAGED.contains(&&*code)) =>
        {
            ReadFault::Damaged("the database itself is damaged".to_owned())
        }
        sqlx::Error::ColumnDecode { .. } => {
            ReadFault::Damaged("a row has an unexpected form".to_owned())
        }
        _ => ReadFault::Storage(of_storage(error)),
    }
}

/// Our own deadline passed.
pub(super) fn too_slow() -> StorageFault {
    StorageFault::Failed("the database did not answer in time".to_owned())
}
