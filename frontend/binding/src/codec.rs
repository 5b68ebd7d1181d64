//! Steps and blocks as the JSON that crosses to the page's JavaScript. `frontend/surface/src/wire.ts` is the twin.
//!
//! ```text
//! step   ["r", from, to, open start, open end, [block…]] | ["b", at, look] | ["m", from, to, key, value]
//! block  [look, [piece…]]
//! look   {"kind": "heading", "level": 2, "indent": 1, "quoted": true, "align": "center", "joined": true, …}
//! piece  "text" | ["text", {mark: value}] | {"embed": value, "attrs": {…}}
//! flow   [piece…], newlines among its text
//! ```
//!
//! What is absent from a look is zero, false or none.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs_of};
use yrs::{Any, Number};

use crate::surface::{Align, BlockKind, Inline, Look, Slice, SurfaceBlock, SurfaceStep};

/// The JSON was not what the twin writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what came from JavaScript is not what was agreed upon")]
pub struct NotSteps;

/// Reads a list of steps.
///
/// # Errors
/// [`NotSteps`] if it is anything else.
pub fn read_steps(json: &str) -> Result<Vec<SurfaceStep>, NotSteps> {
    let value: Value = serde_json::from_str(json).map_err(|_| NotSteps)?;
    read_list(&value, read_step).ok_or(NotSteps)
}

/// Writes a list of steps.
#[must_use]
pub fn write_steps(steps: &[SurfaceStep]) -> String {
    Value::Array(steps.iter().map(write_step).collect()).to_string()
}

/// Writes a list of blocks.
#[must_use]
pub fn write_blocks(blocks: &[SurfaceBlock]) -> String {
    Value::Array(blocks.iter().map(write_block).collect()).to_string()
}

/// Reads a flow.
///
/// # Errors
/// [`NotSteps`] if it is anything else.
pub fn read_flow(json: &str) -> Result<Vec<DeltaOp>, NotSteps> {
    let value: Value = serde_json::from_str(json).map_err(|_| NotSteps)?;
    let read = |piece: &Value| {
        Some(match read_piece(piece, str::to_owned)? {
            Inline::Text { text, attrs } => DeltaOp::Insert(Content::Text(text), attrs),
            Inline::Embed { value, attrs } => DeltaOp::Insert(Content::Embed(value), attrs),
        })
    };
    read_list(&value, read).ok_or(NotSteps)
}

/// Writes a flow, and no changes: only what `flow` inserts.
#[must_use]
pub fn write_flow(flow: &[DeltaOp]) -> String {
    let pieces = flow.iter().filter_map(|op| match op {
        DeltaOp::Insert(Content::Text(text), attrs) => Some(write_text(text, attrs)),
        DeltaOp::Insert(Content::Embed(value), attrs) => Some(write_embed(value, attrs)),
        DeltaOp::Retain(..) | DeltaOp::Delete(_) => None,
    });
    Value::Array(pieces.collect()).to_string()
}

fn read_list<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(read).collect()
}

fn read_u32(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

fn read_step(value: &Value) -> Option<SurfaceStep> {
    let parts = value.as_array()?;
    match (parts.first()?.as_str()?, &parts[1..]) {
        ("r", [from, to, open_start, open_end, blocks]) => Some(SurfaceStep::Replace {
            from: read_u32(from)?,
            to: read_u32(to)?,
            slice: Slice {
                open_start: open_start.as_bool()?,
                open_end: open_end.as_bool()?,
                blocks: read_list(blocks, read_block)?,
            },
        }),
        ("b", [at, look]) => Some(SurfaceStep::SetBlock {
            at: read_u32(at)?,
            look: Rc::new(read_look(look)?),
        }),
        ("m", [from, to, key, value]) => Some(SurfaceStep::Mark {
            from: read_u32(from)?,
            to: read_u32(to)?,
            key: key.as_str()?.to_owned(),
            value: read_any(value),
        }),
        _ => None,
    }
}

fn write_step(step: &SurfaceStep) -> Value {
    match step {
        SurfaceStep::Replace { from, to, slice } => Value::Array(vec![
            "r".into(),
            (*from).into(),
            (*to).into(),
            slice.open_start.into(),
            slice.open_end.into(),
            Value::Array(slice.blocks.iter().map(write_block).collect()),
        ]),
        SurfaceStep::SetBlock { at, look } => {
            Value::Array(vec!["b".into(), (*at).into(), write_look(look)])
        }
        SurfaceStep::Mark {
            from,
            to,
            key,
            value,
        } => Value::Array(vec![
            "m".into(),
            (*from).into(),
            (*to).into(),
            key.as_str().into(),
            write_any(value),
        ]),
    }
}

fn read_block(value: &Value) -> Option<SurfaceBlock> {
    let [look, content] = value.as_array()?.as_slice() else {
        return None;
    };
    Some(SurfaceBlock {
        look: Rc::new(read_look(look)?),
        content: read_list(content, |piece| read_piece(piece, one_line))?,
    })
}

fn write_block(block: &SurfaceBlock) -> Value {
    let content = block.content.iter().map(write_piece).collect();
    Value::Array(vec![write_look(&block.look), Value::Array(content)])
}

fn read_piece(value: &Value, text_of: fn(&str) -> String) -> Option<Inline> {
    match value {
        Value::String(text) => Some(Inline::Text {
            text: text_of(text),
            attrs: Attrs::new(),
        }),
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(text), Value::Object(attrs)] => Some(Inline::Text {
                text: text_of(text),
                attrs: read_attrs(attrs),
            }),
            _ => None,
        },
        Value::Object(embed) => Some(Inline::Embed {
            value: read_any(embed.get("embed")?),
            attrs: embed
                .get("attrs")
                .and_then(Value::as_object)
                .map(read_attrs)
                .unwrap_or_default(),
        }),
        _ => None,
    }
}

/// A newline inside a block would be a block of its own to everybody else.
fn one_line(text: &str) -> String {
    if text.contains('\n') {
        text.replace('\n', " ")
    } else {
        text.to_owned()
    }
}

fn write_piece(piece: &Inline) -> Value {
    match piece {
        Inline::Text { text, attrs } => write_text(text, attrs),
        Inline::Embed { value, attrs } => write_embed(value, attrs),
    }
}

fn write_text(text: &str, attrs: &Attrs) -> Value {
    if attrs.is_empty() {
        return text.into();
    }
    Value::Array(vec![text.into(), Value::Object(write_attrs(attrs))])
}

fn write_embed(value: &Any, attrs: &Attrs) -> Value {
    object([
        ("embed", Some(write_any(value))),
        (
            "attrs",
            (!attrs.is_empty()).then(|| Value::Object(write_attrs(attrs))),
        ),
    ])
}

fn read_attrs(attrs: &Map<String, Value>) -> Attrs {
    attrs_of(
        attrs
            .iter()
            .map(|(key, value)| (key.clone(), read_any(value))),
    )
}

fn write_attrs(attrs: &Attrs) -> Map<String, Value> {
    map_of(
        attrs
            .iter()
            .map(|(key, value)| (key.clone(), write_any(value))),
    )
}

fn read_look(value: &Value) -> Option<Look> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let small = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_u64)
            .and_then(|n| u8::try_from(n).ok())
    };
    let kind = match value.get("kind")?.as_str()? {
        "paragraph" => BlockKind::Paragraph,
        "heading" => BlockKind::Heading(small("level")?.clamp(1, 6)),
        "bullet" => BlockKind::Bullet,
        "ordered" => BlockKind::Ordered {
            start: value.get("start").and_then(read_u32),
        },
        "task" => BlockKind::Task { done: flag("done") },
        "code" => BlockKind::Code {
            language: text("language")
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| "plain".to_owned()),
            fence: text("fence"),
        },
        "callout" => BlockKind::Callout(text("tone").filter(|it| !it.is_empty())?),
        "divider" => BlockKind::Divider,
        _ => return None,
    };
    let align = match text("align").as_deref() {
        Some("center") => Some(Align::Center),
        Some("right") => Some(Align::Right),
        Some("justify") => Some(Align::Justify),
        _ => None,
    };
    let indent = small("indent").unwrap_or(0).min(8);
    Some(Look {
        kind,
        indent,
        quoted: flag("quoted"),
        align,
        joined: flag("joined"),
    })
}

fn write_look(look: &Look) -> Value {
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    match &look.kind {
        BlockKind::Paragraph => put("kind", "paragraph".into()),
        BlockKind::Heading(level) => {
            put("kind", "heading".into());
            put("level", (*level).into());
        }
        BlockKind::Bullet => put("kind", "bullet".into()),
        BlockKind::Ordered { start } => {
            put("kind", "ordered".into());
            if let Some(start) = start {
                put("start", (*start).into());
            }
        }
        BlockKind::Task { done } => {
            put("kind", "task".into());
            put("done", (*done).into());
        }
        BlockKind::Code { language, fence } => {
            put("kind", "code".into());
            put("language", language.as_str().into());
            if let Some(fence) = fence {
                put("fence", fence.as_str().into());
            }
        }
        BlockKind::Callout(tone) => {
            put("kind", "callout".into());
            put("tone", tone.as_str().into());
        }
        BlockKind::Divider => put("kind", "divider".into()),
    }
    if look.indent > 0 {
        put("indent", look.indent.into());
    }
    if look.quoted {
        put("quoted", true.into());
    }
    if let Some(align) = look.align {
        put("align", align.as_str().into());
    }
    if look.joined {
        put("joined", true.into());
    }
    Value::Object(all)
}

fn object<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Value {
    let present = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(map_of(present))
}

/// A stored value from JSON. Whole numbers stay whole.
#[must_use]
pub fn read_any(value: &Value) -> Any {
    match value {
        Value::Null => Any::Null,
        Value::Bool(is) => Any::Bool(*is),
        Value::Number(number) => Any::Number(number.as_i64().map_or_else(
            || Number::Float(number.as_f64().unwrap_or(0.0)),
            Number::Int,
        )),
        Value::String(text) => Any::from(text.as_str()),
        Value::Array(list) => Any::Array(list.iter().map(read_any).collect::<Vec<_>>().into()),
        Value::Object(map) => Any::Map(Arc::new(
            map.iter()
                .map(|(key, value)| (key.clone(), read_any(value)))
                .collect::<HashMap<_, _>>(),
        )),
    }
}

/// A stored value as JSON. What JSON has no word for (bytes, undefined, not-a-number) becomes null.
#[must_use]
pub fn write_any(value: &Any) -> Value {
    match value {
        Any::Null | Any::Undefined | Any::Buffer(_) => Value::Null,
        Any::Bool(is) => Value::Bool(*is),
        Any::Number(Number::Int(number)) => Value::from(*number),
        Any::Number(Number::Float(number)) => Value::from(*number),
        Any::String(text) => Value::from(&**text),
        Any::Array(list) => Value::Array(list.iter().map(write_any).collect()),
        // serde_json's map is ordered, so one value has one text.
        Any::Map(map) => Value::Object(map_of(
            map.iter()
                .map(|(key, value)| (key.clone(), write_any(value))),
        )),
    }
}

/// Like [`attrs_of`], for JSON.
fn map_of(pairs: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, value) in pairs {
        map.insert(key, value);
    }
    map
}
