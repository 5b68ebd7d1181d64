//! Which channels are to be heard: those of the groups that a document is open of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use sheaf_shared::ids::DocName;

use crate::ports::{Channel, GROUPS};

/// A channel that nobody needs any more is listened to until so many are: another document of its group may open.
const SPARE_MAX: usize = 16;

/// See the module.
pub(super) struct Wanted(Mutex<Vec<Group>>);

#[derive(Clone, Copy, Default)]
struct Group {
    /// Documents of it that are open.
    open: usize,
    is_heard: bool,
}

/// What to listen to beside what is listened to, and what not any more.
pub(super) struct Changes {
    pub(super) more: Vec<Channel>,
    pub(super) less: Vec<Channel>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self(Mutex::new(vec![Group::default(); GROUPS.into()]))
    }
}

/// The channel of a document's group.
pub(super) fn channel_of(doc: &DocName) -> Channel {
    Channel::Group(group_of(doc))
}

/// Part of what servers of different releases must agree on: a checksum of the name.
fn group_of(doc: &DocName) -> u16 {
    let hash = crc32fast::hash(doc.as_str().as_bytes());
    // Below `GROUPS`, which fits.
    (hash % u32::from(GROUPS)) as u16
}

impl Wanted {
    fn groups(&self) -> MutexGuard<'_, Vec<Group>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document is open.
    pub(super) fn add(&self, doc: &DocName) {
        if let Some(group) = self.groups().get_mut(usize::from(group_of(doc))) {
            group.open += 1;
        }
    }

    /// It is not any more.
    pub(super) fn remove(&self, doc: &DocName) {
        if let Some(group) = self.groups().get_mut(usize::from(group_of(doc))) {
            group.open = group.open.saturating_sub(1);
        }
    }

    /// Nothing is listened to: the connection is a new one.
    pub(super) fn forget_heard(&self) {
        for group in self.groups().iter_mut() {
            group.is_heard = false;
        }
    }

    /// What is to change. It counts as done.
    pub(super) fn changes(&self) -> Changes {
        let mut groups = self.groups();
        let mut changes = Changes {
            more: Vec::new(),
            less: Vec::new(),
        };
        let spare = |group: &&Group| group.is_heard && group.open == 0;
        let is_too_much = groups.iter().filter(spare).count() > SPARE_MAX;
        for (number, group) in (0..GROUPS).zip(groups.iter_mut()) {
            let is_heard = group.open > 0 || (group.is_heard && !is_too_much);
            match (group.is_heard, is_heard) {
                (false, true) => changes.more.push(Channel::Group(number)),
                (true, false) => changes.less.push(Channel::Group(number)),
                _ => {}
            }
            group.is_heard = is_heard;
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(number: usize) -> DocName {
        DocName::parse(&format!("page-{number}")).unwrap()
    }

    #[test]
    fn only_groups_with_an_open_document_are_listened_to_and_some_a_while_longer() {
        let wanted = Wanted::default();
        wanted.add(&doc(1));
        wanted.add(&doc(1));
        assert_eq!(wanted.changes().more, [channel_of(&doc(1))]);
        assert_eq!(wanted.changes().more, []);
        wanted.remove(&doc(1));
        wanted.remove(&doc(1));
        assert_eq!(wanted.changes().less, []);
        for number in 2..400 {
            wanted.add(&doc(number));
        }
        assert!(wanted.changes().more.len() > 100);
        for number in 2..400 {
            wanted.remove(&doc(number));
        }
        assert!(wanted.changes().less.len() > 100);
        wanted.add(&doc(1));
        assert_eq!(wanted.changes().more, [channel_of(&doc(1))]);
        wanted.forget_heard();
        assert_eq!(wanted.changes().more, [channel_of(&doc(1))]);
    }

    /// Servers of different releases meet on the same channels.
    #[test]
    fn a_document_has_the_channel_it_always_had() {
        assert_eq!(
            channel_of(&doc(1)),
            Channel::Group(crc32fast::hash(b"page-1") as u16 % 256)
        );
    }
}
