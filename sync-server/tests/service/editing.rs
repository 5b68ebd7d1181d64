//! People editing through real sockets: what they type is stored, comes to the others, and is there afterwards.

use sheaf_shared::ids::DocName;

use crate::client::{Client, Speaks, text_of};
use crate::server::TestServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_types_the_other_reads_in_any_pair_of_dialects() {
    let server = TestServer::start().await;
    for (index, (one, other)) in [
        (Speaks::YWebsocket, Speaks::YWebsocket),
        (Speaks::YWebsocket, Speaks::Hocuspocus),
        (Speaks::Hocuspocus, Speaks::YWebsocket),
        (Speaks::Hocuspocus, Speaks::Hocuspocus),
    ]
    .into_iter()
    .enumerate()
    {
        let doc = format!("pair/{index}");
        let mut ada = Client::join(server.address, &doc, one).await;
        let mut ben = Client::join(server.address, &doc, other).await;
        ada.type_at(0, "hello").await;
        ben.until_text("hello").await;
        ben.type_at(5, " there").await;
        ada.until_text("hello there").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_in_the_store_at_that_moment() {
    let server = TestServer::start().await;
    let doc = DocName::parse("acknowledged").unwrap();
    let mut hocuspocus = Client::join(server.address, doc.as_str(), Speaks::Hocuspocus).await;
    let mut y_websocket = Client::join(server.address, doc.as_str(), Speaks::YWebsocket).await;
    // The server asks a newcomer for what it has; that answer is confirmed too.
    hocuspocus
        .until("the first status", |client| client.stored == 1)
        .await;
    for count in 0..20 {
        hocuspocus.type_at(0, "h").await;
        hocuspocus
            .until("a status", |client| client.stored == count + 2)
            .await;
        assert_eq!(
            stored_text(&server, &doc).await.matches('h').count(),
            count + 1
        );
        let update = y_websocket.type_at(0, "y").await;
        y_websocket
            .until("an echo", |client| client.echoed.contains(&update))
            .await;
        assert_eq!(
            stored_text(&server, &doc).await.matches('y').count(),
            count + 1
        );
    }
    assert_eq!(hocuspocus.refused, 0);
}

async fn stored_text(server: &TestServer, doc: &DocName) -> String {
    let stored = server.store().load(doc).await.unwrap().unwrap();
    let replica = sheaf_server::app::compact::replay(&stored).unwrap();
    text_of(replica.replica())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_there_after_a_restart() {
    let mut server = TestServer::start().await;
    let mut expected = String::new();
    for round in 0..3 {
        let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
        ada.until_text(&expected).await;
        let word = format!("round {round}. ");
        let end = u32::try_from(expected.len()).unwrap();
        ada.type_at(end, &word).await;
        // One for what it said it had when it came, one for the word.
        ada.until("both statuses", |client| client.stored == 2)
            .await;
        expected.push_str(&word);
        drop(ada);
        server = server.restart().await;
    }
    let mut ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
    ben.until_text(&expected).await;
}
