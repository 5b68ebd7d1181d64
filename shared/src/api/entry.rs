//! The ways in: the first account, a password, an invitation, a share link.

use super::links::Lets;
use super::{Password, Secret, answers, requests, words};
use crate::ids::DocName;
use crate::people::{Email, Name};

requests! {
    /// `POST /api/first-run`
    pub struct FirstRun {
        /// What the owner is called.
        pub name: Name,
        /// By what the owner signs in.
        pub email: Email,
        /// And by what else.
        pub password: Password,
        /// The code in the server's log, where `GET` says that it is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<Secret>,
    }

    /// `POST /api/sign-in`
    pub struct SignIn {
        /// The address of the account.
        pub email: Email,
        /// Its password.
        pub password: Password,
    }

    /// `POST /api/invitations/look` and `POST /api/links/look`
    pub struct Look {
        /// The end of the path.
        pub secret: Secret,
    }

    /// `POST /api/join`
    pub struct Join {
        /// The end of the invitation's path.
        pub secret: Secret,
        /// What to be called.
        pub name: Name,
        /// By what to sign in; an invitation that names an address takes no other.
        pub email: Email,
        /// And by what else.
        pub password: Password,
    }

    /// `POST /api/reset`
    pub struct Reset {
        /// The end of the path.
        pub secret: Secret,
        /// The password the account shall have.
        pub password: Password,
    }

    /// `POST /api/forgot`
    pub struct Forgot {
        /// The address of the account.
        pub email: Email,
    }

    /// `POST /api/links/enter`
    pub struct EnterLink {
        /// The end of the link's path.
        pub secret: Secret,
        /// What to be called.
        pub name: Name,
        /// The link's password, if it takes one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub password: Option<Password>,
    }
}

words! {
    /// What an invitation is to.
    InvitationKind {
        /// To make an account.
        Join,
        /// To set another password.
        Reset,
    }
}

answers! {
    /// `GET /api/first-run`: what whoever makes the first account must know.
    pub struct FirstRunAsks {
        /// Whether they must show the code in the server's log.
        pub code: bool,
    }

    /// What an invitation says to whoever holds it.
    pub struct InvitationSays {
        /// What it is to.
        pub kind: InvitationKind,
        /// Who made it; none if whoever runs the server did.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub by: Option<Name>,
        /// The space one will be a member of.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub space_name: Option<Name>,
        /// The address the account will have, or has.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub email: Option<Email>,
    }

    /// What is said to who forgot a password, whether there is such an account or not.
    pub struct ForgotSays {
        /// Whether a letter is on its way, if there is one. Else somebody who looks after people can help.
        pub mail: bool,
    }

    /// What a share link says to whoever holds it.
    pub struct LinkSays {
        /// The page it leads to; none until its password was given.
        pub page: Option<LinkedPage>,
        /// What it allows.
        pub lets: Lets,
        /// Whether it takes a password.
        pub needs_password: bool,
        /// The space it leads into; none until its password was given.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub space_name: Option<Name>,
    }

    /// The page that a link leads to.
    pub struct LinkedPage {
        /// The name of its document: a page's id, if it is a page of Sheaf.
        pub id: DocName,
        /// What it is called, as far as it is known.
        pub title: String,
    }
}
