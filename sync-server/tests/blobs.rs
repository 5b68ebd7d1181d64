//! The contract of places for pictures and files, against every adapter; and what only one of them can meet.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "support/engines.rs"]
mod engines;

use std::fs;
use std::path::Path;

use engines::s3::S3;
use sheaf_server::adapters::blobs::{FolderBlobs, S3Blobs};
use sheaf_server::config::S3Url;
use sheaf_server::contract;
use sheaf_server::ports::{AtOnce, BlobFault, BlobId, Blobs as _};

/// Changes a byte in the middle.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn opened(url: &str) -> S3Blobs {
    S3Blobs::new(&S3Url::parse(url).unwrap()).unwrap()
}

#[tokio::test]
async fn a_folder_honours_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(&folder.path().join("not/there/yet"));
    contract::blobs::blobs(&blobs, async |id| damage(&blobs.file_of(id))).await;
}

#[tokio::test]
async fn an_s3_compatible_store_honours_the_contract() {
    let server = S3::start();
    let blobs = opened(&server.url());
    let damaged = async |id: BlobId| damage(&server.file_of(&id.to_string()));
    contract::blobs::blobs(&blobs, damaged).await;
}

#[tokio::test]
async fn what_a_writer_left_unfinished_in_a_folder_is_no_blob_and_goes_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = FolderBlobs::new(folder.path());
    let kept = blobs.put(&mut AtOnce::new("kept")).await.unwrap();
    let incoming = folder.path().join("incoming");
    assert!(incoming.read_dir().unwrap().next().is_none());
    let (fresh, old) = (incoming.join("fresh"), incoming.join("old"));
    fs::write(&fresh, "half").unwrap();
    let written = fs::File::create(&old).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 60 * 60);
    written.set_modified(long_ago).unwrap();
    blobs.put(&mut AtOnce::new("another")).await.unwrap();
    assert!(fresh.exists(), "somebody may be writing it");
    assert!(!old.exists());
    let all = blobs.list(None, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.contains(&kept));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_a_fault_and_no_empty_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let blobs = FolderBlobs::new(&file);
    let id = BlobId::of(b"x");
    assert!(matches!(
        blobs.list(None, 1).await,
        Err(BlobFault::Failed(_))
    ));
    assert!(matches!(blobs.get(id).await, Err(BlobFault::Failed(_))));
    assert!(matches!(
        blobs.put(&mut AtOnce::new("x")).await,
        Err(BlobFault::Failed(_))
    ));
}

#[tokio::test]
async fn a_store_that_is_away_is_a_fault_and_when_it_is_back_everything_is_there() {
    let mut server = S3::start();
    let blobs = opened(&server.url());
    let id = blobs.put(&mut AtOnce::new("before")).await.unwrap();
    server.kill();
    assert!(matches!(blobs.get(id).await, Err(BlobFault::Failed(_))));
    assert!(matches!(blobs.exists(id).await, Err(BlobFault::Failed(_))));
    server.start_again();
    assert!(blobs.exists(id).await.unwrap());
    assert_eq!(blobs.list(None, 10).await.unwrap(), [id]);
}

#[tokio::test]
async fn somebody_unknown_and_a_bucket_that_is_not_there_are_faults_and_never_absence() {
    let server = S3::start();
    let id = BlobId::of(b"x");
    for url in [server.url_as("nobody:hunter2"), server.url_of_no_bucket()] {
        let blobs = opened(&url);
        let mut told = Vec::new();
        told.push(blobs.put(&mut AtOnce::new("x")).await.unwrap_err());
        told.push(blobs.get(id).await.map(drop).unwrap_err());
        told.push(blobs.exists(id).await.unwrap_err());
        told.push(blobs.delete(id).await.unwrap_err());
        told.push(blobs.list(None, 1).await.unwrap_err());
        assert!(
            !format!("{blobs:?} {told:?}").contains("hunter2"),
            "{told:?}"
        );
    }
}
