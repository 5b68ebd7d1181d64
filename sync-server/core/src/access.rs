//! Who may do what: the one place that decides.
//!
//! [`decide`] is told who asks, what they are to the object, and the time; all of it read from the directory by
//! whoever calls. What it allows it hands out as [`Allowed`], which can be made nowhere else and is the only key to
//! the doors behind which things are done. So no handler can forget to ask, or ask about one object and act on another.

mod acts;
mod object;
mod who;

use std::marker::PhantomData;

use sheaf_shared::access::Role;
use sheaf_shared::time::UnixMs;

pub use acts::{
    CommentOnPage, DeleteSpace, InvitePeople, ManageHouse, ManageOwnAccount, ManagePerson,
    ManageSpace, ReadAudit, ReadPage, ReadPeople, ReadSpace, SharePage, WritePage, WriteTree,
};
pub use object::{Account, House, Page, Resident, Seat, Space};
pub use who::{Guest, Office, Person, Program, Reach, Standing, Who};

/// An action as a type: what it is done to, and what it takes.
pub trait Act {
    /// What it is done to.
    type To: Object;
    /// What it takes.
    const NEEDS: Needs;
}

/// What an action takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// At least this role where the object lies.
    Role(Role),
    /// The same, and an account: a guest or a program may never.
    RoleOfPerson(Role),
    /// At least this office in the installation.
    Office(Office),
    /// At least this office, and at least the one that it is about: nobody lifts themselves by somebody else.
    OfficeOver(Office),
    /// To be the person it is about.
    BeingIt,
}

/// Something one may act on, with what is known of how `who` stands to it.
pub trait Object {
    /// What names it.
    type Id: Clone + std::fmt::Debug;

    /// Its name.
    fn id(&self) -> Self::Id;

    /// What role `who` has in it at `now`; `None` if they may not know of it.
    fn role(&self, who: &Who, now: UnixMs) -> Option<Role>;

    /// The office that it is about, if it is about one.
    fn office(&self) -> Option<Office> {
        None
    }

    /// Whether it is the account of `who`.
    fn is(&self, _who: &Who) -> bool {
        false
    }
}

/// Proof that `A` may be done to the object it names.
#[derive(Debug)]
#[must_use]
pub struct Allowed<A: Act> {
    id: <A::To as Object>::Id,
    role: Role,
    act: PhantomData<A>,
}

impl<A: Act> Allowed<A> {
    /// What it may be done to.
    pub const fn id(&self) -> &<A::To as Object>::Id {
        &self.id
    }

    /// As what: the most that who asked may there.
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// They may not know that it exists: to be answered exactly like what does not.
    #[error("there is nothing here")]
    Unknown,
    /// They may know of it, and not do this.
    #[error("you may not do that")]
    Known,
}

/// Decides whether `who` may do `A` to `object` at `now`.
///
/// # Errors
/// [`Refusal`], which also says whether they may know of the object.
pub fn decide<A: Act>(who: &Who, object: &A::To, now: UnixMs) -> Result<Allowed<A>, Refusal> {
    let role = object.role(who, now).ok_or(Refusal::Unknown)?;
    let may = match A::NEEDS {
        Needs::Role(least) => role >= least,
        Needs::RoleOfPerson(least) => role >= least && who.is_person(),
        Needs::Office(least) => who.office(now) >= Some(least),
        Needs::OfficeOver(least) => who.office(now) >= object.office().max(Some(least)),
        Needs::BeingIt => object.is(who),
    };
    if !may {
        return Err(Refusal::Known);
    }
    Ok(Allowed {
        id: object.id(),
        role,
        act: PhantomData,
    })
}

#[cfg(test)]
mod tests;
