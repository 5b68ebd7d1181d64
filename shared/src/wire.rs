//! Messages and their bytes, in each dialect. No bytes make this panic; payloads are borrowed, never copied.

pub mod hocuspocus;
pub mod y_websocket;

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
