//! Tokens: by what a program comes in, on behalf of whoever made it.

use sheaf_core::access::{ManageOwnAccount, Reach};
use sheaf_shared::ids::{SpaceId, TokenId};
use sheaf_shared::people::Name;
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::values;
use super::change::Change;
use super::secret::TokenSecret;
use super::{By, Directory, Granted, LIST_MAX, Undone, Whose};
use crate::ports::StorageFault;

/// Shortest pause, in milliseconds, between two notes that a token was used.
pub const TOKEN_TOUCH_EVERY_MS: u64 = 5 * 60 * 1_000;

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// What its maker calls it.
    pub label: Name,
    /// The one space it is for; `None`: all of its maker's.
    pub space: Option<SpaceId>,
    /// What it may do there.
    pub reach: Reach,
    /// When it ends; `None`: when it is taken back.
    pub ends_at: Option<UnixMs>,
}

/// A token, as its maker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id.
    pub token: TokenId,
    /// What it is for.
    pub terms: TokenTerms,
    /// When it was made.
    pub made_at: UnixMs,
    /// When it was used last, give or take [`TOKEN_TOUCH_EVERY_MS`].
    pub used_at: Option<UnixMs>,
}

/// Why a token was not made or taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// The account is not in use.
    #[error("there is no such person")]
    NoSuchPerson,
    /// There is no such space that its maker is a member of.
    #[error("there is no such space")]
    NoSuchSpace,
    /// This person has no such token, or took it back before.
    #[error("there is no such token")]
    NoSuchToken,
}

impl Directory<'_> {
    /// Makes a token.
    ///
    /// # Errors
    /// [`TokenError`]
    pub async fn add_token(
        &self,
        may: &Granted<ManageOwnAccount>,
        (token, secret): (TokenId, &TokenSecret),
        terms: TokenTerms,
        by: &By,
    ) -> Result<(), TokenError> {
        let maker = *may.id();
        let detail = terms.label.as_str().to_owned();
        let mut change = Change::of_rights(may.decided_at());
        if let Some(space) = terms.space {
            change = change.needs(
                "UPDATE space_member SET role = role WHERE space_id = $1 AND person_id = $2",
                values![space, maker],
                TokenError::NoSuchSpace,
            );
        }
        change
            .needs(
                "INSERT INTO token (secret_hash, token_id, person_id, label, space_id, reach, made_ms, ends_ms)
                 SELECT $1, $2, person_id, $3, $4, $5, $6, $7 FROM person
                 WHERE person_id = $8 AND standing = 0",
                values![
                    secret.hash(),
                    token,
                    terms.label,
                    terms.space,
                    terms.reach,
                    by.at,
                    terms.ends_at,
                    maker,
                ],
                TokenError::NoSuchPerson,
            )
            .noted(by, Deed::TokenMade, &Thing::Token(token), &detail)
            .make(self)
            .await
    }

    /// The tokens of a person that were not taken back, newest first; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn tokens_of(
        &self,
        whose: impl Into<Whose>,
    ) -> Result<Vec<TokenRecord>, StorageFault> {
        let Whose { user, .. } = whose.into();
        let sql = "SELECT token_id, label, space_id, reach, ends_ms, made_ms, used_ms FROM token
                   WHERE person_id = $1 AND revoked_ms IS NULL ORDER BY made_ms DESC, token_id LIMIT $2";
        self.list(sql, values![user, LIST_MAX], |row| {
            Ok(TokenRecord {
                token: row.need()?,
                terms: TokenTerms {
                    label: row.need()?,
                    space: row.may()?,
                    reach: row.need()?,
                    ends_at: row.may()?,
                },
                made_at: row.need()?,
                used_at: row.may()?,
            })
        })
        .await
    }

    /// Takes a token of one's own back.
    ///
    /// # Errors
    /// [`TokenError::NoSuchToken`]; another person's token is no such token.
    pub async fn revoke_token(
        &self,
        may: &Granted<ManageOwnAccount>,
        token: TokenId,
        by: &By,
    ) -> Result<(), TokenError> {
        let user = *may.id();
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE token SET revoked_ms = $1
                 WHERE token_id = $2 AND person_id = $3 AND revoked_ms IS NULL",
                values![by.at, token, user],
                TokenError::NoSuchToken,
            )
            .noted(by, Deed::TokenRevoked, &Thing::Token(token), "")
            .make(self)
            .await
    }

    /// Notes that a token is used, at most every [`TOKEN_TOUCH_EVERY_MS`].
    ///
    /// # Errors
    /// [`Undone`]
    pub async fn touch_token(&self, secret: &TokenSecret, at: UnixMs) -> Result<(), Undone> {
        let due = UnixMs(at.0.saturating_sub(TOKEN_TOUCH_EVERY_MS));
        Change::beside()
            .also(
                "UPDATE token SET used_ms = $1
                 WHERE secret_hash = $2 AND (used_ms IS NULL OR used_ms <= $3)",
                values![at, secret.hash(), due],
            )
            .make(self)
            .await
    }
}
