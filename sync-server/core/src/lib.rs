//! One open document on the server, as a pure state machine: input and time in, effects out.
