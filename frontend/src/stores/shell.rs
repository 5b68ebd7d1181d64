//! What the screens share: the stores, the address, what is open above the page.

use leptos::prelude::*;
use sheaf_shared::ids::{DocName, PageId};
use sheaf_shared::json;

use super::document::DocumentHandle;
use super::person::{self, Me, Theme, watch_theme};
use super::tree::TreeStore;
use super::workspace::Workspace;
use crate::effect::effect;
use crate::local::worker;
use crate::platform;
use crate::router::{self, Route};
use crate::who::{self, Kind, Told};

const LAST_PAGE_KEY: &str = "sheaf.last-page";
/// Milliseconds a passing notice stays.
const NOTICE_MS: u64 = 6_000;

/// What lies above the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Find a page by its title.
    Switcher,
    /// Name, colour, theme, this device.
    Settings,
    /// "Delete this page for good?"
    DeleteForGood(PageId),
}

/// Something said in passing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Tells it from others.
    pub number: u32,
    /// What is said.
    pub text: String,
    /// A page that can be taken out of the bin again.
    pub undo_bin: Option<PageId>,
}

/// Everything a screen may need. Cheap to copy; found by [`shell`].
#[derive(Clone, Copy)]
pub struct Shell {
    workspace: StoredValue<Workspace, LocalStorage>,
    /// The page tree.
    pub tree: TreeStore,
    /// The address.
    pub route: RwSignal<Route>,
    /// Who sits here.
    pub me: RwSignal<Me>,
    /// How it is drawn.
    pub theme: RwSignal<Theme>,
    /// What lies above the page.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the tree is shown on a narrow screen.
    pub drawer: RwSignal<bool>,
    /// The page whose title is being changed in the tree.
    pub renaming: RwSignal<Option<PageId>>,
    /// The page that was just made here: its title gets the focus.
    pub just_made: RwSignal<Option<PageId>>,
    /// Files are held over the page.
    pub dropping_files: RwSignal<bool>,
    /// What is said in passing.
    pub notices: RwSignal<Vec<Notice>>,
    /// A newer release, if one waits.
    pub update: RwSignal<Option<worker::Update>, LocalStorage>,
    /// Who looks at which page: name, colour and page of everyone else.
    pub people: RwSignal<Vec<Somebody>>,
}

/// Somebody else, as the space's presence tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somebody {
    /// Display name.
    pub name: String,
    /// `#rrggbb`; empty if they have none.
    pub color: String,
    /// The page they look at.
    pub page: Option<PageId>,
}

/// The shell of this page.
///
/// # Panics
/// Outside [`Shell::start`]'s component tree.
#[must_use]
pub fn shell() -> Shell {
    expect_context()
}

impl Shell {
    /// Opens everything and makes it known to the components below.
    pub fn start() -> Self {
        let workspace = Workspace::start();
        let tree = TreeStore::open(&workspace);
        workspace.send_what_waits();
        let shell = Self {
            tree,
            route: router::watch(),
            me: RwSignal::new(Me::known()),
            theme: watch_theme(),
            dialog: RwSignal::new(None),
            drawer: RwSignal::new(false),
            renaming: RwSignal::new(None),
            just_made: RwSignal::new(None),
            dropping_files: RwSignal::new(false),
            notices: RwSignal::default(),
            update: RwSignal::new_local(None),
            people: RwSignal::default(),
            workspace: StoredValue::new_local(workspace),
        };
        provide_context(shell);
        shell.follow_who();
        shell.follow_people();
        shell.follow_other_tabs();
        worker::register(move |update| shell.update.set(Some(update)));
        effect(move || {
            let page = match shell.route.get() {
                Route::Page(page) => Some(page),
                Route::Home | Route::Bin | Route::Nowhere => None,
            };
            let me = shell.me.get();
            // What is read in one space is no business of another's people.
            shell.tree.tree().track();
            let space = page.and_then(|page| shell.tree.space_of(page));
            for (id, document) in shell.tree.documents() {
                let page = page.filter(|_| space == Some(id));
                document.set_presence(me.on_page(page));
            }
        });
        shell
    }

    /// What is open.
    #[must_use]
    pub fn workspace(self) -> Workspace {
        self.workspace.get_value()
    }

    /// The document of a page.
    #[must_use]
    pub fn page_document(self, page: PageId) -> DocumentHandle {
        self.workspace().open(&DocName::of_page(page))
    }

    /// The document of a page that was just made here.
    #[must_use]
    pub fn new_page_document(self, page: PageId) -> DocumentHandle {
        self.workspace().open_new(&DocName::of_page(page))
    }

    /// Shows `route` and puts the drawer away.
    pub fn go(self, route: Route) {
        self.drawer.set(false);
        router::go(self.route, route);
    }

    /// Says something in passing.
    pub fn say(self, text: impl Into<String>) {
        self.notify(text.into(), None);
    }

    /// Moves a page to the bin and offers to undo it.
    pub fn bin(self, page: PageId) {
        let title = self.tree.title(page).unwrap_or_default();
        self.tree.bin(page);
        if self.route.get_untracked() == Route::Page(page) {
            self.go(Route::Home);
        }
        self.notify(
            format!("“{}” is in the bin.", title_or_untitled(&title)),
            Some(page),
        );
    }

    fn notify(self, text: String, undo_bin: Option<PageId>) {
        let number = u32::from_le_bytes(platform::random());
        self.notices.update(|notices| {
            notices.push(Notice {
                number,
                text,
                undo_bin,
            })
        });
        platform::after_ms(NOTICE_MS, move || self.dismiss(number));
    }

    /// Takes a notice away.
    pub fn dismiss(self, number: u32) {
        self.notices
            .update(|notices| notices.retain(|notice| notice.number != number));
    }

    /// Notes the page that is read, for the next start; what is made next is made beside it.
    pub fn note_read(self, page: PageId) {
        if let Some(space) = self.tree.space_of(page) {
            self.tree.go_on_in(space);
        }
        platform::keep(LAST_PAGE_KEY, &page.to_string());
    }

    /// The page read last on this device, if it still stands in the tree; else the first one.
    #[must_use]
    pub fn page_to_start_with(self) -> Option<PageId> {
        if let (Kind::Guest, Some(guest)) = (who::now(), who::guest()) {
            return Some(guest.page);
        }
        let tree = self.tree.tree().get();
        let last = platform::kept(LAST_PAGE_KEY).and_then(|id| PageId::parse(&id).ok());
        last.filter(|page| tree.page(*page).is_some() && !tree.is_binned(*page))
            .or_else(|| tree.walk().first().map(|(_, page)| *page))
    }

    fn follow_people(self) {
        effect(move || {
            let documents = self.tree.documents();
            let listening = documents
                .iter()
                .map(|(_, document)| document.on_presence(move || self.gather_people()));
            let listening = listening.collect::<Vec<_>>();
            self.gather_people();
            // Until the spaces are others.
            let _ = StoredValue::new_local(listening);
        });
    }

    fn gather_people(self) {
        let mut people: Vec<Somebody> = Vec::new();
        for (_, document) in self.tree.documents() {
            for (_, state) in document.presence() {
                let person = read_somebody(&state);
                let key = |it: &Somebody| (it.name.clone(), it.color.clone(), it.page);
                if let Err(at) = people.binary_search_by_key(&key(&person), key) {
                    people.insert(at, person);
                }
            }
        }
        if self.people.get_untracked() != people {
            self.people.set(people);
        }
    }

    fn follow_who(self) {
        who::listen(move |told| match told {
            Told::Say(words) => self.say(words),
            Told::Count => self.workspace().mark_what_is_kept(),
            Told::Changed => {
                if who::now() != Kind::Local {
                    self.me.set(Me::known());
                }
                self.tree.follow_spaces();
            }
        });
    }

    fn follow_other_tabs(self) {
        person::watch_other_tabs(self.me, self.theme);
    }
}

fn read_somebody(state: &str) -> Somebody {
    let state = json::read(state).unwrap_or(yrs::Any::Null);
    let person = sheaf_shared::presence::Person::of(&state);
    let page = json::text(json::field(&state, "page")).and_then(|page| PageId::parse(page).ok());
    let name = if person.user.name.is_empty() {
        "Guest".to_owned()
    } else {
        person.user.name
    };
    Somebody {
        name,
        color: person.user.color,
        page,
    }
}

/// A title to show: never nothing.
#[must_use]
pub fn title_or_untitled(title: &str) -> String {
    if title.trim().is_empty() {
        "Untitled".to_owned()
    } else {
        title.to_owned()
    }
}
