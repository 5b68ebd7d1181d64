//! Names of things. Two names that must never be swapped are two types.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest document name, in bytes of UTF-8.
pub const DOC_NAME_BYTES_MAX: usize = 255;

/// Characters of a [`PageId`] or [`SpaceId`] in its text form.
pub const ID_CHARS: usize = 22;

/// What the name of a tree begins with.
const OF_SPACE: &str = "space:";

/// Names one CRDT document on the wire and in the store.
///
/// A page's document is named by its [`PageId`], a space's by `space:` and its [`SpaceId`]. Any other name a
/// stock client opens is a document too. 1 to [`DOC_NAME_BYTES_MAX`] bytes, no control characters.
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocName(Arc<str>);

/// Why a text does not name a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocNameError {
    /// The name has no characters.
    #[error("a document name cannot be empty")]
    Empty,
    /// The name has more than [`DOC_NAME_BYTES_MAX`] bytes.
    #[error("a document name has at most {DOC_NAME_BYTES_MAX} bytes")]
    TooLong,
    /// The name holds a control character.
    #[error("a document name cannot hold control characters")]
    ControlCharacter,
}

impl DocName {
    /// Takes `raw` as it is: names are compared byte for byte.
    ///
    /// # Errors
    /// [`DocNameError`] when `raw` is empty, too long, or holds a control character.
    pub fn parse(raw: &str) -> Result<Self, DocNameError> {
        if raw.is_empty() {
            return Err(DocNameError::Empty);
        }
        if raw.len() > DOC_NAME_BYTES_MAX {
            return Err(DocNameError::TooLong);
        }
        if raw.chars().any(char::is_control) {
            return Err(DocNameError::ControlCharacter);
        }
        Ok(Self(raw.into()))
    }

    /// The document that holds a page's body.
    #[must_use]
    pub fn of_page(page: PageId) -> Self {
        Self(page.to_string().into())
    }

    /// The document that holds a space's page tree.
    #[must_use]
    pub fn of_space(space: SpaceId) -> Self {
        Self(format!("{OF_SPACE}{space}").into())
    }

    /// The space whose tree this document is, if it is one.
    #[must_use]
    pub fn space(&self) -> Option<SpaceId> {
        SpaceId::parse(self.0.strip_prefix(OF_SPACE)?).ok()
    }

    /// Whether it begins like the name of a tree, whether or not it is one: no page can be named so.
    #[must_use]
    pub fn is_like_a_tree(&self) -> bool {
        self.0.starts_with(OF_SPACE)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The page whose body this document is, if it is one.
    #[must_use]
    pub fn page(&self) -> Option<PageId> {
        PageId::parse(&self.0).ok()
    }
}

impl fmt::Display for DocName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A text is not 22 URL-safe base64 characters that hold 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is {ID_CHARS} letters, digits, '-' or '_'")]
pub struct IdError;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 128 bits; in text 22 URL-safe characters.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// Wraps 128 random bits drawn by the caller.
            #[must_use]
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// The bits it was made from.
            #[must_use]
            pub const fn to_bits(self) -> u128 {
                self.0
            }

            /// Reads the text form.
            ///
            /// # Errors
            /// [`IdError`] when `raw` is not exactly an id.
            pub fn parse(raw: &str) -> Result<Self, IdError> {
                if raw.len() != ID_CHARS {
                    return Err(IdError);
                }
                let bytes = URL_SAFE_NO_PAD.decode(raw).map_err(|_| IdError)?;
                let bytes: [u8; 16] = bytes.try_into().map_err(|_| IdError)?;
                Ok(Self(u128::from_be_bytes(bytes)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0.to_be_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id_type! {
    /// Names one page.
    PageId
}
id_type! {
    /// Names one space: a tree of pages with its members.
    SpaceId
}

id_type! {
    /// Names one person with an account.
    UserId
}
id_type! {
    /// Names one share link; says nothing of its secret.
    LinkId
}

id_type! {
    /// Names one session to whoever it belongs to; says nothing of its secret.
    SessionId
}
id_type! {
    /// Names one token of a program; says nothing of its secret.
    TokenId
}
id_type! {
    /// Names one invitation; says nothing of its secret.
    InvitationId
}

impl SpaceId {
    /// The one space of an installation without accounts.
    pub const HOME: Self = Self(0);
}

/// The CRDT's name for one writer in one document: drawn anew each time a replica is opened, never shared or reused.
///
/// 32 bits, so that every Yjs client can hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub u32);

/// A row's place in its document's log. The first row is 1 and there are no gaps; 0 means "no row yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The place `rows` further on.
    #[must_use]
    pub const fn plus(self, rows: u64) -> Self {
        Self(self.0.saturating_add(rows))
    }
}

/// Any writer's name in a document, as it stands in updates and presence: up to 53 bits, drawn by whatever client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// Who somebody is, among all who are in one document: the same for all that one account does, or all guests of one link. Nothing
/// can be read from it but whether two are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder(pub u64);

impl Holder {
    /// Nobody is told apart from anybody.
    pub const ANYONE: Self = Self(0);
    /// Set in those that are one account; guests of a link may be many.
    const ACCOUNT: u64 = 1;

    /// That of an account, made of the bits of its id.
    #[must_use]
    pub const fn of_account(bits: u128) -> Self {
        Self(folded(bits) | Self::ACCOUNT)
    }

    /// That of all guests of a link, made of the bits of its id.
    #[must_use]
    pub const fn of_link(bits: u128) -> Self {
        Self((folded(bits) & !Self::ACCOUNT) | 2)
    }

    /// Whether it is one account.
    #[must_use]
    pub const fn is_account(self) -> bool {
        self.0 & Self::ACCOUNT != 0
    }

    /// Whether what is `owner`'s may be said and written by this one.
    #[must_use]
    pub const fn may_speak_for(self, owner: Self) -> bool {
        self.0 == owner.0 || self.0 == 0 || owner.0 == 0
    }
}

/// Ids are random in all their bits.
const fn folded(bits: u128) -> u64 {
    (bits >> 64) as u64 ^ bits as u64
}

impl From<ReplicaId> for ClientId {
    fn from(replica: ReplicaId) -> Self {
        Self(u64::from(replica.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = PageId::from_bits(0x0123_4567_89ab_cdef_0011_2233_4455_6677);
        assert_eq!(PageId::parse(&id.to_string()), Ok(id));
        assert_eq!(id.to_string().len(), ID_CHARS);
    }

    #[test]
    fn a_text_that_is_not_exactly_an_id_is_refused() {
        for raw in [
            "",
            "short",
            "AAAAAAAAAAAAAAAAAAAAA!",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
        ] {
            assert_eq!(PageId::parse(raw), Err(IdError), "{raw:?}");
        }
    }

    #[test]
    fn a_tree_is_known_by_its_name_and_no_other_document_is() {
        let space = SpaceId::from_bits(7);
        assert_eq!(DocName::of_space(space).space(), Some(space));
        for (raw, is_like_one) in [("space:", true), ("space:plans", true), ("Space:x", false)] {
            let doc = DocName::parse(raw).unwrap();
            assert_eq!(
                (doc.space(), doc.is_like_a_tree()),
                (None, is_like_one),
                "{raw}"
            );
        }
        assert_eq!(DocName::of_page(PageId::from_bits(7)).space(), None);
    }

    #[test]
    fn a_document_name_is_bounded_and_printable() {
        assert_eq!(DocName::parse(""), Err(DocNameError::Empty));
        assert_eq!(DocName::parse(&"a".repeat(256)), Err(DocNameError::TooLong));
        assert_eq!(
            DocName::parse("a\u{0}b"),
            Err(DocNameError::ControlCharacter)
        );
        assert!(DocName::parse("team/notes & plans").is_ok());
    }
}
