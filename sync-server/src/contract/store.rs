//! The contract of [`Store`].

#![expect(
    clippy::unwrap_used,
    reason = "a contract is a test: a fault it did not ask for is a failure"
)]

use std::sync::Arc;

use sheaf_shared::ids::DocName;
use sheaf_shared::replica::EMPTY_UPDATE;
use sheaf_shared::time::UnixMs;

use crate::adapters::system::unix_now;
use crate::ports::{
    Appended, Fence, Generation, NewSnapshot, PutSnapshot, Quarantined, Seq, Store, UpdateBytes,
};

/// A store under test, and how to open the same data once more, as a restart would.
#[async_trait::async_trait]
pub trait Subject: Send {
    /// The store.
    fn store(&self) -> Arc<dyn Store>;
    /// Closes and opens it. A store without a life beyond the process does nothing.
    async fn restart(&mut self);
}

/// Runs every clause, each on a subject of its own.
pub async fn honoured_by<S: Subject>(fresh: impl AsyncFn() -> S) {
    absence_is_an_answer(&mut fresh().await).await;
    sequence_numbers_have_no_gaps(&mut fresh().await).await;
    what_was_appended_is_read_back(&mut fresh().await).await;
    a_reader_gets_what_it_lacks(&mut fresh().await).await;
    a_snapshot_stands_in_for_the_log(&mut fresh().await).await;
    a_snapshot_made_from_an_old_one_is_outrun(&mut fresh().await).await;
    a_snapshot_of_updates_that_are_not_there_is_refused(&mut fresh().await).await;
    trimming_never_goes_past_the_snapshot(&mut fresh().await).await;
    what_is_read_says_when_it_was_stored(&mut fresh().await).await;
    trimmed_updates_become_history(&mut fresh().await).await;
    a_reader_behind_the_trimmed_log_is_told_to_load(&mut fresh().await).await;
    an_update_put_aside_is_kept_and_answered_empty(&mut fresh().await).await;
    documents_are_listed_in_pages(&mut fresh().await).await;
    writers_at_the_same_time_get_distinct_places(&mut fresh().await).await;
}

fn doc(name: &str) -> DocName {
    DocName::parse(name).unwrap()
}

fn update(text: &str) -> UpdateBytes {
    UpdateBytes::copy_from_slice(text.as_bytes())
}

async fn put(store: &dyn Store, doc: &DocName, updates: &[&str]) -> Appended {
    store
        .append(doc, updates.iter().map(|text| update(text)).collect())
        .await
        .unwrap()
}

fn snapshot(made_from: u64, through: u64, text: &str) -> NewSnapshot {
    NewSnapshot {
        made_from: Generation(made_from),
        fence: Fence::default(),
        through: Seq(through),
        bytes: update(text),
    }
}

async fn texts_after(store: &dyn Store, doc: &DocName, after: u64) -> Vec<String> {
    let entries = store.read_since(doc, Seq(after)).await.unwrap().unwrap();
    for (entry, seq) in entries.iter().zip(after + 1..) {
        assert_eq!(entry.seq, Seq(seq), "a gap in the answer");
    }
    entries
        .iter()
        .map(|entry| String::from_utf8_lossy(&entry.update).into_owned())
        .collect()
}

async fn absence_is_an_answer(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("other"), &["x"]).await;
    assert_eq!(store.load(&doc("a")).await.unwrap(), None);
    assert_eq!(store.heads(&[doc("a")]).await.unwrap(), [None]);
    assert!(
        store
            .read_since(&doc("a"), Seq(0))
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );
    store.probe().await.unwrap();
}

async fn sequence_numbers_have_no_gaps(subject: &mut impl Subject) {
    let store = subject.store();
    let first = put(&*store, &doc("a"), &["1", "2"]).await;
    assert_eq!(
        first,
        Appended {
            first: Seq(1),
            last: Seq(2)
        }
    );
    put(&*store, &doc("b"), &["elsewhere"]).await;
    drop(store);
    subject.restart().await;
    let second = put(&*subject.store(), &doc("a"), &["3"]).await;
    assert_eq!(
        second,
        Appended {
            first: Seq(3),
            last: Seq(3)
        }
    );
}

async fn what_was_appended_is_read_back(subject: &mut impl Subject) {
    let name = doc("team/über & Co. 100%");
    let large = UpdateBytes::from(vec![7_u8; 3_000_000]);
    let store = subject.store();
    store
        .append(&name, vec![update("small"), large.clone(), update("")])
        .await
        .unwrap();
    drop(store);
    subject.restart().await;
    let stored = subject.store().load(&name).await.unwrap().unwrap();
    assert_eq!(stored.snapshot, None);
    assert_eq!(stored.head(), Seq(3));
    assert_eq!(
        stored.updates().cloned().collect::<Vec<_>>(),
        [update("small"), large, update("")]
    );
}

async fn a_reader_gets_what_it_lacks(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2", "3"]).await;
    put(&*store, &doc("a"), &["4"]).await;
    put(&*store, &doc("b"), &["not this"]).await;
    assert_eq!(
        texts_after(&*store, &doc("a"), 0).await,
        ["1", "2", "3", "4"]
    );
    assert_eq!(
        texts_after(&*store, &doc("a"), 2).await,
        ["3", "4"],
        "inside a batch"
    );
    assert_eq!(texts_after(&*store, &doc("a"), 3).await, ["4"]);
    assert_eq!(
        texts_after(&*store, &doc("a"), 4).await,
        Vec::<String>::new()
    );
}

async fn a_snapshot_stands_in_for_the_log(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    let outcome = store
        .put_snapshot(&doc("a"), snapshot(0, 2, "1+2"))
        .await
        .unwrap();
    assert_eq!(outcome, PutSnapshot::Stored(Generation(1)));
    put(&*store, &doc("a"), &["3"]).await;
    drop(store);
    subject.restart().await;
    let stored = subject.store().load(&doc("a")).await.unwrap().unwrap();
    assert_eq!(
        (stored.generation, stored.snapshot_through),
        (Generation(1), Seq(2))
    );
    assert_eq!(
        stored.updates().cloned().collect::<Vec<_>>(),
        [update("1+2"), update("3")]
    );
    let heads = subject.store().heads(&[doc("a")]).await.unwrap();
    assert_eq!(
        heads[0].map(|head| (head.seq, head.generation)),
        Some((Seq(3), Generation(1)))
    );
}

async fn a_snapshot_made_from_an_old_one_is_outrun(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    store
        .put_snapshot(&doc("a"), snapshot(0, 2, "winner"))
        .await
        .unwrap();
    let outcome = store
        .put_snapshot(&doc("a"), snapshot(0, 2, "loser"))
        .await
        .unwrap();
    assert_eq!(outcome, PutSnapshot::Outrun(Generation(1)));
    let stored = store.load(&doc("a")).await.unwrap().unwrap();
    assert_eq!(stored.snapshot, Some(update("winner")));
}

async fn a_snapshot_of_updates_that_are_not_there_is_refused(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    let ahead = store
        .put_snapshot(&doc("a"), snapshot(0, 3, "too far"))
        .await
        .unwrap();
    assert_eq!(ahead, PutSnapshot::Outrun(Generation(0)));
    store
        .put_snapshot(&doc("a"), snapshot(0, 2, "1+2"))
        .await
        .unwrap();
    let back = store
        .put_snapshot(&doc("a"), snapshot(1, 1, "less than before"))
        .await
        .unwrap();
    assert_eq!(back, PutSnapshot::Outrun(Generation(1)));
    assert_eq!(
        store.load(&doc("a")).await.unwrap().unwrap().snapshot,
        Some(update("1+2"))
    );
}

async fn trimming_never_goes_past_the_snapshot(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    assert_eq!(
        store.trim(&doc("a"), Seq(2)).await.unwrap(),
        0,
        "there is no snapshot"
    );
    put(&*store, &doc("a"), &["3"]).await;
    store
        .put_snapshot(&doc("a"), snapshot(0, 2, "1+2"))
        .await
        .unwrap();
    assert_eq!(store.trim(&doc("a"), Seq(3)).await.unwrap(), 2);
    let stored = store.load(&doc("a")).await.unwrap().unwrap();
    assert_eq!(
        stored.updates().cloned().collect::<Vec<_>>(),
        [update("1+2"), update("3")]
    );
}

async fn what_is_read_says_when_it_was_stored(subject: &mut impl Subject) {
    let store = subject.store();
    let mut stored = Vec::new();
    for batch in [&["1", "2"][..], &["3"]] {
        let before = unix_now();
        put(&*store, &doc("a"), batch).await;
        stored.push(before..=unix_now());
        // The next batch is stored at another time.
        while unix_now() == *stored[0].end() {
            tokio::task::yield_now().await;
        }
    }
    drop(store);
    subject.restart().await;
    let store = subject.store();
    let read = store.read_since(&doc("a"), Seq(0)).await.unwrap().unwrap();
    let loaded = store.load(&doc("a")).await.unwrap().unwrap().log;
    assert_eq!(loaded, read);
    for (entry, within) in read.iter().zip([&stored[0], &stored[0], &stored[1]]) {
        assert!(within.contains(&entry.at), "{entry:?} not in {within:?}");
    }
    store
        .put_snapshot(&doc("a"), snapshot(0, 3, "1+2+3"))
        .await
        .unwrap();
    store.trim(&doc("a"), Seq(3)).await.unwrap();
    let history = store.history_since(&doc("a"), Seq(0)).await.unwrap();
    assert!(
        stored[1].contains(&history[2].at),
        "folding rows into history must not make them look newer or older"
    );
}

async fn trimmed_updates_become_history(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    put(&*store, &doc("a"), &["3"]).await;
    store
        .put_snapshot(&doc("a"), snapshot(0, 3, "1+2+3"))
        .await
        .unwrap();
    store.trim(&doc("a"), Seq(3)).await.unwrap();
    put(&*store, &doc("a"), &["4"]).await;
    store
        .put_snapshot(&doc("a"), snapshot(1, 4, "1+2+3+4"))
        .await
        .unwrap();
    store.trim(&doc("a"), Seq(4)).await.unwrap();
    drop(store);
    subject.restart().await;
    let store = subject.store();
    let history = store.history_since(&doc("a"), Seq(1)).await.unwrap();
    let texts: Vec<_> = history
        .iter()
        .map(|entry| (entry.seq.0, &entry.update[..]))
        .collect();
    assert_eq!(texts, [(2, &b"2"[..]), (3, b"3"), (4, b"4")]);
    assert_eq!(
        put(&*store, &doc("a"), &["5"]).await.first,
        Seq(5),
        "the count goes on"
    );
}

async fn a_reader_behind_the_trimmed_log_is_told_to_load(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["1", "2"]).await;
    put(&*store, &doc("a"), &["3"]).await;
    store
        .put_snapshot(&doc("a"), snapshot(0, 3, "all"))
        .await
        .unwrap();
    store.trim(&doc("a"), Seq(2)).await.unwrap();
    assert_eq!(store.read_since(&doc("a"), Seq(1)).await.unwrap(), None);
    assert_eq!(texts_after(&*store, &doc("a"), 2).await, ["3"]);
    store.trim(&doc("a"), Seq(3)).await.unwrap();
    assert_eq!(store.read_since(&doc("a"), Seq(2)).await.unwrap(), None);
    assert_eq!(
        texts_after(&*store, &doc("a"), 3).await,
        Vec::<String>::new()
    );
}

async fn an_update_put_aside_is_kept_and_answered_empty(subject: &mut impl Subject) {
    let store = subject.store();
    put(&*store, &doc("a"), &["good", "poison", "also good"]).await;
    let aside = Quarantined {
        seq: Some(Seq(2)),
        reason: "it does not apply".to_owned(),
        update: update("poison"),
        at: UnixMs(1_700_000_000_000),
    };
    store.quarantine(&doc("a"), aside.clone()).await.unwrap();
    drop(store);
    subject.restart().await;
    let store = subject.store();
    let stored = store.load(&doc("a")).await.unwrap().unwrap();
    let empty = UpdateBytes::from_static(EMPTY_UPDATE);
    assert_eq!(
        stored.updates().cloned().collect::<Vec<_>>(),
        [update("good"), empty, update("also good")]
    );
    assert_eq!(store.quarantined(&doc("a")).await.unwrap(), [aside]);
    assert_eq!(store.quarantined(&doc("b")).await.unwrap(), []);
}

async fn documents_are_listed_in_pages(subject: &mut impl Subject) {
    let store = subject.store();
    for name in ["c", "a", "d", "b"] {
        put(&*store, &doc(name), &["x"]).await;
    }
    let first = store.list(None, 3).await.unwrap();
    assert_eq!(
        first
            .iter()
            .map(|line| line.doc.as_str())
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert_eq!(first[0].head.seq, Seq(1));
    let rest = store.list(Some(&doc("c")), 3).await.unwrap();
    assert_eq!(
        rest.iter()
            .map(|line| line.doc.as_str())
            .collect::<Vec<_>>(),
        ["d"]
    );
}

async fn writers_at_the_same_time_get_distinct_places(subject: &mut impl Subject) {
    let store = subject.store();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = subject.store();
            tokio::spawn(async move {
                let mut places = Vec::new();
                for count in 0..25 {
                    let text = format!("{writer}:{count}");
                    let given = put(&*store, &doc("a"), &[&text, &text]).await;
                    assert_eq!(given.last, given.first.plus(1));
                    places.push((given.first.0, text));
                }
                places
            })
        })
        .collect();
    let stored = texts_after(&*store, &doc("a"), 0).await;
    drop(stored);
    let mut places = Vec::new();
    for writer in writers {
        places.extend(writer.await.unwrap());
    }
    let stored = texts_after(&*store, &doc("a"), 0).await;
    assert_eq!(stored.len(), 400);
    for (first, text) in places {
        let at = usize::try_from(first - 1).unwrap();
        assert_eq!(
            [&stored[at], &stored[at + 1]],
            [&text, &text],
            "another update lies at {first}"
        );
    }
}
