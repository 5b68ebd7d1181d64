//! What a server tells a Sheaf client that the dialect has no message for: stateless JSON.
//!
//! Only a client whose token message names a provider starting with [`PROVIDER_PREFIX`] is sent these. Unknown
//! facts are ignored, so either end may be the older one.

use crate::access::Role;
use crate::ids::Seq;
use crate::json;

/// What a Sheaf client calls itself in its token message; the number after it is the newest facts it knows.
pub const PROVIDER_PREFIX: &str = "sheaf/";
/// What this release's client calls itself.
pub const PROVIDER: &str = "sheaf/1";

/// Something a client should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerFact {
    /// The server goes away: move within so many milliseconds.
    Draining {
        /// Milliseconds until it closes what is left.
        within_ms: u64,
    },
    /// The edit whose refusal (status 0) comes next was refused because of this.
    Refused(Refused),
    /// Your role in this document is now this.
    Role(Role),
    /// Edits can't be stored at the moment; they will be acknowledged when they can.
    StoreStalled,
    /// Edits are stored again.
    StoreBack,
    /// With what was sent before this, you have every row of the document's log up to this place. Only told to who comes by
    /// exchanges, who says it again with the next one.
    Place(Seq),
}

/// Why an edit was not stored. The text is still in the browser that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// May read, not write.
    ReadOnly,
    /// The edit is larger than an update may be.
    TooLarge,
    /// The document has reached its limit.
    DocumentFull,
    /// The gate refused the bytes.
    Invalid,
    /// It is written under an id by which somebody else is in the document.
    NotYours,
    /// The server gave no reason.
    Unsaid,
}

impl ServerFact {
    /// The JSON to send.
    #[must_use]
    pub fn encode(self) -> String {
        // Words of this file, none of which needs an escape.
        match self {
            Self::Draining { within_ms } => {
                format!(r#"{{"sheaf":"draining","within_ms":{within_ms}}}"#)
            }
            Self::Refused(why) => format!(r#"{{"sheaf":"refused","why":"{}"}}"#, why.word()),
            Self::Role(role) => format!(r#"{{"sheaf":"role","role":"{}"}}"#, role_word(role)),
            Self::StoreStalled => r#"{"sheaf":"store-stalled"}"#.to_owned(),
            Self::StoreBack => r#"{"sheaf":"store-back"}"#.to_owned(),
            Self::Place(place) => format!(r#"{{"sheaf":"place","at":{}}}"#, place.0),
        }
    }

    /// Reads a stateless payload; `None` for anything that is not a fact of this release.
    #[must_use]
    pub fn decode(payload: &str) -> Option<Self> {
        let body = json::read(payload)?;
        let word = |key: &str| json::text(json::field(&body, key));
        match word("sheaf")? {
            "draining" => Some(Self::Draining {
                within_ms: json::whole(json::field(&body, "within_ms"))?,
            }),
            "refused" => Some(Self::Refused(Refused::of_word(word("why")?))),
            "role" => Some(Self::Role(role_of_word(word("role")?)?)),
            "store-stalled" => Some(Self::StoreStalled),
            "store-back" => Some(Self::StoreBack),
            "place" => Some(Self::Place(Seq(json::whole(json::field(&body, "at"))?))),
            _ => None,
        }
    }
}

impl Refused {
    const fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::TooLarge => "too-large",
            Self::DocumentFull => "document-full",
            Self::Invalid => "invalid",
            Self::NotYours => "not-yours",
            Self::Unsaid => "unsaid",
        }
    }

    fn of_word(word: &str) -> Self {
        match word {
            "read-only" => Self::ReadOnly,
            "too-large" => Self::TooLarge,
            "document-full" => Self::DocumentFull,
            "invalid" => Self::Invalid,
            "not-yours" => Self::NotYours,
            _ => Self::Unsaid,
        }
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Editor => "editor",
        Role::Commenter => "commenter",
        Role::Viewer => "viewer",
    }
}

fn role_of_word(word: &str) -> Option<Role> {
    match word {
        "owner" => Some(Role::Owner),
        "editor" => Some(Role::Editor),
        "commenter" => Some(Role::Commenter),
        "viewer" => Some(Role::Viewer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_reads_back_and_strange_words_are_ignored() {
        for fact in [
            ServerFact::Draining { within_ms: 5 },
            ServerFact::Refused(Refused::ReadOnly),
            ServerFact::Refused(Refused::NotYours),
            ServerFact::Role(Role::Viewer),
            ServerFact::StoreStalled,
            ServerFact::StoreBack,
            ServerFact::Place(Seq(7)),
        ] {
            assert_eq!(ServerFact::decode(&fact.encode()), Some(fact));
        }
        for payload in [
            "",
            "{}",
            "[]",
            "\"sheaf\"",
            "{\"sheaf\":7}",
            "{\"sheaf\":\"new\"}",
        ] {
            assert_eq!(ServerFact::decode(payload), None, "{payload}");
        }
    }
}
