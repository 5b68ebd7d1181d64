//! What servers tell each other, and its bytes. Refuses whatever is not exactly one message.
//!
//! The form, version 1: version (one byte), kind (one byte), sender (eight bytes, the lowest first), and then by kind:
//! 1. rows: document, the place before them, how far the log reaches by that, how many rows, each behind its length.
//!    Without rows it only tells how far the log reaches.
//! 2. presence: whether an answer is wanted (0 or 1), document, payload as clients send it.
//! 3. heads: how many, and of each its document and how far its log reaches.
//! 4. a sign of life: its number.
//! 5. goodbye: nothing.
//! 6. state: document, how far the copy is, how its digest is made (one byte), the digest (16 bytes).
//! 7. rights: how often they have changed. Nobody's rights are told, only that it is time to look.
//! 8. presence, as 2, and then of how many clients it is told whose they are, and of each (eight bytes, the lowest first), in
//!    the order of the payload. Only where that is known of any: servers of a release before this kind do without.
//!
//! Numbers are LEB128; texts and payloads stand behind their length in bytes.

use bytes::Bytes;
use sheaf_shared::bytes::{ReadError, Reader, put_piece, put_text, put_var_uint};
use sheaf_shared::ids::{DocName, DocNameError, Holder, Seq};

use super::ServerId;
use crate::audit::{DIGEST_BYTES, StateDigest};

/// The form written here, and the only one read.
pub const VERSION: u8 = 1;
/// Longest message, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 512 * 1024;
/// Bytes of rows from which on they are not sent along: whoever needs them reads the store.
pub const ROWS_BYTES_MAX: usize = 32 * 1024;
/// Most rows that are sent along.
pub const ROWS_MAX: usize = 256;
/// Most documents in one list of heads.
pub const HEADS_MAX: usize = 1_024;

const ROWS: u8 = 1;
const PRESENCE: u8 = 2;
const HEADS: u8 = 3;
const BEAT: u8 = 4;
const GOODBYE: u8 = 5;
const STATE: u8 = 6;
const RIGHTS: u8 = 7;
const OWNED_PRESENCE: u8 = 8;

/// One message, and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who.
    pub from: ServerId,
    /// What.
    pub said: Said,
}

/// What one server tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Rows were committed.
    Rows {
        /// The document.
        doc: DocName,
        /// The rows.
        rows: HeardRows,
    },
    /// Who is here, as far as this server's own members go.
    Presence {
        /// The document.
        doc: DocName,
        /// Who.
        presence: HeardPresence,
    },
    /// How far documents have come that changed of late.
    Heads(Vec<(DocName, Seq)>),
    /// The sender lives. The number comes back to it with its own message.
    Beat(u64),
    /// The sender goes.
    Goodbye,
    /// What the sender's copy of a document holds.
    State {
        /// The document.
        doc: DocName,
        /// How far the copy is.
        seq: Seq,
        /// What it holds there.
        digest: StateDigest,
    },
    /// Someone's rights changed: this is how often that happened.
    Rights(u64),
}

/// Rows that another server committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeardRows {
    /// The place before the first.
    pub after: Seq,
    /// The place of the last, whether it is among them or not.
    pub through: Seq,
    /// All of them, or none if they are not sent along.
    pub rows: Vec<Bytes>,
}

/// Who is at another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeardPresence {
    /// As clients send it.
    pub payload: Bytes,
    /// Whose each client in it is, in its order; none where nobody is told apart.
    pub whose: Vec<Holder>,
    /// Whether the others shall say who is at theirs.
    pub asks: Asks,
}

/// Whether an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Tell who is at yours.
    ForOthers,
    /// No answer is wanted.
    Nothing,
}

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMessage {
    /// Longer than any message.
    #[error("it has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// Of a release that speaks otherwise.
    #[error("its form has version {0}")]
    OtherVersion(u8),
    /// A kind nobody knows.
    #[error("its kind is {0}")]
    UnknownKind(u8),
    /// It does not come apart.
    #[error("it is cut short or malformed")]
    Malformed(#[from] ReadError),
    /// A name no document has.
    #[error("it names no document")]
    BadName(#[from] DocNameError),
    /// Its parts do not fit each other.
    #[error("its parts do not fit each other")]
    Contradictory,
}

impl Message {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.put(&mut out);
        out
    }

    /// Appends its bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        let kind = match &self.said {
            Said::Rows { .. } => ROWS,
            Said::Presence { presence, .. } if presence.whose.is_empty() => PRESENCE,
            Said::Presence { .. } => OWNED_PRESENCE,
            Said::Heads(_) => HEADS,
            Said::Beat(_) => BEAT,
            Said::Goodbye => GOODBYE,
            Said::State { .. } => STATE,
            Said::Rights(_) => RIGHTS,
        };
        out.push(kind);
        out.extend_from_slice(&self.from.0.to_le_bytes());
        match &self.said {
            Said::Rows { doc, rows } => {
                put_text(out, doc.as_str());
                put_var_uint(out, rows.after.0);
                put_var_uint(out, rows.through.0);
                put_var_uint(out, rows.rows.len() as u64);
                for row in &rows.rows {
                    put_piece(out, row);
                }
            }
            Said::Presence { doc, presence } => put_presence(doc, presence, out),
            Said::Heads(heads) => {
                put_var_uint(out, heads.len() as u64);
                for (doc, seq) in heads {
                    put_text(out, doc.as_str());
                    put_var_uint(out, seq.0);
                }
            }
            Said::Beat(number) | Said::Rights(number) => put_var_uint(out, *number),
            Said::Goodbye => {}
            Said::State { doc, seq, digest } => {
                let (form, bytes) = digest.parts();
                put_text(out, doc.as_str());
                put_var_uint(out, seq.0);
                out.push(form);
                out.extend_from_slice(bytes);
            }
        }
    }

    /// Reads what [`Message::encode`] wrote. What it holds of `bytes` is shared with them.
    ///
    /// # Errors
    /// [`NoMessage`] for anything else. It takes no memory beyond what the bytes hold.
    pub fn decode(bytes: &Bytes) -> Result<Self, NoMessage> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(NoMessage::TooLong);
        }
        let mut reader = Reader::new(bytes);
        let version = reader.byte()?;
        if version != VERSION {
            return Err(NoMessage::OtherVersion(version));
        }
        let kind = reader.byte()?;
        let mut from = [0; 8];
        from.copy_from_slice(reader.take(8)?);
        let said = match kind {
            ROWS => read_rows(&mut reader, bytes)?,
            PRESENCE => read_presence(&mut reader, bytes)?,
            OWNED_PRESENCE => read_owned_presence(&mut reader, bytes)?,
            HEADS => read_heads(&mut reader)?,
            BEAT => Said::Beat(reader.var_uint()?),
            GOODBYE => Said::Goodbye,
            STATE => read_state(&mut reader)?,
            RIGHTS => Said::Rights(reader.var_uint()?),
            unknown => return Err(NoMessage::UnknownKind(unknown)),
        };
        if reader.left() > 0 {
            return Err(NoMessage::Contradictory);
        }
        let from = ServerId(u64::from_le_bytes(from));
        Ok(Self { from, said })
    }
}

fn put_presence(doc: &DocName, presence: &HeardPresence, out: &mut Vec<u8>) {
    out.push(u8::from(presence.asks == Asks::ForOthers));
    put_text(out, doc.as_str());
    put_piece(out, &presence.payload);
    if !presence.whose.is_empty() {
        put_var_uint(out, presence.whose.len() as u64);
        for whose in &presence.whose {
            out.extend_from_slice(&whose.0.to_le_bytes());
        }
    }
}

fn read_rows(reader: &mut Reader<'_>, bytes: &Bytes) -> Result<Said, NoMessage> {
    let doc = DocName::parse(reader.text()?)?;
    let after = Seq(reader.var_uint()?);
    let through = Seq(reader.var_uint()?);
    let count = reader.var_uint()?;
    let is_whole = count == 0 || after.plus(count) == through;
    if through < after || !is_whole || count > ROWS_MAX as u64 {
        return Err(NoMessage::Contradictory);
    }
    let mut rows = Vec::new();
    for _ in 0..count {
        rows.push(bytes.slice_ref(reader.piece()?));
    }
    let rows = HeardRows {
        after,
        through,
        rows,
    };
    Ok(Said::Rows { doc, rows })
}

fn read_presence(reader: &mut Reader<'_>, bytes: &Bytes) -> Result<Said, NoMessage> {
    let asks = match reader.byte()? {
        0 => Asks::Nothing,
        1 => Asks::ForOthers,
        _ => return Err(NoMessage::Contradictory),
    };
    let doc = DocName::parse(reader.text()?)?;
    let presence = HeardPresence {
        payload: bytes.slice_ref(reader.piece()?),
        whose: Vec::new(),
        asks,
    };
    Ok(Said::Presence { doc, presence })
}

fn read_owned_presence(reader: &mut Reader<'_>, bytes: &Bytes) -> Result<Said, NoMessage> {
    let mut said = read_presence(reader, bytes)?;
    let count = reader.var_uint()?;
    if let Said::Presence { presence, .. } = &mut said {
        for _ in 0..count {
            let mut whose = [0; 8];
            whose.copy_from_slice(reader.take(8)?);
            presence.whose.push(Holder(u64::from_le_bytes(whose)));
        }
    }
    if count == 0 {
        return Err(NoMessage::Contradictory);
    }
    Ok(said)
}

fn read_heads(reader: &mut Reader<'_>) -> Result<Said, NoMessage> {
    let count = reader.var_uint()?;
    if count > HEADS_MAX as u64 {
        return Err(NoMessage::Contradictory);
    }
    let mut heads = Vec::new();
    for _ in 0..count {
        let doc = DocName::parse(reader.text()?)?;
        heads.push((doc, Seq(reader.var_uint()?)));
    }
    Ok(Said::Heads(heads))
}

fn read_state(reader: &mut Reader<'_>) -> Result<Said, NoMessage> {
    let doc = DocName::parse(reader.text()?)?;
    let seq = Seq(reader.var_uint()?);
    let form = reader.byte()?;
    let mut bytes = [0; DIGEST_BYTES];
    bytes.copy_from_slice(reader.take(DIGEST_BYTES)?);
    let digest = StateDigest::from_parts(form, bytes);
    Ok(Said::State { doc, seq, digest })
}
