//! The page tree as a signal, and every change a person can make to it. All of it works offline: a change is an
//! edit of the space's document like any other.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::space::{self, NewPage, Place as SpacePlace, SpaceError, Tree};

use super::document::{DocumentHandle, Phase, Subscription};
use super::tree_keys::{Place, TreeRow};
use super::workspace::Workspace;
use crate::platform;

const COLLAPSED_KEY: &str = "sheaf.collapsed";

/// The tree of the one space. Cheap to copy.
#[derive(Clone, Copy)]
pub struct TreeStore {
    document: StoredValue<DocumentHandle, LocalStorage>,
    tree: RwSignal<Arc<Tree>>,
    collapsed: RwSignal<BTreeSet<PageId>>,
    _listening: StoredValue<Subscription, LocalStorage>,
}

impl TreeStore {
    /// Opens the space's document and follows it.
    #[must_use]
    pub fn open(workspace: &Workspace) -> Self {
        let document = workspace.open(&DocName::of_space(SpaceId::HOME));
        let tree = RwSignal::new(Arc::new(Tree::default()));
        let followed = document.clone();
        let listening = document.on_remote(move || {
            tree.set(Arc::new(space::read(&followed.replica().borrow())));
        });
        Self {
            document: StoredValue::new_local(document),
            tree,
            collapsed: RwSignal::new(kept_collapsed()),
            _listening: StoredValue::new_local(listening),
        }
    }

    /// The space's document.
    #[must_use]
    pub fn document(self) -> DocumentHandle {
        self.document.get_value()
    }

    /// Whether the tree is known: a signal.
    #[must_use]
    pub fn phase(self) -> RwSignal<Phase> {
        self.document().phase()
    }

    /// The tree: a signal.
    #[must_use]
    pub fn tree(self) -> RwSignal<Arc<Tree>> {
        self.tree
    }

    /// Pages whose inside is hidden: a signal.
    #[must_use]
    pub fn collapsed(self) -> RwSignal<BTreeSet<PageId>> {
        self.collapsed
    }

    /// The tree, without following changes.
    #[must_use]
    pub fn tree_now(self) -> Arc<Tree> {
        self.tree.get_untracked()
    }

    /// Takes a change that was made elsewhere once for all, and passes it on like one made here.
    pub fn take_made(self, update: &'static [u8]) {
        let document = self.document();
        if matches!(document.phase_now(), Phase::Ready | Phase::Unknown) {
            document.local_edit_made(update);
            self.tree
                .set(Arc::new(space::read(&document.replica().borrow())));
        }
    }

    /// The tree in reading order.
    #[must_use]
    pub fn rows(self) -> Vec<TreeRow> {
        rows_of(&self.tree.get())
    }

    /// Like [`Self::rows`], without following changes.
    #[must_use]
    pub fn rows_now(self) -> Vec<TreeRow> {
        rows_of(&self.tree.get_untracked())
    }

    /// The title to show for a page; `None` if the tree has no such page.
    #[must_use]
    pub fn title(self, id: PageId) -> Option<String> {
        self.tree.get().page(id).map(|page| page.title.clone())
    }

    /// Hides or shows what is inside a page, on this device.
    pub fn collapse(self, id: PageId, hide: Hide) {
        self.collapsed.update(|collapsed| {
            match hide {
                Hide::Hide => collapsed.insert(id),
                Hide::Show => collapsed.remove(&id),
            };
        });
        let words: Vec<String> = self
            .collapsed
            .get_untracked()
            .iter()
            .map(ToString::to_string)
            .collect();
        platform::keep(COLLAPSED_KEY, &words.join(" "));
    }

    /// Makes a page at the end of `parent`'s pages.
    pub fn create(self, parent: Option<PageId>, title: &str, by: &str) -> PageId {
        let id = platform::new_page_id();
        self.change(|replica| {
            let page = NewPage {
                id,
                title: title.to_owned(),
                parent,
                place: SpacePlace::Last,
                created_by: by.to_owned(),
                created_at: platform::unix_now(),
            };
            space::create(replica, Origin::Local, &page)
        });
        if let Some(parent) = parent {
            self.collapse(parent, Hide::Show);
        }
        id
    }

    /// Names a page; only the letters that differ are written.
    pub fn rename(self, id: PageId, title: &str) {
        let title = fit_title(title);
        self.change(|replica| space::set_title(replica, Origin::Local, id, &title));
    }

    /// Puts a page somewhere else.
    pub fn move_to(self, id: PageId, to: Place) {
        let place = to.after.map_or(SpacePlace::First, SpacePlace::After);
        self.change(|replica| space::move_page(replica, Origin::Local, id, to.parent, place));
        if let Some(parent) = to.parent {
            self.collapse(parent, Hide::Show);
        }
    }

    /// Moves a page, with what is inside it, to the bin.
    pub fn bin(self, id: PageId) {
        self.change(|replica| space::bin(replica, Origin::Local, id, platform::unix_now()));
    }

    /// Takes a page out of the bin.
    pub fn restore(self, id: PageId) {
        self.change(|replica| space::restore(replica, Origin::Local, id));
    }

    /// Takes a page and what is inside it off the tree for good.
    pub fn delete_for_good(self, id: PageId) {
        self.change(|replica| space::delete_for_good(replica, Origin::Local, id));
    }

    /// Makes one change. A page that somebody deleted meanwhile is no news to the person: the tree shows it.
    fn change(self, edit: impl FnOnce(&mut Replica) -> Result<Option<Vec<u8>>, SpaceError>) {
        let document = self.document();
        if !matches!(document.phase_now(), Phase::Ready | Phase::Unknown) {
            return;
        }
        let edited = edit(&mut document.replica().borrow_mut());
        match edited {
            Ok(Some(update)) => document.local_edit(update),
            Ok(None) => {}
            Err(error) => leptos::logging::warn!("The page tree was not changed: {error}"),
        }
        self.tree
            .set(Arc::new(space::read(&document.replica().borrow())));
    }
}

/// Whether the inside of a page is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hide {
    /// It is.
    Hide,
    /// It is not.
    Show,
}

fn rows_of(tree: &Tree) -> Vec<TreeRow> {
    tree.walk()
        .into_iter()
        .filter_map(|(depth, id)| {
            let page = tree.page(id)?;
            Some(TreeRow {
                id,
                title: page.title.clone(),
                parent: page.parent,
                depth,
                has_children: !tree.children(Some(id)).is_empty(),
            })
        })
        .collect()
}

/// One line of bounded length.
fn fit_title(title: &str) -> String {
    let mut units = 0;
    title
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take_while(|letter| {
            units += letter.len_utf16();
            units <= space::TITLE_UNITS_MAX as usize
        })
        .collect()
}

fn kept_collapsed() -> BTreeSet<PageId> {
    let kept = platform::kept(COLLAPSED_KEY).unwrap_or_default();
    let mut collapsed = BTreeSet::new();
    for id in kept.split(' ').filter_map(|id| PageId::parse(id).ok()) {
        collapsed.insert(id);
    }
    collapsed
}
