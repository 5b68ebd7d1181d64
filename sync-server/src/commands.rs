//! What each subcommand does, and what it says. The only place that writes to the terminal.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's answer belongs on the terminal"
)]

pub(crate) mod pages;
pub(crate) mod serve;
pub(crate) mod verify;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use sheaf_server::STACK_BYTES;
use sheaf_server::adapters::sqlite::{FILE_NAME, OpenError, Options, SqliteStore};
use sheaf_server::metrics::Metrics;

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

/// What a short command works with: the store, and a runtime to ask it in.
///
/// `meanwhile` says how the same is done while a server works in the folder.
fn open_existing(
    data_dir: &Path,
    meanwhile: &str,
) -> Result<(tokio::runtime::Runtime, Arc<SqliteStore>), ExitCode> {
    if !data_dir.join(FILE_NAME).is_file() {
        eprintln!(
            "sheaf: there is no {FILE_NAME} in {}; name the folder with --data-dir",
            data_dir.display()
        );
        return Err(ExitCode::from(FAILED));
    }
    if is_empty(&data_dir.join(FILE_NAME)) {
        eprintln!(
            "sheaf: {FILE_NAME} in {} is empty: nothing was ever stored in it, or it was cut off",
            data_dir.display()
        );
        return Err(ExitCode::from(FAILED));
    }
    open(data_dir, meanwhile)
}

/// Whether there is nothing in the database, nor in the log beside it that is moved into it later.
fn is_empty(database: &Path) -> bool {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    length(database) == 0 && length(Path::new(&log)) == 0
}

fn open(
    data_dir: &Path,
    meanwhile: &str,
) -> Result<(tokio::runtime::Runtime, Arc<SqliteStore>), ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| fail(&error))?;
    let store = SqliteStore::open(data_dir, Options::default(), Arc::new(Metrics::default()))
        .map_err(|error| {
            let code = fail(&error);
            match error {
                OpenError::InUse(_) => eprintln!("  {meanwhile}"),
                OpenError::Damaged(_) => return ExitCode::FAILURE,
                _ => {}
            }
            code
        })?;
    Ok((runtime, Arc::new(store)))
}
