//! A recorded writing, replayed into updates.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, Text, Transact};

use crate::ydoc::ROOT;

/// The writing as updates of `per_update` edits each.
pub struct History {
    /// Updates, oldest first.
    pub updates: Vec<Vec<u8>>,
    /// Clocks of its one writer.
    pub clocks: u64,
}

/// Reads a sequential trace and replays it.
///
/// # Errors
/// A sentence when the file cannot be read, has another shape, or does not end in its recorded text.
pub fn replay(path: &Path, per_update: usize) -> Result<History, String> {
    let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| say(&error))?;
    let mut json = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut json)
        .map_err(|error| say(&error))?;
    let trace: Value = serde_json::from_str(&json).map_err(|error| say(&error))?;
    let edits = edits_of(&trace).ok_or_else(|| say(&"not a recorded writing"))?;
    let doc = Doc::with_options(Options {
        offset_kind: OffsetKind::Utf16,
        ..Options::with_client_id(ClientID::new(4_242))
    });
    let text = doc.get_or_insert_text(ROOT);
    let mut updates = Vec::new();
    for batch in edits.chunks(per_update) {
        let mut txn = doc.transact_mut();
        for &(position, deleted, inserted) in batch {
            if deleted > 0 {
                text.remove_range(&mut txn, position, deleted);
            }
            if !inserted.is_empty() {
                text.insert(&mut txn, position, inserted);
            }
        }
        updates.push(txn.encode_update_v1());
    }
    let txn = doc.transact();
    if text.get_string(&txn) != trace["endContent"].as_str().unwrap_or_default() {
        return Err(say(&"the replay does not end in the recorded text"));
    }
    let clocks = edits
        .iter()
        .map(|(_, _, inserted)| inserted.len() as u64)
        .sum();
    Ok(History { updates, clocks })
}

// The recorded positions count code points; all of these traces' characters are one UTF-16 unit each, which the
// comparison at the end would show otherwise.
fn edits_of(trace: &Value) -> Option<Vec<(u32, u32, &str)>> {
    let mut edits = Vec::new();
    for txn in trace.get("txns")?.as_array()? {
        for patch in txn.get("patches")?.as_array()? {
            let position = u32::try_from(patch.get(0)?.as_u64()?).ok()?;
            let deleted = u32::try_from(patch.get(1)?.as_u64()?).ok()?;
            edits.push((position, deleted, patch.get(2)?.as_str()?));
        }
    }
    Some(edits)
}
