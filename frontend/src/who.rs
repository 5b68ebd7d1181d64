//! Who sits here, as `who.js` knows it: the only way between this module and the one that draws what has to do with
//! accounts (`frontend/people`).

use js_sys::Array;
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Whether another screen than this module's is drawn at this address.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn elsewhere() -> bool;

    /// What everything is named by that this device keeps for whoever sits here.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn place() -> String;

    /// What a small value of this person is kept under.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn own(name: &str) -> String;

    #[wasm_bindgen(js_namespace = sheaf)]
    fn kind() -> String;

    #[wasm_bindgen(js_namespace = sheaf)]
    fn name() -> String;

    #[wasm_bindgen(js_namespace = sheaf)]
    fn colour() -> String;

    #[wasm_bindgen(js_namespace = sheaf, js_name = spaces)]
    fn space_words() -> Array;

    #[wasm_bindgen(js_namespace = sheaf, js_name = guest)]
    fn guest_words() -> Array;

    #[wasm_bindgen(js_namespace = sheaf, js_name = guestPages)]
    fn guest_page_words() -> Array;

    #[wasm_bindgen(js_namespace = sheaf, js_name = listen)]
    fn listen_to(f: &js_sys::Function);

    /// Opens a dialog of the other module.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn open(what: &str, about: &str);

    /// Asks the server again who sits here: it has turned something away.
    #[wasm_bindgen(js_namespace = sheaf)]
    pub fn look();

    /// Whether all that this device keeps is being deleted: somebody has signed out.
    #[wasm_bindgen(js_namespace = sheaf, js_name = isOver)]
    pub fn is_over() -> bool;
}

/// How the server knows whoever sits here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not by name: there are no accounts.
    Local,
    /// By their account.
    Person,
    /// By a link.
    Guest,
}

/// A space whose pages are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Which.
    pub id: SpaceId,
    /// What it is called.
    pub name: String,
    /// Whether this person may change it, as last heard.
    pub may_edit: bool,
}

/// Where a guest's link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The page.
    pub page: PageId,
    /// Its title.
    pub title: String,
    /// Whether it may be changed, as last heard.
    pub may_edit: bool,
}

/// See [`Kind`].
#[must_use]
pub fn now() -> Kind {
    match kind().as_str() {
        "person" => Kind::Person,
        "guest" => Kind::Guest,
        _ => Kind::Local,
    }
}

/// The name and the colour of the account or guest, if the server knows them.
#[must_use]
pub fn called() -> Option<(String, String)> {
    Some((name(), colour())).filter(|(name, _)| !name.is_empty())
}

/// The spaces whose trees are shown.
#[must_use]
pub fn spaces() -> Vec<Space> {
    if now() == Kind::Local {
        let name = "Pages".to_owned();
        let id = SpaceId::HOME;
        return vec![Space {
            id,
            name,
            may_edit: true,
        }];
    }
    let words = space_words();
    let space = |at| {
        Some(Space {
            id: SpaceId::parse(&word(&words, at)).ok()?,
            name: word(&words, at + 1),
            may_edit: !word(&words, at + 2).is_empty(),
        })
    };
    (0..words.length()).step_by(4).filter_map(space).collect()
}

/// Where the link leads that this browser came by, if there is one.
#[must_use]
pub fn guest() -> Option<Guest> {
    let words = guest_words();
    Some(Guest {
        page: PageId::parse(&word(&words, 0)).ok()?,
        title: word(&words, 1),
        may_edit: !word(&words, 2).is_empty(),
    })
}

/// The pages that the link leads to: id, title, and the page above each.
#[must_use]
pub fn guest_pages() -> Vec<(PageId, String, Option<PageId>)> {
    let words = guest_page_words();
    let page = |at| {
        let id = PageId::parse(&word(&words, at)).ok()?;
        let parent = PageId::parse(&word(&words, at + 2)).ok();
        Some((id, word(&words, at + 1), parent))
    };
    (0..words.length()).step_by(3).filter_map(page).collect()
}

fn word(words: &Array, at: u32) -> String {
    words.get(at).as_string().unwrap_or_default()
}

/// What the app is told.
pub enum Told {
    /// Something of this is another one now.
    Changed,
    /// Words that are to be said in passing.
    Say(String),
    /// Somebody asks how much is on this device only: the count that is kept must be that of this moment.
    Count,
}

/// Calls `f` with what the app is told.
pub fn listen(f: impl Fn(Told) + 'static) {
    let callback = Closure::<dyn Fn(String, String)>::new(move |kind: String, words: String| {
        f(match kind.as_str() {
            "say" => Told::Say(words),
            "count" => Told::Count,
            _ => Told::Changed,
        });
    });
    listen_to(callback.into_js_value().unchecked_ref());
}

/// What is said to the server before `doc` is opened: the space in which it comes to life if nobody has it yet.
#[must_use]
pub fn token(space: Option<SpaceId>) -> String {
    space.map_or_else(String::new, |space| format!("in:{space}"))
}

/// Names a lock on the log of `doc`.
#[must_use]
pub fn lock_of(doc: &DocName) -> String {
    format!("{}:doc:{doc}", place())
}
