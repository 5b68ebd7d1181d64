//! Pictures and files beside the documents: backed up, brought back, moved and checked with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sheaf_server::adapters::blobs::{FolderBlobs, S3Blobs};
use sheaf_server::config::S3Url;
use sheaf_server::ports::{AtOnce, BlobId, Blobs};
use tempfile::TempDir;

use crate::client::{Client, Speaks};
use crate::engines::postgres::Postgres;
use crate::engines::s3::S3;
use crate::program::Program;

/// Runs `sheaf` with these words, and expects it to end with `code`.
fn ends(code: i32, words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(words)
        .output()
        .unwrap();
    let told = [&output.stdout[..], &output.stderr[..]].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
    told
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A folder with a document, and three files beside it.
async fn folder_with_files(folder: &TempDir) -> (PathBuf, Vec<BlobId>) {
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut server = Program::start(&data, &["--drain-seconds", "0"]);
    let mut ada = Client::join(server.address, "page", Speaks::YWebsocket).await;
    let update = ada.type_at(0, "words").await;
    ada.until("the echo", |ada| ada.echoed.contains(&update))
        .await;
    server.kill();
    let blobs = FolderBlobs::new(&data.join("blobs"));
    let mut ids = Vec::new();
    for content in ["a picture", "a file", ""] {
        ids.push(blobs.put(&mut AtOnce::new(content)).await.unwrap());
    }
    ids.sort();
    (data, ids)
}

async fn all_of(blobs: &dyn Blobs) -> Vec<BlobId> {
    blobs.list(None, 100).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_brings_files_back_and_shares_them_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ids) = folder_with_files(&folder).await;
    let backups = folder.path().join("backups");
    fs::create_dir(&backups).unwrap();
    let backup = backups.join("first.db");
    let told = ends(0, &["backup", text(&backup), "--data-dir", text(&data)]);
    assert!(told.contains("3 pictures and files"), "{told}");
    // What comes later belongs to the next backup only.
    let blobs = FolderBlobs::new(&data.join("blobs"));
    blobs.put(&mut AtOnce::new("later")).await.unwrap();
    let next = backups.join("next.db");
    let told = ends(0, &["backup", text(&next), "--data-dir", text(&data)]);
    assert!(told.contains("4 pictures and files"), "{told}");

    let restored = folder.path().join("restored");
    fs::create_dir(&restored).unwrap();
    ends(
        0,
        &["restore", text(&backup), "--data-dir", text(&restored)],
    );
    let found = all_of(&FolderBlobs::new(&restored.join("blobs"))).await;
    assert_eq!(found, ids);
    let told = ends(0, &["verify", "--data-dir", text(&restored)]);
    assert!(
        told.contains("3 pictures and files read, 0 damaged"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_named_and_never_carried_as_if_it_were_right() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ids) = folder_with_files(&folder).await;
    let blobs = FolderBlobs::new(&data.join("blobs"));
    let damaged = BlobId::of(b"a picture");
    fs::write(blobs.file_of(damaged), "a pictures").unwrap();
    let name = damaged.to_string();
    let told = ends(1, &["verify", "--data-dir", text(&data)]);
    assert!(
        told.contains(&name) && told.contains("3 pictures and files read, 1 damaged"),
        "{told}"
    );
    let backup = folder.path().join("backup.db");
    let told = ends(1, &["backup", text(&backup), "--data-dir", text(&data)]);
    assert!(told.contains(&name), "{told}");
    // All else is in the backup, and it says again what is missing.
    let restored = folder.path().join("restored");
    fs::create_dir(&restored).unwrap();
    let told = ends(
        1,
        &["restore", text(&backup), "--data-dir", text(&restored)],
    );
    assert!(told.contains(&name), "{told}");
    let found = all_of(&FolderBlobs::new(&restored.join("blobs"))).await;
    let sound: Vec<BlobId> = ids.into_iter().filter(|id| *id != damaged).collect();
    assert_eq!(found, sound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_move_to_a_bucket_with_the_documents_and_back_and_never_to_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (data, ids) = folder_with_files(&folder).await;
    let database = Postgres::shared().fresh_url().await;
    let told = ends(2, &["move", "--from", text(&data), "--to", &database]);
    assert!(told.contains("nowhere to put them"), "{told}");

    let server = S3::start();
    let bucket = folder.path().join("bucket");
    fs::write(&bucket, server.url()).unwrap();
    let bucket = format!("@{}", text(&bucket));
    let there = [
        "move",
        "--from",
        text(&data),
        "--to",
        &database,
        "--blobs-to",
        &bucket,
    ];
    let told = ends(0, &there);
    assert!(told.contains("3 pictures and files"), "{told}");
    let blobs = S3Blobs::new(&S3Url::parse(&server.url()).unwrap()).unwrap();
    assert_eq!(all_of(&blobs).await, ids);
    let checked = [
        "verify",
        "--database-url",
        &database,
        "--blobs-url",
        &server.url(),
    ];
    let told = ends(0, &checked);
    assert!(
        told.contains("3 pictures and files read, 0 damaged"),
        "{told}"
    );

    let back = folder.path().join("back");
    fs::create_dir(&back).unwrap();
    ends(
        0,
        &[
            "move",
            "--from",
            &database,
            "--to",
            text(&back),
            "--blobs-from",
            &bucket,
        ],
    );
    assert_eq!(all_of(&FolderBlobs::new(&back.join("blobs"))).await, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_bucket_is_away_says_so_and_stores_edits_all_the_same() {
    let mut bucket = S3::start();
    let url = bucket.url();
    bucket.kill();
    let folder = tempfile::tempdir().unwrap();
    let server = Program::start(folder.path(), &["--blobs-url", &url]);
    let server = (server, folder);
    crate::together::until_it_says(&server, "/metrics", "\nsheaf_blobs_away 1\n").await;
    // Only one that is ready says so.
    crate::together::until_it_says(&server, "/readyz", "blobs: away").await;
    let mut ada = Client::join(server.0.address, "page", Speaks::YWebsocket).await;
    let update = ada.type_at(0, "words").await;
    ada.until("the echo", |ada| ada.echoed.contains(&update))
        .await;
}
