//! A store that does what it is asked, and whose answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use sheaf_server::app::compact::{Compactor, compact};
use sheaf_server::config::RawConfig;
use sheaf_server::ports::{
    Appended, DocumentSummary, Entry, Head, NewSnapshot, PutSnapshot, Quarantined, ReadFault, Seq,
    StorageFault, Store, StoredDocument, UpdateBytes,
};
use sheaf_shared::ids::DocName;

use crate::client::{Client, Speaks};
use crate::server::TestServer;

/// Behind it stands a real one. When told to, it stores the next append, folds the log, and says that it failed.
struct Forgetful {
    store: Arc<dyn Store>,
    forgets_next: Arc<AtomicBool>,
}

#[async_trait]
impl Store for Forgetful {
    async fn append(
        &self,
        doc: &DocName,
        updates: Vec<UpdateBytes>,
    ) -> Result<Appended, StorageFault> {
        let appended = self.store.append(doc, updates).await?;
        if self.forgets_next.swap(false, Ordering::SeqCst) {
            let compactor = Compactor::new(Arc::clone(&self.store));
            compact(&compactor, doc, appended.last).await.unwrap();
            return Err(StorageFault::Failed("the answer is lost".into()));
        }
        Ok(appended)
    }

    async fn load(&self, doc: &DocName) -> Result<Option<StoredDocument>, ReadFault> {
        self.store.load(doc).await
    }

    async fn read_since(&self, doc: &DocName, after: Seq) -> Result<Option<Vec<Entry>>, ReadFault> {
        self.store.read_since(doc, after).await
    }

    async fn heads(&self, docs: &[DocName]) -> Result<Vec<Option<Head>>, StorageFault> {
        self.store.heads(docs).await
    }

    async fn put_snapshot(
        &self,
        doc: &DocName,
        snapshot: NewSnapshot,
    ) -> Result<PutSnapshot, StorageFault> {
        self.store.put_snapshot(doc, snapshot).await
    }

    async fn trim(&self, doc: &DocName, through: Seq) -> Result<u64, StorageFault> {
        self.store.trim(doc, through).await
    }

    async fn history_since(&self, doc: &DocName, after: Seq) -> Result<Vec<Entry>, ReadFault> {
        self.store.history_since(doc, after).await
    }

    async fn list(
        &self,
        after: Option<&DocName>,
        limit: usize,
    ) -> Result<Vec<DocumentSummary>, StorageFault> {
        self.store.list(after, limit).await
    }

    async fn quarantine(&self, doc: &DocName, update: Quarantined) -> Result<(), StorageFault> {
        self.store.quarantine(doc, update).await
    }

    async fn quarantined(&self, doc: &DocName) -> Result<Vec<Quarantined>, StorageFault> {
        self.store.quarantined(doc).await
    }

    async fn probe(&self) -> Result<(), StorageFault> {
        self.store.probe().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_whose_answer_was_lost_and_whose_log_was_folded_meanwhile_is_stored_all_the_same() {
    let forgets_next = Arc::new(AtomicBool::new(false));
    let server = TestServer::behind(RawConfig::default(), |store| {
        Arc::new(Forgetful {
            store,
            forgets_next: Arc::clone(&forgets_next),
        })
    })
    .await;
    let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
    ada.type_at(0, "first, ").await;
    ada.until("the first edit's status", |client| client.stored == 2)
        .await;
    forgets_next.store(true, Ordering::SeqCst);
    ada.type_at(7, "second, ").await;
    // She is sent away: the server knows that it has missed something, and reads the document afresh.
    let mut ada = ada.until_sent_away_and_back(server.address).await;
    ada.type_at(15, "third").await;
    ada.until("the status of all of it", |client| client.stored == 2)
        .await;
    let mut ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
    ben.until_text("first, second, third").await;
}
