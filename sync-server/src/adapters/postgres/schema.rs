//! The tables: which migrations there are, and what is checked before the first edit.

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Row as _};

use sha2::{Digest as _, Sha256};

use super::fault::OpenError;
use crate::ports::SharedSecret;

struct Migration {
    version: i32,
    /// The oldest release that still works with these tables knows this version. A migration that only adds keeps
    /// the one before it, so that the previous release may run on while servers are replaced one by one.
    floor: i32,
    name: &'static str,
    sql: &'static str,
}

/// Every migration, in order. A migration that has been released never changes.
const MIGRATIONS: [Migration; 8] = [
    Migration {
        version: 1,
        floor: 1,
        name: "documents",
        sql: include_str!("../../../migrations/postgres/0001_documents.sql"),
    },
    Migration {
        version: 3,
        floor: 1,
        name: "members",
        sql: include_str!("../../../migrations/postgres/0003_members.sql"),
    },
    Migration {
        version: 4,
        floor: 1,
        name: "secret",
        sql: include_str!("../../../migrations/postgres/0004_secret.sql"),
    },
    Migration {
        version: 5,
        floor: 1,
        name: "leases",
        sql: include_str!("../../../migrations/postgres/0005_leases.sql"),
    },
    Migration {
        version: 6,
        floor: 1,
        name: "places",
        sql: include_str!("../../../migrations/postgres/0006_places.sql"),
    },
    Migration {
        version: 7,
        floor: 1,
        name: "people",
        sql: include_str!("../../../migrations/postgres/0007_people.sql"),
    },
    Migration {
        version: KNOWS_ACCOUNTS,
        floor: 1,
        name: "knowledge",
        sql: include_str!("../../../migrations/postgres/0008_knowledge.sql"),
    },
    Migration {
        version: 9,
        floor: 1,
        name: "confirmed addresses",
        sql: include_str!("../../../migrations/postgres/0009_confirmed_address.sql"),
    },
];

/// Servers that know this migration ask who may. Those before them let everyone in.
pub(super) const KNOWS_ACCOUNTS: i32 = 8;

/// Raises the floor where there are accounts, so that no server starts any more that would let everyone in. Whoever makes the
/// first account has raised it; accounts may also have come by a copy.
const RAISE_FLOOR: &str = "UPDATE migration SET floor = $1 WHERE version = $1 AND floor < $1 AND EXISTS (SELECT 1 FROM person)";

/// The advisory lock that servers take to migrate one after the other (`SHEF`).
const LOCK: i64 = 0x5348_4546;

/// Refuses a database that would lose what it has committed.
pub(super) async fn check_durability(connection: &mut PgConnection) -> Result<(), OpenError> {
    for setting in ["fsync", "full_page_writes"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting });
        }
    }
    Ok(())
}

/// Refuses tables that this release cannot read. Changes nothing: whoever makes a backup before an upgrade wants the
/// tables as they are.
pub(super) async fn check_readable(connection: &mut PgConnection) -> Result<(), OpenError> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('migration') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Err(OpenError::NothingThere);
    }
    let row =
        sqlx::query("SELECT COALESCE(MAX(version), 0), COALESCE(MAX(floor), 0) FROM migration")
            .fetch_one(connection)
            .await?;
    let (found, floor): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if floor > known {
        return Err(OpenError::TooNew { found, known });
    }
    Ok(())
}

/// Brings the tables up to date. Servers that start at the same time wait for each other.
pub(super) async fn migrate(connection: &mut PgConnection) -> Result<(), OpenError> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(
        "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
         SET LOCAL client_min_messages = warning",
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS migration (
             version INTEGER PRIMARY KEY,
             floor   INTEGER NOT NULL,
             name    TEXT NOT NULL
         )",
    )
    .execute(&mut *transaction)
    .await?;
    let row =
        sqlx::query("SELECT COALESCE(MAX(version), 0), COALESCE(MAX(floor), 0) FROM migration")
            .fetch_one(&mut *transaction)
            .await?;
    let (newest, floor): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if floor > known {
        return Err(OpenError::TooNew {
            found: newest,
            known,
        });
    }
    for migration in MIGRATIONS
        .iter()
        .filter(|migration| migration.version > newest)
    {
        sqlx::raw_sql(migration.sql)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO migration (version, floor, name) VALUES ($1, $2, $3)")
            .bind(migration.version)
            .bind(migration.floor)
            .bind(migration.name)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(RAISE_FLOOR)
        .bind(KNOWS_ACCOUNTS)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The newest migration of this release.
pub(super) fn known() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// What only the servers of this very database know.
///
/// A copy of the database, put up for a trial beside it, must not share the secret, or the two would take each other's
/// edits for their own; so the database's own identity goes into it, which a copy by `pg_dump` does not have.
pub(super) async fn shared_secret(
    connection: &mut PgConnection,
) -> Result<SharedSecret, OpenError> {
    let secret: Vec<u8> = sqlx::query_scalar("SELECT secret FROM shared_secret")
        .fetch_one(&mut *connection)
        .await?;
    let identity: String = sqlx::query_scalar(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text
             || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
             || '/' || current_schema()",
    )
    .fetch_one(&mut *connection)
    .await?;
    let digest = Sha256::new()
        .chain_update(&secret)
        .chain_update(identity.as_bytes())
        .finalize();
    Ok(SharedSecret(digest.into()))
}
