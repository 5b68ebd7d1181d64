//! Who may what, said a second time: by route, in words of its own, so that a slip in one place is seen in the other.

use sheaf_shared::access::Role;

use super::super::browser::Answer;
use super::world::{Is, Relation};

/// Who a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Whoever comes; what they may is asked elsewhere.
    Anyone,
    /// Whoever is anybody.
    Anybody,
    /// Someone with an account, in person, about themselves.
    Oneself,
    /// The same, and allowed looks like a wrong password here.
    OneselfByPassword,
    /// Something of one's own; what is somebody else's is not there.
    OnesOwn,
    /// A space of which one is at least this; and whether a program may.
    Space(Role, Programs),
    /// The same; not tried where it is allowed, as it would take the space away from the next one.
    SpaceOnce(Role, Programs),
    /// Leaving a space.
    Leave,
    /// Someone who decides about a space that is not private.
    Manager,
    /// A page of which one is at least this; not tried where it is allowed, as the team's page is empty.
    PageOnce(Role),
    /// A page one may share.
    Share,
    /// A link to a page one may share: nobody else knows of it.
    LinkOf,
    /// The same, not tried where it is allowed.
    LinkOfOnce,
    /// Those who came by a link.
    Guests,
    /// An office in the installation, at least an admin's.
    Admin,
    /// An owner's.
    Owner,
    /// An admin's, about somebody.
    AdminOf,
    /// The same, not tried where it is allowed.
    AdminOfOnce,
    /// An owner's, about a space; not tried where it is allowed.
    OwnerOfOnce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Programs {
    May,
    MayNot,
}

/// The rule of a route; every one has one.
pub(super) fn rule_of(route: &str) -> Option<Rule> {
    use Programs::{May, MayNot};
    Some(match route {
        "GET /me"
        | "GET /first-run"
        | "POST /first-run"
        | "POST /sign-in"
        | "POST /sign-out"
        | "POST /invitations/look"
        | "POST /join"
        | "POST /reset"
        | "POST /links/look"
        | "POST /links/enter"
        | "POST /forgot"
        | "GET /oidc/start"
        | "GET /oidc/return"
        | "GET /openapi.json" => Rule::Anyone,
        "PATCH /me"
        | "GET /me/sessions"
        | "DELETE /me/sessions"
        | "GET /me/tokens"
        | "POST /me/tokens"
        | "POST /spaces" => Rule::Oneself,
        "PUT /me/email" | "PUT /me/password" => Rule::OneselfByPassword,
        "DELETE /me/sessions/{id}" | "DELETE /me/tokens/{id}" => Rule::OnesOwn,
        "GET /spaces" => Rule::Anybody,
        "GET /people/names" => Rule::Manager,
        "GET /spaces/{id}"
        | "GET /spaces/{id}/members"
        | "GET /spaces/{id}/pages"
        | "GET /spaces/{id}/export.zip" => Rule::Space(Role::Viewer, May),
        "POST /spaces/{id}/pages" => Rule::Space(Role::Editor, May),
        "POST /spaces/{id}/import" => Rule::SpaceOnce(Role::Editor, May),
        "GET /pages/{page}" | "GET /pages/{page}/content" => Rule::PageOnce(Role::Viewer),
        "PUT /pages/{page}/content" => Rule::PageOnce(Role::Editor),
        "PATCH /spaces/{id}" | "PUT /spaces/{id}/members/{user}" => Rule::Space(Role::Owner, May),
        "DELETE /spaces/{id}/members/{user}" => Rule::SpaceOnce(Role::Owner, May),
        "DELETE /spaces/{id}" => Rule::SpaceOnce(Role::Owner, MayNot),
        "POST /spaces/{id}/leave" => Rule::Leave,
        "GET /pages/{page}/links" | "POST /pages/{page}/links" => Rule::Share,
        "PATCH /links/{id}" => Rule::LinkOf,
        "DELETE /links/{id}" => Rule::LinkOfOnce,
        "GET /guest/pages" => Rule::Guests,
        "GET /invitations" | "POST /invitations" | "GET /admin/people" | "GET /admin/spaces"
        | "GET /admin/house" => Rule::Admin,
        "POST /admin/people/{id}/reset" | "POST /admin/people/{id}/office" => Rule::AdminOf,
        "DELETE /invitations/{id}"
        | "POST /admin/people/{id}/disable"
        | "POST /admin/people/{id}/enable"
        | "POST /admin/people/{id}/confirm"
        | "DELETE /admin/people/{id}" => Rule::AdminOfOnce,
        "GET /admin/audit" | "GET /admin/audit.json" => Rule::Owner,
        "POST /admin/spaces/{id}/restore" | "POST /admin/spaces/{id}/give" => Rule::OwnerOfOnce,
        _ => return None,
    })
}

/// What must come of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Allowed,
    WrongPassword,
    SignedOut,
    NotFound,
    Forbidden,
    NotTried,
}

impl Expected {
    pub(super) fn is_met_by(self, answer: &Answer) -> bool {
        match self {
            Self::Allowed => (200..300).contains(&answer.status),
            Self::WrongPassword => answer.word() == "wrong-password",
            Self::SignedOut => (answer.status, answer.word().as_str()) == (401, "signed-out"),
            Self::NotFound => (answer.status, answer.word().as_str()) == (404, "not-found"),
            Self::Forbidden => (answer.status, answer.word().as_str()) == (403, "forbidden"),
            Self::NotTried => true,
        }
    }
}

/// What comes of it when `is` asks about what stands in this relation to the team.
#[expect(
    clippy::too_many_lines,
    reason = "a table: one arm for each rule, and nothing between them"
)]
pub(super) fn expected(rule: Rule, is: &Is, relation: Relation) -> Expected {
    use Expected::{Allowed, Forbidden, NotFound, NotTried, SignedOut, WrongPassword};
    if rule == Rule::Anyone {
        return NotTried;
    }
    if *is == Is::Nobody {
        return SignedOut;
    }
    let is_person = matches!(is, Is::Person { .. });
    let role = is.role(relation);
    match rule {
        Rule::Anyone => NotTried,
        Rule::Anybody => Allowed,
        Rule::Oneself if is_person => Allowed,
        Rule::OneselfByPassword if is_person => WrongPassword,
        Rule::Oneself | Rule::OneselfByPassword => Forbidden,
        // Every one of these is somebody else's, or nobody's.
        Rule::OnesOwn if is_person => NotFound,
        Rule::OnesOwn => Forbidden,
        Rule::Space(least, programs) => match role {
            None => NotFound,
            Some(role) if role < least => Forbidden,
            Some(_) if programs == Programs::MayNot && !is_person => Forbidden,
            Some(_) => Allowed,
        },
        Rule::SpaceOnce(least, programs) => {
            match expected(Rule::Space(least, programs), is, relation) {
                Allowed => NotTried,
                refused => refused,
            }
        }
        Rule::Leave if !is_person => Forbidden,
        Rule::Leave if role.is_none() => NotFound,
        Rule::Leave => NotTried,
        Rule::Manager => match is {
            Is::Person { manages: true, .. } => Allowed,
            _ => Forbidden,
        },
        Rule::PageOnce(least) => match is.role_in_page(relation) {
            None => NotFound,
            Some(role) if role < least => Forbidden,
            Some(_) => NotTried,
        },
        Rule::Share => match is.role_in_page(relation) {
            None => NotFound,
            Some(role) if role >= Role::Editor && is_person => Allowed,
            Some(_) => Forbidden,
        },
        Rule::LinkOf => match is.role_in_page(relation) {
            Some(role) if role >= Role::Editor && is_person => Allowed,
            _ => NotFound,
        },
        Rule::LinkOfOnce => match expected(Rule::LinkOf, is, relation) {
            Allowed => NotTried,
            refused => refused,
        },
        Rule::Guests => match is {
            Is::Guest(_) => Allowed,
            _ => NotFound,
        },
        Rule::Admin | Rule::Owner => {
            let least = if rule == Rule::Admin { 1 } else { 2 };
            match is {
                Is::Person { office, .. } if *office >= least => Allowed,
                Is::Person { .. } => Forbidden,
                _ => NotFound,
            }
        }
        Rule::AdminOf | Rule::AdminOfOnce => match expected(Rule::Admin, is, relation) {
            Allowed if !relation.is_there() => NotFound,
            Allowed if rule == Rule::AdminOfOnce => NotTried,
            decided => decided,
        },
        Rule::OwnerOfOnce => match expected(Rule::Owner, is, relation) {
            Allowed if !relation.is_there() => NotFound,
            Allowed => NotTried,
            refused => refused,
        },
    }
}
