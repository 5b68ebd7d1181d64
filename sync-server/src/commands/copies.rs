//! `sheaf backup`, `sheaf restore` and `sheaf move`: everything from one place to another, three ways of one kind.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sheaf_server::adapters::postgres::{self, PostgresEntering, PostgresLeaving, PostgresStore};
use sheaf_server::adapters::sqlite::{
    DirectoryLock, FILE_NAME, OpenError, SqliteEntering, SqliteLeaving,
};
use sheaf_server::adapters::system::unix_now;
use sheaf_server::app::blobs::Carried;
use sheaf_server::app::copy::{self, Copied, CopyError};
use sheaf_server::app::verify;
use sheaf_server::cli::{BackupArgs, MoveArgs, RestoreArgs};
use sheaf_server::config::{Place, Problem};
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::{Leaving, Member, StorageFault, Store as _};
use sheaf_shared::time::UnixMs;

use super::StoreError;
use super::files::{self, FilesFault};

/// Pause between two lines about how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Problem(Problem),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("nothing was copied")]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Files(#[from] FilesFault),
    #[error("the copy is there, and could not be checked")]
    Check(#[source] StorageFault),
    #[error("the file could not be given its name")]
    Naming(#[source] std::io::Error),
    #[error(
        "a server works on the database: {0}. Stop it first; what it stores meanwhile would be missing in the copy. One that was killed is forgotten after {MEMBER_FORGOTTEN_S} s"
    )]
    ServerRuns(String),
}

/// See [`sheaf_server::ports::MEMBER_SILENT_MS`].
const MEMBER_FORGOTTEN_S: u64 = sheaf_server::ports::MEMBER_SILENT_MS / 1_000;

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        Self::Store(error.into())
    }
}

impl From<postgres::OpenError> for Fault {
    fn from(error: postgres::OpenError) -> Self {
        Self::Store(error.into())
    }
}

/// Makes a backup while servers go on.
pub(crate) fn backup(args: &BackupArgs) -> ExitCode {
    run(back_up(args))
}

async fn back_up(args: &BackupArgs) -> Outcome {
    let place = args.data.place().map_err(Fault::Problem)?;
    let blobs = args.data.blobs().map_err(Fault::Problem)?;
    let file = if args.to.is_dir() {
        args.to.join(name_by_time(unix_now()))
    } else {
        args.to.clone()
    };
    let mut from = leaving(&place).await?;
    if file.symlink_metadata().is_ok() {
        return Err(OpenError::NotEmpty(file).into());
    }
    // A folder as a server's own, so that the copy can be checked as one before it gets its name.
    let folder = Folder::beside(&file)?;
    let inside = folder.0.join(FILE_NAME);
    let to = Box::new(SqliteEntering::begin(&inside)?);
    let copied = copy::copy(&mut *from, to, &mut saying()).await?;
    drop(from);
    let damaged = check(&Place::Folder(folder.0.clone())).await?;
    SqliteEntering::make_plain(&inside)?;
    // After the documents: whatever one of them shows was there before.
    let carried = files::back_up(blobs.as_ref(), &file).await?;
    std::fs::rename(&inside, &file).map_err(Fault::Naming)?;
    sync(&file).map_err(Fault::Naming)?;
    println!("{}", file.display());
    Ok(Done {
        copied,
        carried,
        damaged,
    })
}

/// Brings a backup back.
pub(crate) fn restore(args: &RestoreArgs) -> ExitCode {
    run(bring_back(args))
}

async fn bring_back(args: &RestoreArgs) -> Outcome {
    let place = args.data.place().map_err(Fault::Problem)?;
    let blobs = args.data.blobs().map_err(Fault::Problem)?;
    let mut from = SqliteLeaving::open(&args.from)?;
    must_be_empty(&place)?;
    // Before the documents: none of them ever shows what is not there. What is left over if they fail does no harm.
    let carried = files::bring_back(&args.from, blobs.as_ref()).await?;
    fill(&mut from, &place, carried).await
}

/// Carries everything to another place.
pub(crate) fn carry(args: &MoveArgs) -> ExitCode {
    run(carry_over(args))
}

async fn carry_over(args: &MoveArgs) -> Outcome {
    let source = Place::named(&args.from).map_err(Fault::Problem)?;
    let target = Place::named(&args.to).map_err(Fault::Problem)?;
    // Held until the end, so that no server starts on it meanwhile.
    let _lock = at_rest(&source).await?;
    let blobs_from = files::named(args.blobs_from.as_deref(), &source).map_err(Fault::Problem)?;
    let blobs_to = files::named(args.blobs_to.as_deref(), &target).map_err(Fault::Problem)?;
    let mut from = leaving(&source).await?;
    must_be_empty(&target)?;
    let carried = files::carry(blobs_from.as_ref(), blobs_to.as_ref()).await?;
    let outcome = fill(&mut *from, &target, carried).await?;
    println!(
        "The place it came from is as it was. Start servers on the new one only, or the two grow apart."
    );
    Ok(outcome)
}

/// What was copied, and what is wrong with it.
struct Done {
    copied: Copied,
    carried: Carried,
    damaged: Vec<String>,
}

type Outcome = Result<Done, Fault>;

fn run(work: impl Future<Output = Outcome>) -> ExitCode {
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let done = match runtime.block_on(work) {
        Ok(outcome) => outcome,
        Err(fault) => {
            let code = super::fail(&fault);
            return match fault {
                Fault::Store(StoreError::Folder(OpenError::Damaged(_))) => ExitCode::FAILURE,
                _ => code,
            };
        }
    };
    let Done {
        copied,
        carried,
        damaged,
    } = done;
    println!("{}, read back and compared", told(&copied));
    for what in &damaged {
        println!("damaged, and carried as it is: {what}");
    }
    if carried != Carried::default() {
        println!(
            "{} pictures and files, read back and compared",
            carried.blobs
        );
    }
    for id in &carried.damaged {
        println!("damaged or gone, and left out: the picture or file {id}");
    }
    if damaged.is_empty() && carried.damaged.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Everything at `place`, whoever writes there meanwhile.
async fn leaving(place: &Place) -> Result<Box<dyn Leaving>, Fault> {
    Ok(match place {
        Place::Folder(folder) => Box::new(SqliteLeaving::open(&folder.join(FILE_NAME))?),
        Place::Database(url) => Box::new(PostgresLeaving::open(url.secret()).await?),
    })
}

/// Makes sure that no server works on `place`, and, for a folder, that none starts.
async fn at_rest(place: &Place) -> Result<Option<DirectoryLock>, Fault> {
    match place {
        Place::Folder(folder) => {
            let file = folder.join(FILE_NAME);
            if !file.is_file() {
                return Err(OpenError::Missing(file).into());
            }
            Ok(Some(DirectoryLock::take(folder)?))
        }
        Place::Database(url) => {
            let store = PostgresStore::open(url.secret(), postgres::Options::default()).await?;
            let Some(membership) = store.membership() else {
                return Ok(None);
            };
            let members = membership.members().await.map_err(Fault::Check)?;
            match members.iter().find(|member| !member.is_silent()) {
                Some(Member { name, address, .. }) => {
                    Err(Fault::ServerRuns(format!("{name} at {address}")))
                }
                None => Ok(None),
            }
        }
    }
}

/// Says at once what would be said after everything was copied.
fn must_be_empty(target: &Place) -> Result<(), Fault> {
    match target {
        Place::Folder(folder) if folder.join(FILE_NAME).symlink_metadata().is_ok() => {
            Err(OpenError::NotEmpty(folder.join(FILE_NAME)).into())
        }
        Place::Folder(_) | Place::Database(_) => Ok(()),
    }
}

async fn fill(from: &mut dyn Leaving, target: &Place, carried: Carried) -> Outcome {
    let copied = match target {
        Place::Folder(folder) => {
            let lock = DirectoryLock::take(folder)?;
            let to = Box::new(SqliteEntering::begin(&folder.join(FILE_NAME))?);
            let copied = copy::copy(from, to, &mut saying()).await?;
            drop(lock);
            copied
        }
        Place::Database(url) => {
            let to = Box::new(PostgresEntering::begin(url.secret()).await?);
            copy::copy(from, to, &mut saying()).await?
        }
    };
    let damaged = check(target).await?;
    Ok(Done {
        copied,
        carried,
        damaged,
    })
}

/// Opens every document at `place`; answers what is wrong.
async fn check(place: &Place) -> Result<Vec<String>, Fault> {
    eprintln!("Opening every document of the copy …");
    let store = super::open_store(place, &std::sync::Arc::new(Metrics::default())).await?;
    let of_whole = store.damages_of_whole().await.map_err(Fault::Check)?;
    let report = verify::verify(&*store).await.map_err(Fault::Check)?;
    let of_documents = report.damages.into_iter();
    Ok(of_whole
        .into_iter()
        .chain(of_documents.map(|(doc, what)| format!("{doc}: {what}")))
        .collect())
}

/// Says now and then how far it is.
fn saying() -> impl FnMut(&Copied) + Send {
    let mut said = Instant::now();
    move |copied| {
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            eprintln!("{} so far …", told(copied));
        }
    }
}

fn told(copied: &Copied) -> String {
    let Copied {
        documents,
        rows,
        bytes,
        ..
    } = copied;
    format!(
        "{documents} documents, {rows} rows, {:.1} MiB",
        *bytes as f64 / (1024.0 * 1024.0)
    )
}

/// A folder that is removed when it is no longer needed.
struct Folder(PathBuf);

impl Folder {
    /// Makes one next to `file`. What an interrupted run left behind is removed.
    fn beside(file: &Path) -> Result<Self, Fault> {
        let mut path = file.as_os_str().to_owned();
        path.push(".unfinished");
        let path = PathBuf::from(path);
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(Fault::Naming)?;
        }
        std::fs::create_dir(&path).map_err(|cause| OpenError::Folder {
            path: path.clone(),
            cause,
        })?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it is removed by the next run.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn sync(file: &Path) -> std::io::Result<()> {
    std::fs::File::open(file)?.sync_all()?;
    let folder = file.parent().filter(|it| *it != Path::new(""));
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// `sheaf-20261121-122530.db`, in UTC: names that sort by age.
fn name_by_time(now: UnixMs) -> String {
    let seconds = now.0 / 1_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("sheaf-{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}.db")
}

/// Year, month and day of the day with this number, 1 January 1970 being 0.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut left = days;
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_named_by_its_time() {
        for (seconds, name) in [
            (0, "sheaf-19700101-000000.db"),
            (951_782_400, "sheaf-20000229-000000.db"),
            (1_795_263_930, "sheaf-20261121-122530.db"),
            (4_107_542_399, "sheaf-21000228-235959.db"),
            (4_107_542_400, "sheaf-21000301-000000.db"),
        ] {
            assert_eq!(name_by_time(UnixMs(seconds * 1_000)), name);
        }
    }
}
