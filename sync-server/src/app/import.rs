//! A file becomes a page of the home space: its body first, then its place in the tree, so that no page shows without its text.

use sheaf_shared::flow::block::{self, Block, BlockKind, Inline};
use sheaf_shared::flow::compose::Style;
use sheaf_shared::flow::facts;
use sheaf_shared::flow::{EditError, apply_delta};
use sheaf_shared::gate::{self, Refusal};
use sheaf_shared::ids::{DocName, PageId, ReplicaId, SpaceId};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::space::TITLE_UNITS_MAX;
use sheaf_shared::space::edit::{self, NewPage, Place, SpaceError};
use sheaf_shared::time::UnixMs;
use sheaf_shared::{html, markdown, text};

use super::compact::replay;
use crate::ports::{ReadFault, StorageFault, Store, UpdateBytes};

/// A file to import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name without folder and ending: the title if the text has none.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
    /// How to read it.
    pub format: Format,
}

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown; plain text is that too.
    Markdown,
    /// HTML.
    Html,
}

/// A page that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its id.
    pub page: PageId,
    /// Its title.
    pub title: String,
}

/// Why a file was not imported. The tree is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Too long for Markdown.
    #[error(transparent)]
    Markdown(#[from] markdown::ReadError),
    /// Too long for HTML.
    #[error(transparent)]
    Html(#[from] html::ReadError),
    /// Too much for one page.
    #[error("the page would not fit into one update of {UPDATE_BYTES_MAX} bytes; split the file")]
    TooLarge,
    /// What was made of it cannot be stored.
    #[error("the page could not be made")]
    Edit(#[from] EditError),
    /// What was made of it would be refused by every server.
    #[error("the page could not be made")]
    Refused(#[from] Refusal),
    /// The page tree did not take it.
    #[error("the page could not be put into the tree")]
    Tree(#[from] SpaceError),
    /// The page tree could not be read.
    #[error("the page tree could not be read")]
    Read(#[from] ReadFault),
    /// The page tree could not be opened.
    #[error("the page tree could not be opened")]
    Open(#[from] ReplicaError),
    /// It could not be written.
    #[error("the page could not be stored")]
    Store(#[from] StorageFault),
}

/// Makes a page named `page` out of `source`, last at the top of the home space.
///
/// Answers when it is on the disk.
///
/// # Errors
/// [`ImportError`]; the tree is unchanged.
pub async fn import(
    store: &dyn Store,
    source: Source<'_>,
    page: PageId,
    now: UnixMs,
) -> Result<Imported, ImportError> {
    let delta = match source.format {
        Format::Markdown => markdown::read(source.text)?,
        Format::Html => html::read(source.text)?,
    };
    let mut blocks = block::from_delta(&delta);
    let title = take_title(&mut blocks, source.name);

    let mut body = Replica::new(ReplicaId(fastrand::u32(1..)));
    let format = facts::write_format(&mut body, Origin::Local);
    let text = apply_delta(&mut body, Origin::Local, &block::to_delta(&blocks))?;
    let home = DocName::of_space(SpaceId::HOME);
    let stored = store.load(&home).await?.unwrap_or_default();
    let mut tree = replay(&stored)?.into_replica();
    let new = NewPage {
        id: page,
        title: title.clone(),
        parent: None,
        place: Place::Last,
        created_by: String::new(),
        created_at: now,
    };
    let entry = edit::create(&mut tree, Origin::Local, &new)?;
    let body: Vec<UpdateBytes> = format.into_iter().chain(text).map(Into::into).collect();
    let entry: Vec<UpdateBytes> = entry.into_iter().map(Into::into).collect();
    for (doc, updates) in [(DocName::of_page(page), body), (home, entry)] {
        for update in &updates {
            if update.len() > UPDATE_BYTES_MAX {
                return Err(ImportError::TooLarge);
            }
            gate::update::check(update)?;
        }
        store.append(&doc, updates).await?;
    }
    Ok(Imported { page, title })
}

/// The title: the first heading of level 1, or else `name`.
///
/// A heading that opens the text and is nothing but words is taken out of it: the title is drawn above the text.
fn take_title(blocks: &mut Vec<Block>, name: &str) -> String {
    let Some(at) = blocks
        .iter()
        .position(|block| block.kind == BlockKind::Heading(1))
    else {
        return shortened(name);
    };
    let whole = text::of_block(&blocks[at])
        .replace('\n', " ")
        .trim()
        .to_owned();
    let title = shortened(&whole);
    if title.is_empty() {
        return shortened(name);
    }
    if at == opening(blocks) && title == whole && is_plain(&blocks[at]) {
        blocks.remove(at);
    }
    title
}

/// Where the text begins: behind front matter.
pub(super) fn opening(blocks: &[Block]) -> usize {
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
