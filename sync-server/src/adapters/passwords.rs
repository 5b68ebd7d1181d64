//! Passwords are made into something from which they can't be guessed quickly, and checked against it: argon2id.
//!
//! That is slow and takes memory on purpose, so only a few are worked on at a time, on threads of their own, and the rest
//! wait in a bounded line. Beyond it, whoever comes is asked to come again.

use std::sync::Arc;

use argon2::password_hash::{
    PasswordHash as Parsed, PasswordHasher as _, PasswordVerifier as _, SaltString,
};
use argon2::{Algorithm, Argon2, Params, Version};
use sheaf_shared::api::Password;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::random::{Drawn, NoRandomness};
use crate::app::directory::secret::PasswordHash;
use crate::metrics::Metrics;

/// Passwords worked on at a time. Each takes a processor, and the memory of [`Costs`].
const AT_A_TIME: usize = 2;
/// Passwords that may wait for that: some seconds' worth.
const WAITING_MAX: usize = 64;

/// Bytes of salt.
const SALT_BYTES: usize = 16;

/// What it costs to check a password once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    memory_kib: u32,
    passes: u32,
}

impl Costs {
    /// As costly as OWASP asks at least: 19 MiB, 2 passes.
    pub const USUAL: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
    };
    /// Next to nothing. For tests of something else.
    pub const NEXT_TO_NOTHING: Self = Self {
        memory_kib: 8,
        passes: 1,
    };

    fn hasher(self) -> Result<Argon2<'static>, PasswordFault> {
        let params = Params::new(self.memory_kib, self.passes, 1, None);
        let params = params.map_err(|_| PasswordFault::Failed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// Why a password was not looked at. That says nothing about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Too many wait already.
    #[error("too many passwords wait to be looked at")]
    Busy,
    /// It could not be worked on.
    #[error("a password could not be worked on")]
    Failed,
}

impl From<NoRandomness> for PasswordFault {
    fn from(_: NoRandomness) -> Self {
        Self::Failed
    }
}

/// Works on passwords.
pub struct Passwords {
    costs: Costs,
    /// Checked where there is nothing to check against, so that this takes as long. Made when the first password is checked.
    decoy: OnceCell<PasswordHash>,
    line: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Passwords {
    /// At these costs.
    #[must_use]
    pub fn new(costs: Costs, metrics: Arc<Metrics>) -> Self {
        Self {
            costs,
            decoy: OnceCell::new(),
            line: Arc::new(Semaphore::new(AT_A_TIME + WAITING_MAX)),
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            metrics,
        }
    }

    /// What is kept of a password.
    ///
    /// # Errors
    /// [`PasswordFault`]
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, PasswordFault> {
        let costs = self.costs;
        self.aside(move || hash(costs, password.reveal().as_bytes()))
            .await?
    }

    /// Whether it is the password that `kept` was made from. Nothing kept takes as long, and is never right.
    ///
    /// # Errors
    /// [`PasswordFault`]
    pub async fn is_right(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<bool, PasswordFault> {
        let costs = self.costs;
        let decoy = self.decoy.get_or_try_init(async || {
            // Nobody knows what makes it: these bytes are drawn now and forgotten.
            let nobody_knows: [u8; 32] = Drawn::draw()?;
            self.aside(move || hash(costs, &nobody_knows)).await?
        });
        // Whether it is needed or not, so that the first who asks learns nothing either.
        let decoy = decoy.await?;
        let is_there = kept.is_some();
        let kept = kept.unwrap_or_else(|| decoy.clone());
        let is_right = self
            .aside(move || verify(costs, &password, &kept))
            .await??;
        Ok(is_right && is_there)
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordFault> {
        let Ok(_in_line) = Arc::clone(&self.line).try_acquire_owned() else {
            self.metrics.passwords_busy.add(1);
            return Err(PasswordFault::Busy);
        };
        let turn: OwnedSemaphorePermit = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| PasswordFault::Failed)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            // Not before: whoever asked may be gone, and the work goes on all the same.
            drop(turn);
            done
        });
        working.await.map_err(|_| PasswordFault::Failed)
    }
}

fn hash(costs: Costs, password: &[u8]) -> Result<PasswordHash, PasswordFault> {
    let salt: [u8; SALT_BYTES] = <[u8; SALT_BYTES]>::draw()?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordFault::Failed)?;
    let made = costs.hasher()?.hash_password(password, &salt);
    let made = made.map_err(|_| PasswordFault::Failed)?;
    Ok(PasswordHash::from_text(made.to_string()))
}

fn verify(costs: Costs, password: &Password, kept: &PasswordHash) -> Result<bool, PasswordFault> {
    let parsed = Parsed::new(kept.as_text()).map_err(|_| PasswordFault::Failed)?;
    let checked = costs
        .hasher()?
        .verify_password(password.reveal().as_bytes(), &parsed);
    match checked {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::Password) => Ok(false),
        Err(_) => Err(PasswordFault::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(raw: &str) -> Password {
        Password::from_text(raw.to_owned())
    }

    fn cheap() -> (Passwords, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let passwords = Passwords::new(Costs::NEXT_TO_NOTHING, Arc::clone(&metrics));
        (passwords, metrics)
    }

    #[tokio::test]
    async fn a_password_is_right_against_what_was_made_of_it_and_nothing_else() {
        let (passwords, _) = cheap();
        let kept = passwords.hash(password("right horse")).await.unwrap();
        let again = passwords.hash(password("right horse")).await.unwrap();
        assert_ne!(kept, again, "each has a salt of its own");
        for (raw, expected) in [("right horse", true), ("Right horse", false), ("", false)] {
            let is_right = passwords.is_right(password(raw), Some(kept.clone())).await;
            assert_eq!(is_right, Ok(expected), "{raw}");
        }
        let of_nobody = passwords.is_right(password("right horse"), None).await;
        assert_eq!(of_nobody, Ok(false));
    }

    #[tokio::test]
    async fn what_is_kept_names_argon2id_at_its_usual_costs() {
        let passwords = Passwords::new(Costs::USUAL, Arc::default());
        let kept = passwords.hash(password("right horse")).await.unwrap();
        let begins = "$argon2id$v=19$m=19456,t=2,p=1$";
        assert!(kept.as_text().starts_with(begins), "{}", kept.as_text());
    }

    #[tokio::test]
    async fn where_too_many_wait_already_one_is_asked_to_come_again() {
        let (passwords, metrics) = cheap();
        let all = Arc::clone(&passwords.line)
            .acquire_many_owned(u32::try_from(AT_A_TIME + WAITING_MAX).unwrap())
            .await
            .unwrap();
        let refused = passwords.hash(password("right horse")).await;
        assert_eq!(refused, Err(PasswordFault::Busy));
        assert_eq!(metrics.passwords_busy.get(), 1);
        drop(all);
        assert!(passwords.hash(password("right horse")).await.is_ok());
    }
}
