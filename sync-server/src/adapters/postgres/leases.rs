//! Leases, each given by one statement. All times are the database's own: servers' clocks may differ.

use async_trait::async_trait;
use sheaf_shared::ids::DocName;
use sqlx::postgres::PgConnection;

use super::PostgresStore;
use crate::adapters::codec::{signed, unsigned};
use crate::ports::{Acquired, Fence, Lease, Leases, MEMBER_SILENT_MS, Renewed, StorageFault};

/// `$1` document, `$2` holder, `$3` milliseconds it lasts, `$4` milliseconds of silence after which the list of servers
/// gives a holder up.
const ACQUIRE: &str = "
    INSERT INTO lease (name, holder, fence, ends_at)
    VALUES ($1, $2, 1, clock_timestamp() + $3 * INTERVAL '1 millisecond')
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, fence = lease.fence + 1, ends_at = excluded.ends_at
    WHERE lease.holder IS NULL OR lease.holder = excluded.holder OR lease.ends_at <= clock_timestamp()
       OR EXISTS (
           SELECT FROM member WHERE member.name = lease.holder
           AND member.seen_at < clock_timestamp() - $4 * INTERVAL '1 millisecond'
       )
    RETURNING fence";

#[async_trait]
impl Leases for PostgresStore {
    async fn acquire(
        &self,
        doc: &DocName,
        holder: &str,
        for_ms: u64,
    ) -> Result<Acquired, StorageFault> {
        let fence: Option<i64> = self
            .write(async {
                let mut connection = self.connections.take().await?;
                let given = sqlx::query_scalar(ACQUIRE)
                    .bind(doc.as_str())
                    .bind(holder)
                    .bind(signed(for_ms))
                    .bind(signed(MEMBER_SILENT_MS))
                    .fetch_optional(&mut *connection)
                    .await;
                connection.settle(given)
            })
            .await?;
        Ok(fence.map_or(Acquired::HeldElsewhere, |fence| {
            Acquired::Lease(Lease {
                doc: doc.clone(),
                holder: holder.to_owned(),
                fence: Fence(unsigned(fence)),
            })
        }))
    }

    async fn renew(&self, lease: &Lease, for_ms: u64) -> Result<Renewed, StorageFault> {
        let renewed = self
            .write(async {
                let mut connection = self.connections.take().await?;
                let renewed = sqlx::query(
                    "UPDATE lease SET ends_at = clock_timestamp() + $4 * INTERVAL '1 millisecond'
                 WHERE name = $1 AND holder = $2 AND fence = $3",
                )
                .bind(lease.doc.as_str())
                .bind(&lease.holder)
                .bind(signed(lease.fence.0))
                .bind(signed(for_ms))
                .execute(&mut *connection)
                .await;
                connection.settle(renewed)
            })
            .await?;
        Ok(match renewed.rows_affected() {
            0 => Renewed::Lost,
            _ => Renewed::Held,
        })
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageFault> {
        self.write(async {
            let mut connection = self.connections.take().await?;
            let released = sqlx::query(
                "UPDATE lease SET holder = NULL WHERE name = $1 AND holder = $2 AND fence = $3",
            )
            .bind(lease.doc.as_str())
            .bind(&lease.holder)
            .bind(signed(lease.fence.0))
            .execute(&mut *connection)
            .await;
            connection.settle(released.map(drop))
        })
        .await
    }
}

/// The number of the newest lease of a document. Whoever wants the next one waits until the transaction ends.
pub(super) async fn newest(
    connection: &mut PgConnection,
    doc: &DocName,
) -> Result<Fence, sqlx::Error> {
    let fence: Option<i64> =
        sqlx::query_scalar("SELECT fence FROM lease WHERE name = $1 FOR SHARE")
            .bind(doc.as_str())
            .fetch_optional(connection)
            .await?;
    Ok(Fence(fence.map_or(0, unsigned)))
}
