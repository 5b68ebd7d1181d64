//! Share links: what leads to a page without an account.

use sheaf_core::access::{ManageSpace, SharePage};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, LinkId, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::{Cells, values};
use super::change::Change;
use super::secret::{LinkSecret, PasswordHash};
use super::spaces::word;
use super::{By, Directory, Granted, LIST_MAX, Undone};
use crate::ports::StorageFault;

/// How far a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// To one page.
    Page,
    /// To the page and whatever lies below it in the tree of its space.
    Below,
}

/// What a link allows; never to share, or to decide about a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lets {
    /// To read.
    View,
    /// To comment, too.
    Comment,
    /// To write, too.
    Edit,
}

impl Lets {
    /// As the role of a guest.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::View => Role::Viewer,
            Self::Comment => Role::Commenter,
            Self::Edit => Role::Editor,
        }
    }

    const fn of(role: Role) -> Self {
        match role {
            Role::Viewer => Self::View,
            Role::Commenter => Self::Comment,
            Role::Editor | Role::Owner => Self::Edit,
        }
    }
}

/// What can be said of a link, and changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTerms {
    /// How far it leads.
    pub extent: Extent,
    /// What it allows.
    pub lets: Lets,
    /// What its password is checked against; `None`: it takes none.
    pub password: Option<PasswordHash>,
    /// When it ends; `None`: when it is taken back.
    pub ends_at: Option<UnixMs>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRecord {
    /// Its id.
    pub link: LinkId,
    /// The page it leads to.
    pub doc: DocName,
    /// Where that lies.
    pub space: SpaceId,
    /// What it allows.
    pub terms: LinkTerms,
    /// Who made it.
    pub made_by: UserId,
    /// When.
    pub made_at: UnixMs,
    /// When it was taken back.
    pub revoked_at: Option<UnixMs>,
}

impl LinkRecord {
    /// Whether it leads anywhere at `now`.
    #[must_use]
    pub fn is_open(&self, now: UnixMs) -> bool {
        self.revoked_at.is_none() && self.terms.ends_at.is_none_or(|end| now < end)
    }
}

/// Why a link was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// There is no such page in a space where this person may share.
    #[error("there is no such page to share")]
    NoSuchPage,
    /// There is no such link, or it was taken back.
    #[error("there is no such link")]
    NoSuchLink,
}

macro_rules! links_where {
    ($rest:literal) => {
        concat!(
            "SELECT link_id, share_link.name, belonging.space_id, below, role, password, ends_ms,
                    share_link.made_by, share_link.made_ms, revoked_ms
             FROM share_link JOIN belonging ON belonging.name = share_link.name ",
            $rest
        )
    };
}

impl Directory<'_> {
    /// Makes a link to the page that `may` be shared, on behalf of `maker`, who may write where it lies.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn add_link(
        &self,
        may: &Granted<SharePage>,
        (link, secret): (LinkId, &LinkSecret),
        terms: LinkTerms,
        maker: UserId,
        by: &By,
    ) -> Result<(), LinkError> {
        let doc = may.id();
        let detail = format!("{doc} {}", word(terms.lets.role()));
        Change::of_rights(may.decided_at())
            .needs(
                "INSERT INTO share_link (link_id, secret_hash, name, below, role, password, made_by, made_ms, ends_ms)
                 SELECT $1, $2, belonging.name, $3, $4, $5, person.person_id, $6, $7
                 FROM belonging
                 JOIN space ON space.space_id = belonging.space_id
                 JOIN space_member ON space_member.space_id = space.space_id
                 JOIN person ON person.person_id = space_member.person_id
                 WHERE belonging.name = $8 AND deleted_ms IS NULL
                   AND person.person_id = $9 AND standing = 0 AND space_member.role >= 2",
                values![
                    link,
                    secret.hash(),
                    below(terms.extent),
                    terms.lets.role(),
                    terms.password,
                    by.at,
                    terms.ends_at,
                    doc.clone(),
                    maker,
                ],
                LinkError::NoSuchPage,
            )
            .noted(by, Deed::LinkMade, &Thing::Link(link), &detail)
            .make(self)
            .await
    }

    /// Changes what a link to a page allows. Who came by its old password stays; to put them out, take it back and make another.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn change_link(
        &self,
        may: &Granted<SharePage>,
        link: LinkId,
        terms: LinkTerms,
        by: &By,
    ) -> Result<(), LinkError> {
        let detail = word(terms.lets.role());
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE share_link SET below = $1, role = $2, password = $3, ends_ms = $4
                 WHERE link_id = $5 AND name = $6 AND revoked_ms IS NULL",
                values![
                    below(terms.extent),
                    terms.lets.role(),
                    terms.password,
                    terms.ends_at,
                    link,
                    may.id().clone(),
                ],
                LinkError::NoSuchLink,
            )
            .noted(by, Deed::LinkChanged, &Thing::Link(link), detail)
            .make(self)
            .await
    }

    /// Takes a link to a page back, with every session of guests who came by it.
    ///
    /// # Errors
    /// [`LinkError`]
    pub async fn revoke_link(
        &self,
        may: &Granted<SharePage>,
        link: LinkId,
        by: &By,
    ) -> Result<(), LinkError> {
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE share_link SET revoked_ms = $1 WHERE link_id = $2 AND name = $3 AND revoked_ms IS NULL",
                values![by.at, link, may.id().clone()],
                LinkError::NoSuchLink,
            )
            .also("DELETE FROM session WHERE link_id = $1", values![link])
            .noted(by, Deed::LinkRevoked, &Thing::Link(link), "")
            .make(self)
            .await
    }

    /// The link that `secret` belongs to, open or not.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn link_of_secret(
        &self,
        secret: &LinkSecret,
    ) -> Result<Option<LinkRecord>, StorageFault> {
        let sql = links_where!("WHERE secret_hash = $1");
        self.one(sql, values![secret.hash()], record).await
    }

    /// The link named so, open or not.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn link(&self, link: LinkId) -> Result<Option<LinkRecord>, StorageFault> {
        self.one(links_where!("WHERE link_id = $1"), values![link], record)
            .await
    }

    /// The links to a page that were not taken back, newest first; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn links_of_document(
        &self,
        may: &Granted<SharePage>,
    ) -> Result<Vec<LinkRecord>, StorageFault> {
        let doc = may.id();
        let sql = links_where!(
            "WHERE share_link.name = $1 AND revoked_ms IS NULL
             ORDER BY share_link.made_ms DESC, link_id LIMIT $2"
        );
        self.list(sql, values![doc.clone(), LIST_MAX], record).await
    }

    /// The links into a space that were not taken back, by id after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn links_of_space(
        &self,
        may: &Granted<ManageSpace>,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<LinkRecord>, StorageFault> {
        let space = *may.id();
        let sql = links_where!(
            "WHERE belonging.space_id = $1 AND revoked_ms IS NULL AND ($2 IS NULL OR link_id > $2)
             ORDER BY link_id LIMIT $3"
        );
        self.list(sql, values![space, after, limit.min(LIST_MAX)], record)
            .await
    }
}

const fn below(extent: Extent) -> u32 {
    match extent {
        Extent::Page => 0,
        Extent::Below => 1,
    }
}

pub(super) const fn extent(below: u32) -> Extent {
    match below {
        0 => Extent::Page,
        _ => Extent::Below,
    }
}

fn record(row: &mut Cells<'_>) -> Result<LinkRecord, StorageFault> {
    Ok(LinkRecord {
        link: row.need()?,
        doc: row.need()?,
        space: row.need()?,
        terms: LinkTerms {
            extent: extent(row.need()?),
            lets: Lets::of(row.need()?),
            password: row.may()?,
            ends_at: row.may()?,
        },
        made_by: row.need()?,
        made_at: row.need()?,
        revoked_at: row.may()?,
    })
}
