//! The page trees as one signal, and every change a person can make to them. All of it works offline: a change is an
//! edit of a space's document like any other.
//!
//! A person sees the trees of several spaces, one behind the other; somebody who came by a link sees the titles that
//! the server told of, and changes none.

use std::sync::Arc;

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::space::{self, NewPage, Place as SpacePlace, SpaceError, Tree};

use super::document::{DocumentHandle, Phase, Subscription};
use super::tree_keys::{Place, TreeRow};
use super::workspace::Workspace;
use crate::platform;
use crate::who::{self, Space};

const COLLAPSED_KEY: &str = "sheaf.collapsed";

/// The trees of all spaces. Cheap to copy.
#[derive(Clone, Copy)]
pub struct TreeStore {
    workspace: StoredValue<Workspace, LocalStorage>,
    open: StoredValue<Vec<OpenSpace>, LocalStorage>,
    /// Counts the changes of the list of spaces.
    changed: RwSignal<usize>,
    tree: RwSignal<Arc<Tree>>,
    phase: Memo<Phase>,
    collapsed: RwSignal<Vec<PageId>>,
}

struct OpenSpace {
    id: SpaceId,
    document: DocumentHandle,
    tree: Tree,
    /// A page without a parent goes here.
    is_current: bool,
    _listening: Subscription,
}

impl TreeStore {
    /// Opens the documents of all spaces and follows them.
    #[must_use]
    pub fn open(workspace: &Workspace) -> Self {
        let open = StoredValue::new_local(Vec::<OpenSpace>::new());
        let changed = RwSignal::new(0);
        let phase = Memo::new(move |_| {
            changed.track();
            open.with_value(|open| {
                let phases = open.iter().map(|space| space.document.phase().get());
                phases.max_by_key(|phase| badness(*phase))
            })
            .unwrap_or(Phase::Ready)
        });
        let store = Self {
            workspace: StoredValue::new_local(workspace.clone()),
            open,
            changed,
            tree: RwSignal::default(),
            phase,
            collapsed: RwSignal::new(kept_collapsed()),
        };
        workspace.know_spaces(move |doc| store.space_of_document(doc));
        store.follow_spaces();
        store
    }

    /// Opens the spaces that this person has come into, and lets go of those they have left.
    pub fn follow_spaces(self) {
        let spaces = who::spaces();
        self.open.update_value(|open| {
            open.retain(|one| spaces.iter().any(|space| space.id == one.id));
        });
        for space in &spaces {
            if self
                .open
                .with_value(|open| open.iter().any(|one| one.id == space.id))
            {
                continue;
            }
            let document = self
                .workspace
                .get_value()
                .open(&DocName::of_space(space.id));
            let id = space.id;
            let opened = OpenSpace {
                id,
                _listening: document.on_remote(move || self.read_again(id)),
                document,
                tree: Tree::default(),
                is_current: false,
            };
            self.open.update_value(|open| open.push(opened));
        }
        self.changed.update(|changes| *changes += 1);
        self.show();
    }

    /// The spaces in the order they are shown.
    #[must_use]
    pub fn spaces(self) -> Vec<Space> {
        self.changed.track();
        who::spaces()
    }

    /// The documents of all spaces.
    #[must_use]
    pub fn documents(self) -> Vec<(SpaceId, DocumentHandle)> {
        self.changed.track();
        self.open.with_value(|open| {
            let documents = open.iter().map(|space| (space.id, space.document.clone()));
            documents.collect()
        })
    }

    /// Whether the trees are known: a signal.
    #[must_use]
    pub fn phase(self) -> Memo<Phase> {
        self.phase
    }

    /// The trees, one behind the other: a signal.
    #[must_use]
    pub fn tree(self) -> RwSignal<Arc<Tree>> {
        self.tree
    }

    /// Pages whose inside is hidden: a signal.
    #[must_use]
    pub fn collapsed(self) -> RwSignal<Vec<PageId>> {
        self.collapsed
    }

    /// The trees, without following changes.
    #[must_use]
    pub fn tree_now(self) -> Arc<Tree> {
        self.tree.get_untracked()
    }

    /// The space in whose tree a page stands.
    #[must_use]
    pub fn space_of(self, page: PageId) -> Option<SpaceId> {
        self.open.with_value(|open| {
            let holds = |space: &&OpenSpace| space.tree.page(page).is_some();
            open.iter().find(holds).map(|space| space.id)
        })
    }

    /// Whether this person may change the tree in which a page stands; `None` asks about new pages at the top.
    #[must_use]
    pub fn may_edit(self, page: Option<PageId>) -> bool {
        self.document_for(page)
            .is_some_and(|document| document.may_edit())
    }

    /// New pages at the top go into this space from now on.
    pub fn go_on_in(self, space: SpaceId) {
        self.open.update_value(|open| {
            for one in open {
                one.is_current = one.id == space;
            }
        });
    }

    /// Takes a change that was made elsewhere once for all, and passes it on like one made here.
    pub fn take_made(self, update: &'static [u8]) {
        if let Some(document) = self.document_for(None)
            && matches!(document.phase_now(), Phase::Ready | Phase::Unknown)
        {
            document.local_edit_made(update);
            self.read_document_again(&document);
        }
    }

    /// The pages of a space in reading order.
    #[must_use]
    pub fn rows_of(self, space: SpaceId) -> Vec<TreeRow> {
        self.tree.track();
        self.open.with_value(|open| {
            let found = open.iter().find(|one| one.id == space);
            found.map_or_else(Vec::new, |found| rows_of(&found.tree))
        })
    }

    /// The pages of the space in which `page` stands, in reading order, without following changes.
    #[must_use]
    pub fn rows_beside(self, page: PageId) -> Vec<TreeRow> {
        let space = self.space_of(page);
        untrack(|| space.map_or_else(Vec::new, |space| self.rows_of(space)))
    }

    /// The title to show for a page; `None` if no tree has such a page.
    #[must_use]
    pub fn title(self, id: PageId) -> Option<String> {
        self.tree.get().page(id).map(|page| page.title.clone())
    }

    /// Hides or shows what is inside a page, on this device.
    pub fn collapse(self, id: PageId, hide: Hide) {
        self.collapsed.update(|collapsed| {
            collapsed.retain(|other| *other != id);
            if hide == Hide::Hide {
                collapsed.push(id);
            }
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
        self.change(parent, |replica| {
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
        self.change(Some(id), |replica| {
            space::set_title(replica, Origin::Local, id, &title)
        });
    }

    /// Puts a page somewhere else in its space.
    pub fn move_to(self, id: PageId, to: Place) {
        let place = to.after.map_or(SpacePlace::First, SpacePlace::After);
        self.change(Some(id), |replica| {
            space::move_page(replica, Origin::Local, id, to.parent, place)
        });
        if let Some(parent) = to.parent {
            self.collapse(parent, Hide::Show);
        }
    }

    /// Moves a page, with what is inside it, to the bin.
    pub fn bin(self, id: PageId) {
        self.change(Some(id), |replica| {
            space::bin(replica, Origin::Local, id, platform::unix_now())
        });
    }

    /// Takes a page out of the bin.
    pub fn restore(self, id: PageId) {
        self.change(Some(id), |replica| {
            space::restore(replica, Origin::Local, id)
        });
    }

    /// Takes a page and what is inside it off the tree for good.
    pub fn delete_for_good(self, id: PageId) {
        self.change(Some(id), |replica| {
            space::delete_for_good(replica, Origin::Local, id)
        });
    }

    /// Makes one change in the tree where `page` stands. A page that somebody deleted meanwhile is no news to the
    /// person: the tree shows it.
    fn change(
        self,
        page: Option<PageId>,
        edit: impl FnOnce(&mut Replica) -> Result<Option<Vec<u8>>, SpaceError>,
    ) {
        let Some(document) = self.document_for(page) else {
            return;
        };
        let is_known = matches!(document.phase_now(), Phase::Ready | Phase::Unknown);
        if !is_known || !document.may_edit() {
            return;
        }
        let edited = edit(&mut document.replica().borrow_mut());
        match edited {
            Ok(Some(update)) => document.local_edit(update),
            Ok(None) => {}
            Err(error) => leptos::logging::warn!("The page tree was not changed: {error}"),
        }
        self.read_document_again(&document);
    }

    /// The document of the tree where `page` stands; `None` asks for that in which a new one is made.
    fn document_for(self, page: Option<PageId>) -> Option<DocumentHandle> {
        self.open.with_value(|open| {
            let may_write = |space: &&OpenSpace| space.document.may_edit();
            let found = match page {
                Some(page) => open.iter().find(|space| space.tree.page(page).is_some()),
                None => open
                    .iter()
                    .find(|space| space.is_current)
                    .filter(may_write)
                    .or_else(|| open.iter().find(may_write)),
            };
            found.map(|space| space.document.clone())
        })
    }

    /// The space of a document: of a page as its tree says, read anew if the trees that are shown do not know it.
    fn space_of_document(self, doc: &DocName) -> Option<Space> {
        let space = match doc.page() {
            None => doc.space()?,
            Some(page) => self.space_of(page).or_else(|| {
                self.open.with_value(|open| {
                    let holds = |one: &&OpenSpace| {
                        let replica = one.document.replica();
                        // Whoever asks in the middle of a change of a tree is not the tree's own.
                        let tree = replica
                            .try_borrow()
                            .ok()
                            .map(|replica| space::read(&replica));
                        tree.is_some_and(|tree| tree.page(page).is_some())
                    };
                    open.iter().find(holds).map(|one| one.id)
                })
            })?,
        };
        who::spaces().into_iter().find(|one| one.id == space)
    }

    fn read_document_again(self, document: &DocumentHandle) {
        if let Some(space) = document.name().space() {
            self.read_again(space);
        }
    }

    fn read_again(self, id: SpaceId) {
        self.open.update_value(|open| {
            if let Some(space) = open.iter_mut().find(|space| space.id == id) {
                space.tree = space::read(&space.document.replica().borrow());
            }
        });
        self.show();
    }

    fn show(self) {
        let mut tree = Tree::default();
        self.open.with_value(|open| {
            for space in open {
                tree.join(&space.tree);
            }
        });
        // Last: a page of one's own spaces stands where it stands there.
        tree.join(&Tree::of_titles(who::guest_pages()));
        self.tree.set(Arc::new(tree));
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

/// Of several trees, the one that is furthest from being known says how far all of them are.
const fn badness(phase: Phase) -> u8 {
    match phase {
        Phase::Ready => 0,
        Phase::Unknown => 1,
        Phase::Unreadable(_) => 2,
        Phase::Loading => 3,
        Phase::Broken => 4,
    }
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

fn kept_collapsed() -> Vec<PageId> {
    let kept = platform::kept(COLLAPSED_KEY).unwrap_or_default();
    kept.split(' ')
        .filter_map(|id| PageId::parse(id).ok())
        .collect()
}
