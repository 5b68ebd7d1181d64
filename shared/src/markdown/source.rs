//! Markdown source before it is parsed: line ends made one kind, front matter taken off, nesting bounded;
//! and the words of the comments that Sheaf itself writes.

use std::borrow::Cow;

use yrs::Any;

use crate::flow::block::{Align, INDENT_MAX};

/// Most quotes and list items that one line may open, and (in steps of four columns) how far to the right a list may start.
///
/// Every further line of a paragraph costs the parser its depth, so this keeps hostile nesting linear.
const NESTING_MAX: usize = 100;

/// Most lines that front matter may have.
const FRONT_MATTER_LINES_MAX: usize = 200;

/// Lines end in `\n`, there is no NUL, and no byte-order mark at the start.
pub(super) fn tidy(source: &str) -> Cow<'_, str> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if !source.contains(['\r', '\0']) {
        return Cow::Borrowed(source);
    }
    Cow::Owned(
        source
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\0', "\u{fffd}"),
    )
}

/// Splits off the facts between `---` and `---` at the very start, if the first looks like one (`title: …`).
pub(super) fn split_front_matter(source: &str) -> (Option<&str>, &str) {
    let none = (None, source);
    let Some(body) = source.strip_prefix("---\n") else {
        return none;
    };
    let mut length = 0;
    for (at, line) in body
        .split_inclusive('\n')
        .take(FRONT_MATTER_LINES_MAX)
        .enumerate()
    {
        let text = line.trim_end();
        if at == 0 && !is_fact(text) {
            return none;
        }
        if text == "---" || text == "..." {
            let facts = body[..length].trim_end_matches('\n');
            return (Some(facts), &body[length + line.len()..]);
        }
        length += line.len();
    }
    none
}

fn is_fact(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, rest)| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
            && (rest.is_empty() || rest.starts_with(' '))
    })
}

/// Escapes every quote and list marker beyond [`NESTING_MAX`] on its line.
pub(super) fn bound_nesting(source: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if let Some(at) = too_deep(line) {
            out.push_str(&source[copied..start + at]);
            out.push('\\');
            copied = start + at;
        }
        start += line.len();
    }
    if copied == 0 {
        return Cow::Borrowed(source);
    }
    out.push_str(&source[copied..]);
    Cow::Owned(out)
}

/// Where the first marker stands that opens too deep a container.
fn too_deep(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let blank_or_end = |at: usize| bytes.get(at).is_none_or(u8::is_ascii_whitespace);
    let mut at = 0;
    let mut depth = 0;
    loop {
        match bytes.get(at)? {
            b' ' => at += 1,
            b'\t' => at += 4,
            _ => {}
        }
        let marker = match bytes.get(at)? {
            b' ' | b'\t' => continue,
            b'>' => at,
            b'-' | b'+' | b'*' if blank_or_end(at + 1) => at,
            b'0'..=b'9' => {
                let digits = bytes[at..]
                    .iter()
                    .take(10)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let end = at + digits;
                if digits > 9
                    || !matches!(bytes.get(end), Some(b'.' | b')'))
                    || !blank_or_end(end + 1)
                {
                    return None;
                }
                end
            }
            _ => return None,
        };
        depth += 1;
        if depth > NESTING_MAX || at > NESTING_MAX * 4 {
            let is_rule = bytes
                .iter()
                .all(|byte| byte.is_ascii_whitespace() || *byte == bytes[marker]);
            return (!is_rule || bytes[marker] == b'>').then_some(marker);
        }
        at = marker + 1;
    }
}

/// What a comment says of the block after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Directive {
    /// Steps further right than its place among lists says.
    pub(super) indent: u8,
    /// Where its text stands.
    pub(super) align: Option<Align>,
}

impl Directive {
    pub(super) fn is_needed(self) -> bool {
        self != Self::default()
    }

    /// The comment.
    pub(super) fn to_comment(self) -> String {
        let mut out = "<!-- sheaf:".to_owned();
        if self.indent > 0 {
            out.push_str(&format!(" indent={}", self.indent));
        }
        if let Some(align) = self.align {
            out.push_str(" align=");
            out.push_str(align.as_str());
        }
        out.push_str(" -->");
        out
    }

    /// Reads a comment; `None` if it is somebody else's.
    pub(super) fn from_comment(comment: &str) -> Option<Self> {
        let words = comment
            .trim()
            .strip_prefix("<!-- sheaf:")?
            .strip_suffix("-->")?;
        let mut directive = Self::default();
        for word in words.split_whitespace() {
            match word.split_once('=')? {
                ("indent", steps) => directive.indent = steps.parse::<u8>().ok()?.min(INDENT_MAX),
                ("align", name) => directive.align = Some(Align::read(&Any::from(name))?),
                _ => return None,
            }
        }
        Some(directive)
    }
}

/// The kind in `[!KIND]`, if that is all that stands on the first line of `text`.
pub(super) fn callout_kind(text: &str) -> Option<String> {
    let line = text.split('\n').next()?.trim_end_matches([' ', '\t']);
    let kind = line.strip_prefix("[!")?.strip_suffix(']')?;
    is_callout_kind(kind).then(|| kind.to_ascii_lowercase())
}

/// Whether a kind of callout can be written as `[!KIND]`.
pub(super) fn is_callout_kind(kind: &str) -> bool {
    (1..=32).contains(&kind.len())
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_told_from_a_divider() {
        assert_eq!(
            split_front_matter("---\ntitle: A\nx: y\n---\nB"),
            (Some("title: A\nx: y"), "B")
        );
        for source in [
            "---\n\ntitle: A\n---\n",
            "---\nJust text\n---\n",
            "---\ntitle: A\n",
            "a\n---\nb: c\n---\n",
        ] {
            assert_eq!(split_front_matter(source), (None, source));
        }
    }

    #[test]
    fn nesting_is_bounded_line_by_line_and_rules_are_left_alone() {
        let deep = ">".repeat(1000);
        let bounded = bound_nesting(&deep);
        assert_eq!(bounded.find('\\'), Some(NESTING_MAX));
        assert_eq!(bounded.len(), 1001);
        let rule = "- ".repeat(300);
        assert_eq!(bound_nesting(&rule), rule);
        let far = format!("{}- a\n", " ".repeat(401));
        assert!(bound_nesting(&far).contains("\\-"));
        let items = format!("{}a\n", "1. ".repeat(200));
        assert!(bound_nesting(&items).contains("1\\."));
    }

    #[test]
    fn a_comment_of_sheaf_reads_back_and_others_are_left_alone() {
        let directive = Directive {
            indent: 3,
            align: Some(Align::Center),
        };
        assert_eq!(
            Directive::from_comment(&directive.to_comment()),
            Some(directive)
        );
        assert_eq!(Directive::from_comment("<!-- sheaf: nonsense -->"), None);
        assert_eq!(Directive::from_comment("<!-- note -->"), None);
    }
}
