//! Files: a page as a download, files as new pages.

use leptos::prelude::*;
use sheaf_shared::flow;
use sheaf_shared::flow::delta::DeltaOp;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, Url};

use super::convert;
use crate::platform;
use crate::router::Route;
use crate::stores::document::Phase;
use crate::stores::shell::{Shell, title_or_untitled};

/// Largest file that is imported, in bytes.
const FILE_BYTES_MAX: f64 = 4.0 * 1024.0 * 1024.0;

/// What a page is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Markdown.
    Markdown,
    /// A web page.
    Html,
    /// Words only.
    Text,
}

impl Format {
    const fn ending(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Text => "txt",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown;charset=utf-8",
            Self::Html => "text/html;charset=utf-8",
            Self::Text => "text/plain;charset=utf-8",
        }
    }
}

/// Downloads the page that is shown, from the copy in this tab.
pub fn download_page(shell: Shell, format: Format) {
    let Route::Page(page) = shell.route.get_untracked() else {
        return;
    };
    let document = shell.page_document(page);
    if !matches!(document.phase_now(), Phase::Ready) {
        shell.say("This page is not on this device yet, so there is nothing to download.");
        return;
    }
    let title = shell.tree.title(page).unwrap_or_default();
    let title = title_or_untitled(&title);
    let blocks = flow::read(&document.replica().borrow());
    let text = match format {
        Format::Markdown => convert::to_markdown(&title, &blocks),
        Format::Html => convert::to_html(&title, &blocks),
        Format::Text => convert::to_text(&title, &blocks),
    };
    let name = format!("{}.{}", file_name(&title), format.ending());
    if download(&name, format.media_type(), &text).is_err() {
        shell.say("The browser did not take the download.");
    }
}

/// A title as the name of a file on any system.
fn file_name(title: &str) -> String {
    let name: String = title
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || " -_.".contains(letter) {
                letter
            } else {
                '-'
            }
        })
        .take(80)
        .collect();
    let name = name.trim_matches([' ', '.', '-']);
    if name.is_empty() {
        "page".to_owned()
    } else {
        name.to_owned()
    }
}

fn download(name: &str, media_type: &str, text: &str) -> Result<(), JsValue> {
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = platform::document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser needs the address until it has begun.
    platform::after_ms(10_000, move || drop(Url::revoke_object_url(&address)));
    Ok(())
}

/// Makes a page of each file, and shows the last one.
pub fn import(shell: Shell, files: Option<FileList>) {
    let Some(files) = files else { return };
    let files: Vec<File> = (0..files.length())
        .filter_map(|at| files.item(at))
        .collect();
    if files.is_empty() {
        return;
    }
    spawn_local(async move {
        let mut made = None;
        let mut count = 0_usize;
        for file in files {
            match read(&file).await {
                Ok((title, content)) => {
                    made = Some(super::new_page_with(shell, None, &title, content));
                    count += 1;
                }
                Err(why) => shell.say(format!("{} was not imported: {why}.", file.name())),
            }
        }
        if let Some(page) = made {
            shell.go(Route::Page(page));
            if count > 1 {
                shell.say(format!("{count} pages were imported."));
            }
        }
    });
}

async fn read(file: &File) -> Result<(String, Vec<DeltaOp>), String> {
    if file.size() > FILE_BYTES_MAX {
        return Err("it is larger than 4 MB".to_owned());
    }
    let text = JsFuture::from(file.text())
        .await
        .map_err(|_| "it could not be read".to_owned())?;
    let text = text.as_string().unwrap_or_default();
    if text.contains('\0') {
        return Err("it is not a text".to_owned());
    }
    let name = file.name();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    match ending.to_ascii_lowercase().as_str() {
        "html" | "htm" => {
            let content = convert::of_html(&text)?;
            Ok((stem.to_owned(), content))
        }
        "txt" | "text" => Ok((stem.to_owned(), convert::of_text(&text))),
        _ => {
            let (title, body) = split_title(&text);
            let content = convert::of_markdown(body)?;
            Ok((title.unwrap_or(stem).to_owned(), content))
        }
    }
}

/// A first line `# Title` names the page; the rest is its body.
fn split_title(text: &str) -> (Option<&str>, &str) {
    let trimmed = text.trim_start_matches(['\u{feff}', '\n', '\r', ' ']);
    let (first, rest) = trimmed.split_once('\n').unwrap_or((trimmed, ""));
    match first.trim_end().strip_prefix("# ") {
        Some(title) if !title.trim().is_empty() => {
            (Some(title.trim()), rest.trim_start_matches(['\r', '\n']))
        }
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_of_a_file_becomes_the_title_and_stands_in_the_body_no_more() {
        assert_eq!(split_title("# Plan\n\nText"), (Some("Plan"), "Text"));
        assert_eq!(
            split_title("\u{feff}# Plan\r\n\r\nText"),
            (Some("Plan"), "Text")
        );
        assert_eq!(split_title("Text\n# Later"), (None, "Text\n# Later"));
        assert_eq!(split_title("#\nText"), (None, "#\nText"));
    }

    #[test]
    fn a_title_makes_a_file_name_that_every_system_takes() {
        assert_eq!(file_name("Plan: A/B?"), "Plan- A-B");
        assert_eq!(file_name("..."), "page");
        assert_eq!(file_name("Übersicht 2"), "Übersicht 2");
    }
}
