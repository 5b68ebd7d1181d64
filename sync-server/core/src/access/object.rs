//! What is acted on, and how who asks stands to it.

use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

use super::{Object, Office, Who};

/// A page, or any other document but a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its document.
    pub doc: DocName,
    /// Where it lies, as it is stored.
    pub space: SpaceId,
    /// The role of [`Who::user`] there.
    pub role: Option<Role>,
    /// The link of a guest leads to it.
    pub is_linked: bool,
}

impl Object for Page {
    type Id = DocName;

    fn id(&self) -> DocName {
        self.doc.clone()
    }

    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.role(self.space, self.role, self.is_linked, now)
    }
}

/// A space: its tree, its members, its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its name.
    pub space: SpaceId,
    /// The role of [`Who::user`] in it.
    pub role: Option<Role>,
}

impl Object for Space {
    type Id = SpaceId;

    fn id(&self) -> SpaceId {
        self.space
    }

    /// A link leads to pages, never to a space.
    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.role(self.space, self.role, false, now)
    }
}

/// The installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct House;

impl Object for House {
    type Id = ();

    fn id(&self) {}

    /// Everyone who lives here knows of it.
    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.office(now).map(|_| Role::Viewer)
    }
}

/// Somebody's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub user: UserId,
}

impl Object for Account {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.user
    }

    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.office(now).map(|_| Role::Viewer)
    }

    fn is(&self, who: &Who) -> bool {
        match who {
            Who::Local => true,
            Who::Person(person) => person.user == self.user,
            Who::Stranger | Who::Guest(_) | Who::Program(_) => false,
        }
    }
}

/// Somebody who lives here, as those see them who look after people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resident {
    /// Who.
    pub user: UserId,
    /// What they are to the installation.
    pub office: Office,
}

impl Object for Resident {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.user
    }

    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.office(now).map(|_| Role::Viewer)
    }

    fn office(&self) -> Option<Office> {
        Some(self.office)
    }
}

/// A place in the installation that somebody may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// As what.
    pub office: Office,
}

impl Object for Seat {
    type Id = Office;

    fn id(&self) -> Office {
        self.office
    }

    fn role(&self, who: &Who, now: UnixMs) -> Option<Role> {
        who.office(now).map(|_| Role::Viewer)
    }

    fn office(&self) -> Option<Office> {
        Some(self.office)
    }
}
