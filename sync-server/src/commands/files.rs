//! Pictures and files, beside the documents that commands copy or check.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sheaf_server::adapters::blobs::{self as places, beside_backups};
use sheaf_server::app::blobs::{self, Carried, CarryError};
use sheaf_server::config::{BlobsPlace, Problem, Secret};
use sheaf_server::ports::{BlobFault, BlobId, Blobs};

/// Why pictures and files were not copied or checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilesFault {
    #[error("the place of pictures and files does not answer")]
    Place(#[source] BlobFault),
    #[error("not all pictures and files were copied")]
    Carry(#[from] CarryError),
    #[error(
        "there are {0} pictures and files and nowhere to put them. A database holds none: name a bucket with --blobs-url, \
         or, for a move, with --blobs-to"
    )]
    Nowhere(usize),
    #[error("the list of pictures and files beside the backup could not be read or written")]
    List(#[source] std::io::Error),
}

/// Opens the place.
pub(super) fn open(place: &BlobsPlace) -> Result<Arc<dyn Blobs>, FilesFault> {
    places::open(place).map_err(FilesFault::Place)
}

/// The place that a move names: a bucket, or else what goes with the documents' place.
pub(super) fn named(
    bucket: Option<&Path>,
    documents: &sheaf_server::config::Place,
) -> Result<Option<BlobsPlace>, Problem> {
    let text = bucket.map(|it| it.to_str().unwrap_or_default());
    match text.and_then(|text| text.strip_prefix('@')) {
        Some(file) => BlobsPlace::parse(documents, None, Some(Path::new(file))),
        None => BlobsPlace::parse(documents, text.map(Secret::from).as_ref(), None),
    }
}

/// Copies everything from one place to another. Nothing is where there is no place.
pub(super) async fn carry(
    from: Option<&BlobsPlace>,
    to: Option<&BlobsPlace>,
) -> Result<Carried, FilesFault> {
    let Some(from) = from.filter(|from| Some(*from) != to) else {
        return Ok(Carried::default());
    };
    let from = open(from)?;
    let ids = all(&*from).await?;
    bring(&*from, to, &ids).await
}

/// Copies all that lies at `place` beside the backup `file`, in a folder that all backups there share, with a list of
/// what belongs to this one.
pub(super) async fn back_up(
    place: Option<&BlobsPlace>,
    file: &Path,
) -> Result<Carried, FilesFault> {
    let Some(place) = place else {
        return Ok(Carried::default());
    };
    let from = open(place)?;
    let ids = all(&*from).await?;
    if ids.is_empty() {
        return Ok(Carried::default());
    }
    let to = beside_backups(folder_of(file));
    let carried = blobs::carry(&*from, &to, &ids).await?;
    write_list(&list_of(file), &ids).map_err(FilesFault::List)?;
    Ok(carried)
}

/// Brings back what belongs to the backup `file`.
pub(super) async fn bring_back(
    file: &Path,
    to: Option<&BlobsPlace>,
) -> Result<Carried, FilesFault> {
    let ids = read_list(&list_of(file)).map_err(FilesFault::List)?;
    bring(&beside_backups(folder_of(file)), to, &ids).await
}

async fn bring(
    from: &dyn Blobs,
    to: Option<&BlobsPlace>,
    ids: &[BlobId],
) -> Result<Carried, FilesFault> {
    match to {
        Some(to) => Ok(blobs::carry(from, &*open(to)?, ids).await?),
        None if ids.is_empty() => Ok(Carried::default()),
        None => Err(FilesFault::Nowhere(ids.len())),
    }
}

async fn all(from: &dyn Blobs) -> Result<Vec<BlobId>, FilesFault> {
    blobs::all(from).await.map_err(FilesFault::Place)
}

/// `sheaf-….db` has its list in `sheaf-….db.blobs`.
fn list_of(file: &Path) -> PathBuf {
    with_more(file, ".blobs")
}

fn with_more(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// One name a line. By a rename, which is there whole or not at all.
fn write_list(list: &Path, ids: &[BlobId]) -> std::io::Result<()> {
    let unfinished = with_more(list, ".unfinished");
    let mut file = std::fs::File::create(&unfinished)?;
    for id in ids {
        writeln!(file, "{id}")?;
    }
    file.sync_all()?;
    std::fs::rename(&unfinished, list)?;
    std::fs::File::open(folder_of(list))?.sync_all()
}

/// None if there is no list: a backup without pictures and files has none.
fn read_list(list: &Path) -> std::io::Result<Vec<BlobId>> {
    let text = match std::fs::read_to_string(list) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let ids: Option<BTreeSet<BlobId>> = text.lines().map(BlobId::parse).collect();
    let ids = ids.ok_or_else(|| std::io::Error::other("it holds something that is no name"))?;
    Ok(ids.into_iter().collect())
}
