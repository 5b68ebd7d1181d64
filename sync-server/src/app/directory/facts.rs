//! What `sheaf_core::access` decides from: who somebody is, and how they stand to what they ask for. One question to the
//! store answers many such pairs, so that a server can look again at everyone it serves whenever anything changed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use sheaf_core::access::{Guest, Office, Page, Person, Program, Reach, Space, Standing, Who};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, LinkId, PageId, SessionId, SpaceId, UserId};
use sheaf_shared::people::{Colour, Name};
use sheaf_shared::time::UnixMs;

use super::cells::{Cells, values};
use super::links::{Extent, extent};
use super::secret::{SecretHash, SessionSecret, TokenSecret};
use super::{Directory, Version};
use crate::ports::{StorageFault, Value};

/// Most pairs that one question is about.
pub const ASKED_AT_ONCE_MAX: usize = 128;

/// The end of what never ends by itself.
const NEVER: UnixMs = UnixMs(u64::MAX);

/// By what somebody came in: what a server keeps of an open socket, to ask about it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// By nothing.
    Nothing,
    /// By sitting at the machine: [`Who::Local`] until there is an account, and by nothing from then on.
    Local,
    /// By a session.
    Session(SecretHash),
    /// By a token.
    Token(SecretHash),
}

impl From<&SessionSecret> for Key {
    fn from(secret: &SessionSecret) -> Self {
        Self::Session(secret.hash())
    }
}

impl From<&TokenSecret> for Key {
    fn from(secret: &TokenSecret) -> Self {
        Self::Token(secret.hash())
    }
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// Nothing but who it is.
    Nobody,
    /// A document: a page, a tree, or whatever a stock client opens.
    Document(DocName),
    /// A space.
    Space(SpaceId),
}

/// Who somebody is, and what they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// How old this is.
    pub version: Version,
    /// As whom they are judged.
    pub who: Who,
    /// Their name; a guest's is what they gave themselves.
    pub name: Option<Name>,
    /// The colour of their account.
    pub colour: Option<Colour>,
    /// The session they came by.
    pub session: Option<SessionId>,
}

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nowhere yet: a document that the first who may write somewhere can [claim](Directory::claim).
    Unclaimed,
    /// There is no such space, it was deleted, or the document's name can never be one's.
    Gone,
    /// Here, where the person behind the caller has this role.
    Here {
        /// Its space, as it is stored.
        space: SpaceId,
        /// What the person is there.
        role: Option<Role>,
    },
}

/// The page that the link of a guest was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its document.
    pub doc: DocName,
    /// Where it lies.
    pub space: SpaceId,
    /// How far the link leads.
    pub extent: Extent,
}

/// All that is known of a pair, as it was at the caller's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who asks.
    pub caller: Caller,
    /// What they ask about.
    pub about: About,
    /// Where that lies.
    pub found: Found,
    /// Where the caller's link leads, if they came by one.
    pub root: Option<Root>,
}

impl Facts {
    /// The page, to decide about. `below` are the pages below [`Facts::needs_tree`] in its space's tree, empty if that
    /// says `None`. Answers `None` if there is no page: that is to be told like a refusal.
    ///
    /// A tree is written by people and may name any page, so what it says counts only for pages of its own space.
    #[must_use]
    pub fn page(&self, below: &BTreeSet<PageId>) -> Option<Page> {
        let About::Document(doc) = &self.about else {
            return None;
        };
        let (space, role) = match self.found {
            Found::Here { space, role } => (space, role),
            Found::Unclaimed if self.caller.who == Who::Local => (SpaceId::HOME, None),
            Found::Unclaimed | Found::Gone => return None,
        };
        if doc.is_like_a_tree() {
            return None;
        }
        let is_linked = self.root.as_ref().is_some_and(|root| {
            let is_below = || doc.page().is_some_and(|page| below.contains(&page));
            root.doc == *doc || (root.extent == Extent::Below && root.space == space && is_below())
        });
        Some(Page {
            doc: doc.clone(),
            space,
            role,
            is_linked,
        })
    }

    /// The space, to decide about, if a space or its tree was asked about and is there. Until there is an account there
    /// is [`SpaceId::HOME`] alone.
    #[must_use]
    pub fn space(&self) -> Option<Space> {
        let asked = match &self.about {
            About::Space(space) => Some(*space),
            About::Document(doc) => doc.space(),
            About::Nobody => None,
        }?;
        let is_only_one = self.caller.who == Who::Local && asked == SpaceId::HOME;
        match self.found {
            Found::Here { space, role } => Some(Space { space, role }),
            Found::Gone if is_only_one => Some(Space {
                space: asked,
                role: None,
            }),
            Found::Gone | Found::Unclaimed => None,
        }
    }

    /// The page whose descendants decide, and the space whose tree tells them: only for a guest whose link leads below
    /// its page, and only if another page of the same space is asked about.
    #[must_use]
    pub fn needs_tree(&self) -> Option<(SpaceId, PageId)> {
        let root = self.root.as_ref()?;
        let (About::Document(doc), Found::Here { space, .. }) = (&self.about, self.found) else {
            return None;
        };
        let may_be_below = root.extent == Extent::Below
            && root.doc != *doc
            && root.space == space
            && doc.page().is_some();
        root.doc
            .page()
            .filter(|_| may_be_below)
            .map(|page| (space, page))
    }
}

/// The question, for so many pairs as it is made for. What is not needed of them is asked about nothing.
fn question(pairs: usize) -> String {
    let mut sql =
        String::from("WITH asked (place, session_hash, token_hash, tree, name) AS (VALUES ");
    for pair in 0..pairs {
        let first = pair * VALUES_EACH;
        let comma = if pair == 0 { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(
            sql,
            "{comma}({pair}, ${}, ${}, ${}, ${})",
            first + 1,
            first + 2,
            first + 3,
            first + 4
        );
    }
    sql + ") SELECT (SELECT version FROM authority WHERE one = 1),
           (SELECT created_ms FROM person LIMIT 1),
           session.session_id, session.name, session.ends_ms,
           person.person_id, person.name, person.colour, person.office, person.standing,
           share_link.link_id, share_link.role, share_link.ends_ms, share_link.revoked_ms,
           root.name, root.space_id, share_link.below,
           token.token_id, token.space_id, token.reach, token.ends_ms, token.revoked_ms,
           belonging.space_id, space.space_id, space.deleted_ms, space_member.role
       FROM asked
       LEFT JOIN session ON session.secret_hash = asked.session_hash
       LEFT JOIN token ON token.secret_hash = asked.token_hash
       LEFT JOIN person ON person.person_id = COALESCE(session.person_id, token.person_id)
       LEFT JOIN share_link ON share_link.link_id = session.link_id
       LEFT JOIN belonging AS root ON root.name = share_link.name
       LEFT JOIN belonging ON belonging.name = asked.name
       LEFT JOIN space ON space.space_id = COALESCE(asked.tree, belonging.space_id)
       LEFT JOIN space_member ON space_member.space_id = space.space_id
           AND space_member.person_id = person.person_id
       ORDER BY asked.place"
}

const VALUES_EACH: usize = 4;
/// As many keys as one browser brings, and some more.
const FEW: usize = 4;
static OF_ONE: LazyLock<String> = LazyLock::new(|| question(1));
static OF_FEW: LazyLock<String> = LazyLock::new(|| question(FEW));
static OF_MANY: LazyLock<String> = LazyLock::new(|| question(ASKED_AT_ONCE_MAX));

impl Directory<'_> {
    /// Who holds this session, or a stranger.
    ///
    /// # Errors
    /// [`StorageFault`]: that is never a stranger.
    pub async fn who_of_session(&self, secret: &SessionSecret) -> Result<Caller, StorageFault> {
        Ok(self.facts(secret.into(), About::Nobody).await?.caller)
    }

    /// Which program holds this token, or a stranger.
    ///
    /// # Errors
    /// [`StorageFault`]: that is never a stranger.
    pub async fn who_of_token(&self, secret: &TokenSecret) -> Result<Caller, StorageFault> {
        Ok(self.facts(secret.into(), About::Nobody).await?.caller)
    }

    /// All that is known of one pair.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn facts(&self, key: Key, about: About) -> Result<Facts, StorageFault> {
        let mut facts = self.facts_of(vec![(key, about)]).await?;
        facts
            .pop()
            .ok_or_else(|| StorageFault::Failed("a question found no answer".to_owned()))
    }

    /// All that is known of each pair, in the same order, by a question for each [`ASKED_AT_ONCE_MAX`] of them. Each is as
    /// old as its own version says; the smallest is how old they are together.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn facts_of(&self, asked: Vec<(Key, About)>) -> Result<Vec<Facts>, StorageFault> {
        let mut answered = Vec::with_capacity(asked.len());
        for some in asked.chunks(ASKED_AT_ONCE_MAX) {
            let (sql, places): (&'static str, usize) = match some.len() {
                1 => (&OF_ONE, 1),
                ..=FEW => (&OF_FEW, FEW),
                _ => (&OF_MANY, ASKED_AT_ONCE_MAX),
            };
            let mut values: Vec<Value> = some
                .iter()
                .flat_map(|(key, about)| asking(*key, about))
                .collect();
            let empty = (some.len()..places).flat_map(|_| asking(Key::Nothing, &About::Nobody));
            values.extend(empty);
            let rows = self.tables.read(sql, values).await?;
            for ((key, about), row) in some.iter().zip(&rows) {
                answered.push(read(*key, about.clone(), &mut Cells::of(row))?);
            }
        }
        if answered.len() == asked.len() {
            Ok(answered)
        } else {
            Err(StorageFault::Failed(
                "a question found too few answers".to_owned(),
            ))
        }
    }
}

fn asking(key: Key, about: &About) -> Vec<Value> {
    let (session, token) = match key {
        Key::Nothing | Key::Local => (None, None),
        Key::Session(hash) => (Some(hash), None),
        Key::Token(hash) => (None, Some(hash)),
    };
    let (tree, name) = match about {
        About::Nobody => (None, None),
        About::Space(space) => (Some(*space), None),
        About::Document(doc) if doc.is_like_a_tree() => (doc.space(), None),
        About::Document(doc) => (None, Some(doc.clone())),
    };
    values![session, token, tree, name]
}

/// The columns that tell of a session, beside those of whose it is.
struct OfSession {
    session: Option<SessionId>,
    name: Option<Name>,
    ends: Option<UnixMs>,
}

/// The columns that tell of an account.
struct OfPerson {
    user: UserId,
    name: Name,
    colour: Colour,
    office: Office,
    standing: Standing,
}

fn read(key: Key, about: About, row: &mut Cells<'_>) -> Result<Facts, StorageFault> {
    let version = row.need()?;
    let of_anyone: Option<UnixMs> = row.may()?;
    let session = OfSession {
        session: row.may()?,
        name: row.may()?,
        ends: row.may()?,
    };
    let person = read_person(row)?;
    let guest = read_guest(row, session.ends)?;
    let root = read_root(row)?;
    let program = read_program(row)?;
    let found = read_found(&about, row)?;
    let name = person.as_ref().map(|person| person.name.clone());
    let caller = Caller {
        version,
        name: name.or(session.name),
        colour: person.as_ref().map(|person| person.colour),
        session: session.session,
        who: match key {
            Key::Local if of_anyone.is_none() => Who::Local,
            key => who(key, session.ends, person, guest, program),
        },
    };
    Ok(Facts {
        caller,
        about,
        found,
        root,
    })
}

fn read_person(row: &mut Cells<'_>) -> Result<Option<OfPerson>, StorageFault> {
    let user = row.may()?;
    let (name, colour) = (row.may()?, row.may()?);
    let (office, standing) = (row.may()?, row.may()?);
    let person = (|| {
        Some(OfPerson {
            user: user?,
            name: name?,
            colour: colour?,
            office: office?,
            standing: standing?,
        })
    })();
    Ok(person)
}

fn read_guest(
    row: &mut Cells<'_>,
    session_ends: Option<UnixMs>,
) -> Result<Option<Guest>, StorageFault> {
    let link: Option<LinkId> = row.may()?;
    let role: Option<Role> = row.may()?;
    let ends: Option<UnixMs> = row.may()?;
    let revoked: Option<UnixMs> = row.may()?;
    Ok(link
        .zip(role)
        .zip(session_ends)
        .map(|((link, role), session_ends)| Guest {
            link,
            role,
            is_revoked: revoked.is_some(),
            until: ends.unwrap_or(NEVER).min(session_ends),
        }))
}

fn read_root(row: &mut Cells<'_>) -> Result<Option<Root>, StorageFault> {
    let (doc, space): (Option<DocName>, Option<SpaceId>) = (row.may()?, row.may()?);
    let below: Option<u32> = row.may()?;
    Ok(doc.zip(space).zip(below).map(|((doc, space), below)| Root {
        doc,
        space,
        extent: extent(below),
    }))
}

/// A token, without whose it is.
struct OfToken {
    space: Option<SpaceId>,
    reach: Reach,
    ends: UnixMs,
    is_revoked: bool,
}

fn read_program(row: &mut Cells<'_>) -> Result<Option<OfToken>, StorageFault> {
    let token: Option<sheaf_shared::ids::TokenId> = row.may()?;
    let (space, reach) = (row.may()?, row.may()?);
    let ends: Option<UnixMs> = row.may()?;
    let revoked: Option<UnixMs> = row.may()?;
    Ok(token.and(reach).map(|reach| OfToken {
        space,
        reach,
        ends: ends.unwrap_or(NEVER),
        is_revoked: revoked.is_some(),
    }))
}

fn read_found(about: &About, row: &mut Cells<'_>) -> Result<Found, StorageFault> {
    let belongs: Option<SpaceId> = row.may()?;
    let space: Option<SpaceId> = row.may()?;
    let deleted: Option<UnixMs> = row.may()?;
    let role = row.may()?;
    let can_be_claimed = match about {
        About::Document(doc) => belongs.is_none() && !doc.is_like_a_tree(),
        About::Space(_) | About::Nobody => false,
    };
    Ok(match space {
        _ if can_be_claimed => Found::Unclaimed,
        Some(space) if deleted.is_none() => Found::Here { space, role },
        _ => Found::Gone,
    })
}

fn who(
    key: Key,
    session_ends: Option<UnixMs>,
    person: Option<OfPerson>,
    guest: Option<Guest>,
    program: Option<OfToken>,
) -> Who {
    let person = |until: UnixMs| {
        person.map(|person| Person {
            user: person.user,
            standing: person.standing,
            office: person.office,
            until,
        })
    };
    let who = match key {
        Key::Nothing | Key::Local => None,
        Key::Session(_) => match (guest, session_ends) {
            (Some(guest), _) => Some(Who::Guest(guest)),
            (None, Some(ends)) => person(ends).map(Who::Person),
            (None, None) => None,
        },
        Key::Token(_) => program.and_then(|token| {
            Some(Who::Program(Program {
                of: person(token.ends)?,
                space: token.space,
                reach: token.reach,
                is_revoked: token.is_revoked,
                until: token.ends,
            }))
        }),
    };
    who.unwrap_or(Who::Stranger)
}
