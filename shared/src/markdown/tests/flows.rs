//! Flows and Markdown by chance, and what two flows have to have in common to count as the same.

use yrs::Any;

use super::super::numbering::Numbering;
use crate::flow::block::{Align, Block, BlockKind, Inline};
use crate::flow::compose::{BREAK, Style, image_embed};
use crate::flow::delta::{Attrs, embed};
use crate::testing::Chance;

const WORDS: &[&str] = &[
    "word",
    "a",
    "x y",
    " ",
    "  ",
    "Two words",
    "snake_case_name",
    "__init__",
    "2 * 3",
    "*",
    "**",
    "_",
    "~",
    "~~",
    "`",
    "``",
    "[x]",
    "[ ]",
    "[a](b)",
    "![a](b)",
    "](",
    "[^1]",
    "[^1]: note",
    "[a]: /b",
    "!",
    "<b>",
    "</b>",
    "<u>",
    "<br>",
    "<!-- c -->",
    "< 3",
    "a<b",
    "&amp;",
    "&",
    "&#42;",
    "AT&T",
    "\\",
    "\\\\",
    "\\*",
    "# ",
    "#",
    "## x",
    "-",
    "- ",
    "+ ",
    "1. ",
    "12) x",
    "1.",
    "> ",
    ">",
    "---",
    "===",
    "***",
    "| a | b |",
    "|---|",
    "~~~",
    "```",
    "é",
    "日本",
    "🎉",
    "\u{a0}",
    "\u{3000}",
    "\t",
    "end#",
    "x #",
    "\u{feff}",
    "\u{1}",
    "$x$",
    "\"q\"",
    "(c)",
    "https",
    ":",
    "|",
    "=",
    "\u{2028}",
    "e\u{301}",
    "“q”",
    "—",
    "€",
    "[!NOTE]",
    "<div>",
    "    x",
    "a\u{b}b",
    "^",
    "<span>",
    "www",
];
const LINKS: &[&str] = &[
    "https://example.org/a",
    "/page",
    "#x",
    "https://example.org/a_(b)?c=d&amp;e&copy;",
    "mailto:a@example.org",
    "x<y>z",
    "a\\*b",
    "a`b",
    "*",
    "/a\"b'",
];
const COLOURS: &[&str] = &["yellow", "#ff0", "light-blue"];
const LANGUAGES: &[&str] = &[
    "plain",
    "rust",
    "c++",
    "js {1,3}",
    "a`b",
    "table",
    "raw-html",
    "front-matter",
    "&amp;",
    "\\*",
];
const CODE_LINES: &[&str] = &[
    "",
    "fn main() {}",
    "    indented",
    "```",
    "~~~~",
    "\ttab",
    "> q",
    "- x",
    "   ",
    "| a | b |",
    "|---|---|",
    "<div>",
    "</div>",
    "# no",
    "`",
    "title: x",
];

fn pick<'a>(chance: &mut Chance, choices: &[&'a str]) -> &'a str {
    choices[chance.index_below(choices.len())]
}

fn style(chance: &mut Chance) -> Style {
    let mut on = |p: f64| chance.chance(p);
    let (bold, italic, underline, strike, code) = (on(0.25), on(0.25), on(0.1), on(0.15), on(0.1));
    let (link, highlight) = (on(0.1), on(0.1));
    Style {
        bold,
        italic,
        underline,
        strike,
        code,
        link: link.then(|| pick(chance, LINKS).into()),
        highlight: highlight.then(|| pick(chance, COLOURS).into()),
    }
}

fn content(chance: &mut Chance) -> Vec<Inline> {
    let mut out = Vec::new();
    for _ in 0..chance.weighted(&[2, 6, 5, 4, 3, 2, 1]) {
        let style = if chance.coin() {
            Style::default()
        } else {
            style(chance)
        };
        match chance.weighted(&[40, 3, 2, 1, 1]) {
            0 => {
                let text: String = (0..=chance.below(2)).map(|_| pick(chance, WORDS)).collect();
                out.push(Inline::Text {
                    text,
                    attrs: style.to_attrs(),
                });
            }
            1 => out.push(Inline::Embed {
                value: embed(BREAK, true),
                attrs: Attrs::new(),
            }),
            2 => {
                let width = chance.coin().then_some(320);
                let style = Style {
                    code: false,
                    ..style
                };
                let alt = pick(chance, WORDS);
                let (value, attrs) = image_embed(
                    pick(chance, &["/a.png", "https://x.y/a%20b.png", "a(b).png"]),
                    alt,
                    width,
                    &style,
                );
                out.push(Inline::Embed { value, attrs });
            }
            3 => {
                let value = embed("formula", *chance.one_of(&["x^2", "\\frac{a}{b}", "<&\">"]));
                out.push(Inline::Embed {
                    value,
                    attrs: Style {
                        code: false,
                        ..style
                    }
                    .to_attrs(),
                });
            }
            _ => out.push(Inline::Embed {
                value: embed("mention", Any::Bool(true)),
                attrs: Attrs::new(),
            }),
        }
    }
    out
}

/// A flow of up to a dozen blocks, with everything in odd places.
pub(crate) fn random_flow(chance: &mut Chance) -> Vec<Block> {
    let mut flow = Vec::new();
    let mut indent = 0_u8;
    let mut quoted = false;
    for _ in 0..1 + chance.below(11) {
        match chance.weighted(&[6, 3, 3, 1]) {
            1 => indent = (indent + 1).min(8),
            2 => indent = indent.saturating_sub(1 + u8::try_from(chance.below(3)).unwrap()),
            3 => indent = u8::try_from(chance.below(9)).unwrap(),
            _ => {}
        }
        if chance.chance(0.12) {
            quoted = !quoted;
        }
        let kind = match chance.weighted(&[8, 3, 6, 6, 4, 4, 2, 2]) {
            0 => BlockKind::Paragraph,
            1 => BlockKind::Heading(1 + u8::try_from(chance.below(6)).unwrap()),
            2 => BlockKind::Bullet,
            3 => BlockKind::Ordered {
                start: chance
                    .chance(0.2)
                    .then(|| *chance.one_of(&[0, 1, 2, 7, 999_999_000])),
            },
            4 => BlockKind::Task {
                done: chance.coin(),
            },
            5 => BlockKind::Code {
                language: pick(chance, LANGUAGES).to_owned(),
                fence: None,
            },
            6 => BlockKind::Callout((*chance.one_of(&["info", "note", "x-y"])).to_owned()),
            _ => BlockKind::Divider,
        };
        let align = chance
            .chance(0.07)
            .then(|| *chance.one_of(&[Align::Center, Align::Right, Align::Justify]));
        let lines = if matches!(kind, BlockKind::Code { .. }) {
            1 + chance.below(4)
        } else {
            1
        };
        for _ in 0..lines {
            let content = match &kind {
                BlockKind::Code { .. } => vec![Inline::text(pick(chance, CODE_LINES))],
                BlockKind::Divider => vec![Inline::Embed {
                    value: embed("divider", true),
                    attrs: Attrs::new(),
                }],
                _ => content(chance),
            };
            flow.push(Block {
                indent,
                quoted,
                align,
                ..Block::new(kind.clone(), content)
            });
        }
    }
    flow
}

/// What Markdown keeps of a flow: marks as drawn, no bold or italic on outer blanks, fences counted, no `start` that says
/// nothing, no empty end.
pub(crate) fn normal(flow: &[Block]) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut numbering = Numbering::default();
    let mut fences = 0;
    for (at, block) in flow.iter().enumerate() {
        let mut kind = block.kind.clone();
        match &mut kind {
            BlockKind::Ordered { start }
                if *start == Some(1) && !numbering.goes_on(block.indent, block.quoted) =>
            {
                *start = None
            }
            BlockKind::Code { fence, .. } => {
                let joins = at > 0
                    && flow[at - 1].kind == block.kind
                    && flow[at - 1].joins(block)
                    && flow[at - 1].align == block.align;
                fences += u32::from(!joins);
                *fence = Some(fences.to_string());
            }
            _ => {}
        }
        numbering.step(&kind, block.indent, block.quoted);
        let mut normal = Block {
            indent: block.indent,
            quoted: block.quoted,
            align: block.align,
            ..Block::new(kind, normal_content(&block.content))
        };
        normal.newline = normal.newline_attrs();
        out.push(normal);
    }
    let empty = |block: &Block| block.newline.is_empty() && block.content.is_empty();
    while out.len() > 1 && out.last().is_some_and(empty) {
        out.pop();
    }
    out
}

#[derive(Clone)]
enum Unit {
    Char(char),
    Embed(Any, Attrs),
}

fn normal_content(content: &[Inline]) -> Vec<Inline> {
    let mut units: Vec<(Unit, Style)> = Vec::new();
    for inline in content {
        match inline {
            Inline::Text { text, attrs } => {
                units.extend(
                    text.chars()
                        .map(|c| (Unit::Char(c), Style::from_attrs(attrs))),
                );
            }
            Inline::Embed { value, attrs } => {
                units.push((
                    Unit::Embed(value.clone(), attrs.clone()),
                    Style::from_attrs(attrs),
                ));
            }
        }
    }
    trim(&mut units, |style| &mut style.bold);
    trim(&mut units, |style| &mut style.italic);
    let mut out: Vec<Inline> = Vec::new();
    for (unit, style) in units {
        match unit {
            Unit::Char(c) => match out.last_mut() {
                Some(Inline::Text { text, attrs }) if *attrs == style.to_attrs() => text.push(c),
                _ => out.push(Inline::Text {
                    text: c.to_string(),
                    attrs: style.to_attrs(),
                }),
            },
            Unit::Embed(value, attrs) => out.push(Inline::Embed { value, attrs }),
        }
    }
    out
}

fn trim(units: &mut [(Unit, Style)], flag: fn(&mut Style) -> &mut bool) {
    fn walk<'a>(
        units: impl Iterator<Item = &'a mut (Unit, Style)>,
        flag: fn(&mut Style) -> &mut bool,
    ) {
        let mut edge = true;
        for (unit, style) in units {
            let blank = !style.code && matches!(unit, Unit::Char(c) if c.is_whitespace());
            if !*flag(style) {
                edge = true;
            } else if edge && blank {
                *flag(style) = false;
            } else {
                edge = false;
            }
        }
    }
    walk(units.iter_mut(), flag);
    walk(units.iter_mut().rev(), flag);
}

const STARTS: &[&str] = &[
    "",
    "",
    "",
    "",
    "- ",
    "* ",
    "1. ",
    "3) ",
    "> ",
    "> > ",
    "  ",
    "    ",
    "# ",
    "### ",
    "- [ ] ",
    "- [x] ",
    "\t",
    "[a]: ",
    "[^1]: ",
    "> [!NOTE]\n> ",
    "| a | b |\n|---|:-:|\n| 1 |",
    "```\n",
    "~~~ x\n",
    "<div>\n",
    "<p align=\"center\">",
    "<p>\n",
    "<h2>",
    "<b>\n",
    "<!-- c -->",
    "---\n",
    "***",
    "a\n===",
    "- - ",
    "-\n",
    "> - ",
];
const PIECES: &[&str] = &[
    "*a*",
    "**b**",
    "_c_",
    "~~d~~",
    "`e`",
    "[f](g)",
    "[f][a]",
    "![h](i.png)",
    "<u>j</u>",
    "<mark>k</mark>",
    "<kbd>l</kbd>",
    "<https://m.n>",
    "https://o.p/q_r",
    "www.s.t",
    "[^1]",
    "\\\n",
    "  \n",
    "\n",
    "<br>",
    "&copy;",
    "***b i***",
    "a*b*c",
    "<b>x",
    "\\*",
    "</p>",
    "</h2>\n",
    "<img src=a.png>",
    "</div>",
];

/// Markdown thrown together: prefixes, pieces and line ends, most of it almost something.
pub(super) fn random_markdown(chance: &mut Chance) -> String {
    let mut out = String::new();
    for _ in 0..1 + chance.below(12) {
        for _ in 0..=chance.below(2) {
            out.push_str(pick(chance, STARTS));
        }
        for _ in 0..chance.below(5) {
            let pieces = if chance.coin() { PIECES } else { WORDS };
            out.push_str(pick(chance, pieces));
            if chance.coin() {
                out.push(' ');
            }
        }
        out.push_str(pick(chance, &["\n", "\n", "\n\n", "\n\n\n"]));
    }
    out
}
