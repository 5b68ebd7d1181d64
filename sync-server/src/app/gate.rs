//! From the keys somebody brings, and what they want to act on, to the proof that they may. Whoever serves people asks
//! here, be it for a request or for an open socket, and nowhere else.
//!
//! Nothing is decided here: the facts come from the [`Directory`], the decision from `sheaf_core::access`. What is added is
//! what callers would each have to get right: several keys at once, pages that nobody has claimed yet, what lies below a
//! shared page, and that a store which cannot be asked never means "no".

mod judging;
mod keys;
mod trees;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sheaf_core::access::{
    Account, Act, House, ManageOwnAccount, ManagePerson, Page, Refusal, Resident, Seat, Space, Who,
    WriteTree,
};
use sheaf_shared::ids::{DocName, PageId, SpaceId, UserId};
use sheaf_shared::space::Tree;
use sheaf_shared::time::{MonotonicMs, UnixMs};
use tokio::sync::Notify;

use super::directory::belonging::BelongingError;
use super::directory::facts::{About, Caller, Facts, Found, Key};
use super::directory::{Directory, Granted, Undone, Version};
use crate::ports::{StorageFault, Store};

pub use judging::{Ask, Judged, Shut};
pub use keys::{KEYS_MAX, Keys};
use trees::Trees;

/// How often, at most, something is tried that was decided by facts which changed meanwhile.
pub const TRIES_MAX: usize = 3;

/// How old, in milliseconds, the answer "there is no account" may be. It is renewed every few seconds while the store answers.
const NOBODY_FOR_MS: u64 = 60_000;

/// Why something may not be done now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// They may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// That could not be found out: the same may be asked again.
    #[error(transparent)]
    TryAgain(#[from] StorageFault),
}

/// See the module.
pub struct Gate {
    store: Arc<dyn Store>,
    trees: Trees,
    /// The newest version that was seen.
    seen: AtomicU64,
    /// When the store last said that there is no account, and one more; 0: it said otherwise, or was not asked yet.
    nobody_at: AtomicU64,
    /// Rung when there is something to look at.
    wake: Notify,
    /// What changed did so here.
    is_own_change: AtomicBool,
}

impl Gate {
    /// That of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            trees: Trees::new(Arc::clone(&store)),
            store,
            seen: AtomicU64::new(0),
            nobody_at: AtomicU64::new(0),
            wake: Notify::new(),
            is_own_change: AtomicBool::new(false),
        }
    }

    /// The directory; `None` if the store keeps none: then nobody ever has an account.
    #[must_use]
    pub fn directory(&self) -> Option<Directory<'_>> {
        Directory::of(self.store.as_ref())
    }

    /// Someone's rights were changed here: everyone who is in is looked at again, at once at this server and in a
    /// moment at all others. To be called after every change.
    pub fn changed(&self) {
        self.is_own_change.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// Another server says how far the version has come.
    pub(crate) fn hear(&self, version: Version) {
        if version > self.seen() {
            self.wake.notify_one();
        }
    }

    /// Something may have been missed.
    pub(crate) fn look_soon(&self) {
        self.wake.notify_one();
    }

    /// Waits until there is something to look at.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Whether what changed did so here; said once.
    pub(crate) fn take_own_change(&self) -> bool {
        self.is_own_change.swap(false, Ordering::AcqRel)
    }

    /// What changed here could not be told yet.
    pub(crate) fn keep_own_change(&self) {
        self.is_own_change.store(true, Ordering::Release);
    }

    /// The newest version that was seen.
    pub(crate) fn seen(&self) -> Version {
        Version(self.seen.load(Ordering::Acquire))
    }

    /// Asks the store where the version stands, and whether there is any account.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn look(&self, now: MonotonicMs) -> Result<Version, StorageFault> {
        let Some(directory) = self.directory() else {
            self.nobody_at.store(now.0 + 1, Ordering::Release);
            return Ok(Version::default());
        };
        let facts = directory.facts(Key::Local, About::Nobody).await?;
        let version = facts.caller.version;
        let before = self.seen.fetch_max(version.0, Ordering::AcqRel);
        // An answer that comes late must not say again what was so before.
        if version.0 >= before {
            let nobody_at = match facts.caller.who {
                Who::Local => now.0 + 1,
                _ => 0,
            };
            self.nobody_at.store(nobody_at, Ordering::Release);
        }
        Ok(version)
    }

    /// Whether it is known that there is no account, without asking.
    fn has_nobody(&self, now: MonotonicMs) -> bool {
        match self.nobody_at.load(Ordering::Acquire) {
            0 => false,
            at => now.0 < at.saturating_add(NOBODY_FOR_MS),
        }
    }

    /// Who brings these keys: the first that is known, or nobody.
    ///
    /// # Errors
    /// [`StorageFault`]: that is never nobody.
    pub async fn caller(&self, keys: &Keys) -> Result<Caller, StorageFault> {
        let mut callers: Vec<Caller> = self
            .ask(keys, &About::Nobody)
            .await?
            .into_iter()
            .map(|facts| facts.caller)
            .collect();
        let known = callers
            .iter()
            .position(|caller| caller.who != Who::Stranger);
        Ok(callers.swap_remove(known.unwrap_or(0)))
    }

    /// That `A` may be done to a page. One that nobody has yet is claimed for `claim`, or for the space of the token it is
    /// asked for with, if whoever asks may write there.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn page<A: Act<To = Page>>(
        &self,
        keys: &Keys,
        doc: &DocName,
        claim: Option<SpaceId>,
        now: UnixMs,
    ) -> Result<Granted<A>, Denied> {
        let about = About::Document(doc.clone());
        let mut facts = self.ask(keys, &about).await?;
        if self.claim_for_one(keys, doc, &facts, claim, now).await? {
            facts = self.ask(keys, &about).await?;
        }
        let mut refusal = Refusal::Unknown;
        for facts in &facts {
            let below = self.below_for(facts).await?;
            match facts.page(&below) {
                Some(page) => match Granted::to(&facts.caller, &page, now) {
                    Ok(granted) => return Ok(granted),
                    Err(why) => refusal = known_first(refusal, why),
                },
                None => continue,
            }
        }
        Err(refusal.into())
    }

    /// That `A` may be done to a space, or its tree.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn space<A: Act<To = Space>>(
        &self,
        keys: &Keys,
        space: SpaceId,
        now: UnixMs,
    ) -> Result<Granted<A>, Denied> {
        let facts = self.ask(keys, &About::Space(space)).await?;
        let found = facts.iter().filter_map(|facts| {
            let space = facts.space()?;
            Some((&facts.caller, space))
        });
        first_allowed(found, now)
    }

    /// That `A` may be done to something that needs no facts: the house, or a seat in it.
    ///
    /// # Errors
    /// [`Denied`]
    async fn known<A: Act>(
        &self,
        keys: &Keys,
        object: A::To,
        now: UnixMs,
    ) -> Result<Granted<A>, Denied>
    where
        A::To: Clone,
    {
        let facts = self.ask(keys, &About::Nobody).await?;
        let found = facts.iter().map(|facts| (&facts.caller, object.clone()));
        first_allowed(found, now)
    }

    /// That `A` may be done to the installation.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn house<A: Act<To = House>>(
        &self,
        keys: &Keys,
        now: UnixMs,
    ) -> Result<Granted<A>, Denied> {
        self.known(keys, House, now).await
    }

    /// That `A` may be done to a seat in the installation.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn seat<A: Act<To = Seat>>(
        &self,
        keys: &Keys,
        seat: Seat,
        now: UnixMs,
    ) -> Result<Granted<A>, Denied> {
        self.known(keys, seat, now).await
    }

    /// That somebody may change their own account, which is that of the first of their keys that has one.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn own_account(
        &self,
        keys: &Keys,
        now: UnixMs,
    ) -> Result<Granted<ManageOwnAccount>, Denied> {
        let facts = self.ask(keys, &About::Nobody).await?;
        let found = facts.iter().filter_map(|facts| {
            let user = facts.caller.who.user()?;
            Some((&facts.caller, Account { user }))
        });
        first_allowed(found, now)
    }

    /// That somebody may look after `user`.
    ///
    /// # Errors
    /// [`Denied`]
    pub async fn resident(
        &self,
        keys: &Keys,
        user: UserId,
        now: UnixMs,
    ) -> Result<Granted<ManagePerson>, Denied> {
        // First who asks, so that the person's office is no older.
        let facts = self.ask(keys, &About::Nobody).await?;
        let person = match self.directory() {
            Some(directory) => directory.person(user).await?,
            None => None,
        };
        let Some(office) = person.map(|person| person.office) else {
            return Err(Refusal::Unknown.into());
        };
        let found = facts
            .iter()
            .map(|facts| (&facts.caller, Resident { user, office }));
        first_allowed(found, now)
    }

    /// The tree of a space as it is stored, at most five seconds old. Empty if there is none.
    ///
    /// # Errors
    /// [`StorageFault`]: that is never an empty one.
    pub async fn tree(&self, space: SpaceId) -> Result<Arc<Tree>, StorageFault> {
        self.trees.tree(space).await
    }

    /// The pages below `page` that are not thrown away, by the tree of `space`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn below(
        &self,
        space: SpaceId,
        page: PageId,
    ) -> Result<BTreeSet<PageId>, StorageFault> {
        let tree = self.trees.tree(space).await?;
        let mut below: BTreeSet<PageId> = tree.subtree(page).into_iter().collect();
        below.remove(&page);
        below.retain(|page| !tree.is_binned(*page));
        Ok(below)
    }

    async fn below_for(&self, facts: &Facts) -> Result<BTreeSet<PageId>, StorageFault> {
        match facts.needs_tree() {
            None => Ok(BTreeSet::new()),
            Some((space, page)) => self.below(space, page).await,
        }
    }

    /// What each of the keys is to something, in their order.
    async fn ask(&self, keys: &Keys, about: &About) -> Result<Vec<Facts>, StorageFault> {
        let pairs = keys.iter().map(|key| (key, about.clone())).collect();
        self.facts_of(pairs).await
    }

    async fn facts_of(&self, pairs: Vec<(Key, About)>) -> Result<Vec<Facts>, StorageFault> {
        match self.directory() {
            Some(directory) => directory.facts_of(pairs).await,
            None => Ok(pairs
                .into_iter()
                .map(|(key, about)| alone(key, about))
                .collect()),
        }
    }

    /// Claims `doc`, which nobody has, for the first of these callers who may. Answers whether somebody has it now.
    async fn claim_for_one(
        &self,
        keys: &Keys,
        doc: &DocName,
        facts: &[Facts],
        wanted: Option<SpaceId>,
        now: UnixMs,
    ) -> Result<bool, StorageFault> {
        let Some(directory) = self.directory() else {
            return Ok(false);
        };
        for (key, facts) in keys.iter().zip(facts) {
            let of_token = match &facts.caller.who {
                Who::Program(program) => program.space,
                _ => None,
            };
            let (Found::Unclaimed, Some(user), Some(space)) =
                (facts.found, facts.caller.who.user(), wanted.or(of_token))
            else {
                continue;
            };
            let there = directory.facts(key, About::Space(space)).await?;
            let may = there
                .space()
                .is_some_and(|space| Granted::<WriteTree>::to(&there.caller, &space, now).is_ok());
            if !may {
                continue;
            }
            match directory.claim(doc, space, user, now).await {
                Ok(_) => return Ok(true),
                Err(BelongingError::Undone(Undone::Storage(fault))) => return Err(fault),
                // They may not any more.
                Err(_) => {}
            }
        }
        Ok(false)
    }
}

/// The first that is allowed; else the refusal of the first who may know of it.
fn first_allowed<'a, A: Act>(
    found: impl Iterator<Item = (&'a Caller, A::To)>,
    now: UnixMs,
) -> Result<Granted<A>, Denied> {
    let mut refusal = Refusal::Unknown;
    for (caller, object) in found {
        match Granted::to(caller, &object, now) {
            Ok(granted) => return Ok(granted),
            Err(why) => refusal = known_first(refusal, why),
        }
    }
    Err(refusal.into())
}

const fn known_first(one: Refusal, other: Refusal) -> Refusal {
    match one {
        Refusal::Known => Refusal::Known,
        Refusal::Unknown => other,
    }
}

/// What is known where there is no directory: whoever sits at the machine has everything, and nobody else anything.
fn alone(key: Key, about: About) -> Facts {
    let who = match key {
        Key::Local => Who::Local,
        Key::Nothing | Key::Session(_) | Key::Token(_) => Who::Stranger,
    };
    let is_page = matches!(&about, About::Document(doc) if !doc.is_like_a_tree());
    Facts {
        caller: Caller {
            version: Version::default(),
            who,
            name: None,
            colour: None,
            session: None,
        },
        found: if is_page {
            Found::Unclaimed
        } else {
            Found::Gone
        },
        about,
        root: None,
    }
}

/// An error that may say that something was decided by facts which changed meanwhile.
pub trait MayHaveMoved {
    /// Whether it says so.
    fn has_moved(&self) -> bool;
}

macro_rules! may_have_moved {
    ($($error:path)*) => {
        $(
            impl MayHaveMoved for $error {
                fn has_moved(&self) -> bool {
                    matches!(self, Self::Undone(Undone::Moved))
                }
            }
        )*
    };
}

may_have_moved! {
    super::directory::belonging::BelongingError
    super::directory::identities::IdentityError
    super::directory::invitations::InvitationError
    super::directory::links::LinkError
    super::directory::people::PersonError
    super::directory::sessions::SessionError
    super::directory::spaces::SpaceError
    super::directory::tokens::TokenError
}

/// Decides and does something, again if what it was decided by changed meanwhile; [`TRIES_MAX`] times at most.
///
/// # Errors
/// As `attempt` says at last.
pub async fn again<T, E: MayHaveMoved>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    for _ in 1..TRIES_MAX {
        match attempt().await {
            Err(error) if error.has_moved() => {}
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests;
