//! What is said over the HTTP API: the bodies of its requests and answers, as both ends read them.
//!
//! A request with a field that is not known is refused, so that a misspelled one is never taken for none; an answer may have
//! fields that a reader does not know yet. Times are milliseconds since 1970, ids and names are texts, and what opens a
//! door prints as `…`.

pub mod admin;
pub mod entry;
pub mod invitations;
pub mod links;
pub mod me;
pub mod pages;
pub mod spaces;

mod secret;
mod text;

use serde::{Deserialize, Serialize};

pub use secret::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, Password, PasswordError, Secret};

/// Bodies that are sent to the server.
macro_rules! requests {
    ($($item:item)*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            $item
        )*
    };
}

/// Bodies that the server answers with, and what lies in them.
macro_rules! answers {
    ($($item:item)*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            #[serde(rename_all = "camelCase")]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            $item
        )*
    };
}

/// Words, each a text.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $word:ident),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            )]
            #[serde(rename_all = "kebab-case")]
            #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
            pub enum $name { $($(#[$of])* $word),* }
        )*
    };
}
use {answers, requests, words};

words! {
    /// Why something was not done, in a word for programs.
    ErrorWord {
        /// The request is not one this address takes; the sentence says what is wrong with it.
        Invalid,
        /// The body is longer than what is taken here.
        TooLarge,
        /// The body is of a kind that is not taken here.
        UnsupportedType,
        /// The address is there, and does something else than what was asked.
        MethodNotAllowed,
        /// Nobody is signed in, or whoever was no longer is.
        SignedOut,
        /// The address and the password do not belong together, or no account goes by them.
        WrongPassword,
        /// The password is too short, too long, or too easy.
        WeakPassword,
        /// They may know of it, and not do this.
        Forbidden,
        /// The request comes from a page of another site.
        CrossSite,
        /// A browser would send what is secret over a line that everyone can read.
        NeedsHttps,
        /// There is nothing here, or nothing that one may know of.
        NotFound,
        /// The invitation or link is used up, taken back, or has ended.
        UsedUp,
        /// There is an account with this address already.
        EmailTaken,
        /// The first account was made already.
        Founded,
        /// There can be no first account now: a server of a release that knows no accounts is at work.
        EarlierRelease,
        /// There is no account yet, and this needs one.
        NotFounded,
        /// Somebody has to own the installation or the space, and this would leave nobody.
        LastOwner,
        /// A private space is one person's alone.
        PrivateSpace,
        /// The space has an owner, so it can't be given away.
        HasOwner,
        /// It must be said what is expected to be there, by `If-Match`.
        ConditionMissing,
        /// What was changed had been changed by somebody else.
        Changed,
        /// Too many tries; the header `Retry-After` says when to come again.
        TooMany,
        /// Nothing is wrong with the request, and it can't be done now.
        TryAgain,
    }
}

answers! {
    /// The body of every answer that says why something was not done.
    pub struct Error {
        /// For programs.
        pub error: ErrorWord,
        /// For a person: what happened, and what to do.
        pub message: String,
    }
}

/// Some of a list, and where the rest of it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct List<T> {
    /// What was asked for.
    pub items: Vec<T>,
    /// To be given as `after` to get what follows; `null`: that was all.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A list that is complete.
    #[must_use]
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Tells a field that is `null` from one that is not there.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
