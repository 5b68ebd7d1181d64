//! The list of everyone who is in, by what they were let in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sheaf_core::room::{Input, MemberId};
use sheaf_shared::access::Role;
use sheaf_shared::ids::DocName;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::UnixMs;

use crate::app::directory::Version;
use crate::app::directory::facts::Key;
use crate::app::directory::secret::SecretHash;
use crate::app::gate::{Judged, Keys};
use crate::runtime::hub::RoomHandle;

/// See the module.
#[derive(Default)]
pub(crate) struct Held(Mutex<HashMap<MemberId, Holding>>);

/// Someone who is in.
struct Holding {
    keys: Keys,
    doc: DocName,
    room: RoomHandle,
    /// By facts of this age.
    version: Version,
    /// [`NEVER`]: what they came in by has no end.
    until: UnixMs,
    role: Role,
    is_guest: bool,
    is_by_tree: bool,
}

const NEVER: UnixMs = UnixMs(u64::MAX);

/// Everyone who brought the same to the same document, to be judged again.
pub(super) struct Due {
    pub(super) keys: Keys,
    pub(super) doc: DocName,
    pub(super) members: Vec<MemberId>,
}

/// Someone who is not on the list any more.
pub(super) struct Gone {
    member: MemberId,
    room: RoomHandle,
}

impl Gone {
    /// Has the room put them out.
    pub(super) fn put_out(&self, reason: CloseReason) {
        let member = self.member;
        self.room.tell(Input::PutOut { member, reason });
    }
}

impl Held {
    fn held(&self) -> MutexGuard<'_, HashMap<MemberId, Holding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is in.
    pub(crate) fn add(
        &self,
        member: MemberId,
        keys: Keys,
        doc: DocName,
        room: RoomHandle,
        judged: &Judged,
    ) {
        let holding = Holding {
            keys,
            doc,
            room,
            version: judged.version,
            until: judged.until.unwrap_or(NEVER),
            role: judged.role,
            is_guest: judged.is_guest,
            is_by_tree: judged.is_by_tree,
        };
        self.held().insert(member, holding);
    }

    /// Somebody is in no more.
    pub(crate) fn remove(&self, member: MemberId) {
        let mut held = self.held();
        held.remove(&member);
        // A crowd that has left leaves no memory behind.
        if held.len() * 8 < held.capacity() && held.capacity() > 256 {
            let len = held.len();
            held.shrink_to(len * 2);
        }
    }

    /// Somebody who is in showed something, perhaps something else, and was judged by it. The room hears of another role.
    pub(crate) fn show(&self, member: MemberId, keys: Keys, judged: Judged) {
        if let Some(holding) = self.held().get_mut(&member) {
            holding.keys = keys;
            holding.take(member, judged);
        }
    }

    /// When the first of all sessions, links and tokens ends that somebody is in by.
    pub(super) fn next_end(&self) -> Option<UnixMs> {
        let held = self.held();
        let first = held.values().map(|holding| holding.until).min();
        first.filter(|end| *end != NEVER)
    }

    /// The sessions by which somebody is in, each once, in ascending order.
    pub(super) fn sessions(&self) -> Vec<SecretHash> {
        let held = self.held();
        let keys = held.values().flat_map(|holding| holding.keys.iter());
        let sessions: BTreeSet<SecretHash> = keys
            .filter_map(|key| match key {
                Key::Session(session) => Some(session),
                Key::Nothing | Key::Local | Key::Token(_) => None,
            })
            .collect();
        sessions.into_iter().collect()
    }

    /// Those who were judged by older facts than these, whose time is over, or about whom a tree decides.
    pub(super) fn due(&self, version: Version, now: UnixMs) -> Vec<Due> {
        let held = self.held();
        let mut due: BTreeMap<(&Keys, &DocName), Vec<MemberId>> = BTreeMap::new();
        for (member, holding) in held.iter() {
            if holding.version < version || holding.until <= now || holding.is_by_tree {
                let alike = (&holding.keys, &holding.doc);
                due.entry(alike).or_default().push(*member);
            }
        }
        due.into_iter()
            .map(|((keys, doc), members)| Due {
                keys: keys.clone(),
                doc: doc.clone(),
                members,
            })
            .collect()
    }

    /// They were judged again and stay. Answers of how many the role is another one now.
    pub(super) fn renew(&self, members: &[MemberId], judged: Judged, version: Version) -> u64 {
        let mut held = self.held();
        let mut changed = 0;
        for member in members {
            let Some(holding) = held.get_mut(member) else {
                continue;
            };
            let newest = Judged {
                version: judged.version.max(version),
                ..judged
            };
            // One who showed something newer meanwhile was judged by that.
            if holding.version <= newest.version && holding.take(*member, newest) {
                changed += 1;
            }
        }
        changed
    }

    /// Takes those of `members` off the list who still are in by these keys.
    pub(super) fn take(&self, members: &[MemberId], keys: &Keys) -> Vec<Gone> {
        let mut held = self.held();
        let mut gone = Vec::new();
        for member in members {
            if held.get(member).is_some_and(|one| one.keys == *keys)
                && let Some(Holding { room, .. }) = held.remove(member)
            {
                let member = *member;
                gone.push(Gone { member, room });
            }
        }
        gone
    }

    /// Takes all guests off the list.
    pub(super) fn take_guests(&self) -> Vec<Gone> {
        let mut held = self.held();
        let guests = held.iter().filter(|(_, holding)| holding.is_guest);
        let guests: Vec<MemberId> = guests.map(|(member, _)| *member).collect();
        let gone = guests.into_iter().filter_map(|member| {
            let room = held.remove(&member)?.room;
            Some(Gone { member, room })
        });
        gone.collect()
    }
}

impl Holding {
    /// From now on this holds. Answers whether the role is another one; then the room hears of it.
    fn take(&mut self, member: MemberId, judged: Judged) -> bool {
        self.version = judged.version;
        self.until = judged.until.unwrap_or(NEVER);
        self.is_guest = judged.is_guest;
        self.is_by_tree = judged.is_by_tree;
        let is_another = self.role != judged.role;
        if is_another {
            self.role = judged.role;
            let role = judged.role;
            self.room.tell(Input::RoleChanged { member, role });
        }
        is_another
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::directory::secret::{SessionSecret, TokenSecret};
    use sheaf_shared::ids::Holder;

    fn session(number: u8) -> Key {
        Key::from(&SessionSecret::from_random([number; 32]))
    }

    #[test]
    fn sessions_by_which_somebody_is_in_are_named_once_and_only_while_they_are() {
        let held = Held::default();
        let token = Key::from(&TokenSecret::from_random([9; 32]));
        let all = [
            vec![session(1), Key::Local],
            vec![session(1)],
            vec![session(2), session(3)],
            vec![token],
        ];
        for (member, keys) in (1..).map(MemberId).zip(all) {
            let judged = Judged {
                role: Role::Editor,
                version: Version(1),
                until: None,
                is_guest: false,
                is_by_tree: false,
                whose: Holder::ANYONE,
            };
            let doc = DocName::parse("page").unwrap();
            held.add(member, Keys::new(keys), doc, RoomHandle::default(), &judged);
        }
        let mut expected = [session(1), session(2), session(3)];
        expected.sort();
        let named = || held.sessions().into_iter().map(Key::Session);
        assert!(named().eq(expected));
        held.remove(MemberId(1));
        assert_eq!(named().count(), 3, "the other tab is there");
        held.remove(MemberId(2));
        assert!(!named().any(|one| one == session(1)));
    }
}
