//! Positions that survive edits of others: carets, comments.
