//! The page tree of a space: order, nesting, cycles, bin.
//!
//! Stored flat in the root map `pages`: page id → map of facts, each of which the last writer decides; the title is
//! a text, so that two people naming a page lose nothing. What the facts of different people make of each other (a page under a page that is
//! gone, two pages inside each other) is settled when reading, the same way everywhere, and never written.

pub mod edit;
pub mod rank;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use yrs::{Any, GetString, Map, MapRef, Out, ReadTxn};

use crate::ids::PageId;
use crate::replica::Replica;
use crate::time::UnixMs;

pub use edit::{
    NewPage, Place, SpaceError, bin, create, delete_for_good, move_page, restore, set_icon,
    set_title,
};

/// Name of the root map that holds a space's pages.
pub const PAGES: &str = "pages";
/// The rank of the first of some titles: so many can follow with as many digits.
const RANKED_FROM: usize = 100_000_000;
/// Longest title, in UTF-16 units; what is stored beyond it is not shown.
pub const TITLE_UNITS_MAX: u32 = 500;
/// Longest icon, in bytes: one emoji, however many parts it is made of.
pub const ICON_BYTES_MAX: usize = 64;

/// Keys of a page's facts.
mod key {
    pub(super) const TITLE: &str = "title";
    pub(super) const ICON: &str = "icon";
    pub(super) const PARENT: &str = "parent";
    pub(super) const RANK: &str = "rank";
    pub(super) const CREATED_BY: &str = "created_by";
    pub(super) const CREATED_AT_MS: &str = "created_at_ms";
    pub(super) const TRASHED_AT_MS: &str = "trashed_at_ms";
}

/// One page as it stands in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// Its title, newlines as spaces; may be empty.
    pub title: String,
    /// Its icon, if it has one.
    pub icon: Option<String>,
    /// The page it is drawn under; `None` at the top, and for a page whose parent is gone.
    pub parent: Option<PageId>,
    /// Place among its siblings: compared byte by byte, then by id.
    pub rank: String,
    /// Who made it, as they were known then.
    pub created_by: Option<String>,
    /// When it was made.
    pub created_at: Option<UnixMs>,
    /// When it was put into the bin itself; a page below a binned one is in the bin with it.
    pub trashed_at: Option<UnixMs>,
}

/// The pages of a space, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    pages: BTreeMap<PageId, Page>,
    children: BTreeMap<Option<PageId>, Vec<PageId>>,
    bin: Vec<PageId>,
    /// Pages that stand at the top only because they were moved in a circle.
    circular: Vec<PageId>,
}

/// Reads the page tree.
#[must_use]
pub fn read(replica: &Replica) -> Tree {
    let txn = replica.read();
    txn.get_map(PAGES)
        .map_or_else(Tree::default, |pages| Tree::of(&txn, &pages))
}

impl Tree {
    pub(crate) fn of<T: ReadTxn>(txn: &T, stored: &MapRef) -> Self {
        let mut pages = BTreeMap::new();
        for (id, value) in stored.iter(txn) {
            if let (Ok(id), Out::YMap(facts)) = (PageId::parse(id), value) {
                pages.insert(id, read_page(txn, id, &facts));
            }
        }
        Self::of_pages(pages)
    }

    fn of_pages(mut pages: BTreeMap<PageId, Page>) -> Self {
        let circular = settle_parents(&mut pages);
        let mut tree = Self {
            pages,
            circular,
            ..Self::default()
        };
        let (mut bin, mut standing): (Vec<&Page>, Vec<&Page>) = tree
            .pages
            .values()
            .partition(|page| page.trashed_at.is_some());
        sort(&mut standing, |a, b| (&a.rank, a.id).cmp(&(&b.rank, b.id)));
        for page in standing {
            tree.children.entry(page.parent).or_default().push(page.id);
        }
        sort(&mut bin, |a, b| {
            (b.trashed_at, a.id).cmp(&(a.trashed_at, b.id))
        });
        tree.bin = bin.into_iter().map(|page| page.id).collect();
        tree
    }

    /// A tree of pages of which only the title and the page above are known, in the order they are given.
    #[must_use]
    pub fn of_titles(titles: impl IntoIterator<Item = (PageId, String, Option<PageId>)>) -> Self {
        let mut pages = BTreeMap::new();
        for (at, (id, title, parent)) in titles.into_iter().enumerate() {
            let page = Page {
                id,
                title: shown_title(&title),
                icon: None,
                parent,
                // As many digits for each: compared byte by byte.
                rank: (RANKED_FROM + at).to_string(),
                created_by: None,
                created_at: None,
                trashed_at: None,
            };
            pages.insert(id, page);
        }
        Self::of_pages(pages)
    }

    /// Puts the pages of `other` behind these. A page that stands in both stays where it is here.
    pub fn join(&mut self, other: &Self) {
        let is_new = |id: &&PageId| !self.pages.contains_key(*id);
        for (parent, children) in &other.children {
            let children = children.iter().filter(is_new);
            self.children.entry(*parent).or_default().extend(children);
        }
        self.bin.extend(other.bin.iter().filter(is_new));
        for (id, page) in &other.pages {
            self.pages.entry(*id).or_insert_with(|| page.clone());
        }
    }

    /// How many pages there are, those in the bin included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// A page, in the bin or not.
    #[must_use]
    pub fn page(&self, id: PageId) -> Option<&Page> {
        self.pages.get(&id)
    }

    /// Every page, in no order that means anything.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.values()
    }

    /// The pages right under `parent` (`None`: at the top), in order, without those put into the bin themselves.
    #[must_use]
    pub fn children(&self, parent: Option<PageId>) -> &[PageId] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// The pages put into the bin, the latest first. What is below them is in the bin with them.
    #[must_use]
    pub fn bin(&self) -> &[PageId] {
        &self.bin
    }

    /// The pages above `id`, the topmost first, without `id`: its breadcrumbs.
    #[must_use]
    pub fn path(&self, id: PageId) -> Vec<PageId> {
        let mut path = Vec::new();
        let mut at = self.pages.get(&id).and_then(|page| page.parent);
        // Ends: parents were settled into a forest when reading.
        while let Some(parent) = at {
            path.push(parent);
            at = self.pages.get(&parent).and_then(|page| page.parent);
        }
        path.reverse();
        path
    }

    /// Whether `id` or a page above it was put into the bin.
    #[must_use]
    pub fn is_binned(&self, id: PageId) -> bool {
        let trashed = |id: &PageId| {
            self.pages
                .get(id)
                .is_some_and(|page| page.trashed_at.is_some())
        };
        trashed(&id) || self.path(id).iter().any(trashed)
    }

    /// All pages outside the bin with their depth, from top to bottom as they are drawn.
    #[must_use]
    pub fn walk(&self) -> Vec<(usize, PageId)> {
        let mut drawn = Vec::new();
        let mut ahead: Vec<(usize, PageId)> = self
            .children(None)
            .iter()
            .rev()
            .map(|id| (0, *id))
            .collect();
        while let Some((depth, id)) = ahead.pop() {
            drawn.push((depth, id));
            ahead.extend(
                self.children(Some(id))
                    .iter()
                    .rev()
                    .map(|id| (depth + 1, *id)),
            );
        }
        drawn
    }

    /// `id` and every page below it, binned ones too: what deleting it for good takes away.
    #[must_use]
    pub fn subtree(&self, id: PageId) -> Vec<PageId> {
        let mut below: BTreeMap<PageId, Vec<PageId>> = BTreeMap::new();
        for page in self.pages.values() {
            if let Some(parent) = page.parent {
                below.entry(parent).or_default().push(page.id);
            }
        }
        let mut found: Vec<PageId> = self
            .pages
            .get(&id)
            .map(|page| page.id)
            .into_iter()
            .collect();
        let mut next = 0;
        while let Some(id) = found.get(next) {
            found.extend(below.remove(id).unwrap_or_default());
            next += 1;
        }
        found
    }
}

fn read_page<T: ReadTxn>(txn: &T, id: PageId, facts: &MapRef) -> Page {
    let text = |key: &str| match facts.get(txn, key) {
        Some(Out::Any(Any::String(text))) => Some(text.to_string()),
        _ => None,
    };
    let time = |key: &str| match facts.get(txn, key) {
        Some(Out::Any(Any::Number(ms))) => ms
            .as_i64()
            .and_then(|ms| u64::try_from(ms).ok())
            .map(UnixMs),
        _ => None,
    };
    let title = match facts.get(txn, key::TITLE) {
        Some(Out::YText(title)) => title.get_string(txn),
        Some(Out::Any(Any::String(title))) => title.to_string(),
        _ => String::new(),
    };
    Page {
        id,
        title: shown_title(&title),
        icon: text(key::ICON).filter(|icon| !icon.is_empty() && icon.len() <= ICON_BYTES_MAX),
        parent: text(key::PARENT).and_then(|parent| PageId::parse(&parent).ok()),
        rank: text(key::RANK).unwrap_or_default(),
        created_by: text(key::CREATED_BY),
        created_at: time(key::CREATED_AT_MS),
        trashed_at: time(key::TRASHED_AT_MS),
    }
}

/// A title on one line, no longer than [`TITLE_UNITS_MAX`].
fn shown_title(stored: &str) -> String {
    let mut units = 0;
    stored
        .chars()
        .take_while(|character| {
            units += character.len_utf16() as u32;
            units <= TITLE_UNITS_MAX
        })
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// One copy of the sorting for both orders: it is 4 KB of the page.
fn sort(pages: &mut [&Page], order: fn(&Page, &Page) -> Ordering) {
    pages.sort_by(|a, b| order(a, b));
}

/// Makes a forest of what is stored: a page whose parent is gone stands at the top, and so does, of pages that
/// were moved into each other, the one with the lowest id. Returns those last ones.
fn settle_parents(pages: &mut BTreeMap<PageId, Page>) -> Vec<PageId> {
    let mut circular = Vec::new();
    let ids: Vec<PageId> = pages.keys().copied().collect();
    let mut settled: BTreeSet<PageId> = BTreeSet::new();
    for id in ids {
        let mut path = Vec::new();
        let mut on_path = BTreeSet::new();
        let mut at = id;
        while !settled.contains(&at) && on_path.insert(at) {
            path.push(at);
            let parent = pages.get(&at).and_then(|page| page.parent);
            match parent.filter(|parent| pages.contains_key(parent)) {
                Some(parent) => at = parent,
                None => {
                    detach(pages, at);
                    break;
                }
            }
        }
        // The walk came back to a page it had passed: from there on it went in a circle.
        if !settled.contains(&at)
            && pages.get(&at).is_some_and(|page| page.parent.is_some())
            && let Some(first) = path.iter().position(|passed| *passed == at)
            && let Some(lowest) = path[first..].iter().min()
        {
            detach(pages, *lowest);
            circular.push(*lowest);
        }
        settled.extend(path);
    }
    circular
}

fn detach(pages: &mut BTreeMap<PageId, Page>, id: PageId) {
    if let Some(page) = pages.get_mut(&id) {
        page.parent = None;
    }
}

#[cfg(test)]
mod tests;
