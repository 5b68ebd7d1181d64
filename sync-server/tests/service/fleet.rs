//! Several servers on one database: no server is special, and what one acknowledged all of them have.

use std::path::Path;

use tempfile::TempDir;

use crate::client::{Client, Speaks};
use crate::engines::Postgres;
use crate::program::Program;

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
                .until("all acknowledged", |person| person.stored >= 60)
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
    let acknowledged = ada.stored;
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
    ada.until("its acknowledgement", |ada| ada.stored == 1)
        .await;
    database.kill();
    ada.type_at(7, "meanwhile").await;
    database.start_again();
    ada.until("the acknowledgement", |ada| ada.stored == 2)
        .await;
    ben.until_text("before meanwhile").await;
}
