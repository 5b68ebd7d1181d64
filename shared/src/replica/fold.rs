//! Updates taken together, and compared with what a replica holds, without applying them.

use yrs::updates::decoder::Decode;
use yrs::{ReadTxn, Update};

use super::{EMPTY_UPDATE, Replica, ReplicaError, guard};

/// Makes one update of several: whoever applies it holds what all of them hold. They must have passed the gate.
///
/// # Errors
/// [`ReplicaError::Undecodable`] if one of them does not decode.
pub fn merge<B: AsRef<[u8]>>(updates: &[B]) -> Result<Vec<u8>, ReplicaError> {
    guard::catch(|| yrs::merge_updates_v1(updates))
        .and_then(Result::ok)
        .ok_or(ReplicaError::Undecodable)
}

impl Replica {
    /// Whether `update` has nothing that this replica lacks: then there is no need to keep it.
    ///
    /// Looks at every deletion of the document, so ask it of a whole exchange, not of each key press.
    ///
    /// # Errors
    /// [`ReplicaError::Undecodable`] if it does not decode.
    pub fn holds(&self, update: &[u8]) -> Result<bool, ReplicaError> {
        if update == EMPTY_UPDATE {
            return Ok(true);
        }
        let update = guard::catch(|| Update::decode_v1(update))
            .and_then(Result::ok)
            .ok_or(ReplicaError::Undecodable)?;
        let held = self.read().snapshot();
        // Not the update's own state vector: that passes over clients whose blocks do not start at 0.
        let has_all_blocks = update.insertions(true).iter().all(|(client, ranges)| {
            let clock = held.state_map.get(client);
            ranges.iter().all(|range| range.end <= clock)
        });
        if !has_all_blocks {
            return Ok(false);
        }
        let mut unknown = update.delete_set().clone();
        unknown.diff_with(&held.delete_set);
        Ok(unknown.iter().all(|(_, ranges)| ranges.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use yrs::{Text, WriteTxn};

    use super::*;
    use crate::ids::ReplicaId;
    use crate::replica::Origin;

    fn typed(replica: &mut Replica, at: u32, words: &str) -> Vec<u8> {
        replica
            .transact(Origin::Local, |txn| {
                let text = txn.get_or_insert_text("content");
                text.insert(txn, at, words);
            })
            .unwrap()
    }

    #[test]
    fn an_update_is_held_once_it_was_applied_and_not_before() {
        let mut ann = Replica::new(ReplicaId(1));
        let mut ben = Replica::new(ReplicaId(2));
        let update = typed(&mut ann, 0, "hello");
        assert!(!ben.holds(&update).unwrap());
        ben.apply(&update, Origin::Remote).unwrap();
        assert!(ben.holds(&update).unwrap());
        let deletion = ann
            .transact(Origin::Local, |txn| {
                let text = txn.get_or_insert_text("content");
                text.remove_range(txn, 1, 2);
            })
            .unwrap();
        assert!(
            !ben.holds(&deletion).unwrap(),
            "an unknown deletion is news"
        );
        ben.apply(&deletion, Origin::Remote).unwrap();
        assert!(ben.holds(&deletion).unwrap());
        assert!(ben.holds(&ann.missing_for(&[0]).unwrap()).unwrap());
        assert!(ben.holds(EMPTY_UPDATE).unwrap());
    }

    #[test]
    fn an_update_that_waits_for_others_is_not_held() {
        let mut ann = Replica::new(ReplicaId(1));
        let mut ben = Replica::new(ReplicaId(2));
        let _lost = typed(&mut ann, 0, "a");
        let late = typed(&mut ann, 1, "b");
        ben.apply(&late, Origin::Remote).unwrap();
        assert!(!ben.holds(&late).unwrap());
    }

    #[test]
    fn merged_updates_do_what_they_did_one_by_one_in_any_order() {
        let mut ann = Replica::new(ReplicaId(1));
        let mut ben = Replica::new(ReplicaId(2));
        let mut updates = Vec::new();
        for n in 0..20 {
            updates.push(typed(&mut ann, n, "a"));
            updates.push(typed(&mut ben, n, "b"));
        }
        updates.reverse();
        let mut one_by_one = Replica::new(ReplicaId(3));
        for update in &updates {
            one_by_one.apply(update, Origin::Remote).unwrap();
        }
        let mut at_once = Replica::new(ReplicaId(4));
        let merged = merge(&updates).unwrap();
        at_once.apply(&merged, Origin::Remote).unwrap();
        assert_eq!(at_once.canonical(), one_by_one.canonical());
    }

    #[test]
    fn what_does_not_decode_is_neither_merged_nor_held() {
        assert!(merge(&[vec![9, 9, 9]]).is_err());
        assert!(Replica::new(ReplicaId(1)).holds(&[9, 9, 9]).is_err());
    }
}
