//! Messages and their bytes, in each dialect. No bytes make this panic; payloads are borrowed, never copied.
//!
//! Encoding puts exactly one message into a frame, because stable clients read only the first. Reading is
//! strict: bytes left behind a message are an error, but for the two places the dialects' modules name.
//! What a payload holds (an update, a state vector, presence) is for the [`gate`](crate::gate) to judge.

pub mod exchange;
pub mod hocuspocus;
pub mod y_websocket;

use crate::bytes::{ReadError, Reader, put_piece, put_var_uint};

/// The three sync messages every dialect carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMessage<'a> {
    /// "This is what I have; send me the rest." Holds a state vector.
    Step1(&'a [u8]),
    /// The answer to a step 1: one update.
    Step2(&'a [u8]),
    /// A new edit: one update.
    Update(&'a [u8]),
}

/// Bytes that are no message of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the message does.
    #[error("the message is cut short")]
    CutShort,
    /// A number does not fit, or has needless bytes.
    #[error("a number in the message is out of range")]
    BadNumber,
    /// Text that is not UTF-8.
    #[error("a text in the message is not UTF-8")]
    BadText,
    /// A message type this dialect does not have.
    #[error("unknown message type {0}")]
    UnknownType(u64),
    /// Bytes are left after the message.
    #[error("bytes are left after the message")]
    Trailing,
}

impl From<ReadError> for WireError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::CutShort => Self::CutShort,
            ReadError::BadNumber => Self::BadNumber,
            ReadError::BadText => Self::BadText,
        }
    }
}

const STEP_1: u64 = 0;
const STEP_2: u64 = 1;
const UPDATE: u64 = 2;

impl<'a> SyncMessage<'a> {
    /// Reads what stands behind the dialect's message type.
    fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        match reader.var_uint()? {
            STEP_1 => Ok(Self::Step1(reader.piece()?)),
            STEP_2 => Ok(Self::Step2(reader.piece()?)),
            UPDATE => Ok(Self::Update(reader.piece()?)),
            other => Err(WireError::UnknownType(other)),
        }
    }

    fn put(self, out: &mut Vec<u8>) {
        let (kind, payload) = match self {
            Self::Step1(version) => (STEP_1, version),
            Self::Step2(update) => (STEP_2, update),
            Self::Update(update) => (UPDATE, update),
        };
        put_var_uint(out, kind);
        put_piece(out, payload);
    }

    /// Bytes of the payload.
    const fn payload_len(self) -> usize {
        match self {
            Self::Step1(payload) | Self::Step2(payload) | Self::Update(payload) => payload.len(),
        }
    }
}

/// Refuses what is left behind a message.
fn expect_end(reader: &Reader<'_>) -> Result<(), WireError> {
    if reader.left() == 0 {
        Ok(())
    } else {
        Err(WireError::Trailing)
    }
}

/// Room, in bytes, for the types and lengths around a payload.
const OVERHEAD_BYTES: usize = 16;
