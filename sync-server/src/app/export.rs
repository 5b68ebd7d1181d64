//! A page leaves as a file.

use sheaf_shared::file::{self, Form};
use sheaf_shared::flow;
use sheaf_shared::flow::block::Block;
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::ReplicaError;
use sheaf_shared::space::{self, Tree};

use super::compact::replay;
use crate::ports::{ReadFault, Store};

/// Title of a page that has none.
const UNTITLED: &str = "Untitled";

/// A page that somebody may have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub page: PageId,
    /// The titles from the top of the tree down to it.
    pub path: String,
}

/// Why a page was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Nothing has this id, address or title.
    #[error("there is no page {0:?}; name one by its title, its id or its address")]
    NoSuchPage(String),
    /// Several pages have this title.
    #[error("several pages are called {title:?}; name one by its id")]
    Ambiguous {
        /// What was asked for.
        title: String,
        /// All of them.
        candidates: Vec<Candidate>,
    },
    /// It could not be read. It may well exist.
    #[error("the page could not be read")]
    Read(#[from] ReadFault),
    /// It was read and could not be opened.
    #[error("the page could not be opened")]
    Open(#[from] ReplicaError),
}

/// Writes the page that `wanted` names: an id, an address that ends with `/p/` and an id, or a title.
///
/// A title counts whole; letters in the wrong case are forgiven if no title has them right. Pages in the bin are
/// found by id only.
///
/// # Errors
/// [`ExportError`]
pub async fn export(store: &dyn Store, wanted: &str, form: Form) -> Result<String, ExportError> {
    let home = store
        .load(&DocName::of_space(SpaceId::HOME))
        .await?
        .unwrap_or_default();
    let tree = space::read(replay(&home)?.replica());
    let page = find(&tree, wanted)?;
    let body: Vec<Block> = match store.load(&DocName::of_page(page)).await? {
        Some(stored) => flow::read(replay(&stored)?.replica()),
        None if tree.page(page).is_some() => Vec::new(),
        None => return Err(ExportError::NoSuchPage(wanted.to_owned())),
    };
    Ok(file::write(&title_of(&tree, page), &body, form))
}

fn title_of(tree: &Tree, page: PageId) -> String {
    let title = tree.page(page).map_or("", |page| page.title.trim());
    if title.is_empty() {
        UNTITLED.to_owned()
    } else {
        title.to_owned()
    }
}

fn find(tree: &Tree, wanted: &str) -> Result<PageId, ExportError> {
    let wanted = wanted.trim();
    let last = wanted.split_once("/p/").map_or(wanted, |(_, rest)| rest);
    let id = last.split(['?', '#', '/']).next().unwrap_or_default();
    if let Ok(page) = PageId::parse(id) {
        return Ok(page);
    }
    let titled = |same: &dyn Fn(&str) -> bool| -> Vec<PageId> {
        let shown = tree.walk().into_iter().map(|(_, page)| page);
        shown.filter(|page| same(&title_of(tree, *page))).collect()
    };
    let mut found = titled(&|title| title == wanted);
    if found.is_empty() {
        let lower = wanted.to_lowercase();
        found = titled(&|title| title.to_lowercase() == lower);
    }
    match found.as_slice() {
        [] => Err(ExportError::NoSuchPage(wanted.to_owned())),
        [page] => Ok(*page),
        several => Err(ExportError::Ambiguous {
            title: wanted.to_owned(),
            candidates: several.iter().map(|page| candidate(tree, *page)).collect(),
        }),
    }
}

fn candidate(tree: &Tree, page: PageId) -> Candidate {
    let above = tree.path(page).into_iter().chain([page]);
    let titles = above.map(|page| title_of(tree, page));
    Candidate {
        page,
        path: titles.collect::<Vec<_>>().join(" / "),
    }
}
