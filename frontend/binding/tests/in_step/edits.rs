//! What people and other programs do to a page, each thing picked by numbers.

use std::rc::Rc;

use sheaf_binding::surface::{Align, Inline, Look, Slice, SurfaceBlock, SurfaceStep};
use sheaf_shared::flow::block::BlockKind;
use sheaf_shared::flow::delta::{Attrs, Content, DeltaOp, attrs, embed};
use yrs::Any;

use crate::model::{Model, Spot, Unit, block, divider};

fn kind(n: u32) -> BlockKind {
    let code = |fence: Option<&str>| BlockKind::Code {
        language: "plain".to_owned(),
        fence: fence.map(str::to_owned),
    };
    match n % 9 {
        0 | 1 => BlockKind::Paragraph,
        2 => BlockKind::Heading(1 + (n / 9 % 3) as u8),
        3 => BlockKind::Bullet,
        4 => BlockKind::Ordered {
            start: (n & 64 > 0).then_some(7),
        },
        5 => BlockKind::Task { done: n & 32 > 0 },
        6 => code(None),
        7 => code(Some("f")),
        _ => BlockKind::Callout("info".to_owned()),
    }
}

fn look(n: u32) -> Rc<Look> {
    Rc::new(Look {
        indent: if n & 128 > 0 { (n >> 8) as u8 % 4 } else { 0 },
        quoted: n & 1024 > 0,
        align: (n & 2048 > 0).then_some(Align::Center),
        ..Look::plain(kind(n))
    })
}

fn text(letter: char, n: u32) -> Inline {
    let attrs = if n & 16 > 0 {
        attrs([("bold", Any::Bool(true))])
    } else {
        Attrs::new()
    };
    let mut text = letter.to_string().repeat(1 + n as usize % 3);
    if n & 96 == 96 {
        text.push('🎉');
    }
    Inline::Text { text, attrs }
}

/// A place inside a text block, near `n`; or else before a block.
fn inside(model: &Model, n: u32) -> Spot {
    let block = n as usize / 7 % model.blocks.len();
    let at = &model.blocks[block];
    if at.look.is_leaf() {
        return Spot {
            block,
            inside: None,
        };
    }
    let inside = n as usize % (at.units.len() + 1);
    // No surface puts a caret into the middle of a character.
    let cut = matches!(at.units.get(inside), Some((Unit::Char(0xDC00..=0xDFFF), _)));
    Spot {
        block,
        inside: Some(inside + usize::from(cut)),
    }
}

fn replace(model: &Model, from: Spot, to: Spot, blocks: Vec<SurfaceBlock>) -> SurfaceStep {
    SurfaceStep::Replace {
        from: model.position(from),
        to: model.position(to),
        slice: Slice {
            open_start: !blocks.is_empty() && from.inside.is_some(),
            open_end: !blocks.is_empty() && to.inside.is_some(),
            blocks,
        },
    }
}

/// What a surface could do to `model`; sometimes nothing.
#[expect(clippy::too_many_lines, reason = "one list of what people do")]
pub(crate) fn surface_edit(
    model: &Model,
    letter: char,
    what: u8,
    a: u32,
    b: u32,
    c: u32,
) -> Vec<SurfaceStep> {
    let mut ends = [inside(model, a), inside(model, b)];
    ends.sort_by_key(|spot| model.position(*spot));
    let [from, to] = ends;
    let here = inside(model, a);
    let count = model.blocks.len();
    let one = |content| SurfaceBlock {
        look: Rc::new(Look::plain(BlockKind::Paragraph)),
        content,
    };
    let before = |block| Spot {
        block,
        inside: None,
    };
    let step = match what % 16 {
        // Typing.
        0..=3 if here.inside.is_some() => {
            replace(model, here, here, vec![one(vec![text(letter, b)])])
        }
        // Enter, into a block of the same look or a plain one.
        4 | 5 if here.inside.is_some() => {
            let look = if b.is_multiple_of(2) {
                Rc::new(model.blocks[here.block].look.clone())
            } else {
                look(b)
            };
            replace(
                model,
                here,
                here,
                vec![
                    one(Vec::new()),
                    SurfaceBlock {
                        look,
                        content: Vec::new(),
                    },
                ],
            )
        }
        // Deleting, within and across blocks.
        6 | 7 if from.inside.is_some() && to.inside.is_some() => {
            let to = if what > 32 {
                from.block.min(to.block)
            } else {
                to.block
            };
            let to = if to == from.block {
                ends[1].block.min(to)
            } else {
                to
            };
            let to = if to == ends[1].block {
                ends[1]
            } else {
                return Vec::new();
            };
            replace(model, from, to, Vec::new())
        }
        // Joining with the block before.
        8 if here.block > 0
            && here.inside.is_some()
            && !model.blocks[here.block - 1].look.is_leaf() =>
        {
            let end = model.blocks[here.block - 1].units.len();
            replace(
                model,
                Spot {
                    block: here.block - 1,
                    inside: Some(end),
                },
                Spot {
                    block: here.block,
                    inside: Some(0),
                },
                Vec::new(),
            )
        }
        // Pasting over a selection.
        9 if from.inside.is_some() && to.inside.is_some() => {
            let mut blocks = vec![one(vec![text(letter, a)])];
            for n in 0..c % 3 {
                blocks.push(block(kind(c + n), vec![text(letter, b + n)]));
            }
            if blocks.last().is_some_and(|block| block.look.is_leaf()) {
                blocks.push(one(Vec::new()));
            }
            replace(model, from, to, blocks)
        }
        // Marks.
        10 => {
            let key = ["bold", "italic", "link", "x-unknown"][b as usize % 4];
            let value = if c.is_multiple_of(3) {
                Any::Null
            } else if key == "link" {
                Any::from("https://example.org")
            } else {
                Any::Bool(true)
            };
            SurfaceStep::Mark {
                from: model.position(from),
                to: model.position(to),
                key: key.to_owned(),
                value,
            }
        }
        // Turning blocks into others: one step each, in one transaction.
        11 | 12 => {
            let looks = (from.block..=to.block.min(from.block + 3))
                .filter(|number| !model.blocks[*number].look.is_leaf());
            return looks
                .map(|number| SurfaceStep::SetBlock {
                    at: model.position(before(number)),
                    look: look(c),
                })
                .collect();
        }
        // Whole blocks come, go, or become dividers.
        13 => {
            let first = a as usize % count;
            let last = (first + b as usize % 3).min(count);
            let blocks: Vec<_> = match c % 4 {
                0 => vec![block(BlockKind::Divider, Vec::new())],
                1 => vec![
                    block(kind(c), vec![text(letter, b)]),
                    block(BlockKind::Divider, Vec::new()),
                    block(kind(a), Vec::new()),
                ],
                2 => vec![block(kind(c), vec![text(letter, b)])],
                _ if last - first < count => Vec::new(),
                _ => vec![one(Vec::new())],
            };
            replace(model, before(first), before(last), blocks)
        }
        // A line break, or a divider that a paste put into text.
        14 if here.inside.is_some() => {
            let value = if c.is_multiple_of(2) {
                embed("break", true)
            } else {
                divider()
            };
            replace(
                model,
                here,
                here,
                vec![one(vec![Inline::Embed {
                    value,
                    attrs: Attrs::new(),
                }])],
            )
        }
        // Two things at once, the second where the first left things.
        _ if here.inside.is_some() => {
            let first = replace(
                model,
                here,
                here,
                vec![one(Vec::new()), block(kind(b), vec![])],
            );
            let mut then = model.clone();
            then.apply(&first);
            let second = surface_edit(&then, letter, (c % 15) as u8, b, c, a);
            return std::iter::once(first).chain(second).collect();
        }
        _ => return Vec::new(),
    };
    vec![step]
}

/// What another program might write, tidy or not.
pub(crate) fn foreign_edit(length: u32, what: u8, a: u32, b: u32) -> Vec<DeltaOp> {
    let at = a % (length + 1);
    let some = (b % 5).min(length - at);
    let odd = || match b % 6 {
        0 => attrs([("header", 2.into()), ("list", "bullet".into())]),
        1 => attrs([("list", "strange".into()), ("indent", 12.into())]),
        2 => attrs([("bold", true.into())]),
        3 => attrs([("code-block", true.into())]),
        4 => attrs([("header", Any::Null), ("blockquote", true.into())]),
        _ => attrs([("x-own", "y".into()), ("align", "right".into())]),
    };
    let op = match what % 8 {
        0 => DeltaOp::text("Q"),
        1 => DeltaOp::text("\n"),
        2 => DeltaOp::text_with("Q\nQ", odd()),
        3 => DeltaOp::Insert(Content::Embed(divider()), Attrs::new()),
        4 => DeltaOp::Insert(Content::Embed(embed("widget", 1)), odd()),
        5 => DeltaOp::Retain(some, odd()),
        _ => DeltaOp::Delete(some),
    };
    vec![DeltaOp::skip(at), op]
}
