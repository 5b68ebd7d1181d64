//! Pages as other programs write them: Markdown, HTML and plain text, in and out.
//!
//! A WebAssembly module of its own. Nobody needs it to read or write a page, so it comes once a page is open, and
//! nobody waits for it. What crosses is text; a flow travels as the JSON of [`codec::write_flow`].

use sheaf_binding::codec;
use sheaf_shared::file::{self, Form};
use sheaf_shared::flow::block;
use sheaf_shared::markdown;
use wasm_bindgen::prelude::*;

/// Reads Markdown as a flow.
///
/// # Errors
/// Why it can't be read, in words.
#[wasm_bindgen(js_name = readMarkdown)]
pub fn read_markdown(source: &str) -> Result<String, String> {
    let flow = markdown::read(source).map_err(|error| error.to_string())?;
    Ok(codec::write_flow(&flow))
}

/// Reads the file called `name` as a page: its title and its flow.
///
/// # Errors
/// Why it can't be read, in words.
#[wasm_bindgen(js_name = readFile)]
pub fn read_file(name: &str, source: &str) -> Result<Vec<String>, String> {
    let (stem, _) = name.rsplit_once('.').unwrap_or((name, ""));
    let page = file::read(stem, source, Form::of_name(name)).map_err(|error| error.to_string())?;
    Ok(vec![page.title, codec::write_flow(&page.content)])
}

/// Writes a page as the file called `name`.
///
/// # Errors
/// If `flow` is none.
#[wasm_bindgen(js_name = writeFile)]
pub fn write_file(name: &str, title: &str, flow: &str) -> Result<String, String> {
    let flow = codec::read_flow(flow).map_err(|error| error.to_string())?;
    let blocks = block::from_delta(&flow);
    Ok(file::write(title, &blocks, Form::of_name(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_written_as_a_file_is_read_back_the_same() {
        let source = "# Plan\n\nSome **bold** words.\n\n- [x] done\n\n```rust\nlet a = 1;\n```\n";
        for name in ["plan.md", "plan.html"] {
            let page = read_file("notes.md", source).unwrap();
            assert_eq!(page[0], "Plan");
            let written = write_file(name, &page[0], &page[1]).unwrap();
            assert_eq!(read_file(name, &written).unwrap(), page, "{written}");
        }
        assert!(write_file("plan.md", "Plan", "no flow").is_err());
    }
}
