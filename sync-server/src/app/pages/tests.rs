//! Pages through rooms: what programs write, others see, and the other way round.

use std::io::{Cursor, Read as _};

use sheaf_core::access::{Page, Space, WriteTree};
use sheaf_core::room::RoomConfig;
use sheaf_core::rooms::RoomsConfig;
use sheaf_shared::file;
use sheaf_shared::flow::apply_delta;
use sheaf_shared::flow::delta::DeltaOp;
use sheaf_shared::time::UnixMs;

use super::*;
use crate::adapters::memory::MemoryStore;

const PAGE: PageId = PageId::from_bits(7);

fn pages() -> Pages {
    let store = Arc::new(MemoryStore::default());
    Pages::of(Hub::new(
        store,
        Arc::default(),
        RoomConfig::default(),
        RoomsConfig::default(),
    ))
}

fn page(id: PageId) -> Page {
    Page {
        doc: DocName::of_page(id),
        space: SpaceId::HOME,
        role: None,
        is_linked: false,
    }
}

fn space() -> Space {
    Space {
        space: SpaceId::HOME,
        role: None,
    }
}

fn may_read(id: PageId) -> Granted<ReadPage> {
    Granted::to_operator(&page(id)).unwrap()
}

fn may_write(id: PageId) -> Granted<WritePage> {
    Granted::to_operator(&page(id)).unwrap()
}

fn may_write_tree() -> Granted<WriteTree> {
    Granted::to_operator(&space()).unwrap()
}

async fn made(pages: &Pages, id: u128, parent: Option<u128>, source: &str) -> Made {
    let imported = file::read("", source, Form::Markdown).unwrap();
    let making = Making {
        page: PageId::from_bits(id),
        title: imported.title,
        parent: parent.map(PageId::from_bits),
        content: imported.content,
        made_by: None,
        name: "Somebody".to_owned(),
        at: UnixMs(1),
    };
    pages.make(&may_write_tree(), making).await.unwrap()
}

async fn write(pages: &Pages, source: &str, expected: Expected) -> Result<Written, PagesError> {
    let source = source.to_owned();
    pages
        .write(&may_write(PAGE), source, Form::Markdown, expected)
        .await
}

async fn markdown(pages: &Pages, id: PageId) -> Content {
    pages.read(&may_read(id), As::Markdown).await.unwrap()
}

#[tokio::test]
async fn a_page_that_was_made_stands_in_the_tree_with_its_text() {
    let pages = pages();
    made(&pages, 1, None, "# Plans\n\nText\n").await;
    made(&pages, 2, Some(1), "# Part\n\nMore **text**\n").await;
    let listed = pages
        .list(&Granted::to_operator(&space()).unwrap())
        .await
        .unwrap();
    let titles: Vec<(&str, Option<PageId>)> = listed
        .iter()
        .map(|page| (page.title.as_str(), page.parent))
        .collect();
    assert_eq!(
        titles,
        [("Plans", None), ("Part", Some(PageId::from_bits(1)))]
    );
    let text = markdown(&pages, PageId::from_bits(2)).await.text;
    assert_eq!(text, "More **text**\n");
    let look = pages
        .look(&may_read(PageId::from_bits(2)), SpaceId::HOME)
        .await;
    assert_eq!(look.unwrap().unwrap().title, "Part");
}

#[tokio::test]
async fn a_page_below_one_that_is_gone_is_not_made_and_leaves_nothing() {
    let pages = pages();
    let making = Making {
        page: PAGE,
        title: "Lost".to_owned(),
        parent: Some(PageId::from_bits(99)),
        content: vec![DeltaOp::text("text\n")],
        made_by: None,
        name: String::new(),
        at: UnixMs(1),
    };
    let refused = pages.make(&may_write_tree(), making).await;
    assert!(matches!(
        refused,
        Err(MakeError::Page(PagesError::Tree(SpaceError::NoSuchPage)))
    ));
    let read = pages.read(&may_read(PAGE), As::Markdown).await;
    assert!(matches!(read, Err(PagesError::NoSuchPage)));
}

#[tokio::test]
async fn who_has_a_page_open_sees_what_a_program_writes_and_the_program_loses_nothing_of_theirs() {
    let pages = pages();
    made(&pages, 7, None, "One line.\n\nOther line.\n").await;
    let doc = DocName::of_page(PAGE);
    let mut person = Scribe::enter(&pages.hub, &doc, Role::Editor).unwrap();
    let mut copy = person.read().await.unwrap();

    // They type; the program, which read the page before that, writes.
    let typed = [DeltaOp::skip(3), DeltaOp::text(" long")];
    let update = apply_delta(&mut copy, Origin::Local, &typed)
        .unwrap()
        .unwrap();
    person.write(update).await.unwrap();
    let written = write(
        &pages,
        "One long line.\n\nOther line, changed.\n",
        Expected::Anything,
    );
    assert!(written.await.unwrap().changed);

    let told = person.read().await.unwrap();
    let shown = sheaf_shared::markdown::write(&flow::read(&told));
    assert_eq!(shown, "One long line.\n\nOther line, changed.\n");
    assert_eq!(markdown(&pages, PAGE).await.text, shown);
}

#[tokio::test]
async fn a_page_is_written_only_if_it_says_what_was_expected() {
    let pages = pages();
    made(&pages, 7, None, "One\n").await;
    let first = markdown(&pages, PAGE).await.tag;
    let two = write(&pages, "Two\n", Expected::One(vec![first.clone()]))
        .await
        .unwrap();
    assert_eq!(markdown(&pages, PAGE).await.tag, two.tag);
    let late = write(&pages, "Three\n", Expected::One(vec![first])).await;
    assert!(matches!(late, Err(PagesError::Moved { now }) if now == two.tag));
    assert_eq!(markdown(&pages, PAGE).await.text, "Two\n");
    let again = write(&pages, "Two\n", Expected::One(vec![two.tag.clone()]));
    let unchanged = Written {
        tag: two.tag,
        changed: false,
    };
    assert_eq!(again.await.unwrap(), unchanged);
}

#[tokio::test]
async fn what_is_too_long_or_no_text_is_refused_and_changes_nothing() {
    let pages = pages();
    made(&pages, 7, None, "One\n").await;
    for source in ["a".repeat(file::FILE_BYTES_MAX + 1), "a\0b".to_owned()] {
        let refused = write(&pages, &source, Expected::Anything).await;
        assert!(matches!(refused, Err(PagesError::Unreadable(_))));
    }
    assert_eq!(markdown(&pages, PAGE).await.text, "One\n");
}

async fn archive(pages: &Pages) -> Vec<(String, String)> {
    let may = Granted::to_operator(&space()).unwrap();
    let mut pieces = pages.archive(&may).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.recv().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..zip.len())
        .map(|nth| {
            let mut file = zip.by_index(nth).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[tokio::test]
async fn a_space_leaves_as_files_in_folders_whose_links_lead_to_each_other() {
    let pages = pages();
    assert_eq!(
        archive(&pages).await,
        [("Empty.txt".to_owned(), String::new())]
    );
    let (top, below) = (PageId::from_bits(1), PageId::from_bits(2));
    made(
        &pages,
        1,
        None,
        &format!("# Plan: a/b\n\nSee [part](/p/{below}).\n"),
    )
    .await;
    made(
        &pages,
        2,
        Some(1),
        &format!("# Part\n\nBack [up](/p/{top}#x), [else](/p/none).\n"),
    )
    .await;
    made(&pages, 3, None, "# plan: A/B\n\nText\n").await;
    let files = archive(&pages).await;
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(
        files,
        [
            file(
                "Plan- a-b.md",
                "# Plan: a/b\n\nSee [part](Plan-%20a-b/Part.md).\n"
            ),
            file(
                "Plan- a-b/Part.md",
                "# Part\n\nBack [up](../Plan-%20a-b.md#x), [else](/p/none).\n"
            ),
            file("plan- A-B (2).md", "# plan: A/B\n\nText\n"),
        ]
    );
}

#[tokio::test]
async fn deep_trees_leave_with_paths_that_every_system_takes() {
    let pages = pages();
    for id in 1..30 {
        let parent = (id > 1).then(|| id - 1);
        made(
            &pages,
            id,
            parent,
            "# A page with a rather long title\n\nText\n",
        )
        .await;
    }
    let files = archive(&pages).await;
    assert_eq!(files.len(), 29);
    for (path, _) in &files {
        assert!(path.len() <= 250, "{path}");
    }
}
