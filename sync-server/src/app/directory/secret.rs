//! What opens a door: drawn by the caller, shown once to whom it is for, kept as its SHA-256 alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a secret: what the tables know it by. Guessing the secret from it takes as long as guessing the secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub(super) [u8; 32]);

/// What a password becomes before it is kept: the text form of argon2id, with its salt and its costs. Made and checked
/// by whoever asks for passwords; here it is only kept and compared.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes what a hash function made, as it is.
    #[must_use]
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text, to check a password against.
    #[must_use]
    pub fn as_text(&self) -> &str {
        &self.0
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// A text is no secret of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a secret of Sheaf")]
pub struct SecretError;

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident of $bytes:literal bytes after $prefix:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq)]
            pub struct $name([u8; $bytes]);

            impl $name {
                /// Wraps random bytes drawn by the caller.
                #[must_use]
                pub const fn from_random(bytes: [u8; $bytes]) -> Self {
                    Self(bytes)
                }

                /// Reads the text form.
                ///
                /// # Errors
                /// [`SecretError`] when `raw` is not exactly one.
                pub fn parse(raw: &str) -> Result<Self, SecretError> {
                    let digits = raw.strip_prefix($prefix).ok_or(SecretError)?;
                    let bytes = URL_SAFE_NO_PAD.decode(digits).map_err(|_| SecretError)?;
                    bytes.try_into().map(Self).map_err(|_| SecretError)
                }

                /// The text form: to be shown to whom it is for, and written down nowhere.
                #[must_use]
                pub fn reveal(&self) -> String {
                    format!("{}{}", $prefix, URL_SAFE_NO_PAD.encode(self.0))
                }

                /// What it is kept as.
                #[must_use]
                pub fn hash(&self) -> SecretHash {
                    SecretHash(Sha256::digest(self.0).into())
                }
            }

            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("…")
                }
            }
        )*
    };
}

secrets! {
    /// What a browser holds in its cookie.
    SessionSecret of 32 bytes after "";
    /// What a share link ends with.
    LinkSecret of 16 bytes after "";
    /// What a program shows. Its beginning tells whoever finds it in a log or a repository what it is.
    TokenSecret of 32 bytes after "sheaf_";
    /// What an invitation, or a link to set a new password, ends with.
    InvitationSecret of 32 bytes after "";
}

/// Neither is told to a log.
macro_rules! hidden {
    ($($name:ident)*) => {
        $(
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("…")
                }
            }
        )*
    };
}

hidden! { SecretHash PasswordHash }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_from_its_text_and_is_kept_as_its_hash() {
        let secret = TokenSecret::from_random([7; 32]);
        let text = secret.reveal();
        assert!(text.starts_with("sheaf_"), "{text}");
        assert_eq!(TokenSecret::parse(&text), Ok(secret.clone()));
        assert_eq!(secret.hash().0, *Sha256::digest([7; 32]));
        let longer = format!("{text}A");
        for raw in ["", "sheaf_", &text[6..], &text[..48], &longer, "sheaf_ü"] {
            assert_eq!(TokenSecret::parse(raw), Err(SecretError), "{raw:?}");
        }
    }

    #[test]
    fn no_secret_is_told_to_a_log() {
        let secret = SessionSecret::from_random([7; 32]);
        let password = PasswordHash::from_text("$argon2id$…".to_owned());
        let told = format!("{secret:?} {:?} {password:?}", secret.hash());
        assert_eq!(told, "… … …");
    }
}
