//! Files: a page as a download, files as new pages.

use leptos::prelude::*;
use sheaf_binding::codec;
use sheaf_shared::file::{FILE_BYTES_MAX, Form, Imported};
use sheaf_shared::flow;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, Url};

use crate::converter;
use crate::platform;
use crate::router::Route;
use crate::stores::document::Phase;
use crate::stores::shell::{Shell, title_or_untitled};

const fn media_type(form: Form) -> &'static str {
    match form {
        Form::Markdown => "text/markdown;charset=utf-8",
        Form::Html => "text/html;charset=utf-8",
        Form::Text => "text/plain;charset=utf-8",
    }
}

/// Downloads the page that is shown, from the copy in this tab.
pub fn download_page(shell: Shell, form: Form) {
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
    let flow = codec::write_flow(&flow::to_delta(&document.replica().borrow()));
    let name = format!("{}.{}", file_name(&title), form.ending());
    spawn_local(async move {
        let written = converter::load()
            .await
            .and_then(|converter| converter.write_file(&name, &title, &flow));
        let said = match written {
            Ok(text) if download(&name, media_type(form), &text).is_ok() => return,
            Ok(_) => "The browser did not take the download.",
            Err(_) => "What writes files is not on this device yet. Try again with a network.",
        };
        shell.say(said);
    });
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
                Ok(Imported { title, content }) => {
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

async fn read(file: &File) -> Result<Imported, String> {
    #[expect(clippy::cast_precision_loss, reason = "a few million fit")]
    if file.size() > FILE_BYTES_MAX as f64 {
        return Err("it is larger than 4 MB".to_owned());
    }
    let bytes = JsFuture::from(file.array_buffer())
        .await
        .map_err(|_| "it could not be read".to_owned())?;
    let bytes = js_sys::Uint8Array::new(&bytes).to_vec();
    // The browser's own reading would put question marks where a file is no text, or one in another encoding.
    let text = String::from_utf8(bytes).map_err(|_| "it is not a text in UTF-8".to_owned())?;
    let name = file.name();
    let converter = converter::load().await.map_err(|_| {
        "what reads files is not on this device yet; try again with a network".to_owned()
    })?;
    let read = converter.read_file(&name, &text).map_err(|why| {
        why.as_string()
            .unwrap_or_else(|| "it could not be read".to_owned())
    })?;
    let part = |at| read.get(at).as_string().unwrap_or_default();
    let content = codec::read_flow(&part(1)).map_err(|error| error.to_string())?;
    Ok(Imported {
        title: part(0),
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_makes_a_file_name_that_every_system_takes() {
        assert_eq!(file_name("Plan: A/B?"), "Plan- A-B");
        assert_eq!(file_name("..."), "page");
        assert_eq!(file_name("Übersicht 2"), "Übersicht 2");
    }
}
