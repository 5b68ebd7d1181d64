//! A newline's attributes and the look they give a block. Looking normalises; writing touches only what changed.

use sheaf_shared::flow::block::{Block, BlockKind, KIND_KEYS};
use sheaf_shared::flow::delta::Attrs;
use yrs::Any;

use crate::surface::Look;

/// What to set on a newline so that a block that looks like `from` looks like `to`.
///
/// `stored` are its attributes as they are; whatever the two looks agree on is left alone, null takes away.
pub(crate) fn change_between(stored: &Attrs, from: &Look, to: &Look) -> Attrs {
    let (was, wanted) = (newline_attrs(from), newline_attrs(to));
    let mut change = Attrs::new();
    let kind_changes = from.kind != to.kind;
    for (key, value) in &wanted {
        if was.get(key) != Some(value) || (kind_changes && stored.get(key) != Some(value)) {
            change.insert(key.clone(), value.clone());
        }
    }
    for key in was.keys() {
        if !wanted.contains_key(key) && stored.contains_key(key) {
            change.insert(key.clone(), Any::Null);
        }
    }
    if kind_changes {
        for key in KIND_KEYS {
            if stored.contains_key(key) && !wanted.contains_key(key) {
                change.insert(key.to_owned(), Any::Null);
            }
        }
    }
    change
}

/// `stored` after `change`.
pub(crate) fn changed(stored: &Attrs, change: &Attrs) -> Attrs {
    let mut now = stored.clone();
    for (key, value) in change {
        if *value == Any::Null {
            now.remove(key);
        } else {
            now.insert(key.clone(), value.clone());
        }
    }
    now
}

/// How a line looks whose newline holds `stored`, dividers apart.
pub(crate) fn look_of(stored: &Attrs) -> Look {
    let block = Block::from_line(Vec::new(), stored.clone());
    Look {
        kind: block.kind,
        indent: block.indent,
        quoted: block.quoted,
        align: block.align,
        joined: false,
    }
}

/// The newline attributes that make a line look like this, and no others.
pub(crate) fn newline_attrs(look: &Look) -> Attrs {
    Block {
        kind: look.kind.clone(),
        indent: look.indent,
        quoted: look.quoted,
        align: look.align,
        content: Vec::new(),
        newline: Attrs::new(),
    }
    .newline_attrs()
}

/// Whether a code line goes on with the code block of the line before.
pub(crate) fn joins(before: &Look, look: &Look) -> bool {
    matches!(look.kind, BlockKind::Code { .. })
        && before.kind == look.kind
        && before.quoted == look.quoted
        && before.indent == look.indent
}
