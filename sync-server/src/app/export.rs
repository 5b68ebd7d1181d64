//! A page leaves as a file.

use sheaf_shared::flow;
use sheaf_shared::flow::block::{Block, BlockKind, Inline};
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::ReplicaError;
use sheaf_shared::space::{self, Tree};
use sheaf_shared::{html, markdown, text};

use super::compact::replay;
use super::import::opening;
use crate::ports::{ReadFault, Store};

/// Title of a page that has none.
const UNTITLED: &str = "Untitled";

/// What a page is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Markdown,
    /// An HTML file of its own.
    Html,
    /// Plain text.
    Text,
}

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
pub async fn export(
    store: &dyn Store,
    wanted: &str,
    format: Format,
) -> Result<String, ExportError> {
    let home = store
        .load(&DocName::of_space(SpaceId::HOME))
        .await?
        .unwrap_or_default();
    let tree = space::read(replay(&home)?.replica());
    let page = find(&tree, wanted)?;
    let Some(stored) = store.load(&DocName::of_page(page)).await? else {
        return match tree.page(page) {
            Some(_) => Ok(written(&tree, page, &[], format)),
            None => Err(ExportError::NoSuchPage(wanted.to_owned())),
        };
    };
    Ok(written(
        &tree,
        page,
        &flow::read(replay(&stored)?.replica()),
        format,
    ))
}

fn written(tree: &Tree, page: PageId, body: &[Block], format: Format) -> String {
    let title = title_of(tree, page);
    let opens = opening(body);
    // The title is no part of the text, unless the text says it itself.
    let says_it = body.get(opens).is_some_and(|block| {
        block.kind == BlockKind::Heading(1)
            && text::of_block(block).replace('\n', " ").trim() == title
    });
    let mut blocks = body.to_vec();
    if !says_it {
        blocks.insert(
            opens,
            Block::new(BlockKind::Heading(1), vec![Inline::text(title.clone())]),
        );
    }
    match format {
        Format::Markdown => markdown::write(&blocks),
        Format::Html => html::write_document(&title, &blocks),
        Format::Text => text::write(&blocks),
    }
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
