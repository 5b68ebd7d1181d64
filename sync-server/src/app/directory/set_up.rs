//! The code by which whoever runs an installation shows over the network that they do: it is in the log until somebody has
//! made the first account.

use sha2::{Digest as _, Sha256};

use super::cells::values;
use super::change::Change;
use super::{Directory, Undone};

/// Digits that are told apart when they are read aloud.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Random bytes of a code.
const BYTES: usize = 10;
/// Digits between two strokes.
const GROUP_DIGITS: usize = 4;

/// There is an account.
pub(super) const FORGET_SET_UP_CODE: &str = "DELETE FROM setting WHERE name = 'set-up-code'";

/// What whoever makes the first account must have read. Prints as `…`.
#[derive(Clone)]
pub struct SetUpCode(String);

impl SetUpCode {
    /// Wraps random bytes drawn by the caller.
    #[must_use]
    pub fn from_random(bytes: [u8; BYTES]) -> Self {
        let bits = bytes
            .into_iter()
            .fold(0_u128, |bits, byte| (bits << 8) | u128::from(byte));
        let digits = BYTES * 8 / 5;
        let mut text = String::new();
        for at in 0..digits {
            if at > 0 && at % GROUP_DIGITS == 0 {
                text.push('-');
            }
            let digit = (bits >> (5 * (digits - 1 - at))) & 31;
            text.push(char::from(DIGITS[digit as usize]));
        }
        Self(text)
    }

    /// To be shown to whoever reads the log, and nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `typed` is this one, in whatever letters and groups. Takes as long wherever the first difference is.
    #[must_use]
    pub fn is(&self, typed: &str) -> bool {
        digest(&self.0) == digest(typed)
    }
}

impl std::fmt::Debug for SetUpCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

fn digest(text: &str) -> [u8; 32] {
    let digits = text.bytes().filter(u8::is_ascii_alphanumeric);
    let digits: Vec<u8> = digits.map(|digit| digit.to_ascii_lowercase()).collect();
    Sha256::digest(digits).into()
}

impl Directory<'_> {
    /// The code of this installation: `drawn`, if it had none; the same for all servers of a store, and for all starts.
    /// `None` once there is an account.
    ///
    /// # Errors
    /// [`Undone`]
    pub async fn set_up_code(&self, drawn: SetUpCode) -> Result<Option<SetUpCode>, Undone> {
        Change::<Undone>::beside()
            .also(
                "INSERT INTO setting (name, value)
                 SELECT 'set-up-code', $1 WHERE NOT EXISTS (SELECT 1 FROM person)
                 ON CONFLICT (name) DO NOTHING",
                values![drawn.0],
            )
            .make(self)
            .await?;
        let sql = "SELECT value FROM setting WHERE name = 'set-up-code'
                   AND NOT EXISTS (SELECT 1 FROM person)";
        let found = self.one(sql, Vec::new(), |row| row.need().map(SetUpCode));
        found.await.map_err(Undone::Storage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed_and_is_told_to_no_log() {
        let code = SetUpCode::from_random([0, 68, 50, 20, 199, 66, 84, 182, 53, 207]);
        assert_eq!(code.reveal(), "0123-4567-89ab-cdef");
        for typed in [
            "0123-4567-89ab-cdef",
            "0123456789ABCDEF",
            " 0123 4567 89ab cdef ",
        ] {
            assert!(code.is(typed), "{typed}");
        }
        for typed in ["", "-", "0123-4567-89ab-cdeg", "0123-4567-89ab-cdef-0"] {
            assert!(!code.is(typed), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "…");
    }
}
