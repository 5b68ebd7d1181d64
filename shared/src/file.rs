//! A page as a file and a file as a page: which form a name tells, and where the title is. One way for the browser
//! and for the command line, so that a file means the same wherever it comes in.

use crate::flow::block::{self, Block, BlockKind, Inline};
use crate::flow::compose::Style;
use crate::flow::delta::{Attrs, Content, DeltaOp};
use crate::flow::{self, EditError};
use crate::replica::{Origin, Replica};
use crate::space::TITLE_UNITS_MAX;
use crate::{html, markdown, text};

/// Longest source, in bytes, that is read as a page.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
const _: () = assert!(
    FILE_BYTES_MAX <= markdown::MARKDOWN_BYTES_MAX && FILE_BYTES_MAX <= html::HTML_BYTES_MAX,
    "what a file may hold, each form can read"
);

/// Title of a page that has none.
const UNTITLED: &str = "Untitled";

/// What a page is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Markdown.
    Markdown,
    /// An HTML file of its own.
    Html,
    /// Plain text.
    Text,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The page's title.
    pub title: String,
    /// Its body: inserts, of which the last ends with a newline.
    pub content: Vec<DeltaOp>,
}

/// What a page shall say, without its title.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    content: Vec<DeltaOp>,
    form: Form,
}

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is longer than [`FILE_BYTES_MAX`].
    #[error("the text has {bytes} bytes; at most {FILE_BYTES_MAX} can be read at once")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It holds what no text holds.
    #[error("it is not a text")]
    NotText,
}

impl Form {
    /// The form that the ending of a file's name tells; Markdown where it tells none.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending.to_ascii_lowercase().as_str() {
            "html" | "htm" => Self::Html,
            "txt" | "text" => Self::Text,
            _ => Self::Markdown,
        }
    }

    /// The ending of its files, without the dot.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Text => "txt",
        }
    }
}

impl Body {
    /// Reads all of `source` as the body of a page; a first heading is one.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn read(source: &str, form: Form) -> Result<Self, ReadError> {
        let content = content_of(source, form)?;
        Ok(Self { content, form })
    }

    /// As a list of inserts.
    #[must_use]
    pub fn into_flow(self) -> Vec<DeltaOp> {
        self.content
    }

    /// Makes a page say this by changing only what differs; what its form has no words for stays where the words around
    /// it do. Returns the update for others, or `None` when the page says so already.
    ///
    /// # Errors
    /// [`EditError`]; nothing was changed.
    pub fn write_over(
        &self,
        page: &mut Replica,
        origin: Origin,
    ) -> Result<Option<Vec<u8>>, EditError> {
        let blocks = flow::read(page);
        let said = match self.form {
            Form::Markdown => markdown::write(&blocks),
            Form::Html => html::write(&blocks),
            Form::Text => text::write(&blocks),
        };
        // Written larger than it may be read, a page says nothing that could be compared.
        let said = content_of(&said, self.form).ok();
        flow::rewrite(page, origin, &self.content, said.as_deref())
    }
}

/// Reads `source` as a page. The title is its first heading of level 1, or else `name`, the file's name without
/// folder and ending; plain text has no headings.
///
/// A heading that opens the text and is nothing but words is taken out of it: the title is drawn above the text.
///
/// # Errors
/// [`ReadError`]
pub fn read(name: &str, source: &str, form: Form) -> Result<Imported, ReadError> {
    let delta = content_of(source, form)?;
    if form == Form::Text {
        return Ok(Imported {
            title: shortened(name),
            content: delta,
        });
    }
    let mut blocks = block::from_delta(&delta);
    let title = take_title(&mut blocks, name);
    Ok(Imported {
        title,
        content: block::to_delta(&blocks),
    })
}

/// Reads all of `source`, a first heading included.
fn content_of(source: &str, form: Form) -> Result<Vec<DeltaOp>, ReadError> {
    let bytes = source.len();
    let too_long = ReadError::TooLong { bytes };
    if bytes > FILE_BYTES_MAX {
        return Err(too_long);
    }
    if source.contains('\0') {
        return Err(ReadError::NotText);
    }
    let source = source.trim_start_matches('\u{feff}');
    match form {
        Form::Markdown => markdown::read(source).map_err(|_| too_long),
        Form::Html => html::read(source).map_err(|_| too_long),
        Form::Text => Ok(lines(source)),
    }
}

/// Writes a page that is called `title`. The title opens the file, unless the text does so itself.
#[must_use]
pub fn write(title: &str, body: &[Block], form: Form) -> String {
    let title = match title.trim() {
        "" => UNTITLED,
        title => title,
    };
    let opens = opening(body);
    let says_it = body
        .get(opens)
        .is_some_and(|block| block.kind == BlockKind::Heading(1) && line_of(block) == title);
    let mut blocks = body.to_vec();
    if !says_it {
        let heading = Block::new(BlockKind::Heading(1), vec![Inline::text(title.to_owned())]);
        blocks.insert(opens, heading);
        // Plain text has no other sign that this line is the title.
        if form == Form::Text && body.len() > opens {
            blocks.insert(opens + 1, Block::new(BlockKind::Paragraph, Vec::new()));
        }
    }
    match form {
        Form::Markdown => markdown::write(&blocks),
        Form::Html => html::write_document(title, &blocks),
        Form::Text => text::write(&blocks),
    }
}

/// Plain text: a block a line, nothing of it a sign.
fn lines(source: &str) -> Vec<DeltaOp> {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    vec![DeltaOp::Insert(Content::Text(text), Attrs::new())]
}

fn take_title(blocks: &mut Vec<Block>, name: &str) -> String {
    let Some(at) = blocks
        .iter()
        .position(|block| block.kind == BlockKind::Heading(1))
    else {
        return shortened(name);
    };
    let whole = line_of(&blocks[at]);
    let title = shortened(&whole);
    if title.is_empty() {
        return shortened(name);
    }
    if at == opening(blocks) && title == whole && is_plain(&blocks[at]) {
        blocks.remove(at);
    }
    title
}

fn line_of(block: &Block) -> String {
    text::of_block(block).replace('\n', " ").trim().to_owned()
}

/// Where the text begins: behind front matter.
fn opening(blocks: &[Block]) -> usize {
    let is_front_matter = |block: &&Block| matches!(&block.kind, BlockKind::Code { language, .. } if language == markdown::FRONT_MATTER);
    blocks.iter().take_while(is_front_matter).count()
}

fn is_plain(heading: &Block) -> bool {
    !heading.quoted
        && heading.indent == 0
        && heading.align.is_none()
        && heading.content.iter().all(|inline| {
            matches!(inline, Inline::Text { attrs, .. } if Style::from_attrs(attrs) == Style::default())
        })
}

fn shortened(title: &str) -> String {
    let mut units = 0;
    title
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take_while(|c| {
            units += c.len_utf16();
            units <= TITLE_UNITS_MAX as usize
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(imported: &Imported) -> Vec<Block> {
        block::from_delta(&imported.content)
    }

    #[test]
    fn a_title_full_of_marks_comes_back_as_it_was() {
        for title in [
            "Plan *B* and _C_ [x](y)",
            "# not two",
            "<b>&amp;</b>",
            "1. April",
            "`a` ~b~ \\",
        ] {
            for form in [Form::Markdown, Form::Html] {
                let body = read("", "Text\n", Form::Markdown).unwrap();
                let file = write(title, &blocks(&body), form);
                let again = read("other", &file, form).unwrap();
                assert_eq!(again.title, title, "{file}");
                assert_eq!(again.content, body.content, "{file}");
            }
        }
    }

    #[test]
    fn every_form_of_a_page_begins_with_its_title() {
        let body = blocks(&read("", "Text\n", Form::Markdown).unwrap());
        assert_eq!(write("Plan", &body, Form::Markdown), "# Plan\n\nText\n");
        assert_eq!(write("Plan", &body, Form::Text), "Plan\n\nText\n");
        assert!(write("Plan", &body, Form::Html).contains("<h1>Plan</h1>\n<p>Text</p>"));
        assert_eq!(write(" ", &[], Form::Markdown), "# Untitled\n");
    }

    #[test]
    fn the_title_is_said_once_when_the_text_says_it_itself() {
        let body = blocks(&read("", "Before\n\n# Plan\n", Form::Markdown).unwrap());
        let titled = blocks(&read("", "# _Plan_\n\nText\n", Form::Markdown).unwrap());
        assert_eq!(write("Plan", &titled, Form::Markdown), "# _Plan_\n\nText\n");
        assert!(write("Plan", &body, Form::Markdown).starts_with("# Plan\n\nBefore"));
    }

    #[test]
    fn the_signs_of_a_plain_text_mean_nothing() {
        let source = "# Not a title\r\n- no list\r\n\r\n<b>*";
        let page = read("notes", source, Form::Text).unwrap();
        assert_eq!(page.title, "notes");
        let words: Vec<String> = blocks(&page).iter().map(text::of_block).collect();
        assert_eq!(words, ["# Not a title", "- no list", "", "<b>*"]);
        assert!(
            blocks(&page)
                .iter()
                .all(|block| block.kind == BlockKind::Paragraph)
        );
    }

    #[test]
    fn the_first_heading_of_a_file_becomes_the_title_and_stands_in_the_body_no_more() {
        for source in ["# Plan\n\nText", "\u{feff}# Plan\r\n\r\nText"] {
            let page = read("file", source, Form::Markdown).unwrap();
            assert_eq!(page.title, "Plan");
            assert_eq!(blocks(&page).len(), 1, "{source}");
        }
        let later = read("file", "Text\n\n# Later", Form::Markdown).unwrap();
        assert_eq!((later.title.as_str(), blocks(&later).len()), ("Later", 2));
        let none = read("file", "#\nText", Form::Markdown).unwrap();
        assert_eq!(none.title, "file");
    }

    #[test]
    fn the_ending_tells_the_form_in_any_case_of_letters() {
        assert_eq!(Form::of_name("a.HTM"), Form::Html);
        assert_eq!(Form::of_name("notes.TXT"), Form::Text);
        assert_eq!(Form::of_name("read.me.md"), Form::Markdown);
        assert_eq!(Form::of_name("README"), Form::Markdown);
        assert!(matches!(
            read("x", &"a".repeat(FILE_BYTES_MAX + 1), Form::Text),
            Err(ReadError::TooLong { .. })
        ));
        assert_eq!(read("x", "a\0", Form::Html), Err(ReadError::NotText));
    }
}
