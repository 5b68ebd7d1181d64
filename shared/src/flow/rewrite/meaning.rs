//! When two blocks, or two characters, mean the same although not the same is stored; and what must be changed where they do not.

use yrs::Any;

use crate::flow::block::{Block, BlockKind, Inline, KIND_KEYS};
use crate::flow::compose::{Embed, Style, embed_of};
use crate::flow::delta::Attrs;
use crate::flow::marks::MARK_KEYS;
use crate::json;

/// Newline attributes that say where a block stands.
const PLACE_KEYS: [&str; 3] = ["indent", "blockquote", "align"];
/// What stands beside a picture.
const PICTURE_KEYS: [&str; 2] = ["alt", "width"];

/// All that a block says, as a text: equal for two blocks that read the same. Which block of code a line belongs to is no
/// part of it, as that is told by its neighbours.
pub(super) fn of_block(block: &Block) -> String {
    let kind = match &block.kind {
        BlockKind::Code { language, .. } => format!("code {language:?}"),
        other => format!("{other:?}"),
    };
    let mut said = format!("{kind} {} {} {:?}", block.indent, block.quoted, block.align);
    let mut style = None;
    for inline in &block.content {
        let attrs = match inline {
            Inline::Text { attrs, .. } | Inline::Embed { attrs, .. } => attrs,
        };
        let here = Style::from_attrs(attrs);
        if style.as_ref() != Some(&here) {
            said.push_str(&format!("\n{here:?}\n"));
            style = Some(here);
        }
        match inline {
            Inline::Text { text, .. } => said.push_str(text),
            Inline::Embed { value, attrs } => {
                said.push('\n');
                said.push_str(&of_embed(value));
                let (alt, width) = beside(value, attrs);
                said.push_str(&format!("{alt:?} {width:?}\n"));
            }
        }
    }
    said
}

/// What an embed is, as a text; for a picture only which.
pub(super) fn of_embed(value: &Any) -> String {
    let none = Attrs::new();
    let mut said = String::new();
    match embed_of(value, &none) {
        Embed::Image { url, .. } => json::put_text(&mut said, url),
        Embed::Break | Embed::Divider | Embed::Other(_) => json::put(&mut said, value),
    }
    said
}

fn beside(value: &Any, attrs: &Attrs) -> (String, Option<u32>) {
    match embed_of(value, attrs) {
        Embed::Image { alt, width, .. } => (alt, width),
        Embed::Break | Embed::Divider | Embed::Other(_) => (String::new(), None),
    }
}

/// The change that makes characters with the attributes `old` mean what those with `new` do. What neither knows stays.
pub(super) fn change_of_text(old: &Attrs, new: &Attrs) -> Attrs {
    let (now, wanted) = (
        Style::from_attrs(old).to_attrs(),
        Style::from_attrs(new).to_attrs(),
    );
    let mut change = Attrs::new();
    for key in MARK_KEYS {
        set(&mut change, key, now.get(key), wanted.get(key));
    }
    for (key, value) in new {
        let is_known = MARK_KEYS
            .iter()
            .chain(&PICTURE_KEYS)
            .any(|known| known == key);
        if !is_known {
            set(&mut change, key, old.get(key), Some(value));
        }
    }
    change
}

/// The same for an embed.
pub(super) fn change_of_embed(old: (&Any, &Attrs), new: (&Any, &Attrs)) -> Attrs {
    let mut change = change_of_text(old.1, new.1);
    if beside(old.0, old.1) != beside(new.0, new.1) {
        for key in PICTURE_KEYS {
            set(&mut change, key, old.1.get(key), new.1.get(key));
        }
    }
    change
}

/// The change that makes the newline of `old` say what `wanted` says, which is a newline's attributes in full.
pub(super) fn change_of_newline(old: &Block, wanted: &Attrs) -> Attrs {
    let now = old.newline_attrs();
    let mut change = Attrs::new();
    for key in KIND_KEYS.iter().chain(&PLACE_KEYS) {
        set(&mut change, key, now.get(*key), wanted.get(*key));
    }
    let kind_changes = KIND_KEYS.iter().any(|key| change.contains_key(*key));
    if kind_changes {
        // Of several kinds one was in force; the others would come into it.
        for key in KIND_KEYS {
            if old.newline.contains_key(key) && !wanted.contains_key(key) {
                change.insert(key.to_owned(), Any::Null);
            }
        }
    }
    change
}

fn set(change: &mut Attrs, key: &str, now: Option<&Any>, wanted: Option<&Any>) {
    if now != wanted {
        let value = wanted.cloned().unwrap_or(Any::Null);
        change.insert(key.to_owned(), value);
    }
}
