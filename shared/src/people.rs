//! What people are called, and where they are written to: read once, where it comes in.

use std::fmt;

/// Longest name of a person, a space or a token, in characters.
pub const NAME_CHARS_MAX: usize = 80;

/// Longest address of electronic mail, in bytes; what mail itself allows.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Longest part of such an address before the `@`, in bytes.
const EMAIL_LOCAL_BYTES_MAX: usize = 64;

/// Longest part of a host's name between two dots, in bytes.
const HOST_LABEL_BYTES_MAX: usize = 63;

/// What a person, a space or a token is called, as people read it.
///
/// 1 to [`NAME_CHARS_MAX`] characters, at least one of which can be seen; one blank between words and none at the ends;
/// nothing that breaks the line, or turns the direction of what stands beside it. What was stored is read by the same rules:
/// they may be loosened, and never tightened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing of it can be seen.
    #[error("a name needs at least one letter, digit or sign")]
    Empty,
    /// It has too many characters.
    #[error("a name has at most {NAME_CHARS_MAX} characters")]
    TooLong,
    /// It holds a control character, or one that turns the direction of writing.
    #[error("a name cannot hold control characters")]
    ControlCharacter,
}

impl Name {
    /// Takes `raw` with its blanks put in order.
    ///
    /// # Errors
    /// [`NameError`] when nothing of it can be seen, it is too long, or holds what does not belong into a name.
    pub fn parse(raw: &str) -> Result<Self, NameError> {
        let name = raw.split_whitespace().collect::<Vec<_>>().join(" ");
        if name
            .chars()
            .any(|char| char.is_control() || turns_direction(char))
        {
            return Err(NameError::ControlCharacter);
        }
        if name
            .chars()
            .all(|char| char.is_whitespace() || is_invisible(char))
        {
            return Err(NameError::Empty);
        }
        if name.chars().count() > NAME_CHARS_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The characters by which one text can make its neighbours read backwards, and so pass for another.
#[must_use]
pub const fn turns_direction(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{3164}' | '\u{115f}' | '\u{1160}'
    )
}

/// An address of electronic mail: who signs in by it, and where a lost password is sent to.
///
/// In small letters, so that two ways to write one address are one account. Whether mail arrives there is known only
/// when it does; refused is what cannot be one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// A text is no address of electronic mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an email address looks like name@example.org")]
pub struct EmailError;

impl Email {
    /// Takes `raw` without the blanks around it, in small letters.
    ///
    /// # Errors
    /// [`EmailError`] when it cannot be an address.
    pub fn parse(raw: &str) -> Result<Self, EmailError> {
        let email = raw.trim().to_lowercase();
        let (local, host) = email.split_once('@').ok_or(EmailError)?;
        let is_right = email.len() <= EMAIL_BYTES_MAX && is_local(local) && is_host(host);
        if is_right {
            Ok(Self(email))
        } else {
            Err(EmailError)
        }
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local(local: &str) -> bool {
    let is_known = |char: char| char.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(char);
    local.len() <= EMAIL_LOCAL_BYTES_MAX
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_known))
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=HOST_LABEL_BYTES_MAX).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|char| char.is_alphanumeric() || char == '-')
    };
    host.split('.').all(is_label)
}

/// The colour of a person's caret and picture: red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colour(pub [u8; 3]);

/// A text is no [`Colour`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour looks like #1e90ff")]
pub struct ColourError;

impl Colour {
    /// Reads `#` and six hexadecimal digits.
    ///
    /// # Errors
    /// [`ColourError`] when it is anything else.
    pub fn parse(raw: &str) -> Result<Self, ColourError> {
        let digits = raw.strip_prefix('#').ok_or(ColourError)?;
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).map_err(|_| ColourError)?;
        let [_, red, green, blue] = value.to_be_bytes();
        if is_hex {
            Ok(Self([red, green, blue]))
        } else {
            Err(ColourError)
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

macro_rules! shown_as_text {
    ($($name:ident)*) => {
        $(
            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Debug::fmt(&self.0, f)
                }
            }
        )*
    };
}

shown_as_text! { Name Email }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_written_in_two_ways_is_one() {
        let plain = Email::parse("ada@example.org").unwrap();
        for raw in [" Ada@Example.ORG\n", "ADA@EXAMPLE.ORG"] {
            assert_eq!(Email::parse(raw).as_ref(), Ok(&plain), "{raw:?}");
        }
        for raw in [
            "a.b+c@sub.example.org",
            "ada@localhost",
            "jörg@müller.example",
            "o'brien@a-b.example",
        ] {
            assert!(Email::parse(raw).is_ok(), "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        let longer = format!("a@{}example.org", "a.".repeat(130));
        for raw in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.org",
            "a@b@example.org",
            "a b@example.org",
            "a\r\nBcc: x@example.org",
            "a..b@example.org",
            ".a@example.org",
            "a@example..org",
            "a@-example.org",
            "a@exam_ple.org",
            "<a@example.org>",
            "a@example.org,b@example.org",
            "a\u{0}@example.org",
            &long,
            &longer,
        ] {
            assert_eq!(Email::parse(raw), Err(EmailError), "{raw:?}");
        }
    }

    #[test]
    fn a_name_is_what_can_be_read_in_one_line() {
        assert_eq!(
            Name::parse("  Ada \n  Miller ").unwrap().as_str(),
            "Ada Miller"
        );
        assert!(Name::parse(&"é".repeat(NAME_CHARS_MAX)).is_ok());
        assert_eq!(
            Name::parse(&"é".repeat(NAME_CHARS_MAX + 1)),
            Err(NameError::TooLong)
        );
        for raw in ["", " ", "\u{200b}", "\u{feff} \u{3164}"] {
            assert_eq!(Name::parse(raw), Err(NameError::Empty), "{raw:?}");
        }
        for raw in ["a\u{0}b", "a\u{202e}b", "a\u{2066}b", "a\u{7f}"] {
            assert_eq!(
                Name::parse(raw),
                Err(NameError::ControlCharacter),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn a_colour_reads_back_from_its_text() {
        let blue = Colour([0x1e, 0x90, 0xff]);
        assert_eq!(Colour::parse(&blue.to_string()), Ok(blue));
        for raw in [
            "", "#", "1e90ff", "#1e90f", "#1e90ff0", "#+e90ff", "#ü0ff", "red",
        ] {
            assert_eq!(Colour::parse(raw), Err(ColourError), "{raw}");
        }
    }
}
