//! What each subcommand does, and what it says. The only place that writes to the terminal.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's answer belongs on the terminal"
)]

pub(crate) mod cluster;
pub(crate) mod copies;
mod files;
pub(crate) mod pages;
pub(crate) mod people;
pub(crate) mod ready;
pub(crate) mod serve;
pub(crate) mod verify;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sheaf_server::STACK_BYTES;
use sheaf_server::adapters::postgres::{self, PostgresStore};
use sheaf_server::adapters::sqlite::{FILE_NAME, OpenError, Options, SqliteStore};
use sheaf_server::cli::DataArgs;
use sheaf_server::config::Place;
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::Store;

/// The command could not do its work, for a reason that is not about the data itself.
const FAILED: u8 = 2;

/// Says why a command stops: the error and what led to it.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("sheaf: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
    ExitCode::from(FAILED)
}

/// What a short command works with: a runtime, and the store to ask in it.
type Opened = (tokio::runtime::Runtime, Arc<dyn Store>);

/// Opens what is there already.
///
/// `meanwhile` says how the same is done while a server works in the folder.
fn open_existing(data: &DataArgs, meanwhile: &str) -> Result<Opened, ExitCode> {
    if let Ok(Place::Folder(folder)) = data.place() {
        let database = folder.join(FILE_NAME);
        if !database.is_file() {
            eprintln!(
                "sheaf: there is no {FILE_NAME} in {}; name the folder with --data-dir",
                folder.display()
            );
            return Err(ExitCode::from(FAILED));
        }
        if is_empty(&database) {
            eprintln!(
                "sheaf: {FILE_NAME} in {} is empty: nothing was ever stored in it, or it was cut off",
                folder.display()
            );
            return Err(ExitCode::from(FAILED));
        }
    }
    open(data, meanwhile)
}

/// Whether there is nothing in the database, nor in the log beside it that is moved into it later.
fn is_empty(database: &Path) -> bool {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    length(database) == 0 && length(Path::new(&log)) == 0
}

fn open(data: &DataArgs, meanwhile: &str) -> Result<Opened, ExitCode> {
    let place = data.place().map_err(|problem| {
        eprintln!("sheaf: {problem}");
        ExitCode::from(FAILED)
    })?;
    let runtime = runtime()?;
    let opened = runtime.block_on(open_store(&place, &Arc::new(Metrics::default())));
    let store = opened.map_err(|error| {
        let code = fail(&error);
        match error {
            StoreError::Folder(OpenError::InUse(_)) => eprintln!("  {meanwhile}"),
            StoreError::Folder(OpenError::Damaged(_)) => return ExitCode::FAILURE,
            StoreError::Folder(_) | StoreError::Database(_) => {}
        }
        code
    })?;
    Ok((runtime, store))
}

/// What short commands run in.
fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| fail(&error))
}

/// Why what is kept could not be opened.
#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error(transparent)]
    Folder(#[from] OpenError),
    #[error(transparent)]
    Database(#[from] postgres::OpenError),
}

async fn open_store(place: &Place, metrics: &Arc<Metrics>) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match place {
        Place::Folder(folder) => Arc::new(SqliteStore::open(
            folder,
            Options::default(),
            Arc::clone(metrics),
        )?),
        Place::Database(url) => {
            let store = PostgresStore::open(url.secret(), postgres::Options::default()).await?;
            Arc::new(store.counting_in(Arc::clone(metrics)))
        }
    })
}
