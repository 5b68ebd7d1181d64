//! The browser's end of the conversation, told frame by frame.
