//! How the program starts and ends: signals, exit codes, what it says on the way.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::program::Program;

fn sheaf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(arguments)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

pub(crate) fn status_line(address: std::net::SocketAddr, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn until_not_ready(address: std::net::SocketAddr) {
    let waited = Instant::now();
    while !status_line(address, "/readyz").contains("503") {
        assert!(waited.elapsed() < PATIENCE, "still ready");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_to_stop_finishes_edits_sends_everyone_off_spread_out_and_ends_with_zero() {
    let both = [Signal::TERM, Signal::INT].map(|signal| tokio::spawn(is_stopped_by(signal)));
    for stopped in both {
        stopped.await.unwrap();
    }
}

/// Seconds over which people are sent off: as long as the questions to a server on its way down may take.
const DRAIN_SECONDS: &str = "5";

async fn is_stopped_by(signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &["--drain-seconds", DRAIN_SECONDS]);
    assert!(status_line(program.address, "/readyz").contains("200"));
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(Client::join(program.address, "page", Speaks::YWebsocket).await);
    }
    let update = people[0].type_at(0, "the last words").await;
    people[0]
        .until("the echo", |client| client.echoed.contains(&update))
        .await;
    for person in &mut people[1..] {
        // So that everyone is in the room before it is told to close.
        person.until_text("the last words").await;
    }
    let address = program.address;
    program.signal(signal);
    until_not_ready(address);
    let refused = connect_async(format!("ws://{address}/sync/page")).await;
    assert!(matches!(refused, Err(Error::Http(answer)) if answer.status() == 503));
    let leaving = people.into_iter().map(|mut person| {
        tokio::spawn(async move {
            let close = person.until_closed().await.expect("cut without a word");
            assert_eq!(u16::from(close.code), 1012, "{close:?}");
            Instant::now()
        })
    });
    let mut left = Vec::new();
    for person in leaving.collect::<Vec<_>>() {
        left.push(person.await.unwrap());
    }
    left.sort();
    let spread = *left.last().unwrap() - left[0];
    assert!(
        spread >= Duration::from_millis(300),
        "all at once: {spread:?}"
    );
    let status = tokio::task::block_in_place(|| program.ended_within(PATIENCE));
    assert_eq!(status.code(), Some(0));
    let again = Program::start(folder.path(), &[]);
    let mut ben = Client::join(again.address, "page", Speaks::Hocuspocus).await;
    ben.until_text("the last words").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &["--drain-seconds", "600"]);
    let mut ada = Client::join(program.address, "page", Speaks::YWebsocket).await;
    let update = ada.type_at(0, "she is in").await;
    // Until the room has answered her there may be nobody to wait for, and it would end by itself.
    ada.until("the echo", |client| client.echoed.contains(&update))
        .await;
    program.signal(Signal::TERM);
    until_not_ready(program.address);
    program.signal(Signal::TERM);
    let status = program.ended_within(PATIENCE);
    assert_eq!(status.code(), Some(130));
}

#[test]
fn it_names_all_settings_that_do_not_work_at_once() {
    let output = sheaf(&["serve", "--listen", "everywhere", "--threads", "many"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("SHEAF_LISTEN=everywhere"), "{said}");
    assert!(
        said.contains("SHEAF_THREADS=many"),
        "all problems at once: {said}"
    );
}

#[test]
fn two_programs_on_one_folder_are_refused_clearly() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Program::start(folder.path(), &[]);
    let data = folder.path().to_str().unwrap();
    for arguments in [
        vec!["serve", "--listen", "127.0.0.1:0", "--data-dir", data],
        vec!["verify", "--data-dir", data],
    ] {
        let output = sheaf(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            said(&output).contains("another sheaf process works in"),
            "{}",
            said(&output)
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().to_str().unwrap();
    let output = sheaf(&["serve", "--listen", &address, "--data-dir", data]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains(&format!("cannot listen on {address}")),
        "{}",
        said(&output)
    );
}

async fn folder_with_a_page() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &[]);
    let mut ada = Client::join(program.address, "page", Speaks::Hocuspocus).await;
    ada.until("the first status", |client| client.stored == 1)
        .await;
    for count in 1..=3 {
        ada.type_at(0, "words ").await;
        ada.until("a status", |client| client.stored == count + 1)
            .await;
    }
    program.kill();
    folder
}

fn change(folder: &Path, sql: &str) {
    let database = rusqlite::Connection::open(folder.join("sheaf.db")).unwrap();
    assert_eq!(database.execute(sql, []).unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_tells_a_sound_folder_from_a_damaged_one() {
    let folder = folder_with_a_page().await;
    let data = folder.path().to_str().unwrap();
    let sound = sheaf(&["verify", "--data-dir", data]);
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    assert!(
        said(&sound).contains("1 documents, 3 updates"),
        "{}",
        said(&sound)
    );
    change(
        folder.path(),
        "UPDATE log SET updates = zeroblob(length(updates)) WHERE first_seq = 2",
    );
    let damaged = sheaf(&["verify", "--data-dir", data]);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(
        said(&damaged).contains("damaged: page"),
        "{}",
        said(&damaged)
    );
    let empty = tempfile::tempdir().unwrap();
    let nothing = sheaf(&["verify", "--data-dir", empty.path().to_str().unwrap()]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_document_is_refused_and_the_others_are_served() {
    let folder = folder_with_a_page().await;
    change(folder.path(), "DELETE FROM log WHERE first_seq = 2");
    let program = Program::start(folder.path(), &[]);
    let mut ada = Client::join(program.address, "page", Speaks::YWebsocket).await;
    let close = ada.until_closed().await.expect("cut without a word");
    assert_eq!(
        (u16::from(close.code), close.reason.as_str()),
        (1011, "document could not be read")
    );
    let mut ben = Client::join(program.address, "other", Speaks::YWebsocket).await;
    ben.type_at(0, "fine").await;
    ben.until("the echo", |client| !client.echoed.is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_was_stopped_leaves_no_long_log_to_replay_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), &["--drain-seconds", "0"]);
    let mut ann = Client::join(program.address, "page", Speaks::Hocuspocus).await;
    for nth in 1..=60 {
        ann.type_at(0, "word ").await;
        ann.until("the acknowledgement", |ann| ann.stored == FIRST + nth)
            .await;
    }
    let text = ann.text();
    program.signal(Signal::TERM);
    assert!(program.ended_within(PATIENCE).success());
    let metrics = std::sync::Arc::new(sheaf_server::metrics::Metrics::default());
    let options = sheaf_server::adapters::sqlite::Options::default();
    let store =
        sheaf_server::adapters::sqlite::SqliteStore::open(folder.path(), options, metrics).unwrap();
    let doc = sheaf_shared::ids::DocName::parse("page").unwrap();
    let stored = sheaf_server::ports::Store::load(&store, &doc)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.log.len(), 0, "it is in the snapshot");
    let replica = sheaf_server::app::compact::replay(&stored).unwrap();
    assert_eq!(crate::client::text_of(replica.replica()), text);
}
