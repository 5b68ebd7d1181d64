//! Which characters need a backslash, and where delimiters may stand. Conservative where parsers differ.

/// Where a piece of text stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::markdown) struct Context {
    /// A block marker here would be read as one.
    pub(in crate::markdown) line_start: bool,
    /// On the block's first line.
    pub(in crate::markdown) first_line: bool,
    /// Blanks at the start would be lost.
    pub(in crate::markdown) edge_start: bool,
    /// Blanks at the end would be lost.
    pub(in crate::markdown) edge_end: bool,
    /// What is written after the text.
    pub(in crate::markdown) next: Option<char>,
    /// Inside the brackets of a link.
    pub(in crate::markdown) in_link: bool,
    /// Last on the line of a heading.
    pub(in crate::markdown) heading_end: bool,
    /// There are tildes enough in the block to strike something out.
    pub(in crate::markdown) tildes: bool,
}

/// What stands on both sides of a delimiter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flank {
    before: Class,
    after: Class,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Blank,
    Word,
    Punctuation,
    /// Not ASCII and neither letter nor digit: parsers differ on what is punctuation.
    Unsure,
}

fn class(character: Option<char>) -> Class {
    match character {
        None => Class::Blank,
        Some(c) if c.is_whitespace() => Class::Blank,
        Some(c) if c.is_alphanumeric() => Class::Word,
        Some(c) if c.is_ascii() => Class::Punctuation,
        Some(_) => Class::Unsure,
    }
}

impl Flank {
    pub(super) fn new(before: Option<char>, after: Option<char>) -> Self {
        Self {
            before: class(before),
            after: class(after),
        }
    }

    /// Whether a run of `delimiter` opens here, however unsure characters are classed.
    pub(super) fn may_open(self, delimiter: char) -> bool {
        self.readings().all(|flank| {
            let left = left_flanking(flank.before, flank.after);
            let right = left_flanking(flank.after, flank.before);
            match delimiter {
                '*' => left,
                _ => left && (!right || flank.before == Class::Punctuation),
            }
        })
    }

    /// Whether a run of `delimiter` closes here.
    pub(super) fn may_close(self, delimiter: char) -> bool {
        Self {
            before: self.after,
            after: self.before,
        }
        .may_open(delimiter)
    }

    fn readings(self) -> impl Iterator<Item = Self> {
        let both = |class| match class {
            Class::Unsure => [Class::Word, Class::Punctuation],
            sure => [sure, sure],
        };
        both(self.before)
            .into_iter()
            .flat_map(move |before| both(self.after).map(|after| Self { before, after }))
    }
}

fn left_flanking(before: Class, after: Class) -> bool {
    after != Class::Blank && (after != Class::Punctuation || before != Class::Word)
}

/// Appends `text` so that it reads back as itself and stays easy on the eye.
pub(super) fn escape_text(out: &mut String, text: &str, context: Context) {
    let start = if context.edge_start {
        text.len() - text.trim_start_matches([' ', '\t']).len()
    } else {
        0
    };
    let end = if context.edge_end {
        text.trim_end_matches([' ', '\t']).len().max(start)
    } else {
        text.len()
    };
    references(out, &text[..start]);
    let inner = &text[start..end];
    let marker = if context.line_start && start == 0 {
        marker_at(inner, context)
    } else {
        None
    };
    let heading_mark =
        (context.heading_end && end == text.len() && inner.ends_with('#')).then(|| inner.len() - 1);
    let next = if end < text.len() {
        Some('&')
    } else {
        context.next
    };
    let context = Context { next, ..context };
    let mut chars = inner.char_indices().peekable();
    let mut before = if start > 0 {
        Some(' ')
    } else if context.edge_start {
        None
    } else {
        Some('.')
    };
    let mut before_underscores = before;
    while let Some((at, character)) = chars.next() {
        let after = chars.peek().map(|(_, next)| *next);
        if is_control(character) {
            references(out, &inner[at..at + character.len_utf8()]);
        } else {
            let forced = marker == Some(at) || heading_mark == Some(at);
            if forced
                || needs_escape(
                    character,
                    (before, before_underscores),
                    after,
                    &inner[at..],
                    context,
                )
            {
                out.push('\\');
            }
            out.push(character);
        }
        before = Some(character);
        if character != '_' {
            before_underscores = before;
        }
    }
    references(out, &text[end..]);
}

fn needs_escape(
    character: char,
    (before, before_underscores): (Option<char>, Option<char>),
    after: Option<char>,
    rest: &str,
    context: Context,
) -> bool {
    let next = after.or(context.next);
    match character {
        '`' => true,
        // A control is written as a reference, which begins with punctuation too.
        '\\' => next.is_none_or(|c| c.is_ascii_punctuation() || is_control(c)),
        '*' => !(before.is_some_and(char::is_whitespace) && after.is_some_and(char::is_whitespace)),
        '_' => !in_a_word(before_underscores, rest),
        '~' => context.tildes,
        '<' => after.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')),
        '&' => is_reference(rest),
        '[' => context.in_link,
        ']' => context.in_link || next == Some('('),
        '!' => after.is_none() && context.next == Some('['),
        _ => false,
    }
}

/// Underscores between two letters or digits do nothing.
fn in_a_word(before: Option<char>, rest: &str) -> bool {
    let after = rest.trim_start_matches('_').chars().next();
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

fn is_reference(rest: &str) -> bool {
    let name = rest[1..].strip_prefix('#').unwrap_or(&rest[1..]);
    let length = name.bytes().take_while(u8::is_ascii_alphanumeric).count();
    length > 0 && name.as_bytes().get(length) == Some(&b';')
}

/// Controls would be lost or read as blanks; the byte-order mark too, at the start of a file.
fn is_control(character: char) -> bool {
    character == '\u{feff}' || (character.is_ascii_control() && character != '\t')
}

/// Appends characters as numbers, so that blanks at the edge of a line stay.
fn references(out: &mut String, text: &str) {
    for character in text.chars() {
        out.push_str(&format!("&#{};", u32::from(character)));
    }
}

/// Where a backslash keeps the start of a line from being read as a block's marker.
fn marker_at(text: &str, context: Context) -> Option<usize> {
    let blank_at = |at: usize| match text.as_bytes().get(at) {
        None => context.next.is_none_or(|c| c.is_whitespace() || c == '\\'),
        Some(byte) => byte.is_ascii_whitespace(),
    };
    if !context.first_line
        && text
            .chars()
            .all(|c| matches!(c, '-' | '=' | ':' | '|' | ' ' | '\t'))
    {
        return Some(0);
    }
    match text.as_bytes().first()? {
        b'>' => Some(0),
        b'#' => {
            let level = text.bytes().take_while(|byte| *byte == b'#').count();
            (level <= 6 && blank_at(level)).then_some(0)
        }
        b'-' => {
            let is_rule = text.chars().all(|c| matches!(c, '-' | ' ' | '\t'));
            (blank_at(1) || is_rule).then_some(0)
        }
        b'+' => blank_at(1).then_some(0),
        b'*' | b'_' | b'~' => Some(0),
        b'0'..=b'9' => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let ends = matches!(text.as_bytes().get(digits), Some(b'.' | b')'));
            (digits <= 9 && ends && blank_at(digits + 1)).then_some(digits)
        }
        b'[' => {
            let close = text.find(']');
            let harmless = close.is_some_and(|close| {
                !text[close + 1..].starts_with(':')
                    && (close + 1 < text.len() || context.next.is_none())
                    && !matches!(&text[1..close], " " | "x" | "X" | "")
                    && !text[1..close].starts_with('!')
            });
            (!harmless).then_some(0)
        }
        _ => None,
    }
}

/// An address as it stands between the brackets after a link's text.
pub(super) fn destination(address: &str) -> String {
    let plain = !address.is_empty()
        && !address.contains(|c: char| {
            c.is_whitespace() || c.is_control() || matches!(c, '(' | ')' | '<' | '>' | '\\')
        });
    let mut out = String::with_capacity(address.len() + 2);
    if !plain {
        out.push('<');
    }
    for (at, character) in address.char_indices() {
        match character {
            '<' | '>' | '\\' => out.extend(['\\', character]),
            '&' if is_reference(&address[at..]) => out.push_str("\\&"),
            c if c.is_control() => out.push_str(&format!("%{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    if !plain {
        out.push('>');
    }
    out
}

/// What is said instead of a picture, as it stands between its brackets.
pub(super) fn description(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let inner = text.trim_matches([' ', '\t']);
    let start = text.len() - text.trim_start_matches([' ', '\t']).len();
    references(&mut out, &text[..start]);
    for (at, character) in inner.char_indices() {
        match character {
            '\n' => out.push(' '),
            c if is_control(c) => references(&mut out, &inner[at..at + c.len_utf8()]),
            '\\' | '[' | ']' | '*' | '_' | '`' | '~' | '<' | '!' => out.extend(['\\', character]),
            '&' if is_reference(&inner[at..]) => out.push_str("\\&"),
            c => out.push(c),
        }
    }
    references(&mut out, &text[start + inner.len()..]);
    out
}

/// The language of a code block as it stands after the fence.
pub(in crate::markdown) fn info(language: &str) -> String {
    let mut out = String::with_capacity(language.len());
    for (at, character) in language.char_indices() {
        let rest = &language[at + character.len_utf8()..];
        match character {
            c if c.is_control() => out.push(' '),
            '\\' if rest.starts_with(|c: char| c.is_ascii_punctuation()) => out.push_str("\\\\"),
            '&' if is_reference(&language[at..]) => out.push_str("\\&"),
            c => out.push(c),
        }
    }
    out.trim().to_owned()
}
