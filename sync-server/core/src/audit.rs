//! Whether two copies of a document are the same, told by a few bytes; and what a log lacks that a copy has.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use sheaf_shared::gate::update::PartBytes;
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Ordered, ReplicaError};

/// How a digest is made. Copies whose digests were made otherwise can't be compared.
const FORM: u8 = 1;
/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 16;
/// Longest row, in bytes, in which something is put back, as far as it can be cut.
const PUT_BACK_BYTES: usize = 1024 * 1024;

/// What a copy holds, in few bytes: equal for copies that took the same rows of a log, in whatever order and from
/// whatever snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateDigest {
    form: u8,
    bytes: [u8; DIGEST_BYTES],
}

impl StateDigest {
    /// Of this copy. Takes time with its size.
    ///
    /// # Panics
    /// If the replica is broken.
    #[must_use]
    pub fn of(copy: &Ordered) -> Self {
        let mut waiting: Vec<u64> = copy.waiting_rows().map(|(row, _)| row.0).collect();
        waiting.sort_unstable();
        let mut hasher = Sha256::new();
        // The encoded state would not do: which blocks are joined, and in what order writers and deletions stand, is not
        // the same for all who hold the same.
        hasher.update(copy.replica().canonical());
        for row in waiting {
            hasher.update(row.to_le_bytes());
        }
        let mut bytes = [0; DIGEST_BYTES];
        bytes.copy_from_slice(&hasher.finalize()[..DIGEST_BYTES]);
        Self { form: FORM, bytes }
    }

    /// As another server sent it.
    #[must_use]
    pub const fn from_parts(form: u8, bytes: [u8; DIGEST_BYTES]) -> Self {
        Self { form, bytes }
    }

    /// As it is sent.
    #[must_use]
    pub const fn parts(&self) -> (u8, &[u8; DIGEST_BYTES]) {
        (self.form, &self.bytes)
    }

    /// Whether it says that its copy is another one than that of `other`.
    #[must_use]
    pub fn contradicts(&self, other: &Self) -> bool {
        self.form == other.form && self.bytes != other.bytes
    }
}

impl std::fmt::Display for StateDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.bytes
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// All that a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The document, as one update.
    pub document: Bytes,
    /// The rows that wait for what they build on.
    pub waiting: Vec<Bytes>,
}

/// The rows that a log lacks to make all that `whole` holds; `log` is what it makes now. None if it lacks nothing.
///
/// # Errors
/// [`ReplicaError`] if `whole` does not make a document.
pub fn lacking(whole: &Whole, log: &Ordered) -> Result<Vec<Bytes>, ReplicaError> {
    let copy = Ordered::of_log(ReplicaId(0), Some(&whole.document), [])?;
    let stored = log.replica();
    let parts = copy
        .replica()
        .missing_in_parts(&stored.version(), PartBytes::at_most(PUT_BACK_BYTES))?;
    let mut rows = Vec::new();
    for part in parts {
        // All deletions go along each time, known or not.
        if !stored.holds(&part)? {
            rows.push(Bytes::from(part));
        }
    }
    for row in &whole.waiting {
        if !log.waits(row) && !stored.holds(row)? {
            rows.push(row.clone());
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use sheaf_shared::replica::{Origin, Replica};
    use yrs::{Text as _, WriteTxn as _};

    use super::*;

    fn typed(replica: &mut Replica, words: &str) -> Bytes {
        let update = replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.insert(txn, 0, words);
        });
        update.unwrap().into()
    }

    fn erased(replica: &mut Replica, from: u32, length: u32) -> Bytes {
        let update = replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.remove_range(txn, from, length);
        });
        update.unwrap().into()
    }

    /// Rows of two people, who hear nothing of each other until the end.
    fn rows() -> Vec<Bytes> {
        let (mut ann, mut ben) = (Replica::new(ReplicaId(1)), Replica::new(ReplicaId(2)));
        let mut rows = Vec::new();
        for round in 0..20 {
            rows.push(typed(&mut ann, &format!("ann {round} ")));
            rows.push(typed(&mut ben, &format!("ben {round} ")));
            if round % 3 == 0 {
                rows.push(erased(&mut ann, 1, 2));
                rows.push(erased(&mut ben, 2, 1));
            }
        }
        rows
    }

    fn copy(rows: &[Bytes]) -> Ordered {
        Ordered::of_log(ReplicaId(9), None, rows).unwrap()
    }

    fn whole(copy: &Ordered) -> Whole {
        Whole {
            document: copy.replica().encode().into(),
            waiting: copy.waiting_updates().cloned().collect(),
        }
    }

    #[test]
    fn copies_that_took_the_same_rows_in_any_order_have_one_digest_and_others_have_another() {
        let rows = rows();
        let expected = StateDigest::of(&copy(&rows));
        let mut chance = fastrand::Rng::with_seed(7);
        for _ in 0..50 {
            let mut shuffled = rows.clone();
            chance.shuffle(&mut shuffled);
            assert_eq!(StateDigest::of(&copy(&shuffled)), expected);
            // From a snapshot somewhere, as another server may have opened it.
            let cut = chance.usize(..rows.len());
            let snapshot = copy(&rows[..cut]).replica().encode();
            let opened = Ordered::of_log(ReplicaId(3), Some(&snapshot), &rows[cut..]).unwrap();
            assert_eq!(StateDigest::of(&opened), expected, "from {cut}");
        }
        for gone in 0..rows.len() {
            let mut fewer = rows.clone();
            fewer.remove(gone);
            assert!(
                StateDigest::of(&copy(&fewer)).contradicts(&expected),
                "row {gone} makes no difference"
            );
        }
    }

    #[test]
    fn rows_that_wait_are_part_of_what_a_copy_holds() {
        let rows = rows();
        let mut early = Ordered::keeping_all(ReplicaId(9));
        early
            .take_row(sheaf_shared::ids::Seq(1), &rows[0], |_| {})
            .unwrap();
        let before = StateDigest::of(&early);
        early
            .take_row(sheaf_shared::ids::Seq(2), &rows[8], |_| {})
            .unwrap();
        assert_eq!(early.waiting(), 1);
        assert!(StateDigest::of(&early).contradicts(&before));
    }

    #[test]
    fn a_log_that_lost_rows_lacks_exactly_what_makes_it_whole_again() {
        let rows = rows();
        let kept = copy(&rows);
        let mut chance = fastrand::Rng::with_seed(3);
        for _ in 0..100 {
            let mut left = rows.clone();
            for _ in 0..chance.usize(1..10) {
                left.remove(chance.usize(..left.len()));
            }
            let mut log = copy(&left);
            let lacks = lacking(&whole(&kept), &log).unwrap();
            assert!(!lacks.is_empty());
            for row in &lacks {
                log.take(row, |_| {}).unwrap();
            }
            assert_eq!(log.waiting(), 0);
            assert_eq!(log.replica().canonical(), kept.replica().canonical());
            assert_eq!(lacking(&whole(&kept), &log).unwrap(), Vec::<Bytes>::new());
        }
    }

    #[test]
    fn a_log_that_lost_a_row_for_which_others_wait_gets_those_others_back_too() {
        let rows = rows();
        let mut kept = Ordered::keeping_all(ReplicaId(9));
        for row in [&rows[0], &rows[8]] {
            kept.take(row, |_| {}).unwrap();
        }
        let log = copy(&rows[..1]);
        assert_eq!(lacking(&whole(&kept), &log).unwrap(), [rows[8].clone()]);
        let both = Ordered::of_log(ReplicaId(4), None, [&rows[0], &rows[8]]).unwrap();
        assert_eq!(lacking(&whole(&kept), &both).unwrap(), Vec::<Bytes>::new());
    }
}
