//! HTML as a list of tags, texts and comments. Any text is read as something; nothing here knows what a tag means.

use std::borrow::Cow;

/// Most attributes read of one tag; the rest are stepped over.
const ATTRS_MAX: usize = 32;
/// How many times the source's own length may be walked in vain for the ends of tags. Beyond that a `<` is text: a
/// tag that never ends may hold the beginnings of a million others, each of which would be walked to the end.
const VAIN_WALKS_MAX: usize = 8;

/// A piece of HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Characters, entities not yet resolved.
    Text(&'a str),
    /// `<name …>`
    Open(Tag<'a>),
    /// `</name>`; the name is in lower case.
    Close(String),
    /// A comment, doctype or processing instruction: what stands between `<!--` and `-->`, or nothing.
    Comment(&'a str),
}

/// An opening tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// In lower case.
    pub(crate) name: String,
    /// Names in lower case; values with entities resolved.
    pub(crate) attrs: Vec<(String, Cow<'a, str>)>,
}

impl Tag<'_> {
    /// The value of an attribute.
    pub(crate) fn attr(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attrs.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// Reads HTML from its start to its end.
pub(crate) struct Tokens<'a> {
    source: &'a str,
    at: usize,
    /// `-->` does not occur from here on; so that many `<!--` without an end cost no search each.
    no_comment_end: bool,
    /// Bytes that may still be walked in vain.
    vain_bytes_left: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) const fn new(source: &'a str) -> Self {
        Self {
            source,
            at: 0,
            no_comment_end: false,
            vain_bytes_left: source.len().saturating_mul(VAIN_WALKS_MAX),
        }
    }

    /// Steps over everything up to the closing tag `name`, or to the end.
    pub(crate) fn skip_to_close(&mut self, name: &str) {
        let bytes = self.source.as_bytes();
        while let Some(found) = self.rest().find("</") {
            self.at += found + 2;
            let end = self.at + name.len();
            if bytes
                .get(self.at..end)
                .is_some_and(|raw| raw.eq_ignore_ascii_case(name.as_bytes()))
            {
                self.at = self
                    .rest()
                    .find('>')
                    .map_or(self.source.len(), |close| self.at + close + 1);
                return;
            }
        }
        self.at = self.source.len();
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn text_to(&mut self, end: usize) -> Token<'a> {
        let text = &self.source[self.at..end];
        self.at = end;
        Token::Text(text)
    }

    fn markup(&mut self) -> Option<Token<'a>> {
        let rest = self.rest();
        let second = *rest.as_bytes().get(1)?;
        match second {
            b'!' if rest.starts_with("<!--") && !self.no_comment_end => {
                let Some(end) = rest[4..].find("-->") else {
                    self.no_comment_end = true;
                    return None;
                };
                self.at += 4 + end + 3;
                Some(Token::Comment(&rest[4..4 + end]))
            }
            b'!' | b'?' => self.until_bracket(Token::Comment("")),
            b'/' if rest.as_bytes().get(2)?.is_ascii_alphabetic() => {
                let name = name_at(&rest[2..]).to_ascii_lowercase();
                self.until_bracket(Token::Close(name))
            }
            _ if second.is_ascii_alphabetic() && self.vain_bytes_left > 0 => {
                let mut walked = rest.len();
                let Some(tag) = open_tag(rest, &mut walked) else {
                    self.vain_bytes_left = self.vain_bytes_left.saturating_sub(walked);
                    return None;
                };
                self.at += walked;
                Some(Token::Open(tag))
            }
            _ => None,
        }
    }

    fn until_bracket(&mut self, token: Token<'a>) -> Option<Token<'a>> {
        // A `<` before the `>` means that this was no markup. It also keeps a million `<!` linear.
        let rest = &self.rest()[1..];
        let end = rest.find(['>', '<'])?;
        if rest.as_bytes()[end] != b'>' {
            return None;
        }
        self.at += end + 2;
        Some(token)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.at >= self.source.len() {
            return None;
        }
        if self.rest().starts_with('<') {
            if let Some(token) = self.markup() {
                return Some(token);
            }
            let end = self.rest()[1..]
                .find('<')
                .map_or(self.source.len(), |at| self.at + 1 + at);
            return Some(self.text_to(end));
        }
        let end = self
            .rest()
            .find('<')
            .map_or(self.source.len(), |at| self.at + at);
        Some(self.text_to(end))
    }
}

fn name_at(text: &str) -> &str {
    let end = text
        .bytes()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_')))
        .unwrap_or(text.len());
    &text[..end]
}

/// Reads an opening tag at the start of `text`. `walked`: where it ends, or where it turned out to be none (left as it
/// is if that is the end of `text`).
fn open_tag<'a>(text: &'a str, walked: &mut usize) -> Option<Tag<'a>> {
    let bytes = text.as_bytes();
    let name = name_at(&text[1..]);
    let mut tag = Tag {
        name: name.to_ascii_lowercase(),
        attrs: Vec::new(),
    };
    let mut at = 1 + name.len();
    loop {
        while bytes
            .get(at)
            .is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'/')
        {
            at += 1;
        }
        match bytes.get(at)? {
            b'>' => {
                *walked = at + 1;
                return Some(tag);
            }
            b'<' => {
                *walked = at;
                return None;
            }
            _ => {}
        }
        let name_end = text[at..]
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '<'))?
            + at;
        // A stray `=` is a name of no letters; step over it, or this would not end.
        let attr = text[at..name_end].to_ascii_lowercase();
        at = name_end.max(at + usize::from(attr.is_empty() && bytes[at] == b'='));
        let mut value = Cow::Borrowed("");
        let equals = at
            + text[at..]
                .bytes()
                .take_while(u8::is_ascii_whitespace)
                .count();
        if !attr.is_empty() && bytes.get(equals) == Some(&b'=') {
            let (raw, end) = value_at(text, equals + 1)?;
            value = super::entity::decode(raw);
            at = end;
        }
        if tag.attrs.len() < ATTRS_MAX && !attr.is_empty() {
            tag.attrs.push((attr, value));
        }
    }
}

/// The value that stands after an `=` at `at`, and where it ends.
fn value_at(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let at = at
        + text[at..]
            .bytes()
            .take_while(u8::is_ascii_whitespace)
            .count();
    match bytes.get(at)? {
        quote @ (b'"' | b'\'') => {
            let end = at + 1 + text[at + 1..].find(char::from(*quote))?;
            Some((&text[at + 1..end], end + 1))
        }
        _ => {
            let end = at + text[at..].find(|c: char| c.is_ascii_whitespace() || c == '>')?;
            Some((&text[at..end], end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &str) -> Vec<Token<'_>> {
        Tokens::new(source).collect()
    }

    #[test]
    fn tags_texts_and_comments_are_told_apart() {
        let tokens = all("a<B CLASS='x y' id=q hidden>b</b ><!-- c --><br/>");
        let Token::Open(tag) = &tokens[1] else {
            panic!("{tokens:?}")
        };
        assert_eq!(tag.name, "b");
        assert_eq!(tag.attr("class"), Some("x y"));
        assert_eq!(tag.attr("id"), Some("q"));
        assert_eq!(tag.attr("hidden"), Some(""));
        assert_eq!(tokens[2], Token::Text("b"));
        assert_eq!(tokens[3], Token::Close("b".to_owned()));
        assert_eq!(tokens[4], Token::Comment(" c "));
        assert_eq!(tokens.len(), 6);
    }

    #[test]
    fn what_is_no_tag_stays_text() {
        for source in [
            "1 < 2",
            "<",
            "a <3 b",
            "</",
            "<a href=\"",
            "<a b<c",
            "<!-- open",
            "<a = =",
            "<é>",
        ] {
            let joined: String = all(source)
                .iter()
                .map(|token| match token {
                    Token::Text(text) => *text,
                    other => panic!("{source:?} gave {other:?}"),
                })
                .collect();
            assert_eq!(joined, source);
        }
    }
}
