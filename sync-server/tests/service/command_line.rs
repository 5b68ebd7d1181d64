//! The short commands under bad input, on damaged folders, and with the lines that the manuals give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::client::{Client, Speaks};
use crate::program::Program;

fn sheaf(folder: &Path, command: &str, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .current_dir(folder)
        .args([command, "--data-dir", "data"])
        .args(words)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// A folder with `data` in it, which holds one page called `Kept`.
fn folder_with_a_page() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("kept.md"), "# Kept\n\nEvery word.\n").unwrap();
    // There is no database before the server ran once.
    Program::start(&folder.path().join("data"), &[]).kill();
    let imported = sheaf(folder.path(), "import", &["kept.md"]);
    assert_eq!(code(&imported), Some(0), "{}", said(&imported));
    folder
}

#[test]
fn what_is_no_text_is_refused_by_name_and_the_files_beside_it_become_pages() {
    let folder = folder_with_a_page();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("binary.md"), [0, 159, 146, 150, 255, 254, 0]).unwrap();
    fs::write(file("latin-1.md"), b"# caf\xE9\n").unwrap();
    fs::write(file("utf-16.md"), b"\xFF\xFE#\0 \0A\0").unwrap();
    fs::create_dir(file("folder.md")).unwrap();
    fs::write(file("huge.md"), vec![b'a'; 9 * 1024 * 1024]).unwrap();
    fs::write(
        file("windows.md"),
        b"\xEF\xBB\xBF# From Windows\r\n\r\nOne line,\r\nand one more.\r\n",
    )
    .unwrap();
    fs::write(file("empty.md"), b"").unwrap();
    let mut bad = vec![
        "binary.md",
        "latin-1.md",
        "utf-16.md",
        "folder.md",
        "huge.md",
        "missing.md",
    ];
    if cfg!(unix) {
        bad.push("/dev/zero");
    }
    let words = [&bad[..], &["windows.md", "empty.md"]].concat();
    let output = sheaf(folder.path(), "import", &words);
    assert_eq!(code(&output), Some(2));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    for name in bad {
        assert!(errors.contains(&format!("{name}: ")), "{name}: {errors}");
    }
    assert_eq!(
        output.stdout.iter().filter(|byte| **byte == b'\n').count(),
        2
    );
    let windows = sheaf(folder.path(), "export", &["From Windows"]);
    assert_eq!(
        said(&windows),
        "# From Windows\n\nOne line, and one more.\n"
    );
    assert_eq!(code(&sheaf(folder.path(), "export", &["empty"])), Some(0));
    let unknown = sheaf(folder.path(), "export", &["no such page"]);
    assert_eq!(code(&unknown), Some(2));
    assert!(
        said(&unknown).contains("no page \"no such page\""),
        "{}",
        said(&unknown)
    );
}

#[test]
fn a_supervisor_hears_whether_the_server_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |address: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_sheaf"))
            .args(["ready", "--listen", address])
            .output()
            .unwrap();
        (code(&output), said(&output))
    };
    let mut program = Program::start(folder.path(), &[]);
    let address = program.address.to_string();
    assert_eq!(ask(&address), (Some(0), "ready\n".to_owned()));
    program.kill();
    assert_eq!(ask(&address).0, Some(2), "nobody is there");
    assert_eq!(ask("nowhere").0, Some(2), "no address");
}

fn run_sql(database: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Does something to a database.
type Damage = fn(&Path);

/// What is wrong, how it came to be so, and what `sheaf verify` then ends with and says.
const KINDS_OF_DAMAGE: [(&str, Damage, i32, &str); 8] = [
    (
        "no database",
        |it| fs::remove_file(it).unwrap(),
        2,
        "there is no sheaf.db",
    ),
    (
        "nothing in it",
        |it| fs::write(it, b"").unwrap(),
        2,
        "is empty",
    ),
    (
        "a text",
        |it| fs::write(it, b"These are my notes of the last summer.").unwrap(),
        2,
        "not a database",
    ),
    (
        "another program's",
        |it| {
            fs::remove_file(it).unwrap();
            run_sql(it, "CREATE TABLE notes (words TEXT)");
        },
        2,
        "belongs to another program",
    ),
    (
        "a newer release's",
        |it| {
            run_sql(
                it,
                "INSERT INTO migration (version, name) VALUES (4000, 'later')",
            )
        },
        2,
        "newer release",
    ),
    (
        "a row that changed",
        |it| run_sql(it, "UPDATE log SET updates = zeroblob(length(updates))"),
        1,
        "damaged: ",
    ),
    (
        "cut off",
        |it| {
            let bytes = fs::read(it).unwrap();
            fs::write(it, &bytes[..bytes.len() / 2]).unwrap();
        },
        1,
        "is damaged",
    ),
    (
        "a page overwritten",
        |it| {
            let mut bytes = fs::read(it).unwrap();
            // The last page belongs to a table that nothing reads at the start.
            let last = bytes.len() - 4096;
            bytes[last..].fill(0xA5);
            fs::write(it, bytes).unwrap();
        },
        1,
        "damaged: sheaf.db",
    ),
];

#[test]
fn verify_tells_every_kind_of_damage_from_a_sound_folder() {
    let sound = folder_with_a_page();
    let verified = sheaf(sound.path(), "verify", &[]);
    assert_eq!(code(&verified), Some(0), "{}", said(&verified));
    for (what, damage, expected, words) in KINDS_OF_DAMAGE {
        let folder = folder_with_a_page();
        let database = folder.path().join("data/sheaf.db");
        run_sql(&database, "PRAGMA journal_mode = DELETE");
        damage(&database);
        let verified = sheaf(folder.path(), "verify", &[]);
        let said = said(&verified);
        assert_eq!(code(&verified), Some(expected), "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
    }
}

/// The lines a manual gives for a backup.
fn backup_lines(manual: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manual)).unwrap();
    let block = text
        .split("```")
        .find(|block| block.contains("\nsheaf backup "))
        .unwrap_or_else(|| panic!("{manual} says nothing of backups"));
    block.lines().skip(1).map(str::to_owned).collect()
}

/// Runs a line as a shell in `folder` would, and answers with the backup it made, if it made one.
fn run_line(folder: &Path, line: &str) -> Option<PathBuf> {
    if let Some(made) = line.strip_prefix("mkdir -p ") {
        fs::create_dir_all(folder.join(made)).unwrap();
        return None;
    }
    let words = line
        .strip_prefix("sheaf ")
        .unwrap_or_else(|| panic!("an unknown line: {line}"));
    let output = Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .current_dir(folder)
        .args(words.split(' '))
        .output()
        .unwrap();
    assert_eq!(code(&output), Some(0), "{line}: {}", said(&output));
    let made = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(folder.join(made.lines().next().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_it_runs_as_the_manuals_say_holds_every_word() {
    for manual in ["../README.md", "../docs/OPERATIONS.md"] {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::start(&folder.path().join("sheaf-data"), &[]);
        let mut ada = Client::join(program.address, "page", Speaks::YWebsocket).await;
        let update = ada.type_at(0, "written before the backup").await;
        ada.until("the echo", |client| client.echoed.contains(&update))
            .await;
        let made: Vec<PathBuf> = backup_lines(manual)
            .iter()
            .filter_map(|line| run_line(folder.path(), line))
            .collect();
        drop(program);
        let restored = sheaf(folder.path(), "restore", &[made[0].to_str().unwrap()]);
        assert_eq!(code(&restored), Some(0), "{manual}: {}", said(&restored));
        let again = Program::start(&folder.path().join("data"), &[]);
        let mut ben = Client::join(again.address, "page", Speaks::Hocuspocus).await;
        ben.until_text("written before the backup").await;
    }
}
