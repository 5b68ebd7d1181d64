//! The keys to the doors: what was decided, about what, and by how old facts.

use sheaf_core::access::{
    Act, Allowed, ManageOwnAccount, ManagePerson, Object, Refusal, Who, decide,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::UserId;
use sheaf_shared::time::UnixMs;

use super::Version;
use super::facts::Caller;

/// Proof that `A` may be done to what it names, by facts of a certain age.
#[must_use]
pub struct Granted<A: Act> {
    allowed: Allowed<A>,
    /// `None`: by whoever runs the server, who needs no facts.
    caller: Option<Box<Caller>>,
}

impl<A: Act> Granted<A> {
    /// Decides whether `caller` may do `A` to `object`, the facts of which are not older than the caller's.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn to(caller: &Caller, object: &A::To, now: UnixMs) -> Result<Self, Refusal> {
        Ok(Self {
            allowed: decide(&caller.who, object, now)?,
            caller: Some(Box::new(caller.clone())),
        })
    }

    /// The same for whoever sits at the server's command line, or alone at the machine.
    ///
    /// # Errors
    /// [`Refusal`] for what is nobody's to do.
    pub fn to_operator(object: &A::To) -> Result<Self, Refusal> {
        Ok(Self {
            allowed: decide(&Who::Local, object, UnixMs(0))?,
            caller: None,
        })
    }

    /// What it may be done to.
    pub const fn id(&self) -> &<A::To as Object>::Id {
        self.allowed.id()
    }

    /// As what: the most that who asked may there.
    pub const fn role(&self) -> Role {
        self.allowed.role()
    }

    /// Who may; `None`: whoever runs the server.
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    pub(super) fn decided_at(&self) -> Option<Version> {
        self.caller.as_ref().map(|caller| caller.version)
    }
}

/// The older of two ages; the operator's proof has none.
pub(super) fn older(one: Option<Version>, other: Option<Version>) -> Option<Version> {
    one.into_iter().chain(other).min()
}

/// Whose account something is done to: by themselves, or by who looks after people.
#[derive(Debug)]
pub struct Whose {
    pub(super) user: UserId,
    pub(super) decided_at: Option<Version>,
}

impl From<&Granted<ManageOwnAccount>> for Whose {
    fn from(may: &Granted<ManageOwnAccount>) -> Self {
        Self {
            user: *may.id(),
            decided_at: may.decided_at(),
        }
    }
}

impl From<&Granted<ManagePerson>> for Whose {
    fn from(may: &Granted<ManagePerson>) -> Self {
        Self {
            user: *may.id(),
            decided_at: may.decided_at(),
        }
    }
}
