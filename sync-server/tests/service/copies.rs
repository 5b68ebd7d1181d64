//! Backups, and moves between SQLite and PostgreSQL: everything arrives, nothing is written over, nothing half done is
//! taken for whole.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use sheaf_server::adapters::sqlite::{Options, SqliteStore};
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::{Fence, Generation, NewSnapshot, Quarantined, Store as _};
use sheaf_shared::ids::DocName;
use sheaf_shared::time::UnixMs;
use tempfile::TempDir;

use crate::client::{Client, FIRST, Speaks, insert, new_replica};
use crate::engines::postgres::Postgres;
use crate::people;
use crate::program::Program;

fn sheaf(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(words)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Runs `sheaf` with these words, and expects it to end with `code`.
fn ends(code: i32, words: &[&str]) -> String {
    let output = sheaf(words);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {told}");
    told
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

/// A folder with documents of every kind: only a log; a snapshot, a history and a log after it; a snapshot whose rows
/// were not moved yet; something put aside; and a name that sorts after the others in some languages and before them
/// in others.
async fn folder_with_everything(folder: &Path) {
    let metrics = Arc::new(Metrics::default());
    let store = SqliteStore::open(folder, Options::default(), metrics).unwrap();
    for name in ["Zebra", "apple", "space/one", "Äpfel-9"] {
        let doc = DocName::parse(name).unwrap();
        let mut replica = new_replica();
        let mut rounds = Vec::new();
        for round in 0..6 {
            let updates =
                (0..=round).map(|n| insert(&mut replica, 0, &format!("{round}{n} ")).into());
            let updates: Vec<_> = updates.collect();
            rounds.push(store.append(&doc, updates).await.unwrap());
            if round == 3 && name != "apple" {
                let through = rounds.last().unwrap().last;
                let snapshot = NewSnapshot {
                    made_from: Generation(0),
                    fence: Fence(0),
                    through,
                    bytes: replica.encode().into(),
                };
                store.put_snapshot(&doc, snapshot).await.unwrap();
                if name != "Zebra" {
                    store.trim(&doc, through).await.unwrap();
                }
            }
        }
    }
    let aside = Quarantined {
        seq: None,
        reason: "it was in the way".to_owned(),
        update: vec![1, 2, 3].into(),
        at: UnixMs(1_700_000_000_123),
    };
    let doc = DocName::parse("apple").unwrap();
    store.quarantine(&doc, aside).await.unwrap();
    people::settle(&store, &doc).await;
}

/// The small tables that are carried. Sessions are not (one that was ended later would live again), nor is the number
/// that means something only to servers that saw it rise.
const CARRIED_TABLES: [&str; 11] = [
    "audit",
    "belonging",
    "confirmed_address",
    "identity",
    "invitation",
    "person",
    "setting",
    "share_link",
    "space",
    "space_member",
    "token",
];

/// Every row of a small table as text, without what the database counts by itself.
fn rows_of_table(connection: &rusqlite::Connection, table: &str) -> Vec<String> {
    let sql = format!(
        "SELECT group_concat('quote(' || name || ')', ' || ''|'' || ') FROM pragma_table_info('{table}')
         WHERE name <> 'audit_id'"
    );
    let columns: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    let sql = format!("SELECT '{table}|' || {columns} FROM {table} ORDER BY 1");
    let mut select = connection.prepare(&sql).unwrap();
    let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    found.map(Result::unwrap).collect()
}

/// Every row that says anything, as text, whatever numbers the database gave the documents.
fn rows(database: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(database).unwrap();
    let mut all = Vec::new();
    for (table, columns) in [
        ("doc", "created_at_ms || '|' || COALESCE(trouble, '-')"),
        (
            "log",
            "first_seq || '|' || last_seq || '|' || log.at_ms || '|' || checksum || '|' || hex(updates)",
        ),
        (
            "history",
            "first_seq || '|' || last_seq || '|' || history.at_ms || '|' || checksum || '|' || hex(updates)",
        ),
        (
            "snapshot",
            "generation || '|' || through_seq || '|' || snapshot.at_ms || '|' || checksum || '|' || hex(bytes)",
        ),
        (
            "quarantine",
            "COALESCE(seq, '-') || '|' || quarantine.at_ms || '|' || reason || '|' || hex(bytes)",
        ),
    ] {
        let from = if table == "doc" {
            "doc".to_owned()
        } else {
            format!("{table} JOIN doc USING (doc_id)")
        };
        let sql =
            format!("SELECT '{table}|' || doc.name || '|' || {columns} FROM {from} ORDER BY 1");
        let mut select = connection.prepare(&sql).unwrap();
        let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        all.extend(found.map(Result::unwrap));
    }
    for table in CARRIED_TABLES {
        all.extend(rows_of_table(&connection, table));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_moves_from_sqlite_to_postgres_and_back_and_is_the_same_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (path(&folder, "first"), path(&folder, "second"));
    folder_with_everything(Path::new(&first)).await;
    let before = rows(&Path::new(&first).join("sheaf.db"));
    assert!(before.len() > 25, "{}", before.len());
    let url = Postgres::shared().fresh_url().await;
    // The way that keeps the password off the command line.
    fs::write(folder.path().join("url"), &url).unwrap();
    let at_url = format!("@{}", path(&folder, "url"));
    let said = ends(0, &["move", "--from", &first, "--to", &at_url]);
    assert!(said.contains("4 documents"), "{said}");
    ends(0, &["verify", "--database-url", &url]);
    ends(0, &["move", "--from", &url, "--to", &second]);
    assert_eq!(rows(&Path::new(&second).join("sheaf.db")), before);
    assert_eq!(
        rows(&Path::new(&first).join("sheaf.db")),
        before,
        "the source is as it was"
    );
    ends(0, &["verify", "--data-dir", &second]);
    let left: Vec<_> = fs::read_dir(&second)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|name| name == "sheaf.db" || name == "lock"),
        "{left:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_either_engine_restores_to_either_and_is_the_same_row_by_row() {
    let folder = tempfile::tempdir().unwrap();
    let first = path(&folder, "first");
    folder_with_everything(Path::new(&first)).await;
    let before = rows(&Path::new(&first).join("sheaf.db"));
    let (one, two) = (path(&folder, "one.db"), path(&folder, "two.db"));
    let url = Postgres::shared().fresh_url().await;
    ends(0, &["backup", &one, "--data-dir", &first]);
    assert_eq!(rows(Path::new(&one)), before);
    ends(0, &["restore", &one, "--database-url", &url]);
    ends(0, &["backup", &two, "--database-url", &url]);
    let back = path(&folder, "back");
    ends(0, &["restore", &two, "--data-dir", &back]);
    assert_eq!(rows(&Path::new(&back).join("sheaf.db")), before);
    assert!(!Path::new(&format!("{one}.unfinished")).exists());
    assert!(
        !Path::new(&format!("{two}-wal")).exists(),
        "a backup is one plain file"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_where_something_is_stored_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (path(&folder, "first"), path(&folder, "second"));
    folder_with_everything(Path::new(&first)).await;
    folder_with_everything(Path::new(&second)).await;
    let before = rows(&Path::new(&second).join("sheaf.db"));
    let url = Postgres::shared().fresh_url().await;
    ends(0, &["move", "--from", &first, "--to", &url]);
    let said = ends(2, &["move", "--from", &second, "--to", &url]);
    assert!(
        said.contains("holds documents or accounts already"),
        "{said}"
    );
    let said = ends(2, &["move", "--from", &first, "--to", &second]);
    assert!(said.contains("is there already"), "{said}");
    let file = path(&folder, "backup.db");
    ends(0, &["backup", &file, "--data-dir", &first]);
    let kept = fs::read(&file).unwrap();
    ends(2, &["backup", &file, "--data-dir", &second]);
    assert_eq!(fs::read(&file).unwrap(), kept);
    ends(2, &["restore", &file, "--data-dir", &second]);
    ends(2, &["restore", &file, "--database-url", &url]);
    assert_eq!(rows(&Path::new(&second).join("sheaf.db")), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_on_which_a_server_works_is_not_moved_away_from_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (path(&folder, "data"), path(&folder, "target"));
    let on_folder = Program::start(Path::new(&data), &[]);
    let said = ends(2, &["move", "--from", &data, "--to", &target]);
    assert!(said.contains("another sheaf process"), "{said}");
    drop(on_folder);
    let url = Postgres::shared().fresh_url().await;
    let mut on_database = Program::start(
        Path::new(&path(&folder, "unused")),
        &["--database-url", &url, "--drain-seconds", "0"],
    );
    let listed = || told(&sheaf(&["cluster", "--database-url", &url]));
    while !listed().contains("serving") {}
    assert!(
        listed().contains(&on_database.address.to_string()),
        "{}",
        listed()
    );
    let said = ends(2, &["move", "--from", &url, "--to", &target]);
    assert!(said.contains("a server works on the database"), "{said}");
    on_database.signal(rustix::process::Signal::TERM);
    on_database.ended_within(std::time::Duration::from_secs(30));
    assert_eq!(
        listed().lines().count(),
        1,
        "who has ended is off the list: {}",
        listed()
    );
    ends(0, &["move", "--from", &url, "--to", &target]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_backup_is_refused_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let first = path(&folder, "first");
    folder_with_everything(Path::new(&first)).await;
    let good = path(&folder, "good.db");
    ends(0, &["backup", &good, "--data-dir", &first]);
    let bytes = fs::read(&good).unwrap();
    let bad = path(&folder, "bad.db");
    let target = path(&folder, "target");
    for (what, contents) in [
        ("nothing", Vec::new()),
        ("a text", b"These are my notes of the last summer.".to_vec()),
        ("half of one", bytes[..bytes.len() / 2].to_vec()),
    ] {
        fs::write(&bad, contents).unwrap();
        let output = sheaf(&["restore", &bad, "--data-dir", &target]);
        let code = output.status.code();
        assert!(
            matches!(code, Some(1 | 2)),
            "{what}: {code:?} {}",
            told(&output)
        );
        assert!(!Path::new(&target).join("sheaf.db").exists(), "{what}");
    }
    // What an interrupted run left behind is in nobody's way.
    fs::create_dir_all(Path::new(&target).join("sheaf.db.incoming")).unwrap();
    fs::write(
        Path::new(&target).join("sheaf.db.incoming/sheaf.db"),
        b"half",
    )
    .unwrap();
    ends(0, &["restore", &good, "--data-dir", &target]);
    assert!(!Path::new(&target).join("sheaf.db.incoming").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_not_there_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let first = path(&folder, "first");
    folder_with_everything(Path::new(&first)).await;
    let (bad, target) = (path(&folder, "bad.db"), path(&folder, "target"));
    ends(
        2,
        &[
            "restore",
            &path(&folder, "missing.db"),
            "--data-dir",
            &target,
        ],
    );
    ends(
        2,
        &[
            "backup",
            &path(&folder, "no/such/folder.db"),
            "--data-dir",
            &first,
        ],
    );
    ends(
        2,
        &["backup", &bad, "--data-dir", &path(&folder, "nowhere")],
    );
    let url = Postgres::shared().fresh_url().await;
    ends(
        2,
        &[
            "backup",
            &path(&folder, "of-nothing.db"),
            "--database-url",
            &url,
        ],
    );
    ends(
        2,
        &[
            "move",
            "--from",
            &first,
            "--to",
            "postgres://sheaf@127.0.0.1:1/none",
        ],
    );
    ends(2, &["move", "--from", "@/no/such/file", "--to", &target]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_is_carried_as_it_is_and_named_wherever_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, back) = (path(&folder, "first"), path(&folder, "back"));
    folder_with_everything(Path::new(&first)).await;
    let database = Path::new(&first).join("sheaf.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    let sql = "UPDATE log SET updates = zeroblob(length(updates))
               WHERE doc_id = (SELECT doc_id FROM doc WHERE name = 'apple') AND first_seq = 1";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    drop(connection);
    let file = path(&folder, "backup.db");
    let said = ends(1, &["backup", &file, "--data-dir", &first]);
    assert!(said.contains("apple"), "{said}");
    let url = Postgres::shared().fresh_url().await;
    ends(1, &["restore", &file, "--database-url", &url]);
    ends(1, &["verify", "--database-url", &url]);
    ends(1, &["move", "--from", &url, "--to", &back]);
    let said = ends(1, &["verify", "--data-dir", &back]);
    assert!(said.contains("1 documents damaged"), "{said}");
}

/// Edits that are acknowledged while a backup is made, at least.
const MEANWHILE: usize = 5;
/// Backups that may be over before so much was typed.
const TOO_QUICK_MAX: usize = 20;

/// Types without end, backs up meanwhile, and restores.
async fn backup_under_writing(server: &Program, place: &[&str], folder: &TempDir) {
    let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    let mut typed = 0;
    while ada.stored < 50 {
        ada.type_at(typed, "x").await;
        typed += 1;
        ada.take_one().await;
    }
    let mut too_quick = 0;
    let (file, acknowledged) = loop {
        let file = path(folder, &format!("backup-{too_quick}.db"));
        let acknowledged = ada.stored - FIRST;
        let mut backup = Command::new(env!("CARGO_BIN_EXE_sheaf"))
            .args(["backup", &file])
            .args(place)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = loop {
            ada.type_at(typed, "y").await;
            typed += 1;
            ada.take_one().await;
            if let Some(status) = backup.try_wait().unwrap() {
                break status;
            }
        };
        assert!(status.success());
        if ada.stored - FIRST >= acknowledged + MEANWHILE {
            break (file, acknowledged);
        }
        too_quick += 1;
        assert!(too_quick < TOO_QUICK_MAX, "it did not go on meanwhile");
    };
    let restored = path(folder, "restored");
    ends(0, &["restore", &file, "--data-dir", &restored]);
    let again = Program::start(Path::new(&restored), &[]);
    let mut ben = Client::join(again.address, "page", Speaks::YWebsocket).await;
    ben.until("all that was acknowledged", |ben| {
        ben.text().len() >= acknowledged
    })
    .await;
    assert!(
        ada.text().starts_with(&ben.text()),
        "it is no prefix: {}",
        ben.text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_people_write_holds_all_that_was_acknowledged_before_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let data = path(&folder, "data");
    let server = Program::start(Path::new(&data), &[]);
    backup_under_writing(&server, &["--data-dir", &data], &folder).await;

    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().fresh_url().await;
    let server = Program::start(
        Path::new(&path(&folder, "unused")),
        &["--database-url", &url],
    );
    backup_under_writing(&server, &["--database-url", &url], &folder).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_either_carried_or_known_to_stay_behind() {
    let folder = tempfile::tempdir().unwrap();
    folder_with_everything(folder.path()).await;
    let connection = rusqlite::Connection::open(folder.path().join("sheaf.db")).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut select = connection.prepare(sql).unwrap();
    let found = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let found: Vec<String> = found.map(Result::unwrap).collect();
    let documents = ["doc", "history", "log", "quarantine", "snapshot"];
    // One says which tables there are, another is rewritten all the time, and SQLite counts in the third.
    let aside = ["migration", "probe", "sqlite_sequence"];
    let of_people = ["authority", "session"];
    let mut known = [&documents[..], &aside, &of_people, &CARRIED_TABLES].concat();
    known.sort_unstable();
    // A table without a row would prove nothing where rows are compared.
    for table in CARRIED_TABLES {
        assert_ne!(rows_of_table(&connection, table), [""; 0], "{table}");
    }
    assert_eq!(
        found, known,
        "teach `ports::Piece` the new one, or name it here"
    );
}
