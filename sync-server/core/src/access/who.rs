//! Those who ask.

use sheaf_shared::access::Role;
use sheaf_shared::ids::{LinkId, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

/// Who asks, as the directory knows them now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody that is known.
    Stranger,
    /// Whoever sits at this machine, while nobody has an account: the owner of everything.
    Local,
    /// Someone signed in.
    Person(Person),
    /// Someone with a share link.
    Guest(Guest),
    /// A program with a token.
    Program(Program),
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It may.
    Active,
    /// An admin has taken it out of use.
    Disabled,
    /// There only for what bears its name.
    Deleted,
}

/// What someone is to the installation. The greater one may all that the smaller one may. None of them opens a
/// space of which one is no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Office {
    /// One of many.
    Member,
    /// Looks after people.
    Admin,
    /// Decides about the installation.
    Owner,
}

/// An account, and the session it is used by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub user: UserId,
    /// Whether it may be used.
    pub standing: Standing,
    /// What it is to the installation.
    pub office: Office,
    /// When the session ends.
    pub until: UnixMs,
}

/// A share link, and the session it is used by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The link.
    pub link: LinkId,
    /// What it allows; at most to edit, whatever is stored.
    pub role: Role,
    /// Somebody took it back.
    pub is_revoked: bool,
    /// When the link or the session ends, whichever is first.
    pub until: UnixMs,
}

/// A token, and whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Who made it: it never may more than they may.
    pub of: Person,
    /// The one space it is for; `None`: all of theirs.
    pub space: Option<SpaceId>,
    /// What it is for.
    pub reach: Reach,
    /// Somebody took it back.
    pub is_revoked: bool,
    /// When it ends.
    pub until: UnixMs,
}

/// What a token is for. The greater one is for all that the smaller one is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// To read.
    Read,
    /// To write, too.
    Write,
    /// To decide about spaces, too.
    Manage,
}

impl Reach {
    const fn role_max(self) -> Role {
        match self {
            Self::Read => Role::Viewer,
            Self::Write => Role::Editor,
            Self::Manage => Role::Owner,
        }
    }
}

impl Person {
    fn may_act(&self, now: UnixMs) -> bool {
        self.standing == Standing::Active && now < self.until
    }
}

impl Program {
    fn may_act(&self, now: UnixMs) -> bool {
        !self.is_revoked && now < self.until && self.of.standing == Standing::Active
    }
}

impl Who {
    /// Whose memberships count, if anyone's: the account behind the session or the token.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Person(person) => Some(person.user),
            Self::Program(program) => Some(program.of.user),
            Self::Stranger | Self::Local | Self::Guest(_) => None,
        }
    }

    /// Whether what they came in by opens anything at all at `now`.
    #[must_use]
    pub fn is_in_use(&self, now: UnixMs) -> bool {
        match self {
            Self::Stranger => false,
            Self::Local => true,
            Self::Person(person) => person.may_act(now),
            Self::Guest(guest) => !guest.is_revoked && now < guest.until,
            Self::Program(program) => program.may_act(now),
        }
    }

    /// When what they came in by ends if nothing is done about it; `None`: never.
    #[must_use]
    pub const fn until(&self) -> Option<UnixMs> {
        match self {
            Self::Stranger | Self::Local => None,
            Self::Person(person) => Some(person.until),
            Self::Guest(guest) => Some(guest.until),
            Self::Program(program) => Some(program.until),
        }
    }

    pub(super) const fn is_person(&self) -> bool {
        matches!(self, Self::Person(_) | Self::Local)
    }

    /// Their office at `now`. Programs hold none: what concerns everyone is done by someone who is there.
    pub(super) fn office(&self, now: UnixMs) -> Option<Office> {
        match self {
            Self::Local => Some(Office::Owner),
            Self::Person(person) if person.may_act(now) => Some(person.office),
            Self::Stranger | Self::Person(_) | Self::Guest(_) | Self::Program(_) => None,
        }
    }

    /// What they may in `space` at `now`: `of_account` is the role of [`Who::user`] there, and `by_link` whether the
    /// link of a guest leads to the object.
    pub(super) fn role(
        &self,
        space: SpaceId,
        of_account: Option<Role>,
        by_link: bool,
        now: UnixMs,
    ) -> Option<Role> {
        match self {
            Self::Stranger => None,
            Self::Local => Some(Role::Owner),
            Self::Person(person) => of_account.filter(|_| person.may_act(now)),
            Self::Guest(guest) => {
                let leads_there = by_link && !guest.is_revoked && now < guest.until;
                leads_there.then(|| guest.role.min(Role::Editor))
            }
            Self::Program(program) => {
                let is_for_it = program.space.is_none_or(|only| only == space);
                let role = of_account.filter(|_| is_for_it && program.may_act(now));
                role.map(|role| role.min(program.reach.role_max()))
            }
        }
    }
}
