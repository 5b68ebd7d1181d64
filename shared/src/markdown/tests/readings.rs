//! What Markdown means here, construct by construct: source, the flow it gives, and how it is written again.

use super::super::{read, write};
use super::blocks;
use crate::flow::block::{Block, BlockKind, Inline};
use crate::flow::compose::{Embed, Style, embed_of};

/// A flow as text a person can compare: a line a block, place and kind first, marks in braces.
fn picture(blocks: &[Block]) -> String {
    blocks
        .iter()
        .map(|block| format!("{}\n", line(block)))
        .collect()
}

fn line(block: &Block) -> String {
    let kind = match &block.kind {
        BlockKind::Paragraph => "p".to_owned(),
        BlockKind::Heading(level) => format!("h{level}"),
        BlockKind::Bullet => "-".to_owned(),
        BlockKind::Ordered { start: None } => "1.".to_owned(),
        BlockKind::Ordered { start: Some(start) } => format!("1.@{start}"),
        BlockKind::Task { done } => if *done { "[x]" } else { "[ ]" }.to_owned(),
        BlockKind::Code { language, fence } => {
            format!("code:{language}#{}", fence.as_deref().unwrap_or("?"))
        }
        BlockKind::Callout(kind) => format!("callout:{kind}"),
        BlockKind::Divider => return format!("{}---", ".".repeat(block.indent.into())),
    };
    let quote = if block.quoted { ">" } else { "" };
    let align = block
        .align
        .map_or(String::new(), |align| format!("={}", align.as_str()));
    let text: String = block.content.iter().map(inline).collect();
    format!(
        "{}{quote}{kind}{align} {text}",
        ".".repeat(block.indent.into())
    )
    .trim_end()
    .to_owned()
}

fn inline(inline: &Inline) -> String {
    match inline {
        Inline::Text { text, attrs } => {
            let style = Style::from_attrs(attrs);
            let mut marks = String::new();
            for (on, letter) in [
                (style.bold, 'b'),
                (style.italic, 'i'),
                (style.underline, 'u'),
                (style.strike, 's'),
                (style.code, 'c'),
            ] {
                marks.extend(on.then_some(letter));
            }
            marks.extend(style.highlight.iter().map(|colour| format!("h={colour}")));
            marks.extend(style.link.iter().map(|link| format!("l={link}")));
            if marks.is_empty() {
                text.clone()
            } else {
                format!("{{{marks} {text}}}")
            }
        }
        Inline::Embed { value, attrs } => match embed_of(value, attrs) {
            Embed::Break => "{br}".to_owned(),
            Embed::Image { url, alt, width } => format!("{{img {url} {alt:?} {width:?}}}"),
            other => format!("{{{other:?}}}"),
        },
    }
}

/// Source, flow, and what is written again (`""`: the source itself).
const CASES: &[(&str, &str, &str)] = &[
    ("", "p\n", ""),
    ("A\nsoft line\n", "p A soft line\n", "A soft line\n"),
    (
        "one  \ntwo\\\nthree\n",
        "p one{br}two{br}three\n",
        "one\\\ntwo\\\nthree\n",
    ),
    (
        "# One #\n\nTwo\n===\n\nThree\n---\n\n###### Six\n",
        "h1 One\nh1 Two\nh2 Three\nh6 Six\n",
        "# One\n\n# Two\n\n## Three\n\n###### Six\n",
    ),
    ("#hash\n", "p #hash\n", ""),
    (
        "- a\n- b\n  - c\n    - d\n- e\n",
        "- a\n- b\n.- c\n..- d\n- e\n",
        "",
    ),
    ("* a\n\n* b\n", "- a\n- b\n", "- a\n- b\n"),
    ("- a\n+ b\n", "- a\n- b\n", "- a\n- b\n"),
    (
        "3. a\n4. b\n9. c\n",
        "1.@3 a\n1. b\n1. c\n",
        "3. a\n4. b\n5. c\n",
    ),
    ("1. a\n2. b\n\n1) c\n", "1. a\n1. b\n1.@1 c\n", ""),
    ("9. a\n10. b\n\n    more\n", "1.@9 a\n1. b\n.p more\n", ""),
    (
        "- a\n\n  second\n\n  ```rust\n  fn x() {}\n\n  ```\n\n  > quote\n- b\n",
        "- a\n.p second\n.code:rust#1 fn x() {}\n.code:rust#1\n.>p quote\n- b\n",
        "- a\n\n  second\n\n  ```rust\n  fn x() {}\n\n  ```\n\n  > quote\n\n- b\n",
    ),
    (
        "- [ ] a\n- [x] b\n  - [ ] c\n- [ ]\n",
        "[ ] a\n[x] b\n.[ ] c\n[ ]\n",
        "",
    ),
    ("- - a\n", "-\n.- a\n", "- <br>\n\n  - a\n"),
    (
        "> a\n> b\n>\n> > c\n",
        ">p a b\n.>p c\n",
        "> a b\n>\n> > c\n",
    ),
    (
        "> - a\n>   - b\n>\n>     more\n>\n> 1. c\n",
        ">- a\n.>- b\n..>p more\n>1. c\n",
        "",
    ),
    (
        "> # H\n> ```\n> code\n> ```\n",
        ">h1 H\n>code:plain#1 code\n",
        "> # H\n>\n> ```\n> code\n> ```\n",
    ),
    (
        "> [!WARNING]\n> Mind *this*.\n>\n> And this.\n",
        "callout:warning Mind {i this}.\ncallout:warning And this.\n",
        "> [!WARNING]\n> Mind _this_.\n>\n> And this.\n",
    ),
    (
        "```js {1,3}\na\n```\n\n```js {1,3}\nb\n```\n",
        "code:js {1,3}#1 a\ncode:js {1,3}#2 b\n",
        "",
    ),
    (
        "    indented\n\n    code\n",
        "code:plain#1 indented\ncode:plain#1\ncode:plain#1 code\n",
        "```\nindented\n\ncode\n```\n",
    ),
    ("````\n```\n````\n", "code:plain#1 ```\n", ""),
    ("~~~\n\n~~~\n", "code:plain#1\n", "```\n\n```\n"),
    ("a\n\n***\n\nb\n", "p a\n---\np b\n", "a\n\n---\n\nb\n"),
    (
        "**b** *i* ***bi*** ~~s~~ `c` ``a`b``\n",
        "p {b b} {i i} {bi bi} {s s} {c c} {c a`b}\n",
        "**b** _i_ **_bi_** ~~s~~ `c` ``a`b``\n",
    ),
    (
        "in**tra**word and un*der*way\n",
        "p in{b tra}word and un{i der}way\n",
        "in**tra**word and un<i>der</i>way\n",
    ),
    ("**a _b_** c\n", "p {b a }{bi b} c\n", ""),
    (
        "<u>u</u> <mark>h</mark> <mark data-color=\"#ff0\">y</mark> <kbd>k</kbd>\n",
        "p {u u} {h=yellow h} {h=#ff0 y} {c k}\n",
        "<u>u</u> <mark>h</mark> <mark data-color=\"#ff0\">y</mark> `k`\n",
    ),
    (
        "Vec<u> and <foo>x</foo>\n",
        "p Vec<u> and <foo>x</foo>\n",
        "Vec\\<u> and \\<foo>x\\</foo>\n",
    ),
    (
        "[a](/b \"t\") [c][r] [r] [none]\n\n[r]: https://x.org/y\n",
        "p {l=/b a} {l=https://x.org/y c} {l=https://x.org/y r} [none]\n",
        "[a](/b) [c](https://x.org/y) [r](https://x.org/y) [none]\n",
    ),
    (
        "<https://a.org/b_c> <m@example.org>\n",
        "p {l=https://a.org/b_c https://a.org/b_c} {l=mailto:m@example.org m@example.org}\n",
        "",
    ),
    (
        "See https://a.org/b_c(d), www.b.org.\n",
        "p See {l=https://a.org/b_c(d) https://a.org/b_c(d)}, {l=http://www.b.org www.b.org}.\n",
        "See <https://a.org/b_c(d)>, [www.b.org](http://www.b.org).\n",
    ),
    (
        "[a](javascript:x) ![b](javascript:y) [c](<d e.md>)\n",
        "p a b {l=d%20e.md c}\n",
        "a b [c](d%20e.md)\n",
    ),
    (
        "![alt *x*](p.png) [![b](q.svg)](/r)\n",
        "p {img p.png \"alt x\" None} {img q.svg \"b\" None}\n",
        "![alt x](p.png) [![b](q.svg)](/r)\n",
    ),
    (
        "<img src=\"p.png\" alt=\"a\" width=\"300\">\n",
        "p {img p.png \"a\" Some(300)}\n",
        "",
    ),
    (
        "| a | b |\n|---|:-:|\n| **1** | `x|y` |\n",
        "code:table#1 | a | b |\ncode:table#1 |---|:-:|\ncode:table#1 | **1** | `x|y` |\n",
        "",
    ),
    (
        "> - | a |\n>   |---|\n>   | 1 |\n",
        ">-\n.>code:table#1 | a |\n.>code:table#1 |---|\n.>code:table#1 | 1 |\n",
        "> - <br>\n>\n>   | a |\n>   |---|\n>   | 1 |\n",
    ),
    (
        "<details>\n<summary>S</summary>\n\nText\n\n</details>\n",
        "code:raw-html#1 <details>\ncode:raw-html#1 <summary>S</summary>\np Text\ncode:raw-html#2 </details>\n",
        "",
    ),
    (
        "<p align=\"center\">\n  <img src=\"a.png\" alt=\"A\" width=\"40\">\n  <b>x</b>\n</p>\n",
        "p=center {img a.png \"A\" Some(40)} {b x}\n",
        "<!-- sheaf: align=center -->\n<img src=\"a.png\" alt=\"A\" width=\"40\"> **x**\n",
    ),
    (
        "<h2>A &amp; B</h2>\n\n- <p>c</p>\n",
        "h2 A & B\n-\n.p c\n",
        "## A & B\n\n- <br>\n\n  c\n",
    ),
    (
        "<p class=\"x\">a</p>\n\n<p>b\n\n<p><q>c</q></p>\n",
        "code:raw-html#1 <p class=\"x\">a</p>\ncode:raw-html#2 <p>b\ncode:raw-html#3 <p><q>c</q></p>\n",
        "",
    ),
    (
        "<!-- a note -->\n\nText\n",
        "code:raw-html#1 <!-- a note -->\np Text\n",
        "",
    ),
    (
        "---\ntitle: A\n---\n\n# B\n",
        "code:front-matter#1 title: A\nh1 B\n",
        "",
    ),
    (
        "Note[^1].\n\n[^1]: First *part*.\n\n    Second part.\n",
        "p Note[^1].\np [^1]: First {i part}.\n.p Second part.\n",
        "Note[^1].\n\n[^1]: First _part_.\n\n    Second part.\n",
    ),
    (
        "&copy; &amp;amp; \\*not\\* 1 < 2 & 3 C:\\temp 50% _a\n",
        "p © &amp; *not* 1 < 2 & 3 C:\\temp 50% _a\n",
        "© \\&amp; \\*not\\* 1 < 2 & 3 C:\\temp 50% \\_a\n",
    ),
    ("a\r\nb\r\n\r\n- c\r\n", "p a b\n- c\n", "a b\n\n- c\n"),
    ("\u{feff}# A\n", "h1 A\n", "# A\n"),
    ("a\n\n<br>\n\nb\n", "p a\np\np b\n", ""),
    (
        "<!-- sheaf: indent=2 align=center -->\na\n",
        "..p=center a\n",
        "",
    ),
];

#[test]
fn every_construct_reads_as_the_flow_it_means_and_is_written_in_one_way() {
    for (source, flow, written) in CASES {
        let read = blocks(source);
        assert_eq!(picture(&read), *flow, "reading:\n{source}");
        let wanted = if written.is_empty() { source } else { written };
        assert_eq!(
            write(&read),
            *wanted,
            "writing what was read from:\n{source}"
        );
        assert_eq!(picture(&blocks(wanted)), *flow, "reading again:\n{wanted}");
    }
}

#[test]
fn stress_on_outer_blanks_is_written_where_it_can_be_seen() {
    let bold = Style {
        bold: true,
        ..Style::default()
    };
    let content = vec![
        Inline::text("a"),
        Inline::Text {
            text: " b ".to_owned(),
            attrs: bold.to_attrs(),
        },
        Inline::text("c"),
    ];
    assert_eq!(
        write(&[Block::new(BlockKind::Paragraph, content)]),
        "a **b** c\n"
    );
}

#[test]
fn an_empty_page_is_an_empty_file_and_an_empty_end_is_not_written() {
    let empty = Block::new(BlockKind::Paragraph, Vec::new());
    let text = Block::new(BlockKind::Paragraph, vec![Inline::text("a")]);
    assert_eq!(write(&[]), "");
    assert_eq!(write(std::slice::from_ref(&empty)), "");
    assert_eq!(
        write(&[empty.clone(), text, empty.clone(), empty]),
        "<br>\n\na\n"
    );
}

#[test]
fn code_that_only_looks_like_a_table_or_html_stays_code() {
    for (language, line) in [
        ("table", "no table"),
        ("raw-html", "no html"),
        ("raw-html", "<!-- open"),
        ("front-matter", "---"),
    ] {
        let kind = BlockKind::Code {
            language: language.to_owned(),
            fence: None,
        };
        let written = write(&[Block::new(kind, vec![Inline::text(line)])]);
        assert_eq!(written, format!("```{language}\n{line}\n```\n"));
    }
}

#[test]
fn reading_the_same_source_twice_gives_the_same_operations() {
    let source: String = CASES
        .iter()
        .map(|(source, _, _)| format!("{source}\n\n"))
        .collect();
    assert_eq!(read(&source), read(&source));
}
