//! Changes to the page tree. Each is one transaction, and makes sense at once and offline.

use yrs::{Any, GetString, Map, MapPrelim, MapRef, Out, TextPrelim, TextRef, TransactionMut};
use yrs::{ReadTxn, WriteTxn};

use super::{ICON_BYTES_MAX, PAGES, TITLE_UNITS_MAX, Tree, key, rank, read};
use crate::flow::delta::{DeltaOp, utf16_length};
use crate::flow::edit as flow_edit;
use crate::ids::PageId;
use crate::replica::{Origin, Replica};
use crate::time::UnixMs;

/// What an edit gives: the update for others, or `None` when nothing changed.
type Edited = Result<Option<Vec<u8>>, SpaceError>;

/// A page that is about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPage {
    /// Its id, drawn by the caller.
    pub id: PageId,
    /// Its title; may be empty.
    pub title: String,
    /// The page it stands under.
    pub parent: Option<PageId>,
    /// Where among its siblings.
    pub place: Place,
    /// Who makes it.
    pub created_by: String,
    /// When.
    pub created_at: UnixMs,
}

/// A place among siblings. A neighbour that is not there (any more) means the last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Right before that one.
    Before(PageId),
    /// Right behind that one.
    After(PageId),
}

/// Why the tree was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// The page is not there; somebody may have deleted it.
    #[error("there is no such page")]
    NoSuchPage,
    /// A page of this id is there already.
    #[error("this page is there already")]
    Exists,
    /// A page cannot stand under itself or under a page below it.
    #[error("a page cannot be moved into itself")]
    IntoItself,
    /// More than [`TITLE_UNITS_MAX`].
    #[error("a title has at most {TITLE_UNITS_MAX} characters")]
    TitleTooLong,
    /// More than [`ICON_BYTES_MAX`].
    #[error("an icon is one sign")]
    IconTooLong,
}

/// Makes a page.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn create(replica: &mut Replica, origin: Origin, page: &NewPage) -> Edited {
    let title = checked_title(&page.title)?;
    let tree = read(replica);
    if tree.page(page.id).is_some() {
        return Err(SpaceError::Exists);
    }
    if let Some(parent) = page.parent {
        tree.page(parent).ok_or(SpaceError::NoSuchPage)?;
    }
    let ranks = ranks_for(&tree, page.id, page.parent, page.place);
    Ok(replica.transact(origin, |txn| {
        let pages = txn.get_or_insert_map(PAGES);
        // One fact after the other: in one go, yrs would write them in an order drawn by chance.
        let facts = pages.insert(txn, page.id.to_string(), MapPrelim::default());
        facts.insert(txn, key::TITLE, TextPrelim::new(title));
        facts.insert(txn, key::CREATED_BY, page.created_by.as_str());
        facts.insert(txn, key::CREATED_AT_MS, time_value(page.created_at));
        if let Some(parent) = page.parent {
            facts.insert(txn, key::PARENT, parent.to_string());
        }
        write_ranks(txn, &pages, &ranks);
    }))
}

/// Names a page: writes only what differs, so that two people naming it at once keep each other's letters.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn set_title(replica: &mut Replica, origin: Origin, id: PageId, title: &str) -> Edited {
    let title = checked_title(title)?;
    change(replica, origin, id, |txn, facts| {
        match facts.get(txn, key::TITLE) {
            Some(Out::YText(stored)) => {
                let ops = differing(&stored.get_string(txn), &title);
                flow_edit::write(txn, &stored, &ops, flow_edit::Pairs::Possible);
            }
            Some(Out::Any(Any::String(stored))) if *stored == *title => {}
            _ => {
                facts.insert(txn, key::TITLE, TextPrelim::new(title));
            }
        }
    })
}

/// The text that holds a page's title, for whoever edits it letter by letter.
#[must_use]
pub fn title_text<T: ReadTxn>(txn: &T, id: PageId) -> Option<TextRef> {
    let Out::YMap(facts) = txn.get_map(PAGES)?.get(txn, &id.to_string())? else {
        return None;
    };
    match facts.get(txn, key::TITLE) {
        Some(Out::YText(title)) => Some(title),
        _ => None,
    }
}

/// Gives a page an icon, or none.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn set_icon(replica: &mut Replica, origin: Origin, id: PageId, icon: Option<&str>) -> Edited {
    if icon.is_some_and(|icon| icon.len() > ICON_BYTES_MAX) {
        return Err(SpaceError::IconTooLong);
    }
    change(replica, origin, id, |txn, facts| {
        put(txn, facts, key::ICON, icon.map(Any::from))
    })
}

/// Moves a page, with all below it, under `parent` (`None`: to the top).
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn move_page(
    replica: &mut Replica,
    origin: Origin,
    id: PageId,
    parent: Option<PageId>,
    place: Place,
) -> Edited {
    let tree = read(replica);
    tree.page(id).ok_or(SpaceError::NoSuchPage)?;
    if let Some(parent) = parent {
        tree.page(parent).ok_or(SpaceError::NoSuchPage)?;
        if parent == id || tree.path(parent).contains(&id) {
            return Err(SpaceError::IntoItself);
        }
    }
    if let Place::Before(neighbour) | Place::After(neighbour) = place
        && neighbour == id
    {
        return Ok(None);
    }
    let ranks = ranks_for(&tree, id, parent, place);
    change(replica, origin, id, |txn, facts| {
        put(
            txn,
            facts,
            key::PARENT,
            parent.map(|parent| Any::from(parent.to_string())),
        );
        let pages = txn.get_or_insert_map(PAGES);
        // A page drawn at the top only because it was moved in a circle would jump once this move opens the circle.
        for stays in tree.circular.iter().filter(|stays| **stays != id) {
            if let Some(Out::YMap(facts)) = pages.get(txn, &stays.to_string()) {
                put(txn, &facts, key::PARENT, None);
            }
        }
        write_ranks(txn, &pages, &ranks);
    })
}

/// Puts a page into the bin. All below it goes with it, by standing below it.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn bin(replica: &mut Replica, origin: Origin, id: PageId, now: UnixMs) -> Edited {
    change(replica, origin, id, |txn, facts| {
        put(txn, facts, key::TRASHED_AT_MS, Some(time_value(now)));
    })
}

/// Takes a page, with all below it that was not put into the bin by itself, out of the bin.
/// If the page above it is in the bin, it comes back at the top.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn restore(replica: &mut Replica, origin: Origin, id: PageId) -> Edited {
    let tree = read(replica);
    let page = tree.page(id).ok_or(SpaceError::NoSuchPage)?;
    let stays_hidden = page.parent.is_some_and(|parent| tree.is_binned(parent));
    let ranks = if stays_hidden {
        ranks_for(&tree, id, None, Place::Last)
    } else {
        Vec::new()
    };
    change(replica, origin, id, |txn, facts| {
        put(txn, facts, key::TRASHED_AT_MS, None);
        if stays_hidden {
            put(txn, facts, key::PARENT, None);
            let pages = txn.get_or_insert_map(PAGES);
            write_ranks(txn, &pages, &ranks);
        }
    })
}

/// Deletes a page and [all below it](Tree::subtree) from the tree for good. A page that somebody else puts below it
/// meanwhile is not deleted: it comes to stand at the top.
///
/// # Errors
/// [`SpaceError`]; nothing was changed.
pub fn delete_for_good(replica: &mut Replica, origin: Origin, id: PageId) -> Edited {
    let tree = read(replica);
    tree.page(id).ok_or(SpaceError::NoSuchPage)?;
    Ok(replica.transact(origin, |txn| {
        let pages = txn.get_or_insert_map(PAGES);
        for gone in tree.subtree(id) {
            pages.remove(txn, &gone.to_string());
        }
    }))
}

fn change(
    replica: &mut Replica,
    origin: Origin,
    id: PageId,
    edit: impl FnOnce(&mut TransactionMut<'_>, &MapRef),
) -> Edited {
    let (found, update) = replica.transact_with(origin, |txn| {
        let pages = txn.get_or_insert_map(PAGES);
        let Some(Out::YMap(facts)) = pages.get(txn, &id.to_string()) else {
            return Err(SpaceError::NoSuchPage);
        };
        edit(txn, &facts);
        Ok(())
    });
    found.map(|()| update)
}

/// Sets or takes away a fact, if that changes it.
fn put(txn: &mut TransactionMut<'_>, facts: &MapRef, key: &str, value: Option<Any>) {
    match (facts.get(txn, key), value) {
        (None, None) => {}
        (Some(_), None) => {
            facts.remove(txn, key);
        }
        (Some(Out::Any(stored)), Some(value)) if stored == value => {}
        (_, Some(value)) => {
            facts.insert(txn, key, value);
        }
    }
}

/// A time as every Yjs client can hold it.
fn time_value(at: UnixMs) -> Any {
    const WHOLE_MAX: u64 = (1 << 53) - 1;
    Any::from(at.0.min(WHOLE_MAX) as f64)
}

fn checked_title(title: &str) -> Result<String, SpaceError> {
    let one_line: String = title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if utf16_length(&one_line) > TITLE_UNITS_MAX {
        return Err(SpaceError::TitleTooLong);
    }
    Ok(one_line)
}

/// The smallest single change from `old` to `new`.
fn differing(old: &str, new: &str) -> Vec<DeltaOp> {
    let same_start: usize = old
        .chars()
        .zip(new.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
    let same_end: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    vec![
        DeltaOp::skip(utf16_length(&old[..same_start])),
        DeltaOp::text(&new_rest[..new_rest.len() - same_end]),
        DeltaOp::Delete(utf16_length(&old_rest[..old_rest.len() - same_end])),
    ]
}

/// The ranks to write so that `id` comes to stand at `place` under `parent`: its own and, where there is no room
/// left beside its neighbours, those of all siblings.
fn ranks_for(
    tree: &Tree,
    id: PageId,
    parent: Option<PageId>,
    place: Place,
) -> Vec<(PageId, String)> {
    let siblings: Vec<PageId> = tree
        .children(parent)
        .iter()
        .copied()
        .filter(|sibling| *sibling != id)
        .collect();
    let position = |page: PageId| siblings.iter().position(|sibling| *sibling == page);
    let at = match place {
        Place::First => 0,
        Place::Last => siblings.len(),
        Place::Before(page) => position(page).unwrap_or(siblings.len()),
        Place::After(page) => position(page).map_or(siblings.len(), |found| found + 1),
    };
    let rank_at = |at: usize| {
        siblings
            .get(at)
            .and_then(|sibling| tree.page(*sibling))
            .map(|page| page.rank.as_str())
    };
    let low = at.checked_sub(1).and_then(rank_at);
    if let Some(found) = rank::between(low, rank_at(at)) {
        return vec![(id, found)];
    }
    let mut order = siblings;
    order.insert(at, id);
    let ranks = rank::spread(order.len());
    order.into_iter().zip(ranks).collect()
}

fn write_ranks(txn: &mut TransactionMut<'_>, pages: &MapRef, ranks: &[(PageId, String)]) {
    for (id, rank) in ranks {
        if let Some(Out::YMap(facts)) = pages.get(txn, &id.to_string()) {
            put(txn, &facts, key::RANK, Some(Any::from(rank.as_str())));
        }
    }
}
