//! The page tree of a space: order, nesting, cycles, bin.
//!
//! Stored flat in the root map `pages`: page id → map of facts, each of which the last writer decides; the title is
//! a text, so that two people naming a page lose nothing. What the facts of different people make of each other (a page under a page that is
//! gone, two pages inside each other) is settled when reading, the same way everywhere, and never written.

pub mod edit;
pub mod rank;

use std::mem::take;

use yrs::{Any, GetString, Map, MapRef, Out, ReadTxn};

use crate::ids::PageId;
use crate::replica::Replica;
use crate::sorting::{merged, sort};
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
//
// It is made in one go and read often, so all of it lies in sorted vectors: maps of these kinds would be 15 KB of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// By id.
    pages: Vec<Page>,
    /// By the page above.
    children: Vec<(Option<PageId>, Vec<PageId>)>,
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
        let mut listed: Vec<(PageId, MapRef)> = Vec::new();
        for (id, value) in stored.iter(txn) {
            if let (Ok(id), Out::YMap(facts)) = (PageId::parse(id), value) {
                listed.push((id, facts));
            }
        }
        // An id is written in one way, so none is there twice.
        sort(&mut listed, |a, b| a.0 < b.0);
        let pages = listed.iter().map(|(id, facts)| read_page(txn, *id, facts));
        Self::of_pages(pages.collect())
    }

    /// Of pages by id.
    fn of_pages(mut pages: Vec<Page>) -> Self {
        let circular = settle_parents(&mut pages);
        let mut tree = Self {
            pages,
            circular,
            ..Self::default()
        };
        let (mut bin, mut standing): (Vec<&Page>, Vec<&Page>) = tree
            .pages
            .iter()
            .partition(|page| page.trashed_at.is_some());
        sort(&mut standing, |a, b| {
            (a.parent, &a.rank, a.id) < (b.parent, &b.rank, b.id)
        });
        for page in standing {
            match tree.children.last_mut() {
                Some((parent, children)) if *parent == page.parent => children.push(page.id),
                _ => tree.children.push((page.parent, vec![page.id])),
            }
        }
        sort(&mut bin, |a, b| (b.trashed_at, a.id) < (a.trashed_at, b.id));
        tree.bin = bin.into_iter().map(|page| page.id).collect();
        tree
    }

    /// A tree of pages of which only the title and the page above are known, in the order they are given.
    #[must_use]
    pub fn of_titles(titles: impl IntoIterator<Item = (PageId, String, Option<PageId>)>) -> Self {
        let mut pages = Vec::new();
        for (at, (id, title, parent)) in titles.into_iter().enumerate() {
            pages.push(Page {
                id,
                title: shown_title(&title),
                icon: None,
                parent,
                // As many digits for each: compared byte by byte.
                rank: (RANKED_FROM + at).to_string(),
                created_by: None,
                created_at: None,
                trashed_at: None,
            });
        }
        // Of those with one id, the last.
        sort(&mut pages, |a, b| (a.id, &b.rank) < (b.id, &a.rank));
        pages.dedup_by_key(|page| page.id);
        Self::of_pages(pages)
    }

    /// Puts the pages of `other` behind these. A page that stands in both stays where it is here.
    pub fn join(&mut self, other: &Self) {
        let is_new = |id: &&PageId| self.page(**id).is_none();
        let mut behind: Vec<(Option<PageId>, Vec<PageId>)> = Vec::new();
        for (parent, children) in &other.children {
            let children = children.iter().filter(is_new).copied();
            behind.push((*parent, children.collect()));
        }
        let bin: Vec<PageId> = other.bin.iter().filter(is_new).copied().collect();
        let pages = other.pages.iter().filter(|page| is_new(&&page.id));
        let pages = pages.cloned().collect();
        behind.retain_mut(
            |(parent, children)| match place_of(&self.children, *parent) {
                Ok(at) => {
                    self.children[at].1.append(children);
                    false
                }
                Err(_) => !children.is_empty(),
            },
        );
        self.children = merged(take(&mut self.children), behind, |a, b| a.0 < b.0);
        self.bin.extend(bin);
        self.pages = merged(take(&mut self.pages), pages, |a, b| a.id < b.id);
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
        index_of(&self.pages, id).map(|at| &self.pages[at])
    }

    /// Every page, in no order that means anything.
    pub fn pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter()
    }

    /// The pages right under `parent` (`None`: at the top), in order, without those put into the bin themselves.
    #[must_use]
    pub fn children(&self, parent: Option<PageId>) -> &[PageId] {
        place_of(&self.children, parent).map_or(&[], |at| &self.children[at].1)
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
        let mut at = self.page(id).and_then(|page| page.parent);
        // Ends: parents were settled into a forest when reading.
        while let Some(parent) = at {
            path.push(parent);
            at = self.page(parent).and_then(|page| page.parent);
        }
        path.reverse();
        path
    }

    /// Whether `id` or a page above it was put into the bin.
    #[must_use]
    pub fn is_binned(&self, id: PageId) -> bool {
        let trashed = |id: &PageId| self.page(*id).is_some_and(|page| page.trashed_at.is_some());
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
        let mut below: Vec<(PageId, PageId)> = self
            .pages
            .iter()
            .filter_map(|page| Some((page.parent?, page.id)))
            .collect();
        sort(&mut below, |a, b| a < b);
        let mut found: Vec<PageId> = self.page(id).map(|page| page.id).into_iter().collect();
        let mut next = 0;
        while let Some(id) = found.get(next).copied() {
            let from = below.partition_point(|(parent, _)| *parent < id);
            let right_below = below[from..].iter().take_while(|(parent, _)| *parent == id);
            found.extend(right_below.map(|(_, page)| page));
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

/// Where the children of `parent` lie, or would.
fn place_of(
    children: &[(Option<PageId>, Vec<PageId>)],
    parent: Option<PageId>,
) -> Result<usize, usize> {
    children.binary_search_by_key(&parent, |(parent, _)| *parent)
}

fn index_of(pages: &[Page], id: PageId) -> Option<usize> {
    pages.binary_search_by_key(&id, |page| page.id).ok()
}

/// What is known of a page while parents are settled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    /// On the walk that is under way.
    OnPath,
    Settled,
}

/// Makes a forest of what is stored: a page whose parent is gone stands at the top, and so does, of pages that
/// were moved into each other, the one with the lowest id. Returns those last ones.
fn settle_parents(pages: &mut [Page]) -> Vec<PageId> {
    let mut circular = Vec::new();
    let mut seen = vec![Seen::No; pages.len()];
    for start in 0..pages.len() {
        let mut path = Vec::new();
        let mut at = start;
        while seen[at] == Seen::No {
            seen[at] = Seen::OnPath;
            path.push(at);
            match pages[at].parent.and_then(|parent| index_of(pages, parent)) {
                Some(parent) => at = parent,
                None => {
                    pages[at].parent = None;
                    break;
                }
            }
        }
        // The walk came back to a page it had passed: from there on it went in a circle.
        if seen[at] == Seen::OnPath
            && pages[at].parent.is_some()
            && let Some(first) = path.iter().position(|passed| *passed == at)
            && let Some(lowest) = path[first..].iter().min()
        {
            pages[*lowest].parent = None;
            circular.push(pages[*lowest].id);
        }
        for passed in path {
            seen[passed] = Seen::Settled;
        }
    }
    circular
}

#[cfg(test)]
mod tests;
