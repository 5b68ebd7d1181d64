//! What is one text, or one number, in JSON: ids, names, addresses, colours, roles, times. Read by the rules of its type.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::access::Role;
use crate::ids::{DocName, InvitationId, LinkId, PageId, SessionId, SpaceId, TokenId, UserId};
use crate::people::{Colour, Email, Name};
use crate::time::UnixMs;

macro_rules! texts {
    ($($name:ident says $wrong:literal)*) => {
        $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let raw = String::deserialize(deserializer)?;
                    Self::parse(&raw).map_err(|_| D::Error::custom($wrong))
                }
            }

            #[cfg(feature = "openapi")]
            impl utoipa::PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                    utoipa::openapi::schema::ObjectBuilder::new()
                        .schema_type(utoipa::openapi::schema::Type::String)
                        .description(Some($wrong))
                        .into()
                }
            }

            #[cfg(feature = "openapi")]
            impl utoipa::ToSchema for $name {}
        )*
    };
}

texts! {
    UserId says "the id of a person has 22 letters, digits, - and _"
    SpaceId says "the id of a space has 22 letters, digits, - and _"
    PageId says "the id of a page has 22 letters, digits, - and _"
    LinkId says "the id of a link has 22 letters, digits, - and _"
    SessionId says "the id of a session has 22 letters, digits, - and _"
    TokenId says "the id of a token has 22 letters, digits, - and _"
    InvitationId says "the id of an invitation has 22 letters, digits, - and _"
    DocName says "the name of a document has 1 to 255 bytes and no control characters"
    Name says "a name has 1 to 80 characters that can be read in one line"
    Email says "an email address looks like name@example.org"
    Colour says "a colour looks like #1e90ff"
}

/// The words for roles, the smallest first.
const ROLES: [(Role, &str); 4] = [
    (Role::Viewer, "viewer"),
    (Role::Commenter, "commenter"),
    (Role::Editor, "editor"),
    (Role::Owner, "owner"),
];

impl Serialize for Role {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let word = ROLES.iter().find(|(role, _)| role == self);
        serializer.serialize_str(word.map_or("", |(_, word)| word))
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        let role = ROLES.iter().find(|(_, word)| *word == raw);
        let wrong = "a role is viewer, commenter, editor or owner";
        role.map(|(role, _)| *role)
            .ok_or_else(|| D::Error::custom(wrong))
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// The greatest number that every reader of JSON holds exactly.
const EXACT_MAX: u64 = (1 << 53) - 1;

impl<'de> Deserialize<'de> for UnixMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ms = u64::deserialize(deserializer)?;
        if ms > EXACT_MAX {
            return Err(D::Error::custom("a time is in milliseconds since 1970"));
        }
        Ok(Self(ms))
    }
}

#[cfg(feature = "openapi")]
mod openapi {
    use utoipa::openapi::RefOr;
    use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
    use utoipa::{PartialSchema, ToSchema};

    use super::{ROLES, Role, UnixMs};

    impl PartialSchema for Role {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(ROLES.map(|(_, word)| word)))
                .description(Some("What somebody may do there."))
                .into()
        }
    }

    impl ToSchema for Role {}

    impl PartialSchema for UnixMs {
        fn schema() -> RefOr<Schema> {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .description(Some("Milliseconds since 1970, UTC."))
                .into()
        }
    }

    impl ToSchema for UnixMs {}
}
