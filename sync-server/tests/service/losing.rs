//! A database that loses what it had committed, as one does that is taken over by a standby that lags behind: a server that
//! still has it in memory puts it back.

use std::time::Duration;

use tempfile::TempDir;

use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::engines::postgres::Postgres;
use crate::program::Program;

fn start(url: &str) -> (Program, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(
        folder.path(),
        &["--database-url", url, "--drain-seconds", "0"],
    );
    (program, folder)
}

/// Somebody types three words, each stored for itself, and goes; somebody else stays and only reads.
async fn write_three_words_and_stay(server: &Program) -> Client {
    let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    for (nth, word) in ["one ", "two ", "three "].into_iter().enumerate() {
        ada.type_at(0, word).await;
        ada.until("its acknowledgement", |ada| ada.stored == FIRST + nth + 1)
            .await;
    }
    let mut ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
    ben.until_text("three two one ").await;
    ben
}

async fn until_sent_away(client: &mut Client) {
    let closed = tokio::time::timeout(PATIENCE, client.until_closed());
    closed.await.expect("nobody noticed");
}

/// The last two rows are gone as if they had never been committed.
fn lost(schema: &str) -> String {
    format!(
        "BEGIN;
         UPDATE {schema}.doc SET head_seq = head_seq - 2;
         DELETE FROM {schema}.log USING {schema}.doc
         WHERE log.doc_id = doc.doc_id AND log.last_seq > doc.head_seq;
         COMMIT"
    )
}

async fn metric(server: &Program, name: &str) -> u64 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = server.address;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let line = answer.lines().find(|line| line.starts_with(name)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_loses_after_it_was_acknowledged_is_put_back_by_the_server_that_has_it() {
    let url = Postgres::shared().fresh_url().await;
    let schema = url.rsplit_once("%3D").unwrap().1;
    let (one, _folder) = start(&url);
    let mut ben = write_three_words_and_stay(&one).await;
    Postgres::shared().execute(&lost(schema)).await;
    // He is sent away; nobody but the server has the words any more, and he does not come back with them.
    until_sent_away(&mut ben).await;
    let (two, _other) = start(&url);
    let mut cy = Client::join(two.address, "page", Speaks::YWebsocket).await;
    cy.until_text("three two one ").await;
    let mut dan = Client::join(one.address, "page", Speaks::YWebsocket).await;
    dan.until_text("three two one ").await;
    assert!(metric(&one, "sheaf_rows_put_back_total").await > 0);
    assert!(metric(&one, "sheaf_audit_mismatches_total").await > 0);
    assert_eq!(metric(&two, "sheaf_audit_mismatches_total").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_when_another_database_takes_over_is_put_back_though_other_edits_lie_in_its_place()
 {
    let mut database = Postgres::start(&[]);
    let url = database.url();
    let (one, _folder) = start(&url);
    let mut ben = write_three_words_and_stay(&one).await;
    // It knows which database it has spoken to.
    while metric(&one, "sheaf_following_rounds_total").await < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // It notices nothing until the others have written more than was lost.
    one.signal(rustix::process::Signal::STOP);
    database.execute(&lost("public")).await;
    database.kill();
    database.start_again();
    let (two, _other) = start(&url);
    let mut cy = Client::join(two.address, "page", Speaks::YWebsocket).await;
    cy.until_text("one ").await;
    for word in ["four ", "five ", "six ", "seven "] {
        let update = cy.type_at(0, word).await;
        cy.until("its echo", |cy| cy.echoed.contains(&update)).await;
    }
    one.signal(rustix::process::Signal::CONT);
    until_sent_away(&mut ben).await;
    let has_all = |text: &str| {
        let words = ["one ", "two ", "three ", "four ", "five ", "six ", "seven "];
        words.iter().all(|word| text.matches(word).count() == 1)
    };
    cy.until("what was lost", |cy| has_all(&cy.text())).await;
    let mut dan = Client::join(one.address, "page", Speaks::YWebsocket).await;
    dan.until("all of it", |dan| has_all(&dan.text())).await;
    assert!(metric(&one, "sheaf_rows_put_back_total").await > 0);
}
