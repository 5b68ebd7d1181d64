//! How deep shared types are nested in a document.
//!
//! One update is bounded by the gate; many small ones, each hanging its types below the last one's, are not.
//! `yrs` walks trees by recursion, and some thousand levels end the process. Measuring reads the whole document,
//! so it is done only when the types that came since could have made it too deep.

use yrs::branch::{Branch, BranchPtr};
use yrs::types::text::YChange;
use yrs::{Map as _, MapRef, Out, ReadTxn, Text as _, TextRef};

/// The deepest nesting in the document: 1 for what stands in a root. Stops at `enough`.
pub(super) fn measure(txn: &impl ReadTxn, enough: u32) -> u32 {
    let mut deepest = 0;
    let mut open: Vec<(BranchPtr, u32)> = txn
        .root_refs()
        .filter_map(|(_, root)| branch_of(&root))
        .map(|root| (root, 0))
        .collect();
    while let Some((branch, depth)) = open.pop() {
        deepest = deepest.max(depth);
        if deepest >= enough {
            break;
        }
        for child in children(txn, branch) {
            open.push((child, depth + 1));
        }
    }
    deepest
}

/// Types that stand in this one, whatever it is: each type is a sequence and a map at once.
fn children(txn: &impl ReadTxn, branch: BranchPtr) -> Vec<BranchPtr> {
    let in_sequence = TextRef::from(branch)
        .diff(txn, YChange::identity)
        .into_iter()
        .map(|chunk| chunk.insert);
    let in_map = MapRef::from(branch);
    let in_map = in_map.iter(txn).map(|(_, value)| value);
    in_sequence
        .chain(in_map)
        .filter_map(|value| branch_of(&value))
        .collect()
}

fn branch_of(value: &Out) -> Option<BranchPtr> {
    let branch: &Branch = match value {
        Out::YText(text) => text.as_ref(),
        Out::YArray(array) => array.as_ref(),
        Out::YMap(map) => map.as_ref(),
        Out::YXmlElement(element) => element.as_ref(),
        Out::YXmlFragment(fragment) => fragment.as_ref(),
        Out::YXmlText(text) => text.as_ref(),
        Out::UndefinedRef(branch) => return Some(*branch),
        Out::Any(_) | Out::YDoc(_) => return None,
    };
    Some(BranchPtr::from(branch))
}
