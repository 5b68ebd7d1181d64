//! Why a document or a socket is closed, and what that means: try again, or stop.

/// Why the server ends a document's session or a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The server is going away; another, or the same one later, will answer.
    Moving,
    /// The document could not be read from the store. It may well exist.
    Unreadable,
    /// Too much is open or under way.
    Busy,
    /// The peer did not take what was sent to it for too long.
    TooSlow,
    /// Nothing was heard of the peer for too long.
    Silent,
    /// The peer did not say who it is in time.
    AuthTimeout,
    /// The server failed at this document and starts it afresh.
    Fault,
    /// The peer sends more than its share.
    TooMuch,
    /// The bytes are no message, or one that has no place here.
    Malformed,
    /// The update, state vector or presence was refused by the gate.
    Refused,
    /// An edit under an id by which somebody else is in the document.
    NotYours,
    /// A frame is longer than allowed.
    TooLong,
    /// Who it is could not be established.
    Unauthorized,
    /// May not read this document.
    Forbidden,
    /// The document was deleted.
    Gone,
    /// Was let in, and may not be here any more.
    Revoked,
}

/// What a client should do after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Dial again, with backoff.
    Retry,
    /// Do not dial by itself again: the answer would be the same.
    Stop,
}

/// All reasons, for reading a text back.
const ALL: [CloseReason; 16] = [
    CloseReason::Moving,
    CloseReason::Unreadable,
    CloseReason::Busy,
    CloseReason::TooSlow,
    CloseReason::Silent,
    CloseReason::AuthTimeout,
    CloseReason::Fault,
    CloseReason::TooMuch,
    CloseReason::Malformed,
    CloseReason::Refused,
    CloseReason::NotYours,
    CloseReason::TooLong,
    CloseReason::Unauthorized,
    CloseReason::Forbidden,
    CloseReason::Gone,
    CloseReason::Revoked,
];

impl CloseReason {
    /// The WebSocket close code. 4400–4499 means stop (but for 4408 and 4429); all others mean try again.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Moving => 1012,
            Self::Unreadable | Self::Fault => 1011,
            Self::Busy | Self::TooSlow => 1013,
            Self::Silent | Self::AuthTimeout => 4408,
            Self::TooMuch => 4429,
            Self::Malformed => 4400,
            Self::Refused => 4422,
            Self::NotYours => 4423,
            Self::TooLong => 1009,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::Gone => 4410,
            Self::Revoked => 4411,
        }
    }

    /// The reason as sent: lower case words, at most 123 bytes, the same in every release.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Moving => "server is going away",
            Self::Unreadable => "document could not be read",
            Self::Busy => "server is busy",
            Self::TooSlow => "reader is too slow",
            Self::Silent => "nothing was heard",
            Self::AuthTimeout => "no token in time",
            Self::Fault => "server fault",
            Self::TooMuch => "too many messages",
            Self::Malformed => "malformed message",
            Self::Refused => "message refused",
            Self::NotYours => "client id is somebody else's",
            Self::TooLong => "message is too long",
            Self::Unauthorized => "not signed in",
            Self::Forbidden => "not allowed",
            Self::Gone => "document was deleted",
            Self::Revoked => "access was taken back",
        }
    }

    /// Reads [`Self::text`] back; `None` for any other text.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        ALL.into_iter().find(|reason| reason.text() == text)
    }

    /// The reason a close code stands for; [`Self::Forbidden`] for a code that says stop and nothing else.
    #[must_use]
    pub fn of_code(code: u16) -> Self {
        ALL.into_iter()
            .find(|reason| reason.code() == code)
            .unwrap_or(match after_code(code) {
                After::Stop => Self::Forbidden,
                After::Retry => Self::Fault,
            })
    }

    /// What a client should do about it.
    #[must_use]
    pub const fn after(self) -> After {
        after_code(self.code())
    }
}

/// What a client should do after a socket closed with `code`.
#[must_use]
pub const fn after_code(code: u16) -> After {
    match code {
        1009 => After::Stop,
        4408 | 4429 => After::Retry,
        4400..=4499 => After::Stop,
        _ => After::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_back_from_its_text_and_fits_a_close_frame() {
        for reason in ALL {
            assert_eq!(CloseReason::of_text(reason.text()), Some(reason));
            assert!(reason.text().len() <= 123);
        }
    }

    #[test]
    fn a_server_that_moves_or_fails_is_dialled_again_and_one_that_forbids_is_not() {
        for reason in [
            CloseReason::Moving,
            CloseReason::Unreadable,
            CloseReason::Silent,
            CloseReason::TooMuch,
        ] {
            assert_eq!(reason.after(), After::Retry, "{reason:?}");
        }
        for reason in [
            CloseReason::Malformed,
            CloseReason::NotYours,
            CloseReason::Forbidden,
            CloseReason::Gone,
            CloseReason::Revoked,
        ] {
            assert_eq!(reason.after(), After::Stop, "{reason:?}");
        }
        assert_eq!(after_code(1006), After::Retry, "a cut line");
    }
}
