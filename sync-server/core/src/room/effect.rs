//! What a room asks of whoever runs it.

use bytes::Bytes;
use sheaf_shared::ids::Seq;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::MonotonicMs;

use super::MemberId;
use super::input::{HeardPresence, HeardRows, Ticket};
use crate::audit::{StateDigest, Whole};

/// One thing to do. Effects are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Queue one binary message for a member, behind what is queued already. Everything that waits for a socket should
    /// go out in one write; [`super::Input::Drained`] tells when it has.
    Send {
        /// For whom.
        to: MemberId,
        /// The whole message; shared by all who get the same.
        frame: Bytes,
        /// Whether [`Effect::DropQueued`] may drop it.
        class: FrameClass,
    },
    /// Drop every frame of class [`FrameClass::Droppable`] that is queued for this member (of this document) and
    /// not yet handed to the socket, and count what was dropped into the next [`super::Input::Drained`].
    DropQueued {
        /// Whose.
        of: MemberId,
    },
    /// This member is out: after what is queued for it, close its socket (y-websocket, and Hocuspocus clients that
    /// know no close message) or forget the opening (it was sent its close message). The room forgot it already.
    Close {
        /// Who.
        member: MemberId,
        /// Why.
        reason: CloseReason,
    },
    /// Do not read from this member's socket for now. Its silence is not its fault meanwhile.
    StopReading {
        /// Whose.
        of: MemberId,
    },
    /// Read from it again.
    ResumeReading {
        /// Whose.
        of: MemberId,
    },
    /// Read the document from the store.
    Load,
    /// Append these rows to the document's log, all or none, in one durable commit.
    Append {
        /// Comes back in the answer.
        ticket: Ticket,
        /// One update each.
        rows: Vec<Bytes>,
    },
    /// Read the rows after this place: others were committed in between.
    ReadSince {
        /// The last place known.
        after: Seq,
    },
    /// Tell other servers of rows that were just committed, or how far the log reaches. May be lost.
    TellRows(HeardRows),
    /// Tell other servers who is here. May be lost.
    TellPresence(HeardPresence),
    /// Give [`super::Auditing::TakeStock`] soon: the room will look at all of its copy, which takes time with its size.
    TakeStock,
    /// Tell other servers what the copy holds. May be lost.
    TellState {
        /// How far it is.
        seq: Seq,
        /// What it holds there.
        digest: StateDigest,
    },
    /// Another server has something else. Tell an operator; [`Effect::Compare`] may follow.
    Disagree {
        /// How far both are.
        seq: Seq,
        /// What this copy holds.
        own: StateDigest,
        /// What the other one holds.
        theirs: StateDigest,
    },
    /// Find out whether the store makes this.
    Compare {
        /// How far the copy is.
        seq: Seq,
        /// What it holds there.
        digest: StateDigest,
    },
    /// The log went back: what was appended got a place that was known to be taken. Tell an operator; [`Effect::Mend`]
    /// follows.
    LogWentBack {
        /// The place that was known.
        known: Seq,
        /// The last place that was given now.
        given: Seq,
    },
    /// The copy is not what the log makes, and is given up: write into the log what it lacks of the copy first.
    Mend {
        /// How far the copy was.
        through: Seq,
        /// All it holds.
        whole: Whole,
    },
    /// Worth compacting: replace the log through this place by a snapshot, reading from the store only, unless another
    /// server did.
    Compact {
        /// The last row to fold in.
        through: Seq,
        /// The last row of the newest snapshot that the room knows of.
        known: Seq,
    },
    /// This row of the log could not be applied. It was passed over and is still stored: put it aside for a person to
    /// look at. If [`Effect::Ended`] follows, the copy is unusable, and opening the document will meet the row again.
    BadRow {
        /// Its place; that of the snapshot's last row if it is the snapshot.
        at: Seq,
    },
    /// Rows of the log have waited for long for others that they build on. They are safe where they are, and not in the
    /// document; until what they wait for comes, the log can't be folded. Tell an operator.
    RowsWait {
        /// The first of them.
        first: Seq,
        /// How many.
        rows: usize,
    },
    /// Give [`super::Input::Tick`] at this time; it replaces what was asked before.
    WakeAt(MonotonicMs),
    /// Nothing is under way and nobody is here: drop the room. Comes after [`super::Input::Retire`] or a
    /// drain, or a load that failed.
    Ended,
}

/// What may be done with a queued frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameClass {
    /// Must arrive: acknowledgements are counted by the client.
    Kept,
    /// May be dropped when the reader lags: a catch-up follows.
    Droppable,
}
