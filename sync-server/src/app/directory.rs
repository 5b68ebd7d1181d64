//! Who there is, and who may what: people, sessions, spaces, documents, links, tokens, invitations, and the record of what
//! was done with them. Written once, over [`Tables`], for every store that has them.
//!
//! Whether somebody *may* do a thing is decided by `sheaf_core::access` from the [`facts`] that are read here, and never
//! here. What must hold whoever asks (there is an owner, an invitation is used once, the first claim wins) is said in the
//! statements themselves, so that the database decides between servers that try at the same moment:
//!
//! - Every change of rights first raises the *authority version*, one row of one table. Its lock puts all changes of all
//!   servers in one order, so what a later statement of the list reads can't change before the commit; and whoever sees
//!   a version sees every change before it.
//! - A change that somebody must be allowed to make takes the proof of it ([`Granted`]), which names what it is about and the
//!   version of the facts that it was decided by. If that moved meanwhile, nothing is done and the answer is
//!   [`Undone::Moved`]: read the facts and decide again.
//! - The line of the record is a statement of the same list: there is no change without its line, and no line without
//!   its change.

pub mod audit;
pub mod belonging;
pub mod confirmed;
pub mod facts;
pub mod identities;
pub mod invitations;
pub mod links;
pub mod names;
pub mod people;
pub mod secret;
pub mod sessions;
pub mod set_up;
pub mod spaces;
pub mod tokens;

mod cells;
mod change;
mod granted;

use std::net::IpAddr;

use sheaf_shared::ids::UserId;
use sheaf_shared::people::Name;
use sheaf_shared::time::UnixMs;

use crate::ports::{StorageFault, Store, Tables, Value};
use cells::Cells;
pub use granted::{Granted, Whose};

/// Most lines of any list that are answered at once.
pub const LIST_MAX: u32 = 200;

/// The directory of a store.
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    tables: &'a dyn Tables,
}

/// How often anyone's rights changed. Every server's facts are as old as the version they were read at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// On whose behalf something is done, from where, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where, if over the network.
    pub address: Option<IpAddr>,
    /// When.
    pub at: UnixMs,
}

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Someone with an account, in person or through a token.
    Person(UserId, Name),
    /// Someone without one, by the name they gave.
    Newcomer(Name),
    /// Whoever runs the server.
    Operator,
}

impl Actor {
    const fn user(&self) -> Option<UserId> {
        match self {
            Self::Person(user, _) => Some(*user),
            Self::Newcomer(_) | Self::Operator => None,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Person(_, name) | Self::Newcomer(name) => name.as_str(),
            Self::Operator => "the command line",
        }
    }
}

/// Why a change was not made that breaks no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undone {
    /// The store could not be asked.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// Someone's rights changed since it was decided that this may be done: decide again.
    #[error("who may what has changed meanwhile")]
    Moved,
}

impl<'a> Directory<'a> {
    /// That of `store`; `None` if it keeps none.
    #[must_use]
    pub fn of(store: &'a dyn Store) -> Option<Self> {
        store.tables().map(|tables| Self { tables })
    }

    /// Over these tables.
    #[must_use]
    pub const fn over(tables: &'a dyn Tables) -> Self {
        Self { tables }
    }

    /// Where the authority version stands.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn version(&self) -> Result<Version, StorageFault> {
        let sql = "SELECT version FROM authority WHERE one = 1";
        let versions = self.list(sql, Vec::new(), |row| row.need()).await?;
        versions
            .first()
            .copied()
            .ok_or_else(|| StorageFault::Failed("the table of authority is empty".to_owned()))
    }

    /// Each row that answers a question, as what `read` makes of it.
    async fn list<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: impl Fn(&mut Cells<'_>) -> Result<T, StorageFault>,
    ) -> Result<Vec<T>, StorageFault> {
        let rows = self.tables.read(sql, values).await?;
        rows.iter().map(|row| read(&mut Cells::of(row))).collect()
    }

    /// The same, where there can be at most one.
    async fn one<T>(
        &self,
        sql: &'static str,
        values: Vec<Value>,
        read: impl Fn(&mut Cells<'_>) -> Result<T, StorageFault>,
    ) -> Result<Option<T>, StorageFault> {
        Ok(self.list(sql, values, read).await?.pop())
    }
}
