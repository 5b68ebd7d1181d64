//! Compares what was acknowledged with what a newcomer is shown, and all copies with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sheaf_shared::ids::DocName;

use crate::client::{Client, Speaks, text_of};
use crate::program::binary;

use super::fleet::Fleet;
use super::robot::{Page, Robot};

/// Longest time, in seconds, that servers have to show the same.
const SAME_WITHIN: Duration = Duration::from_secs(30);

/// What all robots together know of one document.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) kept: BTreeSet<String>,
    gone: BTreeSet<String>,
    pub(crate) acknowledged: usize,
    pages: Vec<(usize, Page)>,
}

impl Known {
    /// Whether a text is made of what was acknowledged and kept, and of nothing else.
    pub(crate) fn is_all_of(&self, text: &str) -> bool {
        is_made_of(text, &self.kept)
    }
}

/// Whether a text is made of these words, each once, in any order.
pub(crate) fn is_made_of(text: &str, words: &BTreeSet<String>) -> bool {
    let mut there: Vec<&str> = text.split_inclusive('>').collect();
    there.sort_unstable();
    there.into_iter().eq(words.iter().map(String::as_str))
}

/// Puts together what robots know.
pub(crate) fn known_of(robots: Vec<Robot>) -> BTreeMap<DocName, Known> {
    let mut documents: BTreeMap<DocName, Known> = BTreeMap::new();
    for robot in robots {
        let name = robot.name;
        for (doc, page) in robot.pages {
            let known = documents.entry(doc).or_default();
            known.kept.extend(page.kept.words());
            known.gone.extend(page.gone.iter().cloned());
            known.acknowledged += page.acknowledged;
            known.pages.push((name, page));
        }
    }
    documents
}

/// Answers how many edits were acknowledged.
pub(super) async fn check(fleet: &Fleet, robots: Vec<Robot>, seconds: u64) -> usize {
    let documents = known_of(robots);
    let acknowledged: usize = documents.values().map(|known| known.acknowledged).sum();
    assert!(
        acknowledged as u64 > seconds * 10,
        "the robots hardly typed: {acknowledged} edits in {seconds} s"
    );
    for (doc, known) in &documents {
        for text in shown_everywhere(fleet, doc).await {
            check_words(&text, known, doc);
        }
    }
    let verified = tokio::process::Command::new(binary())
        .args(["verify", "--database-url", &fleet.database_url()])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success(), "{said}");
    for (doc, known) in documents {
        check_copies(fleet, &doc, known).await;
    }
    acknowledged
}

/// The text that a newcomer finds at each server, once it is the same at all of them.
async fn shown_everywhere(fleet: &Fleet, doc: &DocName) -> Vec<String> {
    let mut newcomers = Vec::new();
    for address in fleet.addresses() {
        newcomers.push(Client::join(address, doc.as_str(), Speaks::YWebsocket).await);
    }
    let limit = Instant::now() + SAME_WITHIN;
    loop {
        let texts: Vec<String> = newcomers.iter().map(Client::text).collect();
        if !texts[0].is_empty() && texts.iter().all(|text| *text == texts[0]) {
            return texts;
        }
        assert!(
            Instant::now() < limit,
            "servers show different texts of {doc}"
        );
        for newcomer in &mut newcomers {
            let more = tokio::time::timeout(Duration::from_millis(20), newcomer.take_one());
            assert!(more.await.unwrap_or(true), "a newcomer was sent away");
        }
    }
}

/// What was acknowledged is there once, what was taken away is not, and neither is anything else.
pub(crate) fn check_words(text: &str, known: &Known, doc: &DocName) {
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    for word in text.split_inclusive('>') {
        assert!(
            word.starts_with('<') && word.ends_with('>'),
            "in {doc} a word is broken: {word}"
        );
        *there.entry(word).or_default() += 1;
    }
    let lost: Vec<_> = known
        .kept
        .iter()
        .filter(|word| !there.contains_key(word.as_str()))
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost in {doc}: {lost:?}");
    let back: Vec<_> = known
        .gone
        .iter()
        .filter(|word| there.contains_key(word.as_str()))
        .collect();
    assert!(back.is_empty(), "taken away and back in {doc}: {back:?}");
    let doubled: Vec<_> = there.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "doubled in {doc}: {doubled:?}");
    // Everything that robots typed is acknowledged by now, so nothing else may be there.
    assert_eq!(there.len(), known.kept.len(), "words nobody typed in {doc}");
}

/// Every robot comes back once more with its own copy; all become the same.
async fn check_copies(fleet: &Fleet, doc: &DocName, known: Known) {
    let address = fleet.addresses()[0];
    let mut newcomer = Client::join(address, doc.as_str(), Speaks::YWebsocket).await;
    let all = known.kept.len();
    newcomer
        .until("everything", |newcomer| {
            newcomer.text().matches('>').count() == all
        })
        .await;
    for (name, page) in known.pages {
        let mut back =
            Client::join_with(address, doc.as_str(), Speaks::YWebsocket, page.replica).await;
        let whole = newcomer.replica.canonical();
        back.until("the same copy as everybody's", |back| {
            back.replica.canonical() == whole
        })
        .await;
        assert_eq!(text_of(&back.replica), newcomer.text(), "robot {name}");
    }
}
