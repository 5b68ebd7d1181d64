//! The state Sheaf's own client announces, in the shape Yjs editors share:
//! `{"user": {"name": …, "color": …}, "cursor": {"anchor": …, "head": …} | null}`.
//!
//! What others announce is read leniently and made safe to show: an odd state is a person with less known about
//! them, never an error.

use yrs::Any;

use crate::json::{self, Object};

/// Longest name shown, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// Someone in the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    /// Who they say they are.
    pub user: User,
    /// Where they write, if they do.
    pub cursor: Option<Caret>,
}

/// Who someone says they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// May be empty. At most [`NAME_CHARS_MAX`] characters, none of them a control character.
    pub name: String,
    /// `#rrggbb`; empty when they name no colour that can be used.
    pub color: String,
}

/// A selection: both ends as JSON relative positions, which the document resolves.
#[derive(Clone, Debug, PartialEq)]
pub struct Caret {
    /// Where the selection began.
    pub anchor: Any,
    /// Where the caret is.
    pub head: Any,
}

impl Person {
    /// The state as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let mut state = Object::begin(&mut out);
        let mut user = Object::begin(state.key("user"));
        user.text("name", &self.user.name);
        user.text("color", &self.user.color);
        user.end();
        match &self.cursor {
            Some(caret) => caret.put_json(state.key("cursor")),
            None => state.plain("cursor", "null"),
        }
        state.end();
        out
    }

    /// Reads any client's state; what is missing or unfit is left out.
    #[must_use]
    pub fn read(state: &str) -> Self {
        json::read(state).map_or_else(Self::default, |state| Self::of(&state))
    }

    /// Like [`Self::read`], of a state that was read already.
    #[must_use]
    pub fn of(state: &Any) -> Self {
        let user = json::field(state, "user");
        let word = |key: &str| json::text(json::field(user, key)).unwrap_or("");
        Self {
            user: User {
                name: fit_name(word("name")),
                color: fit_color(word("color")),
            },
            cursor: Caret::of(json::field(state, "cursor")),
        }
    }
}

impl Caret {
    /// Writes it behind `out` as `{"anchor": …, "head": …}`.
    pub fn put_json(&self, out: &mut String) {
        let mut caret = Object::begin(out);
        json::put(caret.key("anchor"), &self.anchor);
        json::put(caret.key("head"), &self.head);
        caret.end();
    }

    fn of(cursor: &Any) -> Option<Self> {
        let Any::Map(ends) = cursor else { return None };
        Some(Self {
            anchor: ends.get("anchor")?.clone(),
            head: ends.get("head")?.clone(),
        })
    }
}

fn fit_name(name: &str) -> String {
    let shown = name.chars().filter(|letter| !letter.is_control());
    shown
        .take(NAME_CHARS_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Colours go into styles, so only the one form that cannot carry anything else is let through.
fn fit_color(color: &str) -> String {
    let digits = color.strip_prefix('#').unwrap_or("");
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match digits.len() {
        6 if is_hex => color.to_ascii_lowercase(),
        3 if is_hex => {
            let doubled = digits.chars().flat_map(|digit| [digit, digit]);
            format!("#{}", doubled.collect::<String>().to_ascii_lowercase())
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_reads_back_as_announced() {
        let person = Person {
            user: User {
                name: "Ann".into(),
                color: "#30bced".into(),
            },
            cursor: Some(Caret {
                anchor: crate::json::read(r#"{"tname":"content"}"#).unwrap(),
                head: Any::Null,
            }),
        };
        let state = person.to_json();
        assert_eq!(
            state,
            r##"{"user":{"name":"Ann","color":"#30bced"},"cursor":{"anchor":{"tname":"content"},"head":null}}"##
        );
        assert_eq!(Person::read(&state), person);
    }

    #[test]
    fn odd_states_are_people_with_less_known_about_them() {
        for state in [
            "null",
            "3",
            "[]",
            "{",
            r#"{"user":"Ann","cursor":5}"#,
            r#"{"cursor":{"anchor":1}}"#,
        ] {
            assert_eq!(Person::read(state), Person::default(), "{state}");
        }
        let read = Person::read(r#"{"user":{"name":" Ben\u0000\n "},"more":true,"cursor":null}"#);
        assert_eq!(
            read.user,
            User {
                name: "Ben".into(),
                color: String::new()
            }
        );
    }

    #[test]
    fn a_name_is_cut_to_what_can_be_shown() {
        let state = json!({"user": {"name": "é".repeat(500)}}).to_string();
        assert_eq!(
            Person::read(&state).user.name.chars().count(),
            NAME_CHARS_MAX
        );
    }

    #[test]
    fn only_plain_colours_reach_a_style() {
        let color = |color: &str| {
            Person::read(&json!({"user": {"color": color}}).to_string())
                .user
                .color
        };
        assert_eq!(color("#ABCDEF"), "#abcdef");
        assert_eq!(color("#1aF"), "#11aaff");
        for odd in [
            "red",
            "#12",
            "#12345g",
            "#fff;background:url(//x)",
            "rgb(1,2,3)",
            "#é12",
        ] {
            assert_eq!(color(odd), "", "{odd}");
        }
    }
}
