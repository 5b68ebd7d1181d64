//! What documents by chance are made of: words, sentences and pieces of code, all of our own making.

/// Things.
pub(super) const NOUNS: &[&str] = &[
    "harbour",
    "ledger",
    "lantern",
    "orchard",
    "printer",
    "replica",
    "bridge",
    "kettle",
    "archive",
    "compass",
    "server",
    "window",
    "thread",
    "garden",
    "engine",
    "letter",
    "margin",
    "signal",
    "binding",
    "paragraph",
    "workshop",
    "timetable",
    "café",
    "naïveté",
    "Straße",
    "cooperation",
    "half-title",
    "queue",
    "index",
    "sheaf",
];
/// What they are like.
pub(super) const QUALITIES: &[&str] = &[
    "quiet",
    "narrow",
    "patient",
    "durable",
    "empty",
    "second",
    "well-kept",
    "remote",
    "plain",
    "unread",
    "careful",
    "late",
    "borrowed",
    "bright",
    "tidy",
    "stubborn",
];
/// What they do to other things.
pub(super) const VERBS: &[&str] = &[
    "follows",
    "keeps",
    "repairs",
    "measures",
    "outlives",
    "names",
    "copies",
    "forgets",
    "carries",
    "answers",
    "describes",
    "replaces",
    "reaches",
    "orders",
    "mends",
    "doesn't touch",
];
/// Shapes of sentences: `n` a thing, `q` a quality, `v` a verb, anything else itself.
pub(super) const SENTENCES: &[&str] = &[
    "The q n v the n , and nobody in the n minds.",
    "When the n v its n , every n nearby becomes q again.",
    "Each q n needs its n ; without one, the n v only itself.",
    "We wrote to the n twice (once in spring, once in autumn) about the q n .",
    "Is there any n that v the q n ?",
    "It was q , q and rather q : one n like any other.",
    "“Leave the n where it is,” said the q n , “and mind the n .”",
    "Between the n and the n lies one q n ; it v both — slowly.",
    "Whoever v the n first should tell the n … before the q n does!",
    "In 1 of 7 cases the n 's n v the n 's.",
];
/// Sentences in other scripts, from right to left among them, and characters of several code points.
pub(super) const FOREIGN: &[&str] = &[
    "我们一起写一页纸，再把它装订成册。",
    "紙の束を綴じて、机の上に置く。",
    "우리는 함께 글을 쓰고 함께 고친다.",
    "אנחנו כותבים דף אחד ביחד, שורה אחרי שורה.",
    "نكتب صفحة واحدة معا، سطرا بعد سطر.",
    "Мы пишем одну страницу вместе.",
    "Γράφουμε μαζί μια σελίδα.",
    "हम साथ में एक पन्ना लिखते हैं।",
    "Done 🎉 by 👩‍🔧 and 👋🏽 under 🇳🇿, cafe\u{301} included.",
];
/// Small things that are almost Markdown: how they are written, and what one reads.
pub(super) const ODDITIES: &[(&str, &str)] = &[
    ("snake_case_name", "snake_case_name"),
    ("2 * 3 = 6", "2 * 3 = 6"),
    ("A&D", "A&D"),
    ("5 < 6 > 4", "5 < 6 > 4"),
    ("C:\\temp", "C:\\temp"),
    ("\\*not stressed\\*", "*not stressed*"),
    ("&copy; &mdash; &#x263A;", "© — ☺"),
    ("un**break**able", "unbreakable"),
    ("50% #late @dawn", "50% #late @dawn"),
    ("`` a`b ``", "a`b"),
    ("`Vec<u8>`", "Vec<u8>"),
    ("f(x)[0]", "f(x)[0]"),
    ("\\[no link\\]", "[no link]"),
    ("~/notes", "~/notes"),
    ("H<sub>2</sub>O", "H<sub>2</sub>O"),
    ("**bold _and italic_**", "bold and italic"),
];
/// What marks a stretch of words, before and after it.
pub(super) const MARKS: &[(&str, &str)] = &[
    ("**", "**"),
    ("*", "*"),
    ("_", "_"),
    ("***", "***"),
    ("~~", "~~"),
    ("`", "`"),
    ("<u>", "</u>"),
    ("<mark>", "</mark>"),
    ("<kbd>", "</kbd>"),
    ("<b>", "</b>"),
];
/// Addresses, to which a number is added.
pub(super) const ADDRESSES: &[&str] = &[
    "https://example.org/notes/",
    "https://example.com/a_(b)?q=1&r=",
    "/p/page-",
    "#section-",
    "mailto:desk@example.net?subject=",
    "../files/plan%20",
];
/// Language and code; `NAME` stands for a thing.
pub(super) const CODE: &[(&str, &str)] = &[
    (
        "rust",
        "/// Counts what the `NAME` holds.\npub fn count_NAME(items: &[u32]) -> usize {\n    items.iter().filter(|item| **item > 0).count()\n}\n\n#[test]\nfn an_empty_NAME_counts_nothing() {\n    assert_eq!(count_NAME(&[]), 0);\n}",
    ),
    (
        "python",
        "def fold_NAME(pages, width=80):\n    \"\"\"Folds *pages*; `width` is in points.\"\"\"\n    for number, page in enumerate(pages):\n        if not page:\n            continue\n        yield f\"{number}: {page[:width]}\"\n\n\nprint(list(fold_NAME([\"a\", \"\", \"c\"])))",
    ),
    (
        "js {2}",
        "const NAME = new Map();\nexport const remember = (key, value) => `${key}=${NAME.set(key, value).size}`;\n// <script> and &amp; mean nothing here",
    ),
    (
        "sh",
        "#!/bin/sh\nset -eu\n# a comment, no heading\nfor file in ./NAME/*.md; do\n\tprintf '%s\\n' \"$file\" | tr '_' '-'\ndone",
    ),
    (
        "sql",
        "SELECT n.id, count(*) AS rows\nFROM NAME AS n\nWHERE n.title LIKE '%\\_%' AND n.rank >= 1\nGROUP BY n.id;",
    ),
    (
        "html",
        "<figure class=\"NAME\">\n  <img src=\"a.png\" alt=\"\">\n  <figcaption>*No* stress</figcaption>\n</figure>",
    ),
    (
        "json",
        "{\n  \"NAME\": [1, 2.5, null],\n  \"ключ\": \"значение 🎈\"\n}",
    ),
    (
        "diff",
        "--- a/NAME\n+++ b/NAME\n@@ -1,2 +1,2 @@\n-old\n+new\n 1. same",
    ),
    (
        "markdown",
        "# NAME\n\n- [ ] one\n\n```rust\nfn inside() {}\n```\n\n| a | b |\n|---|---|",
    ),
    (
        "",
        "plain text, no language\n\n\n   three blanks before this\n> no quote",
    ),
    (
        "c++",
        "template <class T> auto NAME(T&& t) -> decltype(t * 2) { return t * 2; } // ``",
    ),
];
