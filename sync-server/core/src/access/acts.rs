//! Everything that can be done.

use sheaf_shared::access::Role;

use super::{Account, Act, House, Needs, Office, Page, Resident, Seat, Space};

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident to $object:ident needs $needs:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Act for $name {
                type To = $object;
                const NEEDS: Needs = $needs;
            }
        )*
    };
}

acts! {
    /// Open a page, export it, see who is on it.
    ReadPage to Page needs Needs::Role(Role::Viewer);
    /// Say something about a page.
    CommentOnPage to Page needs Needs::Role(Role::Commenter);
    /// Change a page.
    WritePage to Page needs Needs::Role(Role::Editor);
    /// Make a link to a page, change or revoke one, see which there are. The link allows no more than who made it may.
    SharePage to Page needs Needs::RoleOfPerson(Role::Editor);
    /// See the tree of a space, and its members.
    ReadSpace to Space needs Needs::Role(Role::Viewer);
    /// Make, move, name and throw away pages; take a page in from another space.
    WriteTree to Space needs Needs::Role(Role::Editor);
    /// Name a space, take members in and out, give them roles.
    ManageSpace to Space needs Needs::Role(Role::Owner);
    /// End a space with all its pages.
    DeleteSpace to Space needs Needs::RoleOfPerson(Role::Owner);
    /// Give somebody that office, by an invitation or at once, and take such an invitation back. Into a space, it takes
    /// [`ManageSpace`] there as well.
    InvitePeople to Seat needs Needs::OfficeOver(Office::Admin);
    /// See all accounts, invitations and spaces.
    ReadPeople to House needs Needs::Office(Office::Admin);
    /// Disable, enable, delete and reset somebody who holds no greater office.
    ManagePerson to Resident needs Needs::OfficeOver(Office::Admin);
    /// Read who did what.
    ReadAudit to House needs Needs::Office(Office::Owner);
    /// Change settings, bring deleted spaces back, and say who gets one that nobody decides about.
    ManageHouse to House needs Needs::Office(Office::Owner);
    /// Change one's own name, password, sessions and tokens.
    ManageOwnAccount to Account needs Needs::BeingIt;
}
