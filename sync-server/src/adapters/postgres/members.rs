//! The list of servers. All times are the database's own: servers' clocks may differ.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::{PostgresStore, schema};
use crate::adapters::codec::{signed, unsigned};
use crate::ports::{Beat, MEMBER_FORGOTTEN_MS, Member, MemberState, Membership, StorageFault};

#[async_trait]
impl Membership for PostgresStore {
    async fn beat(&self, beat: &Beat) -> Result<Vec<Member>, StorageFault> {
        self.write(async {
            let mut lease = self.connections.take().await?;
            let noted = note(&mut lease, beat).await;
            lease.settle(noted)
        })
        .await
    }

    async fn leave(&self, name: &str) -> Result<(), StorageFault> {
        self.write(async {
            let mut lease = self.connections.take().await?;
            let left = sqlx::query("DELETE FROM member WHERE name = $1")
                .bind(name)
                .execute(&mut *lease)
                .await;
            lease.settle(left.map(drop))
        })
        .await
    }

    async fn members(&self) -> Result<Vec<Member>, StorageFault> {
        self.read(async {
            let mut lease = self.connections.take().await?;
            let found = list(&mut lease).await;
            lease.settle(found)
        })
        .await
    }
}

async fn note(connection: &mut PgConnection, beat: &Beat) -> Result<Vec<Member>, sqlx::Error> {
    sqlx::query(
        "INSERT INTO member (name, address, version, state, place, started_at, seen_at, knows)
         VALUES ($1, $2, $3, $4, $5, clock_timestamp() - $6 * INTERVAL '1 millisecond', clock_timestamp(), $7)
         ON CONFLICT (name) DO UPDATE SET state = $4, seen_at = clock_timestamp()",
    )
    .bind(&beat.name)
    .bind(&beat.address)
    .bind(&beat.version)
    .bind(beat.state.word())
    .bind(&beat.place)
    .bind(signed(beat.up_ms))
    .bind(schema::known())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM member WHERE seen_at < clock_timestamp() - $1 * INTERVAL '1 millisecond'
         OR (place = $2 AND seen_at < (SELECT started_at FROM member WHERE name = $3))",
    )
    .bind(signed(MEMBER_FORGOTTEN_MS))
    .bind(&beat.place)
    .bind(&beat.name)
    .execute(&mut *connection)
    .await?;
    list(connection).await
}

async fn list(connection: &mut PgConnection) -> Result<Vec<Member>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, address, version, state,
                (EXTRACT(EPOCH FROM clock_timestamp() - started_at) * 1000)::BIGINT,
                (EXTRACT(EPOCH FROM clock_timestamp() - seen_at) * 1000)::BIGINT
         FROM member ORDER BY started_at, name",
    )
    .fetch_all(connection)
    .await?;
    let member = |row: &PgRow| {
        Ok(Member {
            name: row.try_get(0)?,
            address: row.try_get(1)?,
            version: row.try_get(2)?,
            state: MemberState::of_word(row.try_get(3)?),
            up_ms: unsigned(row.try_get(4)?),
            silent_ms: unsigned(row.try_get(5)?),
        })
    };
    rows.iter().map(member).collect()
}
