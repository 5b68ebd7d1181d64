//! What nobody else may read: passwords, and what opens a door.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::people::{Email, Name};

/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// Most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// A password as somebody typed it. Prints as `…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

/// Why a text will not do as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error(
        "a password needs at least {PASSWORD_CHARS_MIN} characters; several words make a good one"
    )]
    TooShort,
    /// It is too long.
    #[error("a password has at most {PASSWORD_BYTES_MAX} bytes")]
    TooLong,
    /// It is what everybody can see: the address or the name of whose it would be, or one character again and again.
    #[error(
        "this password would be guessed at once: choose one that has nothing to do with your name or address"
    )]
    Guessable,
}

impl Password {
    /// Takes it as it is.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// What was typed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is short enough to be looked at, which every one that was ever taken is.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.0.len() <= PASSWORD_BYTES_MAX
    }

    /// Whether it will do for a link: somebody chose it for others, so it need only not be empty.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`] when it is empty, [`PasswordError::TooLong`].
    pub fn check_for_link(&self) -> Result<(), PasswordError> {
        match self.0.len() {
            0 => Err(PasswordError::TooShort),
            _ if !self.is_bounded() => Err(PasswordError::TooLong),
            _ => Ok(()),
        }
    }

    /// Whether it will do for the account of whoever goes by `email` and `name`. What it is made of is nobody's business.
    ///
    /// # Errors
    /// [`PasswordError`]
    pub fn check(&self, email: &Email, name: &Name) -> Result<(), PasswordError> {
        if !self.is_bounded() {
            return Err(PasswordError::TooLong);
        }
        if self.0.chars().count() < PASSWORD_CHARS_MIN {
            return Err(PasswordError::TooShort);
        }
        let plain = plain(&self.0);
        let local = email.as_str().split('@').next().unwrap_or_default();
        let known = [email.as_str(), local, name.as_str()];
        let mut chars = plain.chars();
        let first = chars.next();
        let is_one_again = chars.all(|char| Some(char) == first);
        if is_one_again
            || known
                .into_iter()
                .any(|it| is_made_of(&plain, &self::plain(it)))
        {
            return Err(PasswordError::Guessable);
        }
        Ok(())
    }
}

/// Letters and digits alone, in small letters: what is left of a name however it is written.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|char| char.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// Whether `text` is `part`, once or again and again.
fn is_made_of(text: &str, part: &str) -> bool {
    !part.is_empty()
        && text.len().is_multiple_of(part.len())
        && text == part.repeat(text.len() / part.len())
}

/// What opens a door once it is shown: the end of a share link or an invitation, or a token. Prints as `…`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes it as it is.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text, to be shown to whom it is for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

macro_rules! hidden {
    ($($name:ident)*) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("…")
                }
            }

            #[cfg(feature = "openapi")]
            impl utoipa::PartialSchema for $name {
                fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                    utoipa::openapi::schema::ObjectBuilder::new()
                        .schema_type(utoipa::openapi::schema::Type::String)
                        .into()
                }
            }

            #[cfg(feature = "openapi")]
            impl utoipa::ToSchema for $name {}
        )*
    };
}

hidden! { Password Secret }

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str) -> Result<(), PasswordError> {
        let email = Email::parse("ada.miller@example.org").unwrap();
        let name = Name::parse("Ada Miller").unwrap();
        Password::from_text(raw.to_owned()).check(&email, &name)
    }

    #[test]
    fn a_password_is_ten_characters_of_any_kind_and_neither_ones_name_nor_ones_address() {
        let long = "x".repeat(1_023) + "y";
        for raw in ["ten chars!", "żółta gęś ", "ada miller wrote notes", &long] {
            assert_eq!(check(raw), Ok(()), "{raw}");
        }
        for raw in ["", "nine char", "ünïcödéé9", "🐟🐟🐟🐟🐟🐟🐟🐟🐠"] {
            assert_eq!(check(raw), Err(PasswordError::TooShort), "{raw}");
        }
        assert_eq!(check(&(long + "z")), Err(PasswordError::TooLong));
        for raw in [
            "ada.miller@example.org",
            "Ada Miller",
            "ADA-MILLER",
            "adamilleradamiller",
            "aaaaaaaaaaaa",
            "          ",
        ] {
            assert_eq!(check(raw), Err(PasswordError::Guessable), "{raw:?}");
        }
    }

    #[test]
    fn neither_a_password_nor_a_secret_is_told_to_a_log() {
        let password = Password::from_text("hunter2".to_owned());
        let secret = Secret::from_text("hunter3".to_owned());
        assert_eq!(format!("{password:?} {secret:?}"), "… …");
    }
}
