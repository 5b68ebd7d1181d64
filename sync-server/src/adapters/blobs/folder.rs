//! Blobs as files of a folder: `ab/cdef…` holds the one whose name begins so. A file is there whole or not at all, and
//! is synced before its name is answered.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::ports::{BLOB_BYTES_MAX, BlobFault, BlobId, Blobs, Chunks, Incoming, Verified};

/// Longest wait, in milliseconds, for the disk.
const STEP_MS: u64 = 30_000;
/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;
/// The folder, beside those of blobs, of what is being written.
const INCOMING: &str = "incoming";
/// Age after which what was being written is what an ended program left behind.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);
/// Digits of a name that are its folder's.
const SHARD_DIGITS: usize = 2;

/// Blobs in a folder.
#[derive(Clone, Debug)]
pub struct FolderBlobs {
    folder: PathBuf,
}

impl FolderBlobs {
    /// Uses `folder`, which is made when something is put.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The file of a blob.
    #[must_use]
    pub fn file_of(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        let (shard, rest) = name.split_at(SHARD_DIGITS);
        self.folder.join(shard).join(rest)
    }

    fn begin(&self) -> io::Result<Unfinished> {
        let folder = self.folder.join(INCOMING);
        make_folder(&folder)?;
        remove_left_behind(&folder)?;
        let path = folder.join(format!("{:032x}", fastrand::u128(..)));
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(Unfinished { file, path })
    }

    fn finish(&self, unfinished: &Unfinished, id: BlobId) -> io::Result<()> {
        unfinished.file.sync_all()?;
        let target = self.file_of(id);
        let shard = target.parent().unwrap_or(&self.folder);
        make_folder(shard)?;
        fs::rename(&unfinished.path, &target)?;
        File::open(shard)?.sync_all()
    }

    fn names(&self, after: Option<BlobId>, limit: usize) -> io::Result<Vec<BlobId>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let mut found = Vec::new();
        for shard in sorted_names(&self.folder)? {
            let is_past = shard.as_str() >= after.get(..SHARD_DIGITS).unwrap_or_default();
            if shard.len() != SHARD_DIGITS || !is_past || found.len() >= limit {
                continue;
            }
            let names = sorted_names(&self.folder.join(&shard))?;
            let ids = names
                .into_iter()
                .map(|rest| format!("{shard}{rest}"))
                .filter(|name| *name > after);
            found.extend(ids.filter_map(|name| BlobId::parse(&name)));
        }
        found.truncate(limit);
        Ok(found)
    }
}

/// A file that is being written; removed unless it was given its name.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Not there any more once it has its name.
        drop(fs::remove_file(&self.path));
    }
}

/// Makes a folder and those above it, and syncs where each is named.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| *above != Path::new(""));
    if let Some(above) = above {
        make_folder(above)?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::open(above.unwrap_or(Path::new(".")))?.sync_all()
}

fn remove_left_behind(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let written = entry.metadata().and_then(|found| found.modified());
        // One that another writer has just finished is gone, and none of ours.
        if written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > LEFT_BEHIND)) {
            drop(fs::remove_file(entry.path()));
        }
    }
    Ok(())
}

/// The names in a folder, in order; none if it is not there.
fn sorted_names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in absent_as_none(fs::read_dir(folder))?.into_iter().flatten() {
        names.extend(entry?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn absent_as_none<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fault(error: &io::Error) -> BlobFault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobFault::Full,
        // The kind alone: a path may tell more than a log should.
        kind => BlobFault::Failed(format!("the folder of blobs answers: {kind}")),
    }
}

/// Does what blocks on a thread that may.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobFault> {
    let work = tokio::task::spawn_blocking(work);
    match tokio::time::timeout(Duration::from_millis(STEP_MS), work).await {
        Ok(Ok(done)) => done.map_err(|error| fault(&error)),
        Ok(Err(_)) => Err(BlobFault::Failed("the program is going down".to_owned())),
        Err(_) => Err(BlobFault::Busy),
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put(&self, bytes: &mut dyn Chunks) -> Result<BlobId, BlobFault> {
        let this = self.clone();
        let mut unfinished = on_disk(move || this.begin()).await?;
        let mut incoming = Incoming::default();
        while let Some(chunk) = bytes.next().await? {
            incoming.take(&chunk)?;
            unfinished = on_disk(move || {
                unfinished.file.write_all(&chunk)?;
                Ok(unfinished)
            })
            .await?;
        }
        let (this, id) = (self.clone(), incoming.done());
        on_disk(move || this.finish(&unfinished, id)).await?;
        Ok(id)
    }

    async fn get(&self, id: BlobId) -> Result<Option<Box<dyn Chunks>>, BlobFault> {
        let path = self.file_of(id);
        let file = on_disk(move || absent_as_none(File::open(path))).await?;
        Ok(file.map(|file| {
            let verified = Verified::new(id, FileChunks { file: Some(file) });
            Box::new(verified) as Box<dyn Chunks>
        }))
    }

    async fn exists(&self, id: BlobId) -> Result<bool, BlobFault> {
        let path = self.file_of(id);
        on_disk(move || path.try_exists()).await
    }

    async fn delete(&self, id: BlobId) -> Result<(), BlobFault> {
        let path = self.file_of(id);
        on_disk(move || {
            if absent_as_none(fs::remove_file(&path))?.is_some()
                && let Some(shard) = path.parent()
            {
                File::open(shard)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobFault> {
        let this = self.clone();
        on_disk(move || this.names(after, limit)).await
    }
}

/// A file, some of it at a time.
struct FileChunks {
    file: Option<File>,
}

#[async_trait]
impl Chunks for FileChunks {
    async fn next(&mut self) -> Result<Option<Bytes>, BlobFault> {
        let Some(mut file) = self.file.take() else {
            return Ok(None);
        };
        let (file, chunk) = on_disk(move || {
            let mut chunk = Vec::new();
            (&mut file)
                .take(READ_BYTES as u64)
                .read_to_end(&mut chunk)?;
            Ok((file, chunk))
        })
        .await?;
        if chunk.is_empty() {
            return Ok(None);
        }
        self.file = Some(file);
        Ok(Some(chunk.into()))
    }
}

const _: () = assert!((READ_BYTES as u64) < BLOB_BYTES_MAX);
