//! One message for many members: encoded once for each dialect and address, when first needed.

use std::sync::Arc;

use bytes::Bytes;
use sheaf_shared::wire::{SyncMessage, hocuspocus, y_websocket};

use super::input::Speaks;
use super::member::{Member, hocuspocus_frame};

/// What both dialects can say.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Step1(Bytes),
    Step2(Bytes),
    Update(Bytes),
    Awareness(Bytes),
}

/// A body and the frames made of it so far.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    body: Body,
    y_websocket: Option<Bytes>,
    /// Of the address asked for last: members without a session share theirs (the room sees to it), so this is the
    /// only one as a rule.
    hocuspocus: Option<(Arc<str>, Bytes)>,
}

impl Frames {
    pub(super) const fn new(body: Body) -> Self {
        Self {
            body,
            y_websocket: None,
            hocuspocus: None,
        }
    }

    /// The frame for a member that speaks so.
    pub(super) fn for_member(&mut self, speaks: &Speaks) -> Bytes {
        match speaks {
            Speaks::YWebsocket => self
                .y_websocket
                .get_or_insert_with(|| y_websocket_frame(&self.body))
                .clone(),
            Speaks::Hocuspocus { address, .. } => match &self.hocuspocus {
                Some((known, frame)) if Arc::ptr_eq(known, address) => frame.clone(),
                _ => {
                    let frame = hocuspocus_frame(address, hocuspocus_message(&self.body));
                    self.hocuspocus = Some((Arc::clone(address), frame.clone()));
                    frame
                }
            },
        }
    }

    /// Bytes held by the body and its frames.
    pub(super) fn bytes(&self) -> usize {
        let frames = self.y_websocket.as_ref().map_or(0, Bytes::len)
            + self.hocuspocus.as_ref().map_or(0, |(_, frame)| frame.len());
        frames + sync_or_awareness(&self.body).len()
    }
}

const fn sync_or_awareness(body: &Body) -> &Bytes {
    match body {
        Body::Step1(bytes) | Body::Step2(bytes) | Body::Update(bytes) | Body::Awareness(bytes) => {
            bytes
        }
    }
}

fn y_websocket_frame(body: &Body) -> Bytes {
    use y_websocket::Message;
    let message = match body {
        Body::Step1(version) => Message::Sync(SyncMessage::Step1(version)),
        Body::Step2(update) => Message::Sync(SyncMessage::Step2(update)),
        Body::Update(update) => Message::Sync(SyncMessage::Update(update)),
        Body::Awareness(payload) => Message::Awareness(payload),
    };
    message.to_vec().into()
}

fn hocuspocus_message(body: &Body) -> hocuspocus::Message<'_> {
    use hocuspocus::Message;
    match body {
        Body::Step1(version) => Message::Sync(SyncMessage::Step1(version)),
        Body::Step2(update) => Message::Sync(SyncMessage::Step2(update)),
        Body::Update(update) => Message::Sync(SyncMessage::Update(update)),
        Body::Awareness(payload) => Message::Awareness(payload),
    }
}

/// The frame that says "stored", kept for the address asked for last.
#[derive(Debug, Default)]
pub(super) struct StatusFrames {
    last: Option<(Arc<str>, Bytes)>,
}

impl StatusFrames {
    pub(super) fn stored(&mut self, member: &Member) -> Option<Bytes> {
        let Speaks::Hocuspocus { address, .. } = &member.speaks else {
            return None;
        };
        match &self.last {
            Some((known, frame)) if Arc::ptr_eq(known, address) => Some(frame.clone()),
            _ => {
                let frame = hocuspocus_frame(address, hocuspocus::Message::SyncStatus(true));
                self.last = Some((Arc::clone(address), frame.clone()));
                Some(frame)
            }
        }
    }
}
