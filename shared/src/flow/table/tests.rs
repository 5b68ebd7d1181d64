//! Tables as others may have left them.

use yrs::{ArrayPrelim, MapPrelim, TextPrelim, WriteTxn as _};

use super::*;
use crate::ids::ReplicaId;
use crate::replica::Origin;

#[test]
fn a_ragged_table_reads_as_a_full_grid_and_nothing_is_written() {
    let mut replica = Replica::new(ReplicaId(1));
    replica.transact(Origin::Remote, |txn| {
        let tables = txn.get_or_insert_map(TABLES);
        let table = tables.insert(txn, "t", MapPrelim::default());
        table.insert(txn, "columns", ArrayPrelim::from(["a", "b", "a"]));
        let rows = table.insert(txn, "rows", ArrayPrelim::default());
        let row = rows.push_back(txn, MapPrelim::default());
        row.insert(txn, "id", "r1");
        let cells = row.insert(txn, "cells", MapPrelim::default());
        cells.insert(txn, "b", TextPrelim::new("hello\nthere"));
        cells.insert(txn, "gone", TextPrelim::new("x"));
        rows.push_back(txn, MapPrelim::default());
        rows.push_back(txn, 7);
    });
    let before = replica.canonical();
    let table = read(&replica, "t").unwrap();
    assert_eq!(table.columns, ["a", "b"]);
    let shape: Vec<Vec<usize>> = table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(Vec::len).collect())
        .collect();
    assert_eq!(shape, [[1, 2], [1, 1]]);
    assert_eq!((&*table.rows[0].id, &*table.rows[1].id), ("r1", ""));
    assert_eq!(replica.canonical(), before);
    assert_eq!(read(&replica, "nothing"), None);
}
