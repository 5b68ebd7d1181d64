//! Facts about a page that are no part of its text: the root map [`META`].

use yrs::{Any, Map, Number, Out, ReadTxn, WriteTxn};

use super::META;
use crate::replica::{Origin, Replica};

/// The format that pages of this release are written in.
pub const FORMAT: i64 = 1;
/// The fact that says it.
const FORMAT_KEY: &str = "format";

/// Says that the page is written in [`FORMAT`]. Returns the edit.
pub fn write_format(replica: &mut Replica, origin: Origin) -> Option<Vec<u8>> {
    replica.transact(origin, |txn| {
        let facts = txn.get_or_insert_map(META);
        facts.insert(txn, FORMAT_KEY, Any::Number(Number::Int(FORMAT)));
    })
}

/// The format a page says it is written in, if it says one: pages made by other programs do not.
#[must_use]
pub fn format(replica: &Replica) -> Option<i64> {
    let txn = replica.read();
    match txn.get_map(META)?.get(&txn, FORMAT_KEY)? {
        Out::Any(Any::Number(number)) => number.as_i64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ReplicaId;

    #[test]
    fn a_page_says_its_format_and_one_without_says_none() {
        let mut page = Replica::new(ReplicaId(1));
        assert_eq!(format(&page), None);
        let update = write_format(&mut page, Origin::Local).unwrap();
        assert_eq!(format(&page), Some(FORMAT));
        let mut copy = Replica::new(ReplicaId(2));
        copy.apply(&update, Origin::Remote).unwrap();
        assert_eq!(format(&copy), Some(1));
    }
}
