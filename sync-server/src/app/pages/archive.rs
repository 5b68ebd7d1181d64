//! A whole space as an archive of Markdown files: a file a page, folders as the tree has them, links between pages as links
//! between files. One page is held in memory at a time.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sheaf_core::access::ReadSpace;
use sheaf_shared::file::{self, Form};
use sheaf_shared::flow::block::{Block, Inline};
use sheaf_shared::flow::marks::{self, Mark};
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::Replica;
use sheaf_shared::space::Tree;
use tokio::sync::{Semaphore, mpsc};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::names::Folder;
use super::{Pages, PagesError, blocks, stored};
use crate::app::directory::Granted;
use crate::runtime::scribe::long;

/// Archives that are made at a time.
const AT_A_TIME: usize = 4;
static UNDER_WAY: Semaphore = Semaphore::const_new(AT_A_TIME);
/// Longest time until a reader takes a piece.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// Pieces of an archive that wait for a slow reader.
const PIECES_WAITING_MAX: usize = 4;
/// Longest path of a folder, in bytes. Pages below stand beside it: some systems take no path of more than 260 letters.
const FOLDER_BYTES_MAX: usize = 160;
/// What stands in the archive of a space without pages, so that it opens.
const EMPTY: &str = "Empty.txt";

/// An archive that is being made: pieces of the file, in order. It is whole if no piece is an error.
pub type Pieces = mpsc::Receiver<Result<Bytes, PagesError>>;

impl Pages {
    /// Begins to write all pages of a space outside the bin. Whoever drops the answer ends the work.
    ///
    /// A page that is damaged is left out and named in a file of its own: all others are what somebody came for.
    ///
    /// # Errors
    /// [`PagesError`] if the tree can't be read, or too many are being made.
    pub async fn archive(&self, may: &Granted<ReadSpace>) -> Result<Pieces, PagesError> {
        let place = UNDER_WAY.try_acquire().map_err(|_| PagesError::TryAgain)?;
        let space = *may.id();
        let tree = self.tree(space).await?;
        let (pieces, reader) = mpsc::channel(PIECES_WAITING_MAX);
        let pages = self.clone();
        tokio::spawn(async move {
            let _place = place;
            if let Err(fault) = pages.write_archive(space, &tree, &pieces).await {
                let _ = pieces.send_timeout(Err(fault), TAKEN_WITHIN).await;
            }
        });
        Ok(reader)
    }

    async fn write_archive(
        &self,
        space: SpaceId,
        tree: &Tree,
        pieces: &mpsc::Sender<Result<Bytes, PagesError>>,
    ) -> Result<(), PagesError> {
        let places = Arc::new(places(tree));
        let written = Written::default();
        let mut zip = ZipWriter::new_stream(written.clone());
        let mut damaged = Vec::new();
        for (_, page) in tree.walk() {
            let Some(path) = places.get(&page).cloned() else {
                continue;
            };
            let title = tree
                .page(page)
                .map_or_else(String::new, |it| it.title.clone());
            let (links, at) = (Arc::clone(&places), path.clone());
            let doc = DocName::of_page(page);
            let reading = stored(&*self.hub.store, &doc, move |replica| {
                markdown_of(replica, &title, &at, &links)
            });
            let text = match reading.await {
                Ok(text) => text.unwrap_or_default(),
                Err(PagesError::Damaged) => {
                    damaged.push(path);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            zip = put(&doc, zip, path, text).await?;
            let piece = pieces.send_timeout(Ok(written.take()), TAKEN_WITHIN);
            if piece.await.is_err() {
                // Nobody reads any more.
                return Ok(());
            }
        }
        let doc = DocName::of_space(space);
        if !damaged.is_empty() {
            let text = format!(
                "These pages are damaged on the server and could not be written. Whoever runs it can repair them:\n\n{}\n",
                damaged.join("\n")
            );
            zip = put(&doc, zip, "Not in this archive.txt".to_owned(), text).await?;
        } else if places.is_empty() {
            zip = put(&doc, zip, EMPTY.to_owned(), String::new()).await?;
        }
        zip.finish().map_err(|_| PagesError::TryAgain)?;
        let _ = pieces.send_timeout(Ok(written.take()), TAKEN_WITHIN).await;
        Ok(())
    }
}

type Zip = ZipWriter<StreamWriter<Written>>;

/// Puts a file into the archive; packing it takes a while, so it is done aside.
async fn put(doc: &DocName, mut zip: Zip, path: String, text: String) -> Result<Zip, PagesError> {
    let packed = long(doc, move || -> zip::result::ZipResult<Zip> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(path, options)?;
        zip.write_all(text.as_bytes())?;
        Ok(zip)
    });
    packed
        .await
        .and_then(Result::ok)
        .ok_or(PagesError::TryAgain)
}

/// What was written and not sent yet.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The path of each page's file.
fn places(tree: &Tree) -> BTreeMap<PageId, String> {
    let mut places = BTreeMap::new();
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    // Where the pages below a page go.
    let mut inside: BTreeMap<PageId, String> = BTreeMap::new();
    for (_, id) in tree.walk() {
        let Some(page) = tree.page(id) else { continue };
        let above = page.parent.and_then(|parent| inside.get(&parent));
        let folder = above.cloned().unwrap_or_default();
        let name = folders.entry(folder.clone()).or_default().name(&page.title);
        let below = format!("{folder}{name}/");
        let below = if below.len() > FOLDER_BYTES_MAX {
            folder.clone()
        } else {
            below
        };
        inside.insert(id, below);
        places.insert(id, format!("{folder}{name}.{}", Form::Markdown.ending()));
    }
    places
}

/// A page as its file: links to pages in the archive lead to their files.
fn markdown_of(
    page: &Replica,
    title: &str,
    path: &str,
    places: &BTreeMap<PageId, String>,
) -> String {
    let mut blocks = blocks(page);
    for block in &mut blocks {
        relink(block, path, places);
    }
    file::write(title, &blocks, Form::Markdown)
}

fn relink(block: &mut Block, path: &str, places: &BTreeMap<PageId, String>) {
    for inline in &mut block.content {
        let (Inline::Text { attrs, .. } | Inline::Embed { attrs, .. }) = inline;
        for mark in marks::read(attrs) {
            if let Mark::Link(address) = &mark
                && let Some(file) = file_of(address, path, places)
            {
                attrs.insert(mark.key().to_owned(), Mark::Link(file).value());
            }
        }
    }
}

/// Where a link to a page leads within the archive, seen from the file at `path`.
fn file_of(address: &str, path: &str, places: &BTreeMap<PageId, String>) -> Option<String> {
    let rest = address.strip_prefix("/p/")?;
    let end = rest.find(['?', '#', '/']).unwrap_or(rest.len());
    let (id, behind) = rest.split_at(end);
    let target = places.get(&PageId::parse(id).ok()?)?;
    let place = behind.find('#').map_or("", |at| &behind[at..]);
    Some(format!("{}{place}", relative(path, target)))
}

/// The way from one file to another, as it stands in an address.
fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let folders = from.len().min(to.len()) - 1;
    let same = (0..folders).take_while(|at| from[*at] == to[*at]).count();
    let up = (same + 1..from.len()).map(|_| "..".to_owned());
    let down = to[same..].iter().map(|part| escaped(part));
    up.chain(down).collect::<Vec<_>>().join("/")
}

fn escaped(part: &str) -> String {
    let mut out = String::new();
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_between_two_files_leads_from_the_one_to_the_other() {
        for (from, to, way) in [
            ("a.md", "b.md", "b.md"),
            ("a.md", "a/b.md", "a/b.md"),
            ("a/b.md", "a.md", "../a.md"),
            ("a/b/c.md", "a/d/e.md", "../d/e.md"),
            ("a/b.md", "a/b/c.md", "b/c.md"),
            ("x y.md", "ü (2)/50%.md", "%C3%BC%20%282%29/50%25.md"),
        ] {
            assert_eq!(relative(from, to), way, "{from} to {to}");
        }
    }

    #[test]
    fn only_links_to_pages_of_the_archive_are_changed() {
        let page = PageId::from_bits(7);
        let places = BTreeMap::from([(page, "Plan.md".to_owned())]);
        let seen = |address: &str| file_of(address, "a/b.md", &places);
        assert_eq!(seen(&format!("/p/{page}")), Some("../Plan.md".to_owned()));
        assert_eq!(
            seen(&format!("/p/{page}?x=1#part")),
            Some("../Plan.md#part".to_owned())
        );
        for other in [
            format!("/p/{}", PageId::from_bits(8)),
            format!("https://example.org/p/{page}"),
            "/p/".to_owned(),
            "#part".to_owned(),
        ] {
            assert_eq!(seen(&other), None, "{other}");
        }
    }
}
