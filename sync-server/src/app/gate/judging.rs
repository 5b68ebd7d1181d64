//! Who may open documents, and as what: many at once, for those who come in and again for those who are in.

use sheaf_core::access::{ReadPage, ReadSpace, Who};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, Holder, SpaceId};
use sheaf_shared::time::{MonotonicMs, UnixMs};

use super::{Gate, Keys};
use crate::app::directory::facts::{About, Facts, Found};
use crate::app::directory::{Granted, Version};
use crate::ports::StorageFault;

/// Somebody wants to open a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What they bring.
    pub keys: Keys,
    /// What they want.
    pub doc: DocName,
    /// Where it shall lie if nobody has it yet.
    pub claim: Option<SpaceId>,
}

/// As what somebody is let in, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What they may do.
    pub role: Role,
    /// How old the facts are.
    pub version: Version,
    /// When what they came in by ends if nothing is done about it.
    pub until: Option<UnixMs>,
    /// They came by a share link.
    pub is_guest: bool,
    /// The tree of a space decided, which may say something else in a moment without any change of rights.
    pub is_by_tree: bool,
    /// Who it is, among all who have this document open.
    pub whose: Holder,
}

/// Why somebody is kept out. It says nothing about the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// They are nobody, or nobody any more.
    Stranger,
    /// They may not know of this document, or there is none.
    Unknown,
}

impl Gate {
    /// The same as [`Gate::judge`] where nothing need be asked: whoever sits at the machine while there is no account, and who
    /// brings nothing at all.
    #[must_use]
    pub fn judge_now(
        &self,
        keys: &Keys,
        doc: &DocName,
        now: MonotonicMs,
    ) -> Option<Result<Judged, Shut>> {
        if keys.is_nothing() {
            return Some(Err(Shut::Stranger));
        }
        if !keys.has_local() || !self.has_nobody(now) {
            return None;
        }
        if doc.is_like_a_tree() && doc.space() != Some(SpaceId::HOME) {
            return Some(Err(Shut::Unknown));
        }
        Some(Ok(Judged {
            role: Role::Owner,
            version: self.seen(),
            until: None,
            is_guest: false,
            is_by_tree: false,
            whose: Holder::ANYONE,
        }))
    }

    /// As what each of these may open the document it asks for, or why not.
    ///
    /// # Errors
    /// [`StorageFault`]: that is never "no".
    pub async fn judge(
        &self,
        asks: &[Ask],
        now: UnixMs,
    ) -> Result<Vec<Result<Judged, Shut>>, StorageFault> {
        let mut pairs = Vec::new();
        for ask in asks {
            let about = About::Document(ask.doc.clone());
            pairs.extend(ask.keys.iter().map(|key| (key, about.clone())));
        }
        let facts = self.facts_of(pairs).await?;
        let mut rest = &facts[..];
        let mut judged = Vec::with_capacity(asks.len());
        for ask in asks {
            let (of_ask, others) = rest.split_at(ask.keys.iter().len());
            rest = others;
            judged.push(self.judge_one(ask, of_ask, now).await?);
        }
        Ok(judged)
    }

    async fn judge_one(
        &self,
        ask: &Ask,
        facts: &[Facts],
        now: UnixMs,
    ) -> Result<Result<Judged, Shut>, StorageFault> {
        let is_free = facts.iter().any(|facts| facts.found == Found::Unclaimed);
        let claiming = self.claim_for_one(&ask.keys, &ask.doc, facts, ask.claim, now);
        if is_free && claiming.await? {
            let about = About::Document(ask.doc.clone());
            let facts = self.ask(&ask.keys, &about).await?;
            return self.first_let_in(&facts, now).await;
        }
        self.first_let_in(facts, now).await
    }

    async fn first_let_in(
        &self,
        facts: &[Facts],
        now: UnixMs,
    ) -> Result<Result<Judged, Shut>, StorageFault> {
        for facts in facts {
            let is_by_tree = facts.needs_tree().is_some();
            let below = self.below_for(facts).await?;
            let role = match (facts.page(&below), facts.space()) {
                (Some(page), _) => Granted::<ReadPage>::to(&facts.caller, &page, now)
                    .ok()
                    .map(|may| may.role()),
                (None, Some(space)) => Granted::<ReadSpace>::to(&facts.caller, &space, now)
                    .ok()
                    .map(|may| may.role()),
                (None, None) => None,
            };
            if let Some(role) = role {
                return Ok(Ok(Judged {
                    role,
                    version: facts.caller.version,
                    until: facts.caller.who.until(),
                    is_guest: matches!(facts.caller.who, Who::Guest(_)),
                    is_by_tree,
                    whose: whose(&facts.caller.who),
                }));
            }
        }
        let mut callers = facts.iter().map(|facts| &facts.caller);
        Ok(Err(if callers.any(|caller| caller.who.is_in_use(now)) {
            Shut::Unknown
        } else {
            Shut::Stranger
        }))
    }
}

/// The same for all that one account does, in person and by its programs. Guests of one link are not told apart: one of them
/// who enters again is in by another session, and goes on with what this device kept of the link.
fn whose(who: &Who) -> Holder {
    match (who.user(), who) {
        (Some(user), _) => Holder::of_account(user.to_bits()),
        (None, Who::Guest(guest)) => Holder::of_link(guest.link.to_bits()),
        (None, _) => Holder::ANYONE,
    }
}
