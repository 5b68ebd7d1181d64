//! What HTML must keep, and what it must never let through.

mod flows;
mod hostile;

use super::{read, write, write_document};
use crate::flow::block::{Block, BlockKind, Inline, from_delta};
use crate::flow::delta::attrs;
use crate::markdown;

fn page(source: &str) -> Vec<Block> {
    from_delta(&markdown::read(source).unwrap())
}

/// HTML read, as Markdown: short to write down and to compare.
fn as_markdown(html: &str) -> String {
    markdown::write(&from_delta(&read(html).unwrap()))
}

#[test]
fn lists_and_quotes_are_real_elements() {
    let html = write(&page("3. a\n   - b\n\n     c\n4. d\n\n> q\n>\n> - [x] e\n"));
    let wanted = "<ol start=\"3\">\n<li>a<ul>\n<li>b\n<p>c</p>\n</li>\n</ul>\n</li>\n<li>d</li>\n</ol>\n\
                  <blockquote>\n<p>q</p>\n<ul class=\"tasks\">\n<li><input type=\"checkbox\" disabled checked> e</li>\n</ul>\n</blockquote>\n";
    assert_eq!(html, wanted);
}

#[test]
fn nothing_of_a_page_becomes_markup() {
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>&'";
    let link = attrs([
        ("link", "javascript:alert(1)".into()),
        ("highlight", "red;x:url(y)".into()),
    ]);
    let blocks = [
        Block::new(
            BlockKind::Paragraph,
            vec![
                Inline::text(evil),
                Inline::Text {
                    text: evil.to_owned(),
                    attrs: link,
                },
            ],
        ),
        Block::new(
            BlockKind::Code {
                language: evil.to_owned(),
                fence: None,
            },
            vec![Inline::text(evil)],
        ),
        Block::new(
            BlockKind::Callout(evil.to_owned()),
            vec![Inline::text(evil)],
        ),
        Block::new(
            BlockKind::Paragraph,
            vec![
                Inline::Embed {
                    value: crate::flow::delta::embed("image", evil),
                    attrs: attrs([("alt", evil.into())]),
                },
                Inline::Embed {
                    value: crate::flow::delta::embed("other", evil),
                    attrs: attrs([]),
                },
            ],
        ),
    ];
    let html = write_document(evil, &blocks);
    assert!(
        !html.contains("<script")
            && !html.contains("<img src=\"x\"")
            && !html.contains("<img src=x"),
        "{html}"
    );
    assert!(
        !html.contains("javascript:") && !html.contains("url("),
        "{html}"
    );
}

#[test]
fn what_a_page_holds_comes_back_from_its_html() {
    let source = "# T _i_\n\na\\\nb **c** ~~d~~ <u>e</u> <mark>f</mark> `g` [h](/i?j&k)\n\n- l\n\n  m\n\n  - [x] n\n    1. o\n    2. p\n\n> q\n>\n> - r\n\n```rust\nfn s() {\n\n    t < u\n}\n```\n\n---\n\n![v](w.png)\n\n> [!NOTE]\n> x  y\n\n<br>\n\nz\n";
    assert_eq!(as_markdown(&write(&page(source))), source);
}

#[test]
fn only_what_is_allowed_comes_in() {
    for (html, wanted) in [
        ("<p>a<script>evil()</script><style>x{}</style>b</p>", "ab\n"),
        ("<p onclick=x>a<iframe src=y>z</iframe></p>", "a\n"),
        (
            "<a href='javascript:x'>a</a> <a href=' /b c '>d</a>",
            "a [d](/b%20c)\n",
        ),
        (
            "<img src='data:text/html,x' alt=a><img src=/p.png alt='b'>",
            "![b](/p.png)\n",
        ),
        (
            "1 < 2 <unknown>three</unknown> &amp; &lt;b&gt;",
            "1 < 2 three & \\<b>\n",
        ),
        (
            "<p>unclosed <b>bold<p>next</i>",
            "unclosed **bold**\n\n**next**\n",
        ),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n  - c\n"),
        (
            "<ol start=4><li><p>a</p><p>b</p></li></ol>",
            "4. a\n\n   b\n",
        ),
        (
            "<table><tr><th>a<th>b</tr><tr><td>1</td><td>2</td></tr></table>",
            "a | b\n\n1 | 2\n",
        ),
        (
            "<pre>\n<code class='language-js'>a\n  b</code></pre>",
            "```js\na\n  b\n```\n",
        ),
        (
            "<p>  a \n b  </p>\n <p>&nbsp;</p> <p>c<br></p>",
            "a b\n\n<br>\n\nc\n",
        ),
        ("", ""),
    ] {
        assert_eq!(as_markdown(html), wanted, "{html}");
    }
}

#[test]
fn what_word_and_google_docs_copy_is_understood() {
    let docs = "<meta charset='utf-8'><b style=\"font-weight:normal;\" id=\"docs-internal-guid-1\"><p dir=\"ltr\" style=\"line-height:1.38\"><span style=\"font-weight:700\">bold</span><span> and </span><span style=\"font-style:italic;text-decoration:line-through\">both</span></p><ul><li dir=\"ltr\"><p role=\"presentation\"><span>item</span></p></li></ul></b>";
    assert_eq!(as_markdown(docs), "**bold** and _~~both~~_\n\n- item\n");
    let word = "<p class=MsoListParagraph style='text-indent:-.25in;mso-list:l0 level1 lfo1'><![if !supportLists]><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp;</span></span><![endif]>one</p><p style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>1.<span> </span></span>two<o:p></o:p></p><p class=MsoNormal>plain</p>";
    assert_eq!(as_markdown(word), "- one\n  1. two\n\nplain\n");
}
