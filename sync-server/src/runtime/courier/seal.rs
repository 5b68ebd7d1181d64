//! The seal on what servers tell each other: only a server of the same store can make it. So the bus is trusted with nothing
//! but carrying: what was damaged on it, put on it by somebody else, or meant for servers of another store, is refused
//! before it is looked at.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sheaf_core::servers::ServerId;
use sheaf_core::servers::message::{MESSAGE_BYTES_MAX, Message, Said};

use crate::ports::SharedSecret;

/// Bytes of the seal, before the message: the first half of an HMAC-SHA256.
const SEAL_BYTES: usize = 16;
/// What the name of this store's channels is made of.
const NAME: &[u8] = b"sheaf channels 1";

/// See the module.
#[derive(Clone)]
pub(super) struct Seal(Hmac<Sha256>);

impl Seal {
    /// The seal of those who know `secret`.
    #[must_use]
    pub(super) fn new(secret: SharedSecret) -> Self {
        let mut key = [0; 64];
        key[..32].copy_from_slice(&secret.0);
        // A key as long as a block is used as it is.
        Self(Hmac::new(&key.into()))
    }

    /// What the names of this store's channels begin with. It gives nothing away.
    #[must_use]
    pub(super) fn channels(&self) -> String {
        let tag = self.tag(NAME);
        let hex: Vec<String> = tag[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sheaf:{}", hex.concat())
    }

    fn tag(&self, bytes: &[u8]) -> [u8; SEAL_BYTES] {
        let mut mac = self.0.clone();
        mac.update(bytes);
        let whole = mac.finalize().into_bytes();
        let mut tag = [0; SEAL_BYTES];
        tag.copy_from_slice(&whole[..SEAL_BYTES]);
        tag
    }

    /// The sealed bytes of a message.
    pub(super) fn close(&self, from: ServerId, said: Said) -> Bytes {
        let mut sealed = vec![0; SEAL_BYTES];
        Message { from, said }.put(&mut sealed);
        let tag = self.tag(&sealed[SEAL_BYTES..]);
        sealed[..SEAL_BYTES].copy_from_slice(&tag);
        sealed.into()
    }

    /// The message, if the seal is right and the bytes are one.
    pub(super) fn open(&self, sealed: &Bytes) -> Option<Message> {
        if sealed.len() < SEAL_BYTES || sealed.len() > SEAL_BYTES + MESSAGE_BYTES_MAX {
            return None;
        }
        let mut mac = self.0.clone();
        mac.update(&sealed[SEAL_BYTES..]);
        // Takes the same time whatever is wrong.
        mac.verify_truncated_left(&sealed[..SEAL_BYTES]).ok()?;
        Message::decode(&sealed.slice(SEAL_BYTES..)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(of: u8) -> Seal {
        Seal::new(SharedSecret([of; 32]))
    }

    #[test]
    fn only_who_knows_the_secret_is_heard_and_only_word_for_word() {
        let from = ServerId(7);
        let sealed = seal(1).close(from, Said::Beat(3));
        let message = Message {
            from,
            said: Said::Beat(3),
        };
        assert_eq!(seal(1).open(&sealed), Some(message));
        assert_eq!(seal(2).open(&sealed), None, "another store's");
        for at in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            damaged[at] ^= 1;
            assert_eq!(seal(1).open(&damaged.into()), None, "byte {at}");
        }
        for length in 0..sealed.len() {
            assert_eq!(seal(1).open(&sealed.slice(..length)), None);
        }
        let long = Bytes::from(vec![0; SEAL_BYTES + MESSAGE_BYTES_MAX + 1]);
        assert_eq!(seal(1).open(&long), None);
    }

    #[test]
    fn the_seal_stays_as_it_is_from_release_to_release() {
        let sealed = seal(1).close(ServerId(7), Said::Goodbye);
        let hex: Vec<String> = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex.concat(),
            "1b07afcf41088eb61e5855a65bbad12601050700000000000000"
        );
        assert_eq!(seal(1).channels(), "sheaf:546b14c13646520b");
        assert_ne!(seal(1).channels(), seal(2).channels());
    }
}
