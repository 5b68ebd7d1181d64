//! What can happen to a room.

use std::sync::Arc;

use bytes::Bytes;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{Holder, Seq};
use sheaf_shared::sync::close::CloseReason;
pub use sheaf_shared::sync::peer::{ClientKind, Said};
pub use sheaf_shared::wire::exchange::{Known, LineKey};

use sheaf_shared::time::MonotonicMs;

use super::MemberId;
use crate::audit::StateDigest;
use crate::servers::ServerId;
pub use crate::servers::message::{Asks, HeardPresence, HeardRows};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Someone comes in.
    Join(Joining),
    /// Someone's connection is gone, or it closed the document. The same for a visit that was cut off.
    Leave(MemberId),
    /// A visit is over: it has been answered. Who came by it is here for a while longer, and is expected back.
    Parted(MemberId),
    /// A member said something.
    Said {
        /// Who.
        member: MemberId,
        /// What.
        said: Said,
    },
    /// A member may do something else now.
    RoleChanged {
        /// Who.
        member: MemberId,
        /// Its role from now on.
        role: Role,
    },
    /// A member may not be here any more.
    PutOut {
        /// Who.
        member: MemberId,
        /// What it is told.
        reason: CloseReason,
    },
    /// So many bytes of frames sent to a member are out of its queue: written to the socket, or dropped by
    /// [`super::Effect::DropQueued`]. Report once a write, not once a frame.
    Drained {
        /// Who.
        member: MemberId,
        /// Sum of the frames' lengths.
        bytes: usize,
    },
    /// Handling what this member said took this long, in microseconds. Only worth telling from a millisecond on.
    Worked {
        /// Who.
        member: MemberId,
        /// Microseconds.
        micros: u64,
    },
    /// The answer to [`super::Effect::Load`]: this is the document.
    Loaded(Stored),
    /// The answer to [`super::Effect::Load`]: the store was asked, and there is no such document.
    NeverExisted,
    /// The answer to [`super::Effect::Load`]: the store could not say.
    LoadFailed,
    /// The answer to [`super::Effect::Append`]: the rows are on disk.
    Appended {
        /// The append's.
        ticket: Ticket,
        /// The place of its last row; its rows have consecutive places.
        last: Seq,
    },
    /// The answer to [`super::Effect::Append`]: the rows are not, or not surely, on disk.
    AppendFailed {
        /// The append's.
        ticket: Ticket,
        /// Whether to try again.
        fault: StoreFault,
    },
    /// The answer to [`super::Effect::ReadSince`].
    Read(Rows),
    /// The answer to [`super::Effect::ReadSince`]: some of the rows are folded into a snapshot, and gone from the log.
    ReadFolded,
    /// The answer to [`super::Effect::ReadSince`]: the store could not say. It is asked again later.
    ReadFailed,
    /// The document's log is known to reach to this place. Rows of other servers are read then.
    Head(Seq),
    /// The store said that the log reaches to this place, asked at that time or later.
    HeadRead {
        /// The place.
        head: Seq,
        /// The time.
        asked_at: MonotonicMs,
    },
    /// Something about whether the copy is what is stored.
    Audit(Auditing),
    /// Other servers say something, or something became of them.
    Neighbour(Neighbour),
    /// The answer to [`super::Effect::Compact`]: the snapshot is committed.
    Compacted {
        /// The last row it holds.
        through: Seq,
        /// Its length.
        snapshot_bytes: usize,
    },
    /// The answer to [`super::Effect::Compact`]: another server committed a snapshot before.
    CompactedElsewhere {
        /// The last row it holds.
        through: Seq,
    },
    /// The answer to [`super::Effect::Compact`]: another server is at it.
    CompactionPutOff,
    /// The answer to [`super::Effect::Compact`]: it did not come about. The log is as it was.
    CompactionFailed,
    /// The server goes away: let nobody in, finish what is under way, send members off within this time.
    Drain {
        /// Milliseconds over which members are sent off.
        within_ms: u64,
    },
    /// End when nothing is under way any more ([`super::Effect::Ended`]). Given to a room without members.
    Retire,
    /// Time has passed; come at the latest when [`super::Effect::WakeAt`] said.
    Tick,
    /// More comes soon: nothing further goes to the store before [`Input::Gathered`], which follows in any case.
    Gather,
    /// That was all for now: what has gathered goes to the store together.
    Gathered,
}

/// What there is to know about whether a copy is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auditing {
    /// The answer to [`super::Effect::TakeStock`]: now is the time.
    TakeStock,
    /// The store may have lost what it had committed: another database took over, say.
    Doubt,
    /// The answer to [`super::Effect::Compare`].
    Compared(Verdict),
    /// The answer to [`super::Effect::Mend`]: the log lacks nothing any more.
    Mended,
    /// The answer to [`super::Effect::Mend`]: it may still lack something. It is tried again.
    MendFailed,
}

/// What a comparison with the store said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The log makes this copy.
    Same,
    /// It does not.
    Differs,
    /// That could not be found out now.
    Unknown,
}

/// News of the other servers that may have the document open. All of it may be late, come twice, or not at all.
#[derive(Clone, Debug)]
pub enum Neighbour {
    /// They can be told things from now on, and are expected to tell what they do. Said again when they could not be
    /// reached for a while. A room that never hears this asks nothing of them.
    Reachable,
    /// They can't be told anything for now.
    Unreachable,
    /// Rows that one of them committed, from a sender that is one: they are in the log.
    Rows(HeardRows),
    /// Who is at another server.
    Presence {
        /// Which server.
        by: ServerId,
        /// Who.
        presence: HeardPresence,
    },
    /// What another server's copy holds.
    State {
        /// How far it is.
        seq: Seq,
        /// What it holds there.
        digest: StateDigest,
    },
    /// A server is gone, and everyone who came by it.
    Gone(ServerId),
}

/// Someone who comes in.
#[derive(Clone, Debug)]
pub struct Joining {
    /// Its name from now on.
    pub member: MemberId,
    /// Its dialect.
    pub speaks: Speaks,
    /// What it may do.
    pub role: Role,
    /// Who it is. Nobody else takes over its presence, nor writes under an id it is here by.
    pub whose: Holder,
    /// What it brings along if it comes for one exchange only.
    pub visit: Option<Box<Visit>>,
}

/// One exchange over plain HTTP: what a connection would remember, its client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Whose line of visits it is.
    pub line: LineKey,
    /// It has all rows up to here; `None` if its state vector must tell.
    pub place: Option<Seq>,
    /// Whose presence it knows, in ascending order of clients.
    pub known: Vec<Known>,
}

/// How to talk to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// y-websocket: a socket of its own for this document.
    YWebsocket,
    /// Hocuspocus: frames start with the address.
    Hocuspocus {
        /// `name`, or `name \0 session`.
        address: Arc<str>,
        /// What it understands.
        kind: ClientKind,
    },
}

/// A document as the store has it, read at one moment.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// The snapshot, if there is one: one update that holds all rows through `snapshot_through`.
    pub snapshot: Option<Bytes>,
    /// The last row the snapshot holds; 0 without one.
    pub snapshot_through: Seq,
    /// The rows after the snapshot, in order, without a gap.
    pub rows: Vec<Bytes>,
}

impl Stored {
    /// Bytes of the snapshot and the rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.snapshot.as_ref().map_or(0, Bytes::len)
            + self.rows.iter().map(Bytes::len).sum::<usize>()
    }
}

/// Rows of the log, read at one moment.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The place before the first row.
    pub after: Seq,
    /// The rows, in order, without a gap, up to the newest.
    pub rows: Vec<Bytes>,
}

/// Names one append of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Why an append has no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// Could not be stored now, or the answer was lost: it is tried again with the same bytes.
    Unavailable,
    /// The document has reached its limit: its senders are told, and nothing was stored.
    Full,
}
