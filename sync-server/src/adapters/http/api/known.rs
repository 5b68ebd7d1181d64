//! What a server remembers of those who sign in: how often they tried, which browsers were let in before, and whose use was
//! noted lately. Nothing of it outlives the server but the marks, which browsers keep.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use sheaf_shared::ids::UserId;
use sheaf_shared::people::Email;
use sheaf_shared::time::UnixMs;

use crate::adapters::random::{Drawn, NoRandomness};
use crate::adapters::system::monotonic_now;
use crate::app::directory::facts::Key;
use crate::app::directory::secret::PasswordHash;
use crate::app::directory::sessions::SESSION_TOUCH_EVERY_MS;
use crate::app::tries::{Door, From, TooMany, Tries};

/// Sessions whose last note is remembered. Beyond, all are forgotten, and noted once more.
const NOTED_MAX: usize = 16_384;

/// How long, in seconds, a browser keeps its mark.
pub(super) const MARK_S: u64 = 400 * 24 * 3_600;

/// See the module.
#[derive(Default)]
pub struct Known {
    noted: Mutex<HashMap<Key, u64>>,
    tries: Mutex<Tries>,
}

impl Known {
    /// Whether it is to be noted at `now` that a session or a token is used; from then on it is taken for noted.
    pub(super) fn is_due(&self, key: Key, now: UnixMs) -> bool {
        let mut noted = lock(&self.noted);
        let last = noted.get(&key).copied().unwrap_or(0);
        if now.0 < last.saturating_add(SESSION_TOUCH_EVERY_MS) {
            return false;
        }
        if noted.len() >= NOTED_MAX {
            noted.clear();
        }
        noted.insert(key, now.0);
        true
    }

    /// Counts a try at a password before it is looked at.
    pub(super) fn begin(&self, door: &Door, from: From) -> Result<(), TooMany> {
        lock(&self.tries).begin(door, from, monotonic_now())
    }

    /// It was right, or was not looked at.
    pub(super) fn forget(&self, door: &Door, from: From) {
        lock(&self.tries).forget(door, from);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account that goes by this address, whether there is one or not.
pub(super) fn door_of(email: &Email) -> Door {
    Door::Account(Sha256::digest(email.as_str()).into())
}

/// Bytes by which one browser's mark is told from another's.
const NONCE_BYTES: usize = 16;

/// A mark for a browser by which `user` has signed in. Whoever can make it knows what is kept of their password, so no other
/// secret is needed, and another password makes all of them worthless.
pub(super) fn mark(user: UserId, kept: &PasswordHash) -> Result<String, NoRandomness> {
    let nonce = <[u8; NONCE_BYTES]>::draw()?;
    let mut mark = nonce.to_vec();
    if let Some(made) = maker(user, kept, nonce) {
        mark.extend(made.finalize().into_bytes());
    }
    Ok(URL_SAFE_NO_PAD.encode(mark))
}

/// The number of the browser that shows this mark, if it is one of `user`.
pub(super) fn marked(mark: &str, user: UserId, kept: &PasswordHash) -> Option<[u8; NONCE_BYTES]> {
    let mark = URL_SAFE_NO_PAD.decode(mark).ok()?;
    let (nonce, made) = mark.split_first_chunk::<NONCE_BYTES>()?;
    maker(user, kept, *nonce)?.verify_slice(made).ok()?;
    Some(*nonce)
}

fn maker(user: UserId, kept: &PasswordHash, nonce: [u8; NONCE_BYTES]) -> Option<Hmac<Sha256>> {
    let mut maker = Hmac::<Sha256>::new_from_slice(kept.as_text().as_bytes()).ok()?;
    maker.update(b"sheaf: a browser that was let in");
    maker.update(&user.to_bits().to_be_bytes());
    maker.update(&nonce);
    Some(maker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::directory::secret::SessionSecret;

    fn kept(text: &str) -> PasswordHash {
        PasswordHash::from_text(text.to_owned())
    }

    #[test]
    fn a_mark_is_known_for_whom_it_was_made_until_their_password_is_another() {
        let (ada, bob) = (UserId::from_bits(1), UserId::from_bits(2));
        let made = mark(ada, &kept("one")).unwrap();
        let number = marked(&made, ada, &kept("one"));
        assert!(number.is_some());
        assert_ne!(
            number,
            marked(&mark(ada, &kept("one")).unwrap(), ada, &kept("one")),
            "each browser has its own"
        );
        assert_eq!(marked(&made, bob, &kept("one")), None);
        assert_eq!(marked(&made, ada, &kept("two")), None);
        for raw in ["", "x", "%%%", &made[..20], &format!("{made}AAAA")] {
            assert_eq!(marked(raw, ada, &kept("one")), None, "{raw}");
        }
    }

    #[test]
    fn the_use_of_a_session_is_noted_once_in_five_minutes() {
        let known = Known::default();
        let key = Key::from(&SessionSecret::from_random([1; 32]));
        let at = |ms: u64| known.is_due(key, UnixMs(1_000_000_000 + ms));
        assert!(at(0));
        assert!(!at(299_999));
        assert!(at(300_000));
        assert!(!at(300_001));
    }
}
