//! Letters to people: invitations, and the way back in for who forgot a password.

use std::fmt;

use async_trait::async_trait;
use sheaf_shared::people::Email;

/// A letter. What it says may hold a secret, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// To whom.
    pub to: Email,
    /// What it is about, on one line.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter { … }")
    }
}

/// Why a letter was not sent. It names nobody and repeats nothing of the letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailFault {
    /// The mail server does not take letters for this address, and won't later either.
    #[error("the mail server refused the letter")]
    Refused,
    /// It could not be reached, or did not take it now. It may have been sent if its answer was lost.
    #[error("the mail server does not answer: {0}")]
    Away(String),
}

/// Sends letters.
#[async_trait]
pub trait Mail: Send + Sync + 'static {
    /// Hands a letter to the mail server. Answers when that has taken it.
    ///
    /// # Errors
    /// [`MailFault`]
    async fn send(&self, letter: Letter) -> Result<(), MailFault>;
}
