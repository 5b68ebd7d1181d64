//! Oneself: who is signed in, their account, their sessions and tokens.

use super::{Password, Secret, answers, requests, words};
use crate::access::Role;
use crate::ids::{DocName, LinkId, SessionId, SpaceId, TokenId, UserId};
use crate::people::{Colour, Email, Name};
use crate::time::UnixMs;

words! {
    /// As whom one is judged.
    As {
        /// Nobody that is known.
        Nobody,
        /// Whoever sits at the machine, as long as nobody has an account.
        Local,
        /// Someone with an account.
        Person,
        /// Someone who came by a share link.
        Guest,
    }

    /// What someone is to the installation.
    Office {
        /// One of many.
        Member,
        /// Looks after people.
        Admin,
        /// Decides about the installation.
        Owner,
    }

    /// What a token is for.
    Reach {
        /// To read.
        Read,
        /// To write, too.
        Write,
        /// To decide about spaces, too.
        Manage,
    }
}

answers! {
    /// Who asks.
    pub struct Me {
        /// As whom they are judged.
        pub r#as: As,
        /// Whether there is any account.
        pub founded: bool,
        /// The id of the account.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub id: Option<UserId>,
        /// The name of the account, or the one a guest gave.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<Name>,
        /// By what the account signs in.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<Email>,
        /// The colour of the account.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub colour: Option<Colour>,
        /// What the account is to the installation.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub office: Option<Office>,
        /// The session that asks.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub session: Option<SessionId>,
        /// The spaces of the account, the private one first.
        #[serde(default)]
        pub spaces: Vec<MySpace>,
        /// Where the link leads that they came by, beside their account if they have one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub guest: Option<MyLink>,
        /// How else one can sign in.
        #[serde(default)]
        pub sign_in: SignInWays,
    }

    /// A space one is a member of.
    pub struct MySpace {
        /// Its id.
        pub id: SpaceId,
        /// What it is called.
        pub name: Name,
        /// What one may there.
        pub role: Role,
        /// Whether it is one's own alone.
        pub private: bool,
    }

    /// The link by which a guest came.
    pub struct MyLink {
        /// Its id.
        pub link: LinkId,
        /// The name of the document it leads to: a page's id, if it is a page of Sheaf.
        pub page: DocName,
        /// What that page is called, as far as it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub title: Option<String>,
        /// Whether it leads to whatever lies below the page as well.
        pub below: bool,
        /// What one may there.
        pub role: Role,
        /// What the guest is called.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<Name>,
        /// When it ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
    }

    /// A session of one's own.
    pub struct Session {
        /// Its id.
        pub id: SessionId,
        /// When it began.
        pub created: UnixMs,
        /// When it was used last, give or take five minutes.
        pub seen: UnixMs,
        /// From where it began.
        pub address: String,
        /// What the browser said of itself.
        pub agent: String,
        /// Whether it is the one that asks.
        pub current: bool,
    }

    /// A token of one's own.
    pub struct Token {
        /// Its id.
        pub id: TokenId,
        /// What its maker calls it.
        pub name: Name,
        /// What it is for.
        pub reach: Reach,
        /// The one space it is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub space: Option<SpaceId>,
        /// When it was made.
        pub created: UnixMs,
        /// When it was used last, give or take five minutes.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub seen: Option<UnixMs>,
        /// When it ends.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
    }

    /// A token that was just made.
    pub struct MadeToken {
        /// What a program shows: told this once.
        pub token: Secret,
        /// Its id.
        pub id: TokenId,
    }
}

answers! {
    /// How else one can sign in.
    #[derive(Default)]
    pub struct SignInWays {
        /// By an account elsewhere.
        #[serde(default)]
        pub oidc: Option<OidcWay>,
    }

    /// An account elsewhere.
    pub struct OidcWay {
        /// What those accounts are called here.
        pub name: String,
    }
}

requests! {
    /// `PATCH /api/me`
    pub struct ChangeMe {
        /// Another name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<Name>,
        /// Another colour.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub colour: Option<Colour>,
    }

    /// `PUT /api/me/email`
    pub struct ChangeEmail {
        /// Another address.
        pub email: Email,
        /// The password of the account.
        pub password: Password,
    }

    /// `PUT /api/me/password`
    pub struct ChangePassword {
        /// The one it has.
        pub old: Password,
        /// The one it shall have.
        pub new: Password,
    }

    /// `POST /api/me/tokens`
    pub struct NewToken {
        /// What to call it.
        pub name: Name,
        /// What it is for.
        pub reach: Reach,
        /// The one space it is for; without it: all of one's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub space: Option<SpaceId>,
        /// When it ends; without it: when it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub ends: Option<UnixMs>,
    }

    /// A body with nothing in it: `{}`.
    pub struct Nothing {}
}
