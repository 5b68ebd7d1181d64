//! Several servers on one database: no server is special, and what one acknowledged all of them have.

use std::path::Path;

use tempfile::TempDir;

use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::engines::postgres::Postgres;
use crate::program::Program;
use crate::together::metric;

/// A server, and the folder it would use if it used one.
fn start(url: &str) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(
        folder.path(),
        &["--database-url", url, "--drain-seconds", "0"],
    );
    (program, folder)
}

fn is_untouched(folder: &Path) -> bool {
    folder.read_dir().unwrap().next().is_none()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_at_one_server_is_read_at_every_other() {
    let url = Postgres::shared().fresh_url().await;
    let servers = [start(&url), start(&url), start(&url)];
    let mut people = Vec::new();
    for ((server, _), speaks) in
        servers
            .iter()
            .zip([Speaks::YWebsocket, Speaks::Hocuspocus, Speaks::YWebsocket])
    {
        people.push(Client::join(server.address, "page", speaks).await);
    }
    let mut expected = String::new();
    for round in 0..3 {
        for writer in 0..people.len() {
            let word = format!("{round}{writer} ");
            people[writer].type_at(0, &word).await;
            expected.insert_str(0, &word);
            for person in &mut people {
                person.until_text(&expected).await;
            }
        }
    }
    for (_, folder) in &servers {
        assert!(is_untouched(folder.path()), "something lies on one machine");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_at_the_same_time_at_different_servers_are_all_acknowledged_and_make_one_text() {
    let url = Postgres::shared().fresh_url().await;
    let servers = [start(&url), start(&url)];
    let mut writing = Vec::new();
    for (name, (server, _)) in ["a", "b"].into_iter().zip(&servers) {
        let mut person = Client::join(server.address, "page", Speaks::Hocuspocus).await;
        writing.push(tokio::spawn(async move {
            for _ in 0..60 {
                person.type_at(0, name).await;
            }
            person
                .until("all acknowledged", |person| person.stored == FIRST + 60)
                .await;
            person
                .until("everything of both", |person| person.text().len() == 120)
                .await;
            person.text()
        }));
    }
    let mut texts = Vec::new();
    for person in writing {
        texts.push(person.await.unwrap());
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0].matches('a').count(), 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_takes_nothing_with_it_that_it_acknowledged() {
    let url = Postgres::shared().fresh_url().await;
    let (mut first, _folder) = start(&url);
    let (second, _other) = start(&url);
    let mut ada = Client::join(first.address, "page", Speaks::Hocuspocus).await;
    for _ in 0..40 {
        ada.type_at(0, "x").await;
    }
    ada.until("acknowledgements", |ada| ada.stored >= 20).await;
    first.kill();
    let acknowledged = ada.stored - FIRST;
    let mut ben = Client::join(second.address, "page", Speaks::YWebsocket).await;
    ben.until("what was acknowledged", |ben| {
        ben.text().len() >= acknowledged
    })
    .await;
    let update = ben.type_at(0, "goes on ").await;
    ben.until("the echo", |ben| ben.echoed.contains(&update))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_nothing_is_acknowledged_and_afterwards_everything_is() {
    let mut database = Postgres::start(&[]);
    let url = database.url();
    let servers = [start(&url), start(&url)];
    let mut ada = Client::join(servers[0].0.address, "page", Speaks::Hocuspocus).await;
    let mut ben = Client::join(servers[1].0.address, "page", Speaks::YWebsocket).await;
    ada.type_at(0, "before ").await;
    ben.until_text("before ").await;
    ada.until("its acknowledgement", |ada| ada.stored == FIRST + 1)
        .await;
    database.kill();
    ada.type_at(7, "meanwhile").await;
    // Whoever watches the servers is told.
    let counted = async |name| metric(&servers[0], name).await;
    assert!(counted("sheaf_store_commit_seconds_count").await > 0);
    let limit = tokio::time::Instant::now() + PATIENCE;
    while counted("sheaf_store_faults_total").await == 0 {
        assert!(tokio::time::Instant::now() < limit, "no fault was counted");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    database.start_again();
    ada.until("the acknowledgement", |ada| ada.stored == FIRST + 2)
        .await;
    ben.until_text("before meanwhile").await;
}

/// What `sheaf cluster` says, and what it ends with.
fn cluster(url: &str) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(["cluster", "--database-url", url])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), said)
}

/// Asks again and again, with some patience.
async fn until_cluster(url: &str, what: &str, is_so: impl Fn(Option<i32>, &str) -> bool) {
    let limit = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (code, said) = cluster(url);
        if is_so(code, &said) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < limit,
            "{what}: {code:?} {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_know_of_each_other_and_one_that_was_killed_is_called_silent() {
    let url = Postgres::shared().fresh_url().await;
    let (mut first, _folder) = start(&url);
    let (mut second, _other) = start(&url);
    let (one, two) = (first.address.to_string(), second.address.to_string());
    until_cluster(&url, "both serve", |code, said| {
        code == Some(0) && said.contains(&one) && said.contains(&two)
    })
    .await;
    second.kill();
    // Nobody waits for the time after which it is suspected.
    let schema = url.rsplit_once("%3D").unwrap().1;
    let aged = format!(
        "UPDATE {schema}.member SET seen_at = seen_at - INTERVAL '30 seconds' WHERE address = '{two}'"
    );
    Postgres::shared().execute(&aged).await;
    let (code, said) = cluster(&url);
    let of_second = said.lines().find(|line| line.contains(&two)).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(of_second.contains("silent for "), "{said}");
    // The other one notices by itself, and goes on storing.
    let mut ada = Client::join(first.address, "page", Speaks::Hocuspocus).await;
    ada.type_at(0, "here").await;
    ada.until("its acknowledgement", |ada| ada.stored == FIRST + 1)
        .await;
    first.signal(rustix::process::Signal::TERM);
    first.ended_within(std::time::Duration::from_secs(30));
    let (_, said) = cluster(&url);
    assert!(
        !said.contains(&one),
        "who has ended is off the list: {said}"
    );
    let aged = format!("UPDATE {schema}.member SET seen_at = seen_at - INTERVAL '2 days'");
    Postgres::shared().execute(&aged).await;
    let (third, _third_folder) = start(&url);
    let three = third.address.to_string();
    until_cluster(&url, "who is long gone is forgotten", |code, said| {
        code == Some(0) && said.contains(&three) && !said.contains(&two)
    })
    .await;
}

#[test]
fn what_is_kept_in_a_folder_has_no_list_of_servers() {
    let folder = tempfile::tempdir().unwrap();
    Program::start(folder.path(), &[]).kill();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(["cluster", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}
