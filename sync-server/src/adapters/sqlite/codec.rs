//! How a batch of updates lies in one row, and the checksum that goes with it.

use crate::ports::{Entry, Seq, UpdateBytes};

/// Joins updates: each with its length (LEB128) before it.
pub(super) fn join<'a>(updates: impl IntoIterator<Item = &'a UpdateBytes>) -> Vec<u8> {
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

/// Takes a row apart. `None` if the bytes do not hold exactly the updates `first..=last`.
pub(super) fn split(first: Seq, last: Seq, mut joined: &[u8]) -> Option<Vec<Entry>> {
    let count = last.0.checked_sub(first.0)?.checked_add(1)?;
    // Each update takes a byte at least, so a damaged count cannot make this reserve more than the row is long.
    let mut entries = Vec::with_capacity(usize::try_from(count).ok()?.min(joined.len()));
    for seq in first.0..=last.0 {
        let (length, rest) = take_length(joined)?;
        let (update, rest) = rest.split_at_checked(length)?;
        entries.push(Entry {
            seq: Seq(seq),
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
pub(super) fn checksum(doc: &str, first: u64, last: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(doc.as_bytes());
    hasher.update(&[0]);
    hasher.update(&first.to_le_bytes());
    hasher.update(&last.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_back_as_the_updates_it_was_made_of() {
        let updates: Vec<UpdateBytes> = [0_usize, 1, 127, 128, 70_000]
            .iter()
            .map(|&length| vec![7_u8; length].into())
            .collect();
        let entries = split(Seq(5), Seq(9), &join(&updates)).unwrap();
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
                split(Seq(1), Seq(2), &joined[..length]),
                None,
                "cut to {length}"
            );
        }
        assert_eq!(split(Seq(1), Seq(1), &joined), None);
        assert_eq!(split(Seq(1), Seq(3), &joined), None);
        assert_eq!(split(Seq(2), Seq(1), &joined), None);
        assert_eq!(split(Seq(1), Seq(u64::MAX), &joined), None);
    }
}
