//! Everything that a database holds, on its way out, or in, whatever it speaks: which rows come next, which of them are
//! sound, and what a row is written as. The statements are the databases' own.

mod tables;

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::time::UnixMs;

use super::codec::{self, signed, unsigned};
use crate::ports::{Batch, Generation, Piece, Quarantined, Row, Soundness, StorageFault, Value};
use tables::Table;

/// About the most bytes of rows that are read at once.
pub(super) const AT_ONCE_BYTES: usize = 8 * 1024 * 1024;

/// Which of the two tables of updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Updates {
    History,
    Log,
}

/// A row of the table of documents, and the place of the newest update.
#[derive(Debug)]
pub(super) struct DocumentRow {
    pub(super) name: String,
    pub(super) created_at_ms: i64,
    pub(super) head_seq: i64,
    pub(super) trouble: Option<String>,
}

/// A row of the table of snapshots.
#[derive(Debug)]
pub(super) struct SnapshotRow {
    pub(super) generation: i64,
    pub(super) through_seq: i64,
    pub(super) at_ms: i64,
    pub(super) checksum: i64,
    pub(super) bytes: Bytes,
}

/// A row of [`Updates`].
#[derive(Debug)]
pub(super) struct BatchRow {
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
    pub(super) at_ms: i64,
    pub(super) checksum: i64,
    pub(super) updates: Bytes,
}

/// A row of what was put aside.
#[derive(Debug)]
pub(super) struct AsideRow {
    pub(super) seq: Option<i64>,
    pub(super) at_ms: i64,
    pub(super) reason: String,
    pub(super) bytes: Bytes,
}

/// What is asked of a database whose rows leave it.
#[async_trait]
pub(super) trait Rows: Send {
    /// The checksum that a row of updates has.
    fn checksum(doc: &DocName, first: Seq, last: Seq, updates: &[u8]) -> u32;

    /// The first document whose name comes after `name`, and what its rows are found by.
    async fn document_after(
        &mut self,
        name: &str,
    ) -> Result<Option<(i64, DocumentRow)>, StorageFault>;

    /// Its snapshot.
    async fn snapshot_of(&mut self, doc_id: i64) -> Result<Option<SnapshotRow>, StorageFault>;

    /// Its first updates that begin after `after`, by place: at least one row if there is any, and about
    /// [`AT_ONCE_BYTES`] at most.
    async fn some_of(
        &mut self,
        updates: Updates,
        doc_id: i64,
        after: i64,
    ) -> Result<Vec<BatchRow>, StorageFault>;

    /// What was put aside of it, oldest first.
    async fn aside_of(&mut self, doc_id: i64) -> Result<Vec<AsideRow>, StorageFault>;

    /// Whether there is a table of that name: one that an earlier release set up may lack it.
    async fn has_table(&mut self, name: &'static str) -> Result<bool, StorageFault>;

    /// What a question about a small table finds.
    async fn rows_of_table(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StorageFault>;
}

/// What is asked of a database that rows enter. None of them is there yet.
#[async_trait]
pub(super) trait RowsIn: Rows {
    /// Answers what the document's rows are to be found by.
    async fn insert_document(&mut self, row: DocumentRow) -> Result<i64, StorageFault>;

    async fn insert_snapshot(&mut self, doc_id: i64, row: SnapshotRow) -> Result<(), StorageFault>;

    async fn insert_updates(
        &mut self,
        updates: Updates,
        doc_id: i64,
        row: BatchRow,
    ) -> Result<(), StorageFault>;

    async fn insert_aside(&mut self, doc_id: i64, row: AsideRow) -> Result<(), StorageFault>;

    /// Writes a row of a small table.
    async fn insert_row(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StorageFault>;
}

/// How far a database has been read.
#[derive(Debug, Default)]
pub(super) struct Walk {
    waiting: VecDeque<Piece>,
    current: Option<(i64, DocName)>,
    stage: Stage,
}

/// Which rows come next.
#[derive(Clone, Debug)]
enum Stage {
    /// Of the small table at this place, after the row with this key.
    Table(usize, Option<Vec<Value>>),
    /// None of this document: the next one.
    Over,
    /// Of its updates, after this place.
    Updates(Updates, i64),
    /// What was put aside.
    Aside,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Table(0, None)
    }
}

impl Walk {
    /// The next piece; `None` after the last.
    pub(super) async fn next<R: Rows>(
        &mut self,
        rows: &mut R,
    ) -> Result<Option<Piece>, StorageFault> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Ok(Some(piece));
            }
            let is_over = match (self.stage.clone(), self.current.clone()) {
                (Stage::Table(place, after), _) => {
                    self.some_of_table(rows, place, after).await?;
                    false
                }
                (Stage::Over, _) | (_, None) => !self.next_document(rows).await?,
                (Stage::Updates(which, after), Some(of)) => {
                    self.some_updates(rows, of, which, after).await?;
                    false
                }
                (Stage::Aside, Some((doc_id, _))) => {
                    let aside = rows.aside_of(doc_id).await?;
                    self.waiting.extend(aside.into_iter().map(AsideRow::piece));
                    self.stage = Stage::Over;
                    false
                }
            };
            if is_over {
                return Ok(None);
            }
        }
    }

    async fn some_of_table<R: Rows>(
        &mut self,
        rows: &mut R,
        place: usize,
        after: Option<Vec<Value>>,
    ) -> Result<(), StorageFault> {
        let Some(table) = Table::at(place) else {
            self.stage = Stage::Over;
            return Ok(());
        };
        self.stage = Stage::Table(place + 1, None);
        if after.is_none() && !rows.has_table(table.name).await? {
            return Ok(());
        }
        let (sql, values) = table.question(after);
        let found = table.read(&rows.rows_of_table(sql, values).await?)?;
        if found.last.is_some() {
            self.stage = Stage::Table(place, found.last);
        }
        let pieces = found.rows.into_iter().map(|values| Piece::TableRow {
            table: table.name,
            values,
        });
        self.waiting.extend(pieces);
        Ok(())
    }

    /// Answers whether there is one.
    async fn next_document<R: Rows>(&mut self, rows: &mut R) -> Result<bool, StorageFault> {
        let after = self.current.as_ref().map_or("", |(_, doc)| doc.as_str());
        let Some((doc_id, row)) = rows.document_after(after).await? else {
            return Ok(false);
        };
        // Only parsed names are ever written.
        let doc = DocName::parse(&row.name).map_err(|error| {
            StorageFault::Failed(format!("the name of document {doc_id} is damaged: {error}"))
        })?;
        self.waiting.push_back(Piece::Document {
            doc: doc.clone(),
            created_at: UnixMs(unsigned(row.created_at_ms)),
            head: Seq(unsigned(row.head_seq)),
            trouble: row.trouble,
        });
        let snapshot = rows.snapshot_of(doc_id).await?;
        self.waiting.extend(snapshot.map(|row| row.piece(&doc)));
        self.current = Some((doc_id, doc));
        self.stage = Stage::Updates(Updates::History, 0);
        Ok(true)
    }

    async fn some_updates<R: Rows>(
        &mut self,
        rows: &mut R,
        (doc_id, doc): (i64, DocName),
        which: Updates,
        after: i64,
    ) -> Result<(), StorageFault> {
        let found = rows.some_of(which, doc_id, after).await?;
        self.stage = match (found.last(), which) {
            (Some(last), _) => Stage::Updates(which, last.first_seq),
            (None, Updates::History) => Stage::Updates(Updates::Log, 0),
            (None, Updates::Log) => Stage::Aside,
        };
        for row in found {
            let batch = row.batch::<R>(&doc);
            self.waiting.push_back(match which {
                Updates::History => Piece::History(batch),
                Updates::Log => Piece::Log(batch),
            });
        }
        Ok(())
    }
}

/// How far a database has been filled.
#[derive(Debug, Default)]
pub(super) struct Filling {
    current: Option<(i64, DocName)>,
}

impl Filling {
    /// Writes one more piece. Rows of documents that come before any document belong to none, and there are none of them.
    pub(super) async fn put<R: RowsIn>(
        &mut self,
        rows: &mut R,
        piece: Piece,
    ) -> Result<(), StorageFault> {
        if let Piece::Document {
            doc,
            created_at,
            head,
            trouble,
        } = piece
        {
            let row = DocumentRow {
                name: doc.as_str().to_owned(),
                created_at_ms: signed(created_at.0),
                head_seq: signed(head.0),
                trouble,
            };
            self.current = Some((rows.insert_document(row).await?, doc));
            return Ok(());
        }
        if let Piece::TableRow { table, values } = piece {
            let Some(table) = Table::named(table) else {
                return Err(StorageFault::Failed(format!("there is no table {table}")));
            };
            return rows.insert_row(table.insert(), values).await;
        }
        let Some((doc_id, doc)) = &self.current else {
            return Ok(());
        };
        match piece {
            Piece::Document { .. } | Piece::TableRow { .. } => Ok(()),
            Piece::Snapshot {
                generation,
                through,
                at,
                soundness,
                bytes,
            } => {
                let right = codec::checksum(doc.as_str(), generation.0, through.0, &bytes);
                let row = SnapshotRow {
                    generation: signed(generation.0),
                    through_seq: signed(through.0),
                    at_ms: signed(at.0),
                    checksum: soundness.checksum(right),
                    bytes,
                };
                rows.insert_snapshot(*doc_id, row).await
            }
            Piece::History(batch) => {
                let row = BatchRow::of::<R>(doc, batch);
                rows.insert_updates(Updates::History, *doc_id, row).await
            }
            Piece::Log(batch) => {
                let row = BatchRow::of::<R>(doc, batch);
                rows.insert_updates(Updates::Log, *doc_id, row).await
            }
            Piece::Aside(aside) => rows.insert_aside(*doc_id, AsideRow::of(aside)).await,
        }
    }
}

impl SnapshotRow {
    fn piece(self, doc: &DocName) -> Piece {
        let (generation, through) = (unsigned(self.generation), unsigned(self.through_seq));
        let right = codec::checksum(doc.as_str(), generation, through, &self.bytes);
        Piece::Snapshot {
            generation: Generation(generation),
            through: Seq(through),
            at: UnixMs(unsigned(self.at_ms)),
            soundness: Soundness::of(self.checksum == i64::from(right)),
            bytes: self.bytes,
        }
    }
}

impl BatchRow {
    fn batch<R: Rows>(self, doc: &DocName) -> Batch {
        let (first, last) = (Seq(unsigned(self.first_seq)), Seq(unsigned(self.last_seq)));
        let right = R::checksum(doc, first, last, &self.updates);
        Batch {
            first,
            last,
            at: UnixMs(unsigned(self.at_ms)),
            soundness: Soundness::of(self.checksum == i64::from(right)),
            updates: self.updates,
        }
    }

    fn of<R: Rows>(doc: &DocName, batch: Batch) -> Self {
        let right = R::checksum(doc, batch.first, batch.last, &batch.updates);
        Self {
            first_seq: signed(batch.first.0),
            last_seq: signed(batch.last.0),
            at_ms: signed(batch.at.0),
            checksum: batch.soundness.checksum(right),
            updates: batch.updates,
        }
    }
}

impl AsideRow {
    fn piece(self) -> Piece {
        Piece::Aside(Quarantined {
            seq: self.seq.map(|seq| Seq(unsigned(seq))),
            reason: self.reason,
            update: self.bytes,
            at: UnixMs(unsigned(self.at_ms)),
        })
    }

    fn of(aside: Quarantined) -> Self {
        Self {
            seq: aside.seq.map(|seq| signed(seq.0)),
            at_ms: signed(aside.at.0),
            reason: aside.reason,
            bytes: aside.update,
        }
    }
}
