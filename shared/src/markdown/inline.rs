//! The inside of one block while it is read: text, marks and inline HTML, put together when the block ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use yrs::Any;

use crate::flow::compose::{BREAK, Composer, Style, image_embed};
use crate::flow::delta::{Attrs, embed};
use crate::html::tags::{self, Active, Effect, Mark};
use crate::html::token::{Token, Tokens};

/// A piece of a block as Markdown gives it.
#[derive(Clone, Debug)]
enum Piece {
    Text(String, Style),
    Break,
    Image {
        url: String,
        alt: String,
        style: Style,
    },
    /// A tag or comment, as written.
    Html(String, Style),
}

/// The pieces of the block being read, and the marks that are on.
#[derive(Debug, Default)]
pub(super) struct Line {
    pieces: Vec<Piece>,
    active: Active,
    /// What each open `Link` did; one that leads nowhere does nothing.
    links: Vec<Option<Mark>>,
}

impl Line {
    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn open(&mut self, mark: &Mark) {
        self.active.open(mark);
    }

    pub(super) fn close(&mut self, mark: &Mark) {
        self.active.close(mark);
    }

    pub(super) fn open_link(&mut self, address: &str) {
        let mark = tags::link_address(address).map(|address| Mark::Link(address.into()));
        if let Some(mark) = &mark {
            self.active.open(mark);
        }
        self.links.push(mark);
    }

    pub(super) fn close_link(&mut self) {
        if let Some(Some(mark)) = self.links.pop() {
            self.active.close(&mark);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.push_text(text, self.style());
    }

    pub(super) fn code(&mut self, text: &str) {
        let style = Style {
            code: true,
            ..self.style()
        };
        self.push_text(text, style);
    }

    pub(super) fn line_break(&mut self) {
        self.pieces.push(Piece::Break);
    }

    pub(super) fn html(&mut self, raw: &str) {
        self.pieces.push(Piece::Html(raw.to_owned(), self.style()));
    }

    /// A picture; where its address could do harm, what would be said instead of it.
    pub(super) fn image(&mut self, url: &str, alt: String) {
        match tags::image_address(url) {
            Some(url) => self.pieces.push(Piece::Image {
                url,
                alt,
                style: self.style(),
            }),
            None => self.text(&alt),
        }
    }

    /// Writes the block's content into `out`, and is empty again.
    pub(super) fn write_into(&mut self, out: &mut Composer) {
        let mut resolved = resolve(std::mem::take(&mut self.pieces));
        *self = Self::default();
        // A block of nothing but breaks stands for one break less: `<br>` alone is an empty block.
        if resolved
            .iter()
            .all(|piece| matches!(piece, Resolved::Break))
        {
            resolved.pop();
        }
        for piece in resolved {
            match piece {
                Resolved::Text(text, style) if style.code || style.link.is_some() => {
                    out.text(&text, &style.to_attrs());
                }
                Resolved::Text(text, style) => write_linked(out, &text, &style),
                Resolved::Break => out.embed(embed(BREAK, true), Attrs::new()),
                Resolved::Embed(value, attrs) => out.embed(value, attrs),
            }
        }
    }

    fn style(&self) -> Style {
        self.active.over(&Style::default())
    }

    fn push_text(&mut self, text: &str, style: Style) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last, last_style)) if *last_style == style => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned(), style)),
        }
    }
}

/// A piece with its final marks.
enum Resolved {
    Text(String, Style),
    Break,
    Embed(Any, Attrs),
}

/// What a tag turned out to be.
#[derive(Clone, Debug)]
enum Role {
    Open(Mark),
    Close(Mark),
    Alone(Effect),
    /// The closing tag of something that needs none.
    Nothing,
}

/// Gives inline HTML its meaning. A tag that opens nothing known, or that nothing closes, stays text.
fn resolve(pieces: Vec<Piece>) -> Vec<Resolved> {
    let mut roles = roles(&pieces);
    let mut active = Active::default();
    let mut out: Vec<Resolved> = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.into_iter().enumerate() {
        match piece {
            Piece::Text(text, style) => push_text(&mut out, text, active.over(&style)),
            Piece::Break => out.push(Resolved::Break),
            Piece::Image { url, alt, style } => {
                let (value, attrs) = image_embed(&url, &alt, None, &active.over(&style));
                out.push(Resolved::Embed(value, attrs));
            }
            Piece::Html(raw, style) => match roles.remove(&at) {
                None => push_text(&mut out, raw, active.over(&style)),
                Some(Role::Open(mark)) => active.open(&mark),
                Some(Role::Close(mark)) => active.close(&mark),
                Some(Role::Nothing | Role::Alone(Effect::Mark(_))) => {}
                Some(Role::Alone(Effect::Break)) => out.push(Resolved::Break),
                Some(Role::Alone(Effect::Image { url, alt, width })) => {
                    let (value, attrs) = image_embed(&url, &alt, width, &active.over(&style));
                    out.push(Resolved::Embed(value, attrs));
                }
                Some(Role::Alone(Effect::Embed(value))) => {
                    out.push(Resolved::Embed(value, active.over(&style).to_attrs()));
                }
            },
        }
    }
    out
}

fn push_text(out: &mut Vec<Resolved>, text: String, style: Style) {
    match out.last_mut() {
        Some(Resolved::Text(last, last_style)) if *last_style == style => last.push_str(&text),
        _ => out.push(Resolved::Text(text, style)),
    }
}

/// The roles of those tags that have one, by their place among `pieces`.
fn roles(pieces: &[Piece]) -> BTreeMap<usize, Role> {
    let mut roles = BTreeMap::new();
    let mut open: BTreeMap<String, Vec<(usize, Option<Mark>)>> = BTreeMap::new();
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Html(raw, _) = piece else { continue };
        match tags::single_tag(raw) {
            Some(Token::Open(tag)) => match tags::effect(&tag) {
                Some(Effect::Mark(mark)) => {
                    open.entry(tag.name).or_default().push((at, Some(mark)))
                }
                Some(effect) => {
                    if matches!(effect, Effect::Embed(_)) {
                        open.entry(tag.name).or_default().push((at, None));
                    }
                    roles.insert(at, Role::Alone(effect));
                }
                None => {}
            },
            Some(Token::Close(name)) => match open.get_mut(&name).and_then(Vec::pop) {
                Some((opened_at, Some(mark))) => {
                    roles.insert(opened_at, Role::Open(mark.clone()));
                    roles.insert(at, Role::Close(mark));
                }
                Some((_, None)) => {
                    roles.insert(at, Role::Nothing);
                }
                None => {}
            },
            _ => {}
        }
    }
    roles
}

/// Writes text in which bare web addresses become links, as GitHub reads them.
pub(super) fn write_linked(out: &mut Composer, text: &str, style: &Style) {
    let attrs = style.to_attrs();
    let mut rest = text;
    let mut searched = 0;
    while let Some((start, end)) = bare_address(rest, searched) {
        let written = &rest[start..end];
        let address = if written.starts_with("www.") {
            format!("http://{written}")
        } else {
            written.to_owned()
        };
        match tags::link_address(&address) {
            Some(address) => {
                out.text(&rest[..start], &attrs);
                let linked = Style {
                    link: Some(Arc::from(address)),
                    ..style.clone()
                };
                out.text(written, &linked.to_attrs());
                rest = &rest[end..];
                searched = 0;
            }
            None => searched = end,
        }
    }
    out.text(rest, &attrs);
}

/// Where the first bare address at or after `from` starts and ends.
fn bare_address(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut from = from;
    loop {
        let start = from + text[from..].find(['h', 'w'])?;
        let rest = &text[start..];
        let host_at = ["https://", "http://", "www."]
            .iter()
            .find(|lead| rest.starts_with(**lead));
        let before = text[..start].chars().next_back();
        let free = before.is_none_or(|c| c.is_whitespace() || matches!(c, '*' | '_' | '~' | '('));
        from = start + 1;
        let (Some(lead), true) = (host_at, free) else {
            continue;
        };
        let span = rest
            .find(|c: char| c.is_whitespace() || c == '<')
            .unwrap_or(rest.len());
        let length = trim_address(&rest[..span]).len();
        let host = rest.get(lead.len()..length).unwrap_or_default();
        let host = &host[..host.find(['/', '?', '#', ':']).unwrap_or(host.len())];
        let named = host.chars().next().is_some_and(char::is_alphanumeric);
        if named && (host.contains('.') || host == "localhost") {
            return Some((start, start + length));
        }
        // The same span would be walked again from every letter in it.
        from = start + length.max(lead.len());
    }
}

/// Leaves out what ends a sentence rather than an address.
fn trim_address(mut address: &str) -> &str {
    let open = address.matches('(').count();
    let mut closed = address.matches(')').count();
    while let Some(last) = address.chars().next_back() {
        match last {
            '?' | '!' | '.' | ',' | ':' | '*' | '_' | '~' | '\'' | '"' | ';' => {}
            ')' if closed > open => closed -= 1,
            _ => break,
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    address
}

/// Whether an HTML block is really a line of text: nothing but breaks, pictures and embeds.
pub(super) fn is_inline_html(text: &str) -> bool {
    Tokens::new(text).all(|token| match token {
        Token::Text(text) => text.trim().is_empty(),
        Token::Open(tag) => matches!(
            tags::effect(&tag),
            Some(Effect::Break | Effect::Image { .. } | Effect::Embed(_))
        ),
        Token::Close(name) => name == "span",
        Token::Comment(_) => false,
    })
}

/// The tags of a text that holds nothing else but blanks.
pub(super) fn split_tags(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('>')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
}
