//! Plain text out.
