//! Tables: what a `{table: id}` embed points at, as a full grid.
//!
//! Rows and columns are added by different people at once, so a row may lack a cell or name a column that is gone.
//! Drawing pads and skips; nothing is written for it.

use std::collections::{BTreeMap, BTreeSet};

use yrs::{Any, Array, Map, MapRef, Out, ReadTxn};

use super::block::{self, Block};
use super::{TABLES, delta_of};
use crate::replica::Replica;

/// Most rows and most columns that are read; others stay stored and are not drawn.
pub const TABLE_SIDE_MAX: usize = 10_000;

/// A table as it should be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Column ids, left to right; each once.
    pub columns: Vec<String>,
    /// Rows, top to bottom.
    pub rows: Vec<Row>,
}

/// A row of a table: as many cells as the table has columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id; empty if it lacks one.
    pub id: String,
    /// Each a small flow; one empty paragraph where none is stored.
    pub cells: Vec<Vec<Block>>,
}

/// The id in a `{table: id}` embed.
#[must_use]
pub fn table_id(embed: &Any) -> Option<&str> {
    let Any::Map(entries) = embed else {
        return None;
    };
    match entries.get("table")? {
        Any::String(id) => Some(id),
        _ => None,
    }
}

/// Reads the table `id` of a page; `None` if nothing is stored under it.
#[must_use]
pub fn read(replica: &Replica, id: &str) -> Option<Table> {
    let txn = replica.read();
    let Some(Out::YMap(table)) = txn.get_map(TABLES)?.get(&txn, id) else {
        return None;
    };
    let mut columns = Vec::new();
    let mut seen = BTreeSet::new();
    if let Some(Out::YArray(stored)) = table.get(&txn, "columns") {
        for column in stored.iter(&txn).take(TABLE_SIDE_MAX) {
            if let Out::Any(Any::String(id)) = column
                && seen.insert(id.clone())
            {
                columns.push(id.to_string());
            }
        }
    }
    let mut rows = Vec::new();
    if let Some(Out::YArray(stored)) = table.get(&txn, "rows") {
        for row in stored.iter(&txn).take(TABLE_SIDE_MAX) {
            if let Out::YMap(row) = row {
                rows.push(read_row(&txn, &row, &columns));
            }
        }
    }
    Some(Table { columns, rows })
}

fn read_row<T: ReadTxn>(txn: &T, row: &MapRef, columns: &[String]) -> Row {
    let id = match row.get(txn, "id") {
        Some(Out::Any(Any::String(id))) => id.to_string(),
        _ => String::new(),
    };
    let mut stored: BTreeMap<String, Vec<Block>> = BTreeMap::new();
    if let Some(Out::YMap(cells)) = row.get(txn, "cells") {
        for (column, cell) in cells.iter(txn) {
            if let Out::YText(text) = cell {
                stored.insert(column.to_owned(), block::from_delta(&delta_of(txn, &text)));
            }
        }
    }
    let cells = columns
        .iter()
        .map(|column| {
            stored
                .remove(column)
                .unwrap_or_else(|| block::from_delta(&[]))
        })
        .collect();
    Row { id, cells }
}

#[cfg(test)]
mod tests;
