//! The page tree by keyboard: which key does what, and where a page goes when it is moved by keys.
//!
//! Arrows walk as in any tree; with Alt they move the page. Pure, so that the keys can be tested.

use sheaf_shared::ids::PageId;

/// One page as the tree shows it, in reading order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// Which.
    pub id: PageId,
    /// Its title; may be empty.
    pub title: String,
    /// The page it is inside of.
    pub parent: Option<PageId>,
    /// 0 at the top.
    pub depth: usize,
    /// Whether pages are inside it.
    pub has_children: bool,
}

impl TreeRow {
    /// The row of a page that has just left the tree.
    #[must_use]
    pub const fn nameless(id: PageId) -> Self {
        Self {
            id,
            title: String::new(),
            parent: None,
            depth: 0,
            has_children: false,
        }
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeCommand {
    /// Put the focus on this page.
    Focus(PageId),
    /// Show the pages inside.
    Expand(PageId),
    /// Hide the pages inside.
    Collapse(PageId),
    /// Read the page.
    Open(PageId),
    /// Change its title in place.
    Rename(PageId),
    /// Move it to the bin.
    Bin(PageId),
    /// Put it somewhere else.
    Move(PageId, Place),
}

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Inside this page, or at the top.
    pub parent: Option<PageId>,
    /// Behind this sibling, or first.
    pub after: Option<PageId>,
}

/// A key press.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// As the browser names it.
    pub name: &'a str,
    /// Alt is held.
    pub alt: bool,
}

/// The rows on screen: those not inside a collapsed page.
#[must_use]
pub fn shown<'a>(rows: &'a [TreeRow], collapsed: &[PageId]) -> Vec<&'a TreeRow> {
    let mut hidden_below: Option<usize> = None;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        if hidden_below.is_some_and(|depth| row.depth > depth) {
            continue;
        }
        let hides = row.has_children && collapsed.contains(&row.id);
        hidden_below = hides.then_some(row.depth);
        shown.push(row);
    }
    shown
}

/// What `key` does while `focused` has the focus; `None` if nothing.
#[must_use]
pub fn command(
    rows: &[TreeRow],
    collapsed: &[PageId],
    focused: PageId,
    key: Key<'_>,
) -> Option<TreeCommand> {
    if key.alt {
        let place = moved(rows, focused, key.name)?;
        return Some(TreeCommand::Move(focused, place));
    }
    let shown = shown(rows, collapsed);
    let at = shown.iter().position(|row| row.id == focused)?;
    let row = shown[at];
    let focus = |row: &&TreeRow| TreeCommand::Focus(row.id);
    match key.name {
        "ArrowDown" => shown.get(at + 1).map(focus),
        "ArrowUp" => at.checked_sub(1).and_then(|at| shown.get(at)).map(focus),
        "Home" => shown.first().map(focus),
        "End" => shown.last().map(focus),
        "ArrowRight" if row.has_children && collapsed.contains(&focused) => {
            Some(TreeCommand::Expand(focused))
        }
        "ArrowRight" if row.has_children => shown.get(at + 1).map(focus),
        "ArrowLeft" if row.has_children && !collapsed.contains(&focused) => {
            Some(TreeCommand::Collapse(focused))
        }
        "ArrowLeft" => row.parent.map(TreeCommand::Focus),
        "Enter" | " " => Some(TreeCommand::Open(focused)),
        "F2" => Some(TreeCommand::Rename(focused)),
        "Delete" | "Backspace" => Some(TreeCommand::Bin(focused)),
        _ => None,
    }
}

/// Where Alt and an arrow put a page: up and down among its siblings, right into the one before it, left out
/// of its parent.
fn moved(rows: &[TreeRow], id: PageId, key: &str) -> Option<Place> {
    let row = rows.iter().find(|row| row.id == id)?;
    let siblings = children(rows, row.parent);
    let at = siblings.iter().position(|sibling| *sibling == id)?;
    match key {
        "ArrowUp" => {
            let before = at.checked_sub(1)?;
            let after = before.checked_sub(1).map(|at| siblings[at]);
            Some(Place {
                parent: row.parent,
                after,
            })
        }
        "ArrowDown" => Some(Place {
            parent: row.parent,
            after: Some(*siblings.get(at + 1)?),
        }),
        "ArrowRight" => {
            let parent = siblings[at.checked_sub(1)?];
            Some(Place {
                parent: Some(parent),
                after: children(rows, Some(parent)).last().copied(),
            })
        }
        "ArrowLeft" => {
            let parent = rows
                .iter()
                .find(|candidate| Some(candidate.id) == row.parent)?;
            Some(Place {
                parent: parent.parent,
                after: Some(parent.id),
            })
        }
        _ => None,
    }
}

/// The pages directly inside `parent`, in order.
#[must_use]
pub fn children(rows: &[TreeRow], parent: Option<PageId>) -> Vec<PageId> {
    rows.iter()
        .filter(|row| row.parent == parent)
        .map(|row| row.id)
        .collect()
}

/// Where a page lands that is dropped on the row of `target`: in its upper part before it, in its lower part
/// behind it, between them inside it. `None` if that is inside itself.
#[must_use]
pub fn dropped(rows: &[TreeRow], dragged: PageId, target: PageId, zone: Zone) -> Option<Place> {
    if is_inside(rows, target, dragged) {
        return None;
    }
    let row = rows.iter().find(|row| row.id == target)?;
    let siblings = children(rows, row.parent);
    let at = siblings.iter().position(|sibling| *sibling == target)?;
    match zone {
        Zone::Before => {
            let before = siblings[..at]
                .iter()
                .rev()
                .find(|sibling| **sibling != dragged);
            Some(Place {
                parent: row.parent,
                after: before.copied(),
            })
        }
        Zone::Inside => {
            let last = children(rows, Some(target))
                .into_iter()
                .rfind(|child| *child != dragged);
            Some(Place {
                parent: Some(target),
                after: last,
            })
        }
        Zone::After => Some(Place {
            parent: row.parent,
            after: Some(target),
        }),
    }
}

/// A part of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The upper quarter.
    Before,
    /// The middle.
    Inside,
    /// The lower quarter.
    After,
}

impl Zone {
    /// The zone at `y` of a row `height` high.
    #[must_use]
    pub fn at(y: f64, height: f64) -> Self {
        if y < height * 0.25 {
            Self::Before
        } else if y > height * 0.75 {
            Self::After
        } else {
            Self::Inside
        }
    }

    /// Its word in the page's attributes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Inside => "inside",
            Self::After => "after",
        }
    }
}

/// Whether `id` is `ancestor` or inside it.
#[must_use]
pub fn is_inside(rows: &[TreeRow], id: PageId, ancestor: PageId) -> bool {
    let mut at = Some(id);
    // A tree as read has no cycles; the bound is for rows that were put together wrongly.
    for _ in 0..=rows.len() {
        match at {
            None => return false,
            Some(here) if here == ancestor => return true,
            Some(here) => {
                at = rows
                    .iter()
                    .find(|row| row.id == here)
                    .and_then(|row| row.parent)
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages by letters; the indent is the nesting.
    fn tree(picture: &str) -> Vec<TreeRow> {
        let mut rows: Vec<TreeRow> = Vec::new();
        for line in picture.lines().filter(|line| !line.trim().is_empty()) {
            let depth = line.len() - line.trim_start().len();
            let parent = rows
                .iter()
                .rev()
                .find(|row| row.depth < depth)
                .map(|row| row.id);
            if let Some(parent) = rows.iter_mut().rev().find(|row| row.depth < depth) {
                parent.has_children = true;
            }
            let title = line.trim().to_owned();
            rows.push(TreeRow {
                id: page(&title),
                title,
                parent,
                depth,
                has_children: false,
            });
        }
        rows
    }

    fn page(title: &str) -> PageId {
        PageId::from_bits(u128::from(title.as_bytes()[0]))
    }

    fn press(rows: &[TreeRow], focused: &str, name: &str, alt: bool) -> Option<TreeCommand> {
        command(rows, &[], page(focused), Key { name, alt })
    }

    fn place(parent: Option<&str>, after: Option<&str>) -> Place {
        Place {
            parent: parent.map(page),
            after: after.map(page),
        }
    }

    #[test]
    fn arrows_walk_the_pages_on_screen_and_skip_collapsed_ones() {
        let rows = tree("a\n b\n c\nd");
        let collapsed = [page("a")];
        let key = Key {
            name: "ArrowDown",
            alt: false,
        };
        assert_eq!(
            command(&rows, &collapsed, page("a"), key),
            Some(TreeCommand::Focus(page("d")))
        );
        assert_eq!(
            press(&rows, "a", "ArrowDown", false),
            Some(TreeCommand::Focus(page("b")))
        );
        assert_eq!(press(&rows, "a", "ArrowUp", false), None);
        assert_eq!(
            press(&rows, "c", "ArrowLeft", false),
            Some(TreeCommand::Focus(page("a")))
        );
        assert_eq!(
            press(&rows, "a", "ArrowLeft", false),
            Some(TreeCommand::Collapse(page("a")))
        );
        assert_eq!(
            press(&rows, "a", "End", false),
            Some(TreeCommand::Focus(page("d")))
        );
    }

    #[test]
    fn alt_and_an_arrow_move_the_page_among_its_siblings() {
        let rows = tree("a\nb\nc");
        let moved = |key| press(&rows, "b", key, true);
        assert_eq!(
            moved("ArrowUp"),
            Some(TreeCommand::Move(page("b"), place(None, None)))
        );
        assert_eq!(
            moved("ArrowDown"),
            Some(TreeCommand::Move(page("b"), place(None, Some("c"))))
        );
        assert_eq!(press(&rows, "a", "ArrowUp", true), None);
        assert_eq!(press(&rows, "c", "ArrowDown", true), None);
    }

    #[test]
    fn alt_right_nests_under_the_page_above_and_alt_left_takes_it_out_again() {
        let rows = tree("a\n b\nc");
        let nested = press(&rows, "c", "ArrowRight", true);
        assert_eq!(
            nested,
            Some(TreeCommand::Move(page("c"), place(Some("a"), Some("b"))))
        );
        let out = press(&rows, "b", "ArrowLeft", true);
        assert_eq!(
            out,
            Some(TreeCommand::Move(page("b"), place(None, Some("a"))))
        );
        assert_eq!(
            press(&rows, "a", "ArrowRight", true),
            None,
            "there is no page above"
        );
        assert_eq!(
            press(&rows, "a", "ArrowLeft", true),
            None,
            "it is at the top"
        );
    }

    #[test]
    fn a_page_cannot_be_dropped_inside_itself() {
        let rows = tree("a\n b\n  c\nd");
        assert_eq!(dropped(&rows, page("a"), page("c"), Zone::Inside), None);
        assert_eq!(dropped(&rows, page("a"), page("a"), Zone::Before), None);
        assert!(dropped(&rows, page("c"), page("a"), Zone::Inside).is_some());
    }

    #[test]
    fn a_dropped_page_lands_where_the_mark_was_drawn() {
        let rows = tree("a\n b\n c\nd");
        let drop = |zone| dropped(&rows, page("d"), page("c"), zone);
        assert_eq!(drop(Zone::Before), Some(place(Some("a"), Some("b"))));
        assert_eq!(drop(Zone::After), Some(place(Some("a"), Some("c"))));
        assert_eq!(drop(Zone::Inside), Some(place(Some("c"), None)));
        assert_eq!(
            dropped(&rows, page("c"), page("b"), Zone::Before),
            Some(place(Some("a"), None))
        );
    }
}
