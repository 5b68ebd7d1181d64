//! A list of statements that are done together or not at all, and what it means when one of them finds nothing to do.

use super::audit::{Deed, Thing, address_text};
use super::cells::values;
use super::{By, Directory, Undone, Version};
use crate::ports::{Statement, StorageFault, Touches, Value, Written};

/// Raises the version, whose row is the lock that puts changes in one order; or finds that it has moved.
const RAISE: &str =
    "UPDATE authority SET version = version + 1 WHERE one = 1 AND ($1 IS NULL OR version = $1)";
/// Takes the same lock and leaves the version as it is.
const TAKE_TURN: &str = "UPDATE authority SET version = version WHERE one = 1";

/// Statements on their way to the store. `E` says what it means when one of them misses.
pub(super) struct Change<E> {
    statements: Vec<Statement>,
    misses: Vec<Option<E>>,
}

impl<E: From<Undone>> Change<E> {
    /// Changes somebody's rights: the version is raised, if it still is what this was decided at. `None`: nothing had to
    /// be decided, as for whoever holds the secret of an invitation.
    pub(super) fn of_rights(decided_at: Option<Version>) -> Self {
        Self::beside().needs(RAISE, values![decided_at], Undone::Moved.into())
    }

    /// Changes nobody's rights, and must not run beside what does.
    pub(super) fn in_turn() -> Self {
        Self::beside().needs(TAKE_TURN, Vec::new(), Undone::Moved.into())
    }

    /// Changes nobody's rights, and may run beside whatever does.
    pub(super) const fn beside() -> Self {
        Self {
            statements: Vec::new(),
            misses: Vec::new(),
        }
    }

    /// Touches exactly one row, else nothing of this list is done, and `otherwise` is why.
    pub(super) fn needs(mut self, sql: &'static str, values: Vec<Value>, otherwise: E) -> Self {
        self.statements.push(Statement {
            sql,
            values,
            touches: Touches::One,
        });
        self.misses.push(Some(otherwise));
        self
    }

    /// Touches what there is.
    pub(super) fn also(mut self, sql: &'static str, values: Vec<Value>) -> Self {
        self.statements.push(Statement {
            sql,
            values,
            touches: Touches::Any,
        });
        self.misses.push(None);
        self
    }

    /// With its line in the record.
    pub(super) fn noted(self, by: &By, deed: Deed, thing: &Thing, detail: &str) -> Self {
        self.also(
            "INSERT INTO audit (at_ms, by_id, by_name, deed, object, detail, address)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            values![
                by.at,
                by.actor.user(),
                by.actor.name().to_owned(),
                deed.code().to_owned(),
                thing.to_string(),
                detail.to_owned(),
                address_text(by.address),
            ],
        )
    }

    /// Does all of it, or nothing.
    pub(super) async fn make(mut self, directory: &Directory<'_>) -> Result<(), E> {
        let written = directory.tables.write(self.statements).await;
        match written.map_err(|fault| E::from(Undone::Storage(fault)))? {
            Written::Done => Ok(()),
            Written::Missed { statement } => {
                let miss = self.misses.get_mut(statement).and_then(Option::take);
                // Ids are random and given by the caller: it met one that was there.
                let clash =
                    || StorageFault::Failed(format!("a row stands in the way of {statement}"));
                Err(miss.unwrap_or_else(|| Undone::Storage(clash()).into()))
            }
        }
    }
}
