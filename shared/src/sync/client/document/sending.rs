//! Edits on their way to the server: each as it is made, or all that it lacks, in parts if that is much.

use std::collections::VecDeque;

use super::super::{Effect, Turn, UNDER_WAY_BYTES_MAX, UNDER_WAY_MESSAGES_MAX};
use super::{Document, Phase, send};
use crate::gate::update::in_parts;
use crate::ids::DocName;
use crate::limits::UPDATE_BYTES_MAX;
use crate::sync::facts::Refused;
use crate::wire::SyncMessage;
use crate::wire::hocuspocus::Message;

/// One message that awaits its status.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    pub(super) edits: usize,
    pub(super) bytes: usize,
    is_part: IsPart,
}

/// Parts of an answer that are still to be sent, as those before them are acknowledged.
#[derive(Debug)]
pub(super) struct ToCome {
    parts: VecDeque<Vec<u8>>,
    /// Edits in the parts, those under way among them. They are acknowledged with the last part.
    pub(super) edits: usize,
}

/// Whether a message is one of several that make an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsPart {
    Yes,
    No,
}

impl Document {
    pub(in crate::sync::client) fn edited(
        &mut self,
        doc: &DocName,
        update: &[u8],
        line_is_open: bool,
        turn: &mut Turn<'_>,
    ) {
        if !line_is_open || self.phase != Phase::Live || self.refused.is_some() {
            self.unsent += 1;
            return;
        }
        self.unsent += 1;
        if self.has_room_for(update) && update.len() <= self.part_bytes.whole_max {
            let edits = std::mem::take(&mut self.unsent);
            let sync = SyncMessage::Update(update);
            self.send_edits(doc, sync, edits, IsPart::No, turn);
        } else {
            self.phase = Phase::Holding;
            self.go_on(doc, turn);
        }
    }

    fn has_room_for(&self, update: &[u8]) -> bool {
        self.under_way.len() < UNDER_WAY_MESSAGES_MAX
            && (self.under_way_bytes == 0
                || self.under_way_bytes + update.len() <= UNDER_WAY_BYTES_MAX)
    }

    /// Sends an update, with which `edits` are acknowledged.
    fn send_edits(
        &mut self,
        doc: &DocName,
        sync: SyncMessage<'_>,
        edits: usize,
        is_part: IsPart,
        turn: &mut Turn<'_>,
    ) {
        let (SyncMessage::Step2(bytes) | SyncMessage::Update(bytes) | SyncMessage::Step1(bytes)) =
            sync;
        self.under_way_bytes += bytes.len();
        self.under_way.push_back(UnderWay {
            edits,
            bytes: bytes.len(),
            is_part,
        });
        send(doc, Message::Sync(sync), turn);
    }

    /// Sends `missing`, which holds every edit that is not under way: as one step 2, or in parts, of which the last is
    /// the step 2.
    pub(super) fn send_missing(&mut self, doc: &DocName, missing: Vec<u8>, turn: &mut Turn<'_>) {
        // Whatever is left of an earlier answer is in this one.
        let given_up = self.to_come.take().map_or(0, |to_come| to_come.edits);
        let edits = std::mem::take(&mut self.unsent) + given_up;
        let parts = match in_parts(missing, self.part_bytes) {
            Ok(parts) if parts.iter().all(|part| part.len() <= UPDATE_BYTES_MAX) => parts,
            Ok(_) => return self.take_back(doc, edits, Refused::TooLarge, turn),
            Err(_) => return self.take_back(doc, edits, Refused::Invalid, turn),
        };
        let is_one = parts.len() == 1;
        self.to_come = Some(ToCome {
            parts: parts.into(),
            edits,
        });
        self.send_parts(doc, turn);
        // What is written meanwhile must not overtake it.
        if !is_one || self.to_come.is_some() {
            self.phase = Phase::Holding;
        }
    }

    /// Sends as many of the parts as may be under way.
    pub(super) fn send_parts(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        while let Some(part) = self.next_part() {
            let is_last = |to_come: &mut ToCome| to_come.parts.is_empty();
            if let Some(to_come) = self.to_come.take_if(is_last) {
                let sync = SyncMessage::Step2(&part);
                self.send_edits(doc, sync, to_come.edits, IsPart::Yes, turn);
            } else {
                self.send_edits(doc, SyncMessage::Update(&part), 0, IsPart::Yes, turn);
            }
        }
    }

    /// The next part, if there is room for it. If not, something is under way, and its status brings us back.
    fn next_part(&mut self) -> Option<Vec<u8>> {
        let next = self.to_come.as_ref()?.parts.front()?;
        if self.has_room_for(next) {
            self.to_come.as_mut()?.parts.pop_front()
        } else {
            None
        }
    }

    /// A message was refused, and if it was a part, the others are of no use. Gives how many edits that concerns.
    pub(super) fn give_up_with(&mut self, refused: UnderWay) -> usize {
        if refused.is_part == IsPart::No {
            return refused.edits;
        }
        let to_come = self.to_come.take().map_or(0, |to_come| to_come.edits);
        let others = self.under_way.iter_mut();
        let others = others.filter(|sent| sent.is_part == IsPart::Yes);
        let others: usize = others.map(|sent| std::mem::take(&mut sent.edits)).sum();
        refused.edits + to_come + others
    }

    /// These edits did not reach the server's disk, and are not sent again by themselves.
    pub(super) fn take_back(
        &mut self,
        doc: &DocName,
        edits: usize,
        why: Refused,
        turn: &mut Turn<'_>,
    ) {
        self.unsent += edits;
        // An exchange that carried nothing of ours may be refused (a reader's deletions): nothing is at stake.
        if edits > 0 {
            self.refuse(doc, why, edits, turn);
        }
    }

    fn refuse(&mut self, doc: &DocName, why: Refused, edits: usize, turn: &mut Turn<'_>) {
        self.refused = Some(why);
        turn.out.push(Effect::Refused {
            doc: doc.clone(),
            why,
            edits,
        });
    }

    /// Edits were held back, and nothing is under way any more: now they can go.
    pub(super) fn go_on(&mut self, doc: &DocName, turn: &mut Turn<'_>) {
        if self.phase != Phase::Holding || !self.under_way.is_empty() {
            return;
        }
        if self.unsent > 0 {
            self.ask_again(doc, turn);
        } else {
            self.phase = Phase::Live;
        }
    }
}
