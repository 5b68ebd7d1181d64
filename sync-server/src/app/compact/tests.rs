//! Several servers that want to fold one document: one does the work, and who comes late changes nothing.

use sheaf_shared::replica::{Origin, Replica};
use yrs::{Text as _, WriteTxn as _};

use super::*;
use crate::adapters::memory::MemoryStore;
use crate::ports::Generation;

struct Servers {
    store: Arc<MemoryStore>,
    writer: Replica,
    all: Vec<Compactor>,
}

fn page() -> DocName {
    DocName::parse("page").unwrap()
}

impl Servers {
    async fn new(count: usize) -> Self {
        let store = Arc::new(MemoryStore::default());
        let one = |number| {
            let store = Arc::clone(&store) as Arc<dyn Store>;
            Compactor::of_server(format!("server-{number}"), store, Arc::default())
        };
        let mut servers = Self {
            all: (0..count).map(one).collect(),
            store,
            writer: Replica::new(ReplicaId(1)),
        };
        servers.write(10).await;
        servers
    }

    async fn write(&mut self, rows: usize) {
        for _ in 0..rows {
            let row = self.writer.transact(Origin::Local, |txn| {
                let text = txn.get_or_insert_text("content");
                text.push(txn, "a");
            });
            let row = vec![row.unwrap().into()];
            self.store.append(&page(), row).await.unwrap();
        }
    }

    /// Asks a server to fold, beside what else goes on.
    fn asks(
        &self,
        server: usize,
        known: u64,
    ) -> tokio::task::JoinHandle<Result<Compaction, CompactFault>> {
        let compactor = self.all[server].clone();
        tokio::spawn(async move { compact(&compactor, &page(), Seq(known)).await })
    }

    async fn stored(&self) -> StoredDocument {
        let stored = self.store.load(&page()).await.unwrap().unwrap();
        let opened = replay(&stored).unwrap();
        assert_eq!(opened.replica().canonical(), self.writer.canonical());
        stored
    }

    /// Asks a server to fold, and waits until it has all it needs, and stands still before it writes.
    async fn stops_before_writing(
        &self,
        server: usize,
    ) -> (
        Arc<Semaphore>,
        tokio::task::JoinHandle<Result<Compaction, CompactFault>>,
    ) {
        let gate = self.store.hold_next_snapshot();
        let asked = self.asks(server, 0);
        while !self.store.holds_snapshot() {
            tokio::task::yield_now().await;
        }
        (gate, asked)
    }
}

fn through(done: Result<Compaction, CompactFault>) -> u64 {
    match done {
        Ok(Compaction::Done(done)) => done.through.0,
        other => panic!("it was not folded: {other:?}"),
    }
}

#[tokio::test]
async fn of_many_servers_that_want_to_fold_a_document_one_does_the_work() {
    let mut servers = Servers::new(8).await;
    for round in 1..=3_u64 {
        let known = (round - 1) * 10;
        let asked: Vec<_> = (0..8).map(|server| servers.asks(server, known)).collect();
        let mut done = 0;
        for asked in asked {
            match asked.await.unwrap() {
                Ok(Compaction::Done(_)) => done += 1,
                Ok(Compaction::UnderWayElsewhere | Compaction::DoneElsewhere(_)) => {}
                Err(fault) => panic!("{fault}"),
            }
        }
        assert_eq!(done, 1, "round {round}");
        assert_eq!(servers.store.loads(), round, "only one has read it");
        servers.write(10).await;
    }
    let taken: u64 = servers
        .all
        .iter()
        .map(|one| one.metrics.leases_taken.get())
        .sum();
    let left: u64 = servers
        .all
        .iter()
        .map(|one| one.metrics.leases_elsewhere.get())
        .sum();
    assert_eq!(taken + left, 24);
}

#[tokio::test]
async fn a_holder_that_stood_still_and_wakes_up_late_changes_nothing() {
    let mut servers = Servers::new(2).await;
    let (gate, late) = servers.stops_before_writing(0).await;
    let still_held = servers.asks(1, 0).await.unwrap();
    assert!(
        matches!(still_held, Ok(Compaction::UnderWayElsewhere)),
        "{still_held:?}"
    );
    servers.store.pass_ms(LEASE_MS);
    servers.write(5).await;
    assert_eq!(through(servers.asks(1, 0).await.unwrap()), 15);
    let before = servers.stored().await;
    gate.add_permits(1);
    let refused = late.await.unwrap();
    assert!(matches!(refused, Err(CompactFault::Fenced)), "{refused:?}");
    assert_eq!(servers.all[0].metrics.snapshots_fenced.get(), 1);
    assert_eq!(servers.stored().await, before);
    assert_eq!(before.generation, Generation(1));
    // It gave back nothing that is not its own.
    servers.write(5).await;
    assert_eq!(through(servers.asks(0, 15).await.unwrap()), 20);
}

#[tokio::test]
async fn the_lease_of_a_holder_that_died_is_taken_over_when_its_time_is_over() {
    let servers = Servers::new(2).await;
    let (_gate, dies) = servers.stops_before_writing(0).await;
    dies.abort();
    assert!(dies.await.unwrap_err().is_cancelled());
    servers.store.pass_ms(LEASE_MS - 1_000);
    let still_held = servers.asks(1, 0).await.unwrap();
    assert!(
        matches!(still_held, Ok(Compaction::UnderWayElsewhere)),
        "{still_held:?}"
    );
    servers.store.pass_ms(1_000);
    assert_eq!(through(servers.asks(1, 0).await.unwrap()), 10);
    servers.stored().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_as_long_as_the_work_takes() {
    let servers = Servers::new(2).await;
    let (gate, slow) = servers.stops_before_writing(0).await;
    for _ in 0..5 {
        servers.store.pass_ms(LEASE_MS / 2);
        tokio::time::sleep(Duration::from_millis(LEASE_RENEW_EVERY_MS + 1)).await;
        let held = servers.asks(1, 0).await.unwrap();
        assert!(
            matches!(held, Ok(Compaction::UnderWayElsewhere)),
            "{held:?}"
        );
    }
    gate.add_permits(1);
    assert_eq!(through(slow.await.unwrap()), 10);
}

#[tokio::test(start_paused = true)]
async fn a_holder_notices_that_its_lease_was_taken_over() {
    let servers = Servers::new(2).await;
    let (gate, late) = servers.stops_before_writing(0).await;
    servers.store.pass_ms(LEASE_MS);
    assert_eq!(through(servers.asks(1, 0).await.unwrap()), 10);
    tokio::time::sleep(Duration::from_millis(LEASE_RENEW_EVERY_MS + 1)).await;
    assert_eq!(servers.all[0].metrics.leases_lost.get(), 1);
    gate.add_permits(1);
    assert!(matches!(late.await.unwrap(), Err(CompactFault::Fenced)));
}
