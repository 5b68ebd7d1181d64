//! What the inline tags mean that Markdown and HTML documents share.

use std::sync::Arc;

use yrs::Any;

use super::token::{Tag, Token, Tokens};
use crate::flow::compose::Style;
use crate::flow::marks::{COLOUR_BY_DEFAULT, is_safe_link};

/// Attribute of `<mark>` that names the colour.
pub(crate) const COLOUR_ATTR: &str = "data-color";
/// Attribute of `<span>` that holds an embed as JSON.
pub(crate) const EMBED_ATTR: &str = "data-embed";
/// Longest embed, in bytes of JSON, that is read back.
const EMBED_BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting of an embed that is read back.
const EMBED_DEPTH_MAX: usize = 16;
/// Longest address of a picture on the web, in bytes.
const ADDRESS_BYTES_MAX: usize = 4096;
/// Longest picture written into its own address (`data:`), in bytes.
const DATA_IMAGE_BYTES_MAX: usize = 1024 * 1024;

/// What an opening inline tag does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Marks what follows, up to the closing tag.
    Mark(Mark),
    /// A line break; has no closing tag.
    Break,
    /// A picture; has no closing tag.
    Image {
        url: String,
        alt: String,
        width: Option<u32>,
    },
    /// An embed kept from an earlier export; its closing tag does nothing.
    Embed(Any),
}

/// A mark that a tag switches on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Bold,
    Italic,
    Underline,
    Strike,
    Code,
    Link(Arc<str>),
    Highlight(Arc<str>),
}

/// The meaning of an opening tag, if it is an inline tag that has one here.
pub(crate) fn effect(tag: &Tag<'_>) -> Option<Effect> {
    Some(match tag.name.as_str() {
        "b" | "strong" => Effect::Mark(Mark::Bold),
        "i" | "em" | "cite" | "var" | "dfn" => Effect::Mark(Mark::Italic),
        "u" | "ins" => Effect::Mark(Mark::Underline),
        "s" | "del" | "strike" => Effect::Mark(Mark::Strike),
        "code" | "kbd" | "samp" | "tt" => Effect::Mark(Mark::Code),
        "mark" => {
            let colour = tag.attr(COLOUR_ATTR).unwrap_or(COLOUR_BY_DEFAULT);
            Effect::Mark(Mark::Highlight(
                if is_colour(colour) {
                    colour
                } else {
                    COLOUR_BY_DEFAULT
                }
                .into(),
            ))
        }
        "a" => Effect::Mark(Mark::Link(link_address(tag.attr("href")?)?.into())),
        "br" => Effect::Break,
        "img" => Effect::Image {
            url: image_address(tag.attr("src")?)?,
            alt: tag.attr("alt").unwrap_or_default().to_owned(),
            width: tag
                .attr("width")
                .and_then(|width| width.trim_end_matches("px").parse().ok()),
        },
        "span" => Effect::Embed(embed_from_json(tag.attr(EMBED_ATTR)?)?),
        _ => return None,
    })
}

/// Whether a colour is a name or `#` and hex digits, so that it can stand in a style.
pub(crate) fn is_colour(colour: &str) -> bool {
    let word = colour.strip_prefix('#').unwrap_or(colour);
    (1..=31).contains(&word.len())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An address that a link may lead to, spaces in it encoded; `None` if following it could do harm.
pub(crate) fn link_address(raw: &str) -> Option<String> {
    let address = encode_spaces(raw.trim_matches(|c: char| c.is_ascii_whitespace()))?;
    is_safe_link(&address).then_some(address)
}

/// An address that a picture may be fetched from; `None` if it is none or could do harm.
pub(crate) fn image_address(raw: &str) -> Option<String> {
    let address = encode_spaces(raw.trim_matches(|c: char| c.is_ascii_whitespace()))?;
    let lower = address
        .get(..address.len().min(24))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let is_data = ["png", "jpeg", "jpg", "gif", "webp", "avif"]
        .iter()
        .any(|kind| {
            lower
                .strip_prefix("data:image/")
                .is_some_and(|rest| rest.starts_with(kind))
        });
    if is_data {
        return (address.len() <= DATA_IMAGE_BYTES_MAX).then_some(address);
    }
    let harmless = match scheme(&address) {
        None => true,
        Some(scheme) => ["http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known)),
    };
    (harmless && !address.is_empty() && address.len() <= ADDRESS_BYTES_MAX).then_some(address)
}

/// What stands before the first `:`, if that comes before any `/`, `?` and `#`.
fn scheme(address: &str) -> Option<&str> {
    let end = address.find([':', '/', '?', '#'])?;
    address[end..].starts_with(':').then(|| &address[..end])
}

/// Browsers skip control characters when they read an address, so that `java\nscript:` runs: such an address is none.
fn encode_spaces(raw: &str) -> Option<String> {
    if raw.chars().any(|c| c.is_control()) {
        return None;
    }
    if !raw.contains(char::is_whitespace) {
        return Some(raw.to_owned());
    }
    let mut out = String::with_capacity(raw.len() + 8);
    for character in raw.chars() {
        if character.is_whitespace() {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                out.push('%');
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
            }
        } else {
            out.push(character);
        }
    }
    Some(out)
}

/// Reads exactly one tag.
pub(crate) fn single_tag(raw: &str) -> Option<Token<'_>> {
    let mut tokens = Tokens::new(raw);
    let first = tokens.next()?;
    (tokens.next().is_none() && !matches!(first, Token::Text(_))).then_some(first)
}

/// An embed as JSON with its keys in order, so that the same embed always gives the same text.
pub(crate) fn embed_to_json(value: &Any) -> Option<String> {
    serde_json::to_value(value)
        .ok()
        .map(|json| json.to_string())
}

/// Reads an embed back; `None` if it is too large, too deep, or no map.
pub(crate) fn embed_from_json(json: &str) -> Option<Any> {
    if json.len() > EMBED_BYTES_MAX {
        return None;
    }
    let value: Any = serde_json::from_str(json).ok()?;
    (matches!(value, Any::Map(_)) && is_shallow(&value, EMBED_DEPTH_MAX)).then_some(value)
}

fn is_shallow(value: &Any, depth_left: usize) -> bool {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return false;
    };
    match value {
        Any::Array(items) => items.iter().all(|item| is_shallow(item, depth_left)),
        Any::Map(entries) => entries.values().all(|entry| is_shallow(entry, depth_left)),
        _ => true,
    }
}

/// Counts which marks are on while tags open and close.
#[derive(Clone, Debug, Default)]
pub(crate) struct Active {
    bold: u32,
    italic: u32,
    underline: u32,
    strike: u32,
    code: u32,
    links: Vec<Arc<str>>,
    highlights: Vec<Arc<str>>,
}

impl Active {
    /// A tag opened.
    pub(crate) fn open(&mut self, mark: &Mark) {
        match mark {
            Mark::Link(address) => self.links.push(Arc::clone(address)),
            Mark::Highlight(colour) => self.highlights.push(Arc::clone(colour)),
            other => {
                if let Some(count) = self.count(other) {
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    /// A tag that was opened with `mark` closed.
    pub(crate) fn close(&mut self, mark: &Mark) {
        match mark {
            Mark::Link(_) => {
                self.links.pop();
            }
            Mark::Highlight(_) => {
                self.highlights.pop();
            }
            other => {
                if let Some(count) = self.count(other) {
                    *count = count.saturating_sub(1);
                }
            }
        }
    }

    /// `style` with these marks on top.
    pub(crate) fn over(&self, style: &Style) -> Style {
        Style {
            bold: style.bold || self.bold > 0,
            italic: style.italic || self.italic > 0,
            underline: style.underline || self.underline > 0,
            strike: style.strike || self.strike > 0,
            code: style.code || self.code > 0,
            link: self.links.last().or(style.link.as_ref()).cloned(),
            highlight: self.highlights.last().or(style.highlight.as_ref()).cloned(),
        }
    }

    const fn count(&mut self, mark: &Mark) -> Option<&mut u32> {
        match mark {
            Mark::Bold => Some(&mut self.bold),
            Mark::Italic => Some(&mut self.italic),
            Mark::Underline => Some(&mut self.underline),
            Mark::Strike => Some(&mut self.strike),
            Mark::Code => Some(&mut self.code),
            Mark::Link(_) | Mark::Highlight(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_addresses_become_links_and_pictures() {
        for bad in [
            "javascript:alert(1)",
            " JavaScript:x",
            "java\nscript:x",
            "data:text/html,x",
            "file:///x",
            "",
        ] {
            assert_eq!(link_address(bad), None, "{bad:?}");
            assert_eq!(image_address(bad), None, "{bad:?}");
        }
        assert_eq!(image_address("data:image/svg+xml,<svg onload=x>"), None);
        assert_eq!(
            image_address("data:image/png;base64,AA==").as_deref(),
            Some("data:image/png;base64,AA==")
        );
        assert_eq!(
            link_address("my notes.md#a b").as_deref(),
            Some("my%20notes.md#a%20b")
        );
        assert_eq!(link_address("/a:b").as_deref(), Some("/a:b"));
    }

    #[test]
    fn an_embed_too_deep_or_too_large_is_not_read_back() {
        assert!(embed_from_json("{\"x\":{\"y\":[1]}}").is_some());
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(embed_from_json(&deep), None);
        assert_eq!(
            embed_from_json(&format!("{{\"x\":\"{}\"}}", "a".repeat(EMBED_BYTES_MAX))),
            None
        );
        assert_eq!(embed_from_json("[1]"), None);
    }
}
