//! What a comparison with the store says, and what a log gets back.

use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use yrs::{Text as _, WriteTxn as _};

use super::*;
use crate::adapters::memory::MemoryStore;
use crate::app::compact::{Compactor, compact};

fn page() -> DocName {
    DocName::parse("page").unwrap()
}

/// Rows of one writer, each building on the one before.
fn rows(count: usize) -> Vec<UpdateBytes> {
    let mut writer = Replica::new(ReplicaId(1));
    let row = |_| {
        let row = writer.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.push(txn, "a");
        });
        row.unwrap().into()
    };
    (0..count).map(row).collect()
}

fn copy(rows: &[UpdateBytes]) -> Ordered {
    Ordered::of_log(ReplicaId(2), None, rows).unwrap()
}

fn whole(rows: &[UpdateBytes]) -> Whole {
    Whole {
        document: copy(rows).replica().encode().into(),
        waiting: Vec::new(),
    }
}

async fn stored(rows: &[UpdateBytes]) -> (Arc<MemoryStore>, Auditor) {
    let store = Arc::new(MemoryStore::default());
    for row in rows {
        store.append(&page(), vec![row.clone()]).await.unwrap();
    }
    let auditor = Auditor::new(Arc::clone(&store) as Arc<dyn Store>, Arc::default());
    (store, auditor)
}

#[tokio::test]
async fn a_copy_is_compared_with_what_the_store_makes_at_its_place_and_no_other() {
    let rows = rows(10);
    let (store, auditor) = stored(&rows).await;
    for seq in 0..=10_usize {
        let own = StateDigest::of(&copy(&rows[..seq]));
        let verdict = auditor.compare(&page(), Seq(seq as u64), own).await;
        assert_eq!(verdict, Verdict::Same, "at {seq}");
        let others = StateDigest::of(&copy(&rows[..(seq + 1) % 11]));
        let verdict = auditor.compare(&page(), Seq(seq as u64), others).await;
        assert_eq!(verdict, Verdict::Differs, "at {seq}");
    }
    let ahead = StateDigest::of(&copy(&rows));
    let verdict = auditor.compare(&page(), Seq(11), ahead).await;
    assert_eq!(verdict, Verdict::Differs, "the log does not reach there");
    assert_eq!(auditor.metrics.audit_mismatches.get(), 12);

    let compactor = Compactor::new(Arc::clone(&store) as Arc<dyn Store>);
    compact(&compactor, &page(), Seq(0)).await.unwrap();
    assert_eq!(
        auditor.compare(&page(), Seq(10), ahead).await,
        Verdict::Same
    );
    let before = StateDigest::of(&copy(&rows[..5]));
    assert_eq!(
        auditor.compare(&page(), Seq(5), before).await,
        Verdict::Unknown,
        "what was there then is folded"
    );
}

#[tokio::test]
async fn what_a_log_lacks_is_written_into_it_once_and_nothing_else_is() {
    let rows = rows(10);
    let (store, auditor) = stored(&rows[..7]).await;
    assert_eq!(auditor.mend(&page(), whole(&rows)).await.unwrap(), 1);
    let after = store.load(&page()).await.unwrap().unwrap();
    let made = replay_through(&after, after.head()).unwrap();
    assert_eq!(
        made.replica().canonical(),
        copy(&rows).replica().canonical()
    );
    assert_eq!(auditor.mend(&page(), whole(&rows)).await.unwrap(), 0);
    assert_eq!(auditor.mend(&page(), whole(&rows[..3])).await.unwrap(), 0);
    assert_eq!(store.load(&page()).await.unwrap().unwrap(), after);
    assert_eq!(auditor.metrics.rows_put_back.get(), 1);
}

#[tokio::test]
async fn a_document_that_is_gone_altogether_is_written_anew() {
    let (store, auditor) = stored(&[]).await;
    let rows = rows(3);
    auditor.mend(&page(), whole(&rows)).await.unwrap();
    let after = store.load(&page()).await.unwrap().unwrap();
    let made = replay_through(&after, after.head()).unwrap();
    assert_eq!(
        made.replica().canonical(),
        copy(&rows).replica().canonical()
    );
}

#[test]
fn rows_that_are_put_back_go_in_appends_of_a_bounded_length() {
    let row = |length: usize| UpdateBytes::from(vec![0; length]);
    let rows = [1, APPEND_BYTES, 5, APPEND_BYTES - 5, 1, 2]
        .map(row)
        .to_vec();
    let lengths: Vec<Vec<usize>> = batches(rows)
        .iter()
        .map(|batch| batch.iter().map(UpdateBytes::len).collect())
        .collect();
    assert_eq!(
        lengths,
        [
            vec![1],
            vec![APPEND_BYTES],
            vec![5, APPEND_BYTES - 5],
            vec![1, 2]
        ]
    );
}
