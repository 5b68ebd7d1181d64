//! Files become pages and pages become files, through the real program and through the use cases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sheaf_server::adapters::memory::MemoryStore;
use sheaf_server::app::export::{ExportError, export};
use sheaf_server::app::import::{ImportError, Imported, Source, import};
use sheaf_server::ports::{StorageFault, Store as _};
use sheaf_shared::file::{FILE_BYTES_MAX, Form};
use sheaf_shared::flow::facts;
use sheaf_shared::ids::{DocName, PageId, ReplicaId, SpaceId};
use sheaf_shared::replica::Replica;
use sheaf_shared::time::UnixMs;

async fn imported(
    store: &MemoryStore,
    id: u128,
    name: &str,
    text: &str,
) -> Result<Imported, ImportError> {
    let source = Source {
        name,
        text,
        form: Form::Markdown,
    };
    import(store, source, PageId::from_bits(id), UnixMs(1)).await
}

async fn exported(store: &MemoryStore, wanted: &str) -> Result<String, ExportError> {
    export(store, wanted, Form::Markdown).await
}

#[tokio::test]
async fn what_was_imported_is_exported_as_it_was() {
    let store = MemoryStore::default();
    for (id, text, title) in [
        (
            1,
            "# A title\n\nText and **more**.\n\n- [x] done\n",
            "A title",
        ),
        (
            2,
            "---\ntags: x\n---\n\n# With facts\n\nText\n",
            "With facts",
        ),
        (3, "# With _marks_\n\nText\n", "With marks"),
        (4, "# Only a title\n", "Only a title"),
    ] {
        let page = imported(&store, id, "file", text).await.unwrap();
        assert_eq!(page.title, title);
        let found = exported(&store, title).await.unwrap();
        assert_eq!(found, text);
        assert_eq!(
            exported(&store, &page.page.to_string()).await.unwrap(),
            text
        );
        let address = format!("https://pages.example/p/{}?x#y", page.page);
        assert_eq!(exported(&store, &address).await.unwrap(), text);
    }
    let page = imported(&store, 9, "my notes", "Text\n").await.unwrap();
    assert_eq!(page.title, "my notes");
    assert_eq!(
        exported(&store, "MY NOTES").await.unwrap(),
        "# my notes\n\nText\n"
    );
}

#[tokio::test]
async fn a_title_of_several_pages_names_none_and_lists_them() {
    let store = MemoryStore::default();
    imported(&store, 1, "x", "# Same\n\na\n").await.unwrap();
    imported(&store, 2, "x", "# Same\n\nb\n").await.unwrap();
    let Err(ExportError::Ambiguous { candidates, .. }) = exported(&store, "Same").await else {
        panic!("one of two pages was picked");
    };
    assert_eq!(candidates.len(), 2);
    assert_eq!(candidates[0].path, "Same");
    assert!(matches!(
        exported(&store, "None").await,
        Err(ExportError::NoSuchPage(_))
    ));
    let nobody = PageId::from_bits(77).to_string();
    assert!(matches!(
        exported(&store, &nobody).await,
        Err(ExportError::NoSuchPage(_))
    ));
}

#[tokio::test]
async fn a_page_that_could_not_be_stored_is_not_in_the_tree() {
    let store = MemoryStore::default();
    store.set_fault(Some(StorageFault::Full));
    let refused = imported(&store, 1, "x", "# A\n").await;
    assert!(matches!(
        refused,
        Err(ImportError::Store(StorageFault::Full))
    ));
    store.set_fault(None);
    assert!(
        store
            .load(&DocName::of_space(SpaceId::HOME))
            .await
            .unwrap()
            .is_none()
    );
    let long = "a".repeat(FILE_BYTES_MAX + 1);
    assert!(matches!(
        imported(&store, 2, "x", &long).await,
        Err(ImportError::File(_))
    ));
    assert!(
        store
            .load(&DocName::of_space(SpaceId::HOME))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_whole_book_of_marks_is_stored_or_refused_and_never_breaks() {
    let store = MemoryStore::default();
    let outcome = imported(&store, 1, "x", &"**a**_b_ ".repeat(50_000)).await;
    assert!(
        matches!(
            outcome,
            Ok(_) | Err(ImportError::TooLarge | ImportError::Refused(_))
        ),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_imported_page_says_its_format_as_pages_made_in_the_browser_do() {
    let store = MemoryStore::default();
    for text in ["# A\n\nText\n", ""] {
        let id = u128::try_from(text.len()).unwrap() + 1;
        let page = imported(&store, id, "x", text).await.unwrap().page;
        let stored = store.load(&DocName::of_page(page)).await.unwrap().unwrap();
        let mut replica = Replica::new(ReplicaId(1));
        for update in stored.updates() {
            replica.apply_stored(update).unwrap();
        }
        assert_eq!(facts::format(&replica), Some(facts::FORMAT));
    }
}

fn sheaf(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(arguments)
        .env("SHEAF_DATA_DIR", data)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_program_imports_files_and_exports_pages_by_address() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (markdown, page, broken) = (
        folder.path().join("a.md"),
        folder.path().join("b.html"),
        folder.path().join("c.md"),
    );
    std::fs::write(&markdown, "# First\n\n- a\n  - b\n").unwrap();
    std::fs::write(&page, "<h1>Second</h1><p>x <b>y</b></p>").unwrap();
    std::fs::write(&broken, [0xff, 0xfe]).unwrap();
    let files = [&markdown, &broken, &page].map(|file| file.to_str().unwrap());
    let output = sheaf(&data, &["import", files[0], files[1], files[2]]);
    assert_eq!(output.status.code(), Some(2), "one file was no text");
    assert!(
        text(&output.stderr).contains("not text in UTF-8"),
        "{}",
        text(&output.stderr)
    );
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let address = lines[0].split_whitespace().next().unwrap();
    assert!(address.starts_with("http://127.0.0.1:8080/p/"), "{address}");
    let output = sheaf(&data, &["export", address]);
    assert_eq!(text(&output.stdout), "# First\n\n- a\n  - b\n");
    let output = sheaf(&data, &["export", "second", "--format", "html"]);
    assert!(text(&output.stdout).contains("<h1>Second</h1>\n<p>x <strong>y</strong></p>"));
    let output = sheaf(&data, &["export", "third"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(sheaf(&data, &["verify"]).status.success());
}

#[test]
fn while_a_server_runs_the_program_says_who_holds_the_folder_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("a.md");
    std::fs::write(&file, "# First\n").unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
        .env("SHEAF_DATA_DIR", &data)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = BufReader::new(server.stdout.take().unwrap()).lines().next();
    let import = sheaf(&data, &["import", file.to_str().unwrap()]);
    let export = sheaf(&data, &["export", "First"]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(ready.unwrap().unwrap().contains("http://"));
    for (output, what) in [(import, "Import…"), (export, "Export as")] {
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stdout), "");
        let said = text(&output.stderr);
        assert!(said.contains(data.to_str().unwrap()), "{said}");
        assert!(said.contains("Stop it first"), "{said}");
        assert!(
            said.contains("in a browser") && said.contains(what),
            "{said}"
        );
    }
    // The folder is free again, and the same command does its work.
    let import = sheaf(&data, &["import", file.to_str().unwrap()]);
    assert!(import.status.success(), "{}", text(&import.stderr));
    assert_eq!(
        text(&sheaf(&data, &["export", "First"]).stdout),
        "# First\n"
    );
}
