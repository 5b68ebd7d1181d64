//! Markdown documents by chance, of any length: prose and code as people keep them, every construct in them.
//!
//! A document comes with the words that a reader of it sees, in order, so that a test can look for each.

use super::Chance;
use phrases::{ADDRESSES, CODE, FOREIGN, MARKS, NOUNS, ODDITIES, QUALITIES, SENTENCES, VERBS};

mod phrases;

/// Deepest nesting of lists and quotes.
const DEPTH_MAX: usize = 3;
/// Where lines of prose are wrapped, in bytes.
const LINE_BYTES: usize = 96;

/// A document and what is known of it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its Markdown.
    pub source: String,
    /// What a reader sees, cut at blanks, in order. Markers of lists and quotes are not among it; what Sheaf keeps as source
    /// (tables, HTML) is, as it is written.
    pub words: Vec<String>,
    /// Where its links and pictures lead.
    pub addresses: Vec<String>,
}

/// A document of at least `bytes` bytes; the same one for the same seed, for ever.
#[must_use]
pub fn document(seed: u64, bytes: usize) -> Document {
    let mut writer = Writer {
        chance: Chance::new(seed),
        words: Vec::new(),
        addresses: Vec::new(),
        notes: 0,
        pending_note: None,
    };
    let mut lines = writer.front_matter();
    let mut length = 0;
    while length < bytes {
        let section = writer.section();
        length += section.iter().map(|line| line.len() + 1).sum::<usize>();
        lines.extend(section);
    }
    for (label, address) in writer.addresses.iter().enumerate() {
        lines.push(format!("[ref {label}]: <{address}> 'Reference {label}'"));
    }
    Document {
        source: lines.join("\n") + "\n",
        words: writer.words,
        addresses: writer.addresses,
    }
}

struct Writer {
    chance: Chance,
    words: Vec<String>,
    addresses: Vec<String>,
    notes: u32,
    /// A footnote that the prose refers to and that is not written yet.
    pending_note: Option<u32>,
}

impl Writer {
    fn noun(&mut self) -> &'static str {
        self.chance.one_of::<&str>(NOUNS)
    }

    /// Adds what one reads where `text` stands.
    fn seen(&mut self, text: &str) {
        self.words
            .extend(text.split_whitespace().map(str::to_owned));
    }

    fn address(&mut self) -> String {
        let address = format!("{}{}", self.chance.one_of(ADDRESSES), self.addresses.len());
        self.addresses.push(address.clone());
        address
    }

    fn front_matter(&mut self) -> Vec<String> {
        let lines = ["title: A document by chance", "tags: [prose, code]"];
        lines.iter().for_each(|line| self.seen(line));
        let [title, tags] = lines.map(str::to_owned);
        vec!["---".to_owned(), title, tags, "---".to_owned()]
    }

    /// A heading and what stands below it; each block ends with an empty line.
    fn section(&mut self) -> Vec<String> {
        let mut lines = self.heading();
        if self.chance.chance(0.15) {
            lines.extend(self.indented_code());
            lines.push(String::new());
        }
        for _ in 0..3 + self.chance.below(5) {
            lines.extend(self.block(0));
            lines.push(String::new());
            if let Some(note) = self.pending_note.take() {
                lines.extend(self.footnote(note));
                lines.push(String::new());
            }
        }
        lines
    }

    fn heading(&mut self) -> Vec<String> {
        let text = self.sentence();
        let text = self.dress(&text).join(" ");
        let level = 1 + self.chance.index_below(6);
        let mut lines = match self.chance.below(4) {
            0 => vec![text, "=".repeat(3 + level)],
            1 => vec![text, "-".repeat(3 + level)],
            2 => vec![format!("{0} {text} {0}", "#".repeat(level))],
            _ => vec![format!("{} {text}", "#".repeat(level))],
        };
        lines.push(String::new());
        lines
    }

    fn block(&mut self, depth: usize) -> Vec<String> {
        let deeper = u64::from(depth < DEPTH_MAX);
        let top = u64::from(depth == 0);
        match self
            .chance
            .weighted(&[30, 16 * deeper, 12, 7 * deeper, 5, 4, 4 * top, 3, 5 * top])
        {
            0 => self.paragraph(),
            1 => self.list(depth),
            2 => self.fence(),
            3 => self.quote(depth),
            4 => self.table(),
            5 => self.picture(),
            6 => self.html(),
            7 => vec![(*self.chance.one_of(&["***", "_ _ _", "-----"])).to_owned()],
            _ => self.callout(),
        }
    }

    fn paragraph(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..1 + self.chance.below(4) {
            let sentence = self.sentence();
            let dressed = self.dress(&sentence);
            wrap(&mut lines, &dressed);
            if self.chance.chance(0.06)
                && let Some(last) = lines.last_mut()
            {
                last.push_str(if self.chance.coin() { "\\" } else { "  " });
                lines.push(String::new());
            }
        }
        // A break needs something after it.
        let last = ["So", "it", "stands."].map(str::to_owned);
        last.iter().for_each(|word| self.seen(word));
        wrap(&mut lines, &last);
        lines
    }

    /// A sentence as words that carry their punctuation.
    fn sentence(&mut self) -> Vec<String> {
        if self.chance.chance(0.06) {
            let words = self.chance.one_of(FOREIGN).split_whitespace();
            return words.map(str::to_owned).collect();
        }
        let shape = *self.chance.one_of(SENTENCES);
        let mut words: Vec<String> = Vec::new();
        for part in shape.split(' ') {
            let word = match part {
                "n" => self.noun(),
                "q" => self.chance.one_of(QUALITIES),
                "v" => self.chance.one_of(VERBS),
                other => other,
            };
            let joins = word.starts_with([',', '.', ';', '?', '!', ':', '\'']);
            match words.last_mut() {
                Some(last) if joins => last.push_str(word),
                _ => words.extend(word.split(' ').map(str::to_owned)),
            }
        }
        words
    }

    /// Puts marks, links, footnotes and oddities into a sentence, and notes what one sees of it.
    fn dress(&mut self, sentence: &[String]) -> Vec<String> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < sentence.len() {
            let length = (1 + self.chance.index_below(3)).min(sentence.len() - at);
            match self.chance.weighted(&[84, 9, 4, 1, 1, 1]) {
                1 => {
                    let (open, close) = *self.chance.one_of(MARKS);
                    out.push(self.wrapped(&sentence[at..at + length], open, close));
                }
                2 if !inside(&sentence[at]).is_empty() => {
                    let number = self.addresses.len();
                    let address = self.address();
                    let close = match self.chance.below(3) {
                        0 => format!("][ref {number}]"),
                        1 => format!("]({address} \"Title {number}\")"),
                        _ => format!("]({address})"),
                    };
                    out.push(self.wrapped(&sentence[at..at + length], "[", &close));
                }
                3 => {
                    out.push(self.wrapped(&sentence[at..at + length], "", ""));
                    let (written, seen) = *self.chance.one_of(ODDITIES);
                    self.seen(seen);
                    out.push(written.to_owned());
                }
                4 if self.pending_note.is_none() => {
                    self.notes += 1;
                    self.pending_note = Some(self.notes);
                    let word = format!("{}[^{}]", sentence[at], self.notes);
                    self.seen(&word);
                    out.push(word);
                    at += 1;
                    continue;
                }
                5 => {
                    out.push(self.wrapped(&sentence[at..at + length], "", ""));
                    let address = format!("https://example.org/deep/link-{}", self.addresses.len());
                    self.addresses.push(address.clone());
                    self.seen(&address);
                    out.push(if self.chance.coin() {
                        format!("<{address}>")
                    } else {
                        address
                    });
                }
                _ => {
                    for word in &sentence[at..at + length] {
                        self.seen(word);
                        out.push(word.clone());
                    }
                }
            }
            at += length;
        }
        out
    }

    /// Some words between `open` and `close`, the punctuation at their edges outside.
    fn wrapped(&mut self, words: &[String], open: &str, close: &str) -> String {
        let text = words.join(" ");
        self.seen(&text);
        let inner = inside(&text);
        if inner.is_empty() {
            return text;
        }
        let start = text.find(inner).unwrap_or(0);
        let end = start + inner.len();
        format!("{}{open}{inner}{close}{}", &text[..start], &text[end..])
    }

    fn list(&mut self, depth: usize) -> Vec<String> {
        let kind = self.chance.below(3);
        let bullet = *self.chance.one_of(&["-", "*", "+"]);
        let end = *self.chance.one_of(&[".", ")"]);
        let first = if depth == 0 && self.chance.coin() {
            1 + self.chance.below(120)
        } else {
            1
        };
        let loose = self.chance.chance(0.4);
        let mut lines = Vec::new();
        for number in 0..2 + self.chance.below(4) {
            let marker = match kind {
                0 => format!("{bullet} "),
                1 => format!("{}{end} ", first + number),
                _ => format!(
                    "{bullet} {} ",
                    if self.chance.coin() { "[x]" } else { "[ ]" }
                ),
            };
            // The box of a task is text: what is below stands under its beginning.
            let width = if kind == 2 { 2 } else { marker.len() };
            let sentence = self.sentence();
            let mut item = Vec::new();
            let dressed = self.dress(&sentence);
            wrap(&mut item, &dressed);
            if depth < DEPTH_MAX && self.chance.chance(0.3) {
                let below = if loose {
                    item.push(String::new());
                    self.block(depth + 1)
                } else {
                    self.list(depth + 1)
                };
                item.extend(below);
            }
            if loose {
                item.push(String::new());
            }
            lines.extend(prefixed(&item, &marker, &" ".repeat(width)));
        }
        lines
    }

    fn quote(&mut self, depth: usize) -> Vec<String> {
        let mut inner = self.paragraph();
        for _ in 0..self.chance.below(3) {
            inner.push(String::new());
            inner.extend(self.block(depth + 1));
        }
        prefixed(&inner, "> ", "> ")
    }

    fn callout(&mut self) -> Vec<String> {
        let kind = *self.chance.one_of(&["NOTE", "WARNING", "TIP"]);
        let mut inner = vec![format!("[!{kind}]")];
        inner.extend(self.paragraph());
        prefixed(&inner, "> ", "> ")
    }

    /// Code, its language, and the same as separate lines.
    fn code(&mut self) -> (&'static str, String) {
        let (language, code) = *self.chance.one_of(CODE);
        let name: String = self.noun().chars().filter(|c| *c != '-').collect();
        let code = code.replace("NAME", &name);
        self.seen(&code);
        (language, code)
    }

    fn fence(&mut self) -> Vec<String> {
        let (language, code) = self.code();
        let mark = if self.chance.chance(0.2) {
            "~~~"
        } else {
            "````"
        };
        let fence = if code.contains("```") {
            mark
        } else {
            &mark[..3]
        };
        let mut lines = vec![format!("{fence}{language}")];
        lines.extend(code.split('\n').map(str::to_owned));
        lines.push(fence.to_owned());
        lines
    }

    fn indented_code(&mut self) -> Vec<String> {
        let (_, code) = self.code();
        prefixed(
            &code.split('\n').map(str::to_owned).collect::<Vec<_>>(),
            "    ",
            "    ",
        )
    }

    fn table(&mut self) -> Vec<String> {
        let columns = 2 + self.chance.index_below(3);
        let mut lines = Vec::new();
        for row in 0..2 + self.chance.below(5) {
            let cells: Vec<String> = (0..columns)
                .map(|_| match self.chance.below(4) {
                    0 => format!("**{}**", self.noun()),
                    1 => format!("`{}\\|x`", self.noun()),
                    _ => self.noun().to_owned(),
                })
                .collect();
            lines.push(format!("| {} |", cells.join(" | ")));
            if row == 0 {
                lines.push(format!("|{}", ":-:|".repeat(columns)));
            }
        }
        lines.iter().for_each(|line| self.seen(line));
        lines
    }

    fn picture(&mut self) -> Vec<String> {
        let alt = format!(
            "The {} one by the {}",
            self.chance.one_of(QUALITIES),
            self.noun()
        );
        self.seen(&alt);
        let address = format!("https://example.org/pictures/{}.png", self.addresses.len());
        self.addresses.push(address.clone());
        vec![match self.chance.below(4) {
            0 => {
                let link = self.address();
                format!("[![{alt}]({address})]({link})")
            }
            1 => format!("<img src=\"{address}\" alt=\"{alt}\" width=\"320\">"),
            _ => format!("![{alt}]({address})"),
        }]
    }

    /// HTML of several lines that Markdown has no word for.
    fn html(&mut self) -> Vec<String> {
        let (one, two) = (self.noun(), self.noun());
        let lines = match self.chance.below(3) {
            0 => vec![
                "<details>".to_owned(),
                format!("<summary>About the {one}</summary>"),
                format!("  <p>It is near the {two}.</p>"),
                "</details>".to_owned(),
            ],
            1 => vec![format!("<!-- the {one},"), format!("     see {two} -->")],
            _ => vec![
                format!("<video src=\"{one}.webm\" controls>"),
                format!("A film of the {two}."),
                "</video>".to_owned(),
            ],
        };
        lines.iter().for_each(|line| self.seen(line));
        lines
    }

    fn footnote(&mut self, note: u32) -> Vec<String> {
        // While one waits, no sentence refers to another.
        self.pending_note = Some(note);
        self.seen(&format!("[^{note}]:"));
        let sentence = self.sentence();
        let mut lines = Vec::new();
        let dressed = self.dress(&sentence);
        wrap(&mut lines, &dressed);
        if self.chance.chance(0.3) {
            lines.push(String::new());
            lines.extend(self.paragraph());
        }
        self.pending_note = None;
        prefixed(&lines, &format!("[^{note}]: "), "    ")
    }
}

/// `text` without blanks and punctuation at its edges, beside which no mark would open or close.
fn inside(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace() || c.is_ascii_punctuation() || "“”…—。、，।".contains(c)
    })
}

/// Adds words to lines; a line never begins with what could be read as a marker.
fn wrap(lines: &mut Vec<String>, words: &[String]) {
    for word in words {
        let safe = word.starts_with(|c: char| c.is_ascii_alphabetic());
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.len() < LINE_BYTES || !safe => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.clone()),
        }
    }
}

/// `lines` with `first` before the first and `further` before the rest; empty ones get no blanks at their end.
fn prefixed(lines: &[String], first: &str, further: &str) -> Vec<String> {
    let lead = |at: usize| if at == 0 { first } else { further };
    let lines = lines
        .iter()
        .enumerate()
        .map(|(at, line)| match line.as_str() {
            "" => lead(at).trim_end().to_owned(),
            line => format!("{}{line}", lead(at)),
        });
    lines.collect()
}
