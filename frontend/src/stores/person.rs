//! Who sits here: a display name, a colour and a theme, kept on this device.

use leptos::prelude::{GetUntracked as _, RwSignal, Set as _};
use sheaf_shared::ids::PageId;
use sheaf_shared::json::Object;
use sheaf_shared::presence::person::NAME_CHARS_MAX;

use crate::platform;
use crate::who;

const NAME_KEY: &str = "sheaf.name";
const COLOR_KEY: &str = "sheaf.color";
const THEME_KEY: &str = "sheaf.theme";

/// Colours of people, dark enough for white letters, with a word for those who can't tell them apart.
pub const COLORS: [(&str, &str); 8] = [
    ("#2b6e5f", "Pine"),
    ("#2f62a8", "River"),
    ("#b0446b", "Rose"),
    ("#855800", "Amber"),
    ("#6f4fb0", "Violet"),
    ("#a8452c", "Brick"),
    ("#3f6b1f", "Moss"),
    ("#55606e", "Slate"),
];

/// Who others see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// Display name; `None` until they were asked.
    pub name: Option<String>,
    /// `#rrggbb`.
    pub color: String,
}

impl Me {
    /// As the server knows them, else as this device does.
    #[must_use]
    pub fn known() -> Self {
        let mut me = Self::kept();
        if let Some((name, color)) = who::called() {
            me.name = Some(name);
            if !color.is_empty() {
                me.color = color;
            }
        }
        me
    }

    /// As this device knows them; a colour by chance if it does not.
    #[must_use]
    pub fn kept() -> Self {
        let chance = usize::from(platform::random::<1>()[0]) % COLORS.len();
        let color = platform::kept(COLOR_KEY)
            .filter(|kept| COLORS.iter().any(|(color, _)| color == kept))
            .unwrap_or_else(|| COLORS[chance].0.to_owned());
        Self {
            name: platform::kept(NAME_KEY),
            color,
        }
    }

    /// Keeps them on this device, as far as it keeps anything.
    pub fn keep(&self) {
        if let Some(name) = &self.name {
            platform::keep(NAME_KEY, name);
        }
        platform::keep(COLOR_KEY, &self.color);
    }

    /// The name as shown to others.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        match self.name.as_deref() {
            None | Some("") => "Guest",
            Some(name) => name,
        }
    }

    /// Awareness state that says which page they look at.
    #[must_use]
    pub fn on_page(&self, page: Option<PageId>) -> String {
        self.state(|state| match page {
            Some(page) => state.text("page", &page.to_string()),
            None => state.plain("page", "null"),
        })
    }

    /// Awareness state in the shape that editors share, with what `more` adds to it.
    pub fn state(&self, more: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = String::new();
        let mut state = Object::begin(&mut out);
        let mut user = Object::begin(state.key("user"));
        user.text("name", self.shown_name());
        user.text("color", &self.color);
        user.end();
        more(&mut state);
        state.end();
        out
    }
}

/// A name fit to be shown: trimmed, printable, of bounded length.
#[must_use]
pub fn fit_name(raw: &str) -> String {
    let printable: String = raw.chars().filter(|letter| !letter.is_control()).collect();
    printable.trim().chars().take(NAME_CHARS_MAX).collect()
}

/// One or two letters that stand for a name.
#[must_use]
pub fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    let letters: String = first.into_iter().chain(last).collect();
    let shown = platform::upper_case(&letters);
    if shown.is_empty() {
        "?".to_owned()
    } else {
        shown
    }
}

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// As the system is, also when that changes.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// As this device keeps it.
    #[must_use]
    pub fn kept() -> Self {
        match platform::kept(THEME_KEY).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// Its word, kept and used as a value.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Its name on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "Like my system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Keeps it on this device.
    pub fn keep(self) {
        platform::keep(THEME_KEY, self.word());
    }

    /// Draws the page in it.
    pub fn draw(self) {
        let is_dark = match self {
            Self::Light => false,
            Self::Dark => true,
            Self::System => system_is_dark(),
        };
        if let Some(root) = platform::document().document_element() {
            let _ = root.set_attribute("data-theme", if is_dark { "dark" } else { "light" });
        }
    }
}

fn system_query() -> Option<web_sys::MediaQueryList> {
    platform::window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()?
}

fn system_is_dark() -> bool {
    system_query().is_some_and(|query| query.matches())
}

/// The theme as a signal; the page follows the system's changes.
#[must_use]
pub fn watch_theme() -> RwSignal<Theme> {
    let theme = RwSignal::new(Theme::kept());
    theme.get_untracked().draw();
    if let Some(query) = system_query() {
        platform::listen(&query, "change", move |_| theme.get_untracked().draw());
    }
    theme
}

/// Follows what other tabs keep. This event comes when what they wrote can be read here; a message between tabs may be
/// faster than that.
pub fn watch_other_tabs(me: RwSignal<Me>, theme: RwSignal<Theme>) {
    platform::on_kept_elsewhere(move |key| match key {
        NAME_KEY | COLOR_KEY => me.set(Me::known()),
        THEME_KEY => {
            Theme::kept().draw();
            theme.set(Theme::kept());
        }
        _ => {}
    });
}

/// Changes the theme here and on this device.
pub fn set_theme(theme: RwSignal<Theme>, to: Theme) {
    to.keep();
    to.draw();
    theme.set(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_stand_for_the_first_and_the_last_name() {
        assert_eq!(initials("mara klein"), "MK");
        assert_eq!(initials("Mara van der Klein"), "MK");
        assert_eq!(initials("élodie"), "É");
        assert_eq!(initials("  "), "?");
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(fit_name("  Ann\u{7}\n "), "Ann");
        assert_eq!(fit_name(&"x".repeat(500)).chars().count(), NAME_CHARS_MAX);
    }
}
