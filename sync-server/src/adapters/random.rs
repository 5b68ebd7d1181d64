//! What nobody can guess, drawn from the operating system.

use sheaf_shared::ids::{InvitationId, LinkId, PageId, SessionId, SpaceId, TokenId, UserId};

/// The system would give no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// Something of random bits.
pub trait Drawn: Sized {
    /// One that was never drawn before.
    ///
    /// # Errors
    /// [`NoRandomness`]
    fn draw() -> Result<Self, NoRandomness>;
}

impl<const BYTES: usize> Drawn for [u8; BYTES] {
    fn draw() -> Result<Self, NoRandomness> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }
}

macro_rules! ids {
    ($($name:ident)*) => {
        $(
            impl Drawn for $name {
                fn draw() -> Result<Self, NoRandomness> {
                    Ok(Self::from_bits(u128::from_be_bytes(Drawn::draw()?)))
                }
            }
        )*
    };
}

ids! { UserId SpaceId PageId LinkId SessionId TokenId InvitationId }
