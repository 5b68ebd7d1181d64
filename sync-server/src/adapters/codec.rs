//! How a batch of updates lies in one row of a database, and the checksum that goes with it.

use sheaf_shared::replica::EMPTY_UPDATE;
use sheaf_shared::time::UnixMs;

use crate::ports::{Entry, Seq, UpdateBytes};

/// Joins updates: each with its length (LEB128) before it.
pub(crate) fn join<'a>(updates: impl IntoIterator<Item = &'a UpdateBytes>) -> Vec<u8> {
    let mut joined = Vec::new();
    for update in updates {
        push_length(&mut joined, update.len());
        joined.extend_from_slice(update);
    }
    joined
}

fn push_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let low = u8::try_from(length & 0x7f).unwrap_or(0x7f);
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// A row of the log or the history, as it lies in a database.
#[derive(Debug)]
pub(crate) struct Row<'row> {
    /// Place of its first update.
    pub(crate) first: Seq,
    /// Place of its last update.
    pub(crate) last: Seq,
    /// When its newest update was stored.
    pub(crate) at: UnixMs,
    /// Whether the checksum is the one of this document, these places and these bytes.
    pub(crate) is_sound: bool,
    /// The updates, [`join`]ed.
    pub(crate) updates: &'row [u8],
}

/// Takes a row apart. `None` if its bytes do not hold exactly the updates it names.
fn split(row: &Row<'_>) -> Option<Vec<Entry>> {
    let (first, last) = (row.first, row.last);
    let mut joined = row.updates;
    let count = last.0.checked_sub(first.0)?.checked_add(1)?;
    // Each update takes a byte at least, so a damaged count cannot make this reserve more than the row is long.
    let mut entries = Vec::with_capacity(usize::try_from(count).ok()?.min(joined.len()));
    for seq in first.0..=last.0 {
        let (length, rest) = take_length(joined)?;
        let (update, rest) = rest.split_at_checked(length)?;
        entries.push(Entry {
            seq: Seq(seq),
            at: row.at,
            update: UpdateBytes::copy_from_slice(update),
        });
        joined = rest;
    }
    joined.is_empty().then_some(entries)
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_usize;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((length, &bytes[index + 1..]));
        }
    }
    None
}

/// Checksum of one row. It covers whose row it is and where it stands, so that a row in the wrong place shows too.
pub(crate) fn checksum(doc: &str, first: u64, last: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(doc.as_bytes());
    hasher.update(&[0]);
    hasher.update(&first.to_le_bytes());
    hasher.update(&last.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// Checksum of a row whose places the database gives while it stores it: `of_bytes` of its name and bytes, mixed with
/// both places. The SQL of `postgres/rows.rs` computes exactly this. A wrong place changes it, because both factors
/// are odd.
pub(crate) fn placed(of_bytes: u32, first: Seq, last: Seq) -> u32 {
    const LOW: u64 = 0xffff_ffff;
    let mix = |place: Seq, factor: u64| ((place.0 & LOW) * factor) & LOW;
    let places = mix(first, PLACE_FACTORS.0) ^ mix(last, PLACE_FACTORS.1);
    of_bytes ^ u32::try_from(places).unwrap_or(u32::MAX)
}

/// Below 2^31, so that their product with 32 bits stays a positive signed number of 64.
pub(crate) const PLACE_FACTORS: (u64, u64) = (1_597_334_677, 1_181_783_497);

/// Checksum of a document's name and a row's bytes, to be [`placed`].
pub(crate) fn checksum_of_bytes(doc: &str, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(doc.as_bytes());
    hasher.update(&[0]);
    hasher.update(bytes);
    hasher.finalize()
}

/// A number as databases keep it: their integers are signed, and ours never reach the sign bit.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The number that a database kept.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Puts rows together again that a database answers in order, and notices what is damaged.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    entries: Vec<Entry>,
    expected: Option<Seq>,
    bytes: usize,
}

impl Assembly {
    /// Takes the next row; entries up to `after` are left out. Says what is wrong with it, if something is.
    pub(crate) fn take(&mut self, after: Seq, row: &Row<'_>) -> Result<(), String> {
        let first = row.first;
        if !row.is_sound {
            return Err(format!(
                "the checksum of the updates from {} does not match",
                first.0
            ));
        }
        if let Some(expected) = self.expected
            && expected != first
        {
            return Err(format!(
                "update {} is missing: the log goes on at {}",
                expected.0, first.0
            ));
        }
        self.expected = Some(row.last.plus(1));
        let split =
            split(row).ok_or_else(|| format!("the updates from {} do not come apart", first.0))?;
        self.bytes += row.updates.len();
        self.entries
            .extend(split.into_iter().filter(|entry| entry.seq > after));
        Ok(())
    }

    /// Whether it has this many bytes and an entry at least.
    pub(crate) fn is_full(&self, bytes_max: usize) -> bool {
        self.bytes >= bytes_max && !self.entries.is_empty()
    }

    /// What came together, with an empty update in each place that was put aside.
    pub(crate) fn done(mut self, put_aside: impl IntoIterator<Item = Seq>) -> Vec<Entry> {
        for seq in put_aside {
            if let Ok(index) = self.entries.binary_search_by_key(&seq, |entry| entry.seq) {
                self.entries[index].update = UpdateBytes::from_static(EMPTY_UPDATE);
            }
        }
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken_apart(first: u64, last: u64, updates: &[u8]) -> Option<Vec<Entry>> {
        split(&Row {
            first: Seq(first),
            last: Seq(last),
            at: UnixMs(1_700_000_000_000),
            is_sound: true,
            updates,
        })
    }

    #[test]
    fn a_row_reads_back_as_the_updates_it_was_made_of() {
        let updates: Vec<UpdateBytes> = [0_usize, 1, 127, 128, 70_000]
            .iter()
            .map(|&length| vec![7_u8; length].into())
            .collect();
        let entries = taken_apart(5, 9, &join(&updates)).unwrap();
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.update.clone())
                .collect::<Vec<_>>(),
            updates
        );
        assert_eq!(entries[4].seq, Seq(9));
    }

    #[test]
    fn a_row_that_is_cut_or_counted_wrong_is_no_row() {
        let joined = join(&[
            UpdateBytes::from_static(b"abc"),
            UpdateBytes::from_static(b"de"),
        ]);
        for length in 0..joined.len() {
            assert_eq!(
                taken_apart(1, 2, &joined[..length]),
                None,
                "cut to {length}"
            );
        }
        assert_eq!(taken_apart(1, 1, &joined), None);
        assert_eq!(taken_apart(1, 3, &joined), None);
        assert_eq!(taken_apart(2, 1, &joined), None);
        assert_eq!(taken_apart(1, u64::MAX, &joined), None);
    }

    #[test]
    fn a_row_in_the_wrong_place_has_another_checksum() {
        let of_bytes = checksum_of_bytes("page", b"bytes");
        let right = placed(of_bytes, Seq(7), Seq(9));
        for (first, last) in [(6, 9), (7, 8), (8, 9), (9, 7), (7 + (1 << 31), 9), (1, 3)] {
            assert_ne!(
                right,
                placed(of_bytes, Seq(first), Seq(last)),
                "{first}..={last}"
            );
        }
        assert_ne!(of_bytes, checksum_of_bytes("pag", b"ebytes"));
    }
}
