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

use std::rc::Rc;

use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs_of};
use sheaf_shared::json::{self, Object};
use yrs::Any;

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
    read_all(json, read_step)
}

/// Writes a list of steps.
#[must_use]
pub fn write_steps(steps: &[SurfaceStep]) -> String {
    written(|out| json::put_list(out, steps, put_step))
}

/// Writes a list of blocks.
#[must_use]
pub fn write_blocks(blocks: &[SurfaceBlock]) -> String {
    written(|out| json::put_list(out, blocks, put_block))
}

/// Reads a flow.
///
/// # Errors
/// [`NotSteps`] if it is anything else.
pub fn read_flow(json: &str) -> Result<Vec<DeltaOp>, NotSteps> {
    read_all(json, |piece| {
        Some(match read_piece(piece, str::to_owned)? {
            Inline::Text { text, attrs } => DeltaOp::Insert(Content::Text(text), attrs),
            Inline::Embed { value, attrs } => DeltaOp::Insert(Content::Embed(value), attrs),
        })
    })
}

/// Writes a flow, and no changes: only what `flow` inserts.
#[must_use]
pub fn write_flow(flow: &[DeltaOp]) -> String {
    let inserted = flow.iter().filter_map(|op| match op {
        DeltaOp::Insert(content, attrs) => Some((content, attrs)),
        DeltaOp::Retain(..) | DeltaOp::Delete(_) => None,
    });
    written(|out| {
        json::put_list(out, inserted, |out, (content, attrs)| match content {
            Content::Text(text) => put_text(out, text, attrs),
            Content::Embed(value) => put_embed(out, value, attrs),
        });
    })
}

fn written(put: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    put(&mut out);
    out
}

fn read_all<T>(json: &str, read: impl Fn(&Any) -> Option<T>) -> Result<Vec<T>, NotSteps> {
    let value = json::read(json).ok_or(NotSteps)?;
    read_list(&value, read).ok_or(NotSteps)
}

fn read_list<T>(value: &Any, read: impl Fn(&Any) -> Option<T>) -> Option<Vec<T>> {
    json::list(value)?.iter().map(read).collect()
}

fn read_step(value: &Any) -> Option<SurfaceStep> {
    let parts = json::list(value)?;
    match (json::text(parts.first()?)?, &parts[1..]) {
        ("r", [from, to, open_start, open_end, blocks]) => Some(SurfaceStep::Replace {
            from: json::whole_u32(from)?,
            to: json::whole_u32(to)?,
            slice: Slice {
                open_start: json::flag(open_start)?,
                open_end: json::flag(open_end)?,
                blocks: read_list(blocks, read_block)?,
            },
        }),
        ("b", [at, look]) => Some(SurfaceStep::SetBlock {
            at: json::whole_u32(at)?,
            look: Rc::new(read_look(look)?),
        }),
        ("m", [from, to, key, value]) => Some(SurfaceStep::Mark {
            from: json::whole_u32(from)?,
            to: json::whole_u32(to)?,
            key: json::text(key)?.to_owned(),
            value: value.clone(),
        }),
        _ => None,
    }
}

fn put_step(out: &mut String, step: &SurfaceStep) {
    match step {
        SurfaceStep::Replace { from, to, slice } => {
            let (start, end) = (slice.open_start, slice.open_end);
            out.push_str(&format!(r#"["r",{from},{to},{start},{end},"#));
            json::put_list(out, &slice.blocks, put_block);
        }
        SurfaceStep::SetBlock { at, look } => {
            out.push_str(&format!(r#"["b",{at},"#));
            put_look(out, look);
        }
        SurfaceStep::Mark {
            from,
            to,
            key,
            value,
        } => {
            out.push_str(&format!(r#"["m",{from},{to},"#));
            json::put_text(out, key);
            out.push(',');
            json::put(out, value);
        }
    }
    out.push(']');
}

fn read_block(value: &Any) -> Option<SurfaceBlock> {
    let [look, content] = json::list(value)? else {
        return None;
    };
    Some(SurfaceBlock {
        look: Rc::new(read_look(look)?),
        content: read_list(content, |piece| read_piece(piece, one_line))?,
    })
}

fn put_block(out: &mut String, block: &SurfaceBlock) {
    out.push('[');
    put_look(out, &block.look);
    out.push(',');
    json::put_list(out, &block.content, |out, piece| match piece {
        Inline::Text { text, attrs } => put_text(out, text, attrs),
        Inline::Embed { value, attrs } => put_embed(out, value, attrs),
    });
    out.push(']');
}

fn read_piece(value: &Any, text_of: fn(&str) -> String) -> Option<Inline> {
    match value {
        Any::String(text) => Some(Inline::Text {
            text: text_of(text),
            attrs: Attrs::new(),
        }),
        Any::Array(parts) => match &**parts {
            [Any::String(text), attrs @ Any::Map(_)] => Some(Inline::Text {
                text: text_of(text),
                attrs: read_attrs(attrs),
            }),
            _ => None,
        },
        Any::Map(embed) => Some(Inline::Embed {
            value: embed.get("embed")?.clone(),
            attrs: read_attrs(json::field(value, "attrs")),
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

fn put_text(out: &mut String, text: &str, attrs: &Attrs) {
    if attrs.is_empty() {
        return json::put_text(out, text);
    }
    out.push('[');
    json::put_text(out, text);
    out.push(',');
    json::put_attrs(out, attrs);
    out.push(']');
}

fn put_embed(out: &mut String, value: &Any, attrs: &Attrs) {
    let mut object = Object::begin(out);
    json::put(object.key("embed"), value);
    if !attrs.is_empty() {
        json::put_attrs(object.key("attrs"), attrs);
    }
    object.end();
}

/// Attributes of an object; none of anything else.
fn read_attrs(value: &Any) -> Attrs {
    let Any::Map(attrs) = value else {
        return Attrs::new();
    };
    attrs_of(
        attrs
            .iter()
            .map(|(key, value)| (key.clone(), value.clone())),
    )
}

fn read_look(value: &Any) -> Option<Look> {
    let word = |key: &str| json::text(json::field(value, key));
    let flag = |key: &str| json::flag(json::field(value, key)).unwrap_or(false);
    let whole = |key: &str| json::whole_u32(json::field(value, key));
    let small = |key: &str| whole(key).and_then(|it| u8::try_from(it).ok());
    let kind = match word("kind")? {
        "paragraph" => BlockKind::Paragraph,
        "heading" => BlockKind::Heading(small("level")?.clamp(1, 6)),
        "bullet" => BlockKind::Bullet,
        "ordered" => BlockKind::Ordered {
            start: whole("start"),
        },
        "task" => BlockKind::Task { done: flag("done") },
        "code" => BlockKind::Code {
            language: word("language")
                .filter(|it| !it.is_empty())
                .unwrap_or("plain")
                .to_owned(),
            fence: word("fence").map(str::to_owned),
        },
        "callout" => BlockKind::Callout(word("tone").filter(|it| !it.is_empty())?.to_owned()),
        "divider" => BlockKind::Divider,
        _ => return None,
    };
    let align = match word("align") {
        Some("center") => Some(Align::Center),
        Some("right") => Some(Align::Right),
        Some("justify") => Some(Align::Justify),
        _ => None,
    };
    Some(Look {
        kind,
        indent: small("indent").unwrap_or(0).min(8),
        quoted: flag("quoted"),
        align,
        joined: flag("joined"),
    })
}

fn put_look(out: &mut String, look: &Look) {
    let mut all = Object::begin(out);
    all.text("kind", kind_word(&look.kind));
    match &look.kind {
        BlockKind::Heading(level) => all.plain("level", u32::from(*level)),
        BlockKind::Ordered { start: Some(start) } => all.plain("start", *start),
        BlockKind::Task { done } => all.plain("done", *done),
        BlockKind::Code { language, fence } => {
            all.text("language", language);
            if let Some(fence) = fence {
                all.text("fence", fence);
            }
        }
        BlockKind::Callout(tone) => all.text("tone", tone),
        BlockKind::Paragraph
        | BlockKind::Bullet
        | BlockKind::Ordered { start: None }
        | BlockKind::Divider => {}
    }
    if look.indent > 0 {
        all.plain("indent", u32::from(look.indent));
    }
    if look.quoted {
        all.plain("quoted", true);
    }
    if let Some(align) = look.align {
        all.text("align", align.as_str());
    }
    if look.joined {
        all.plain("joined", true);
    }
    all.end();
}

const fn kind_word(kind: &BlockKind) -> &'static str {
    match kind {
        BlockKind::Paragraph => "paragraph",
        BlockKind::Heading(_) => "heading",
        BlockKind::Bullet => "bullet",
        BlockKind::Ordered { .. } => "ordered",
        BlockKind::Task { .. } => "task",
        BlockKind::Code { .. } => "code",
        BlockKind::Callout(_) => "callout",
        BlockKind::Divider => "divider",
    }
}
