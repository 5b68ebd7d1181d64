//! Inline attributes: which there are, and how they read.
//!
//! What is stored is never trusted to be what we would have written: a link is drawn only if it leads somewhere
//! harmless, a value of the wrong type is no mark. Unknown attributes stay where they are and draw nothing.

use yrs::Any;

use super::delta::{Attrs, attrs_of};

/// Longest address of a link, in bytes.
pub const LINK_BYTES_MAX: usize = 4096;
/// Longest name of a colour, in bytes.
pub const COLOUR_BYTES_MAX: usize = 32;
/// What `highlight: true` means.
pub const COLOUR_BY_DEFAULT: &str = "yellow";

/// Keys of the inline attributes, in the order in which marks are listed and nested.
pub const MARK_KEYS: [&str; 7] = [
    "link",
    "highlight",
    "bold",
    "italic",
    "underline",
    "strike",
    "code",
];

/// One mark on characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Leads to an address that [`is_safe_link`].
    Link(String),
    /// Painted over with a colour: a name, or `#` and hex digits.
    Highlight(String),
    /// `**strong**`
    Bold,
    /// `*stressed*`
    Italic,
    /// Underlined.
    Underline,
    /// `~~struck out~~`
    Strike,
    /// `` `code` ``
    Code,
}

impl Mark {
    /// The attribute's name.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Link(_) => "link",
            Self::Highlight(_) => "highlight",
            Self::Bold => "bold",
            Self::Italic => "italic",
            Self::Underline => "underline",
            Self::Strike => "strike",
            Self::Code => "code",
        }
    }

    /// The attribute's value.
    #[must_use]
    pub fn value(&self) -> Any {
        match self {
            Self::Link(address) => Any::from(address.as_str()),
            Self::Highlight(colour) => Any::from(colour.as_str()),
            Self::Bold | Self::Italic | Self::Underline | Self::Strike | Self::Code => {
                Any::Bool(true)
            }
        }
    }

    /// Reads one attribute; `None` if it is no mark that can be drawn.
    #[must_use]
    pub fn read(key: &str, value: &Any) -> Option<Self> {
        match key {
            "link" => match value {
                Any::String(address) if is_safe_link(address) => {
                    Some(Self::Link(address.to_string()))
                }
                _ => None,
            },
            "highlight" => match value {
                Any::String(colour) if is_colour(colour) => {
                    Some(Self::Highlight(colour.to_string()))
                }
                _ => is_on(value).then(|| Self::Highlight(COLOUR_BY_DEFAULT.to_owned())),
            },
            "bold" => is_on(value).then_some(Self::Bold),
            "italic" => is_on(value).then_some(Self::Italic),
            "underline" => is_on(value).then_some(Self::Underline),
            "strike" => is_on(value).then_some(Self::Strike),
            "code" => is_on(value).then_some(Self::Code),
            _ => None,
        }
    }
}

/// The marks among `attrs`, in the order of [`MARK_KEYS`].
#[must_use]
pub fn read(attrs: &Attrs) -> Vec<Mark> {
    MARK_KEYS
        .iter()
        .filter_map(|key| Mark::read(key, attrs.get(*key)?))
        .collect()
}

/// The attributes that `marks` stand for.
#[must_use]
pub fn write(marks: &[Mark]) -> Attrs {
    attrs_of(
        marks
            .iter()
            .map(|mark| (mark.key().to_owned(), mark.value())),
    )
}

/// Whether an attribute's value switches it on: other clients write `true`, `{}` or a text.
#[must_use]
pub fn is_on(value: &Any) -> bool {
    !matches!(value, Any::Null | Any::Undefined | Any::Bool(false))
}

/// Whether a link may be followed: `http`, `https`, `mailto`, or an address on this site (`/page`, `#heading`, `?q`).
///
/// Browsers skip control characters and spaces when they read an address, so that `java\nscript:` runs;
/// an address that holds any is refused altogether.
#[must_use]
pub fn is_safe_link(address: &str) -> bool {
    if address.is_empty() || address.len() > LINK_BYTES_MAX {
        return false;
    }
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    match address.split_once([':', '/', '?', '#']) {
        Some((scheme, _)) if address.as_bytes().get(scheme.len()) == Some(&b':') => {
            ["http", "https", "mailto"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known))
        }
        _ => true,
    }
}

fn is_colour(colour: &str) -> bool {
    let word = colour.strip_prefix('#').unwrap_or(colour);
    !word.is_empty()
        && colour.len() <= COLOUR_BYTES_MAX
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_web_to_a_mailbox_or_within_the_site() {
        for good in [
            "https://example.org/a?b#c",
            "HTTP://example.org",
            "mailto:someone@example.org",
            "/page",
            "page/two",
            "#heading",
            "?q=a:b",
            "./a:b",
            "//example.org/x",
        ] {
            assert!(is_safe_link(good), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            ":x",
            "blob:https://example.org/1",
        ] {
            assert!(!is_safe_link(bad), "{bad:?}");
        }
        assert!(!is_safe_link(&format!("/{}", "a".repeat(LINK_BYTES_MAX))));
    }

    #[test]
    fn marks_read_back_in_one_order_whatever_else_is_there() {
        let marks = [
            Mark::Link("/a".to_owned()),
            Mark::Highlight("#ff0".to_owned()),
            Mark::Bold,
            Mark::Code,
        ];
        let mut attrs = write(&marks);
        attrs.insert("unknown".to_owned(), Any::Bool(true));
        attrs.insert("italic".to_owned(), Any::Bool(false));
        assert_eq!(read(&attrs), marks);
    }

    #[test]
    fn a_value_that_could_hurt_is_not_drawn() {
        assert_eq!(Mark::read("link", &Any::from("javascript:alert(1)")), None);
        assert_eq!(Mark::read("link", &Any::Bool(true)), None);
        let odd = Mark::read("highlight", &Any::from("red;background:url(x)"));
        assert_eq!(odd, Some(Mark::Highlight(COLOUR_BY_DEFAULT.to_owned())));
    }
}
