//! The two places where blobs are kept, and which of them a setting names.

mod folder;
mod line;
mod s3;

use std::path::Path;
use std::sync::Arc;

pub use folder::FolderBlobs;
pub use s3::S3Blobs;

use crate::config::BlobsPlace;
use crate::ports::{BlobFault, Blobs};

/// The folder of blobs inside a server's data folder.
pub const FOLDER_NAME: &str = "blobs";

/// Opens what the settings name, without asking it anything.
///
/// # Errors
/// [`BlobFault::Failed`] when that can never work.
pub fn open(place: &BlobsPlace) -> Result<Arc<dyn Blobs>, BlobFault> {
    Ok(match place {
        BlobsPlace::Folder(folder) => Arc::new(FolderBlobs::new(folder)),
        BlobsPlace::S3(url) => Arc::new(S3Blobs::new(url)?),
    })
}

/// Where blobs lie beside backups in `folder`.
#[must_use]
pub fn beside_backups(folder: &Path) -> FolderBlobs {
    FolderBlobs::new(&folder.join(FOLDER_NAME))
}
